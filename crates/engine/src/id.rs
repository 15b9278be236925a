//! Identifiers: UUIDv7 as text, so that they sort by creation and need no coordination.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Randomness, Timestamp};

/// The text is not a UUID.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an id: expected a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct InvalidId(pub String);

fn generate_uuid(clock: &dyn Clock, randomness: &dyn Randomness) -> String {
    let mut random = [0; 10];
    randomness.fill(&mut random);
    let millis = u64::try_from(clock.now().as_micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A fresh id (UUIDv7, RFC 9562).
            pub fn generate(clock: &dyn Clock, randomness: &dyn Randomness) -> Self {
                Self(generate_uuid(clock, randomness))
            }

            /// Reads an id as it stands in a URL or a row.
            ///
            /// # Errors
            /// When the text is not a UUID.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let uuid = uuid::Uuid::try_parse(text).map_err(|_| InvalidId(text.to_owned()))?;
                Ok(Self(uuid.to_string()))
            }

            /// When it was generated; None for an id that carries no time.
            pub fn made_at(&self) -> Option<Timestamp> {
                let (seconds, nanos) = uuid::Uuid::try_parse(&self.0).ok()?.get_timestamp()?.to_unix();
                let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
                Some(Timestamp::from_micros(micros + i64::from(nanos / 1_000)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A migration from one root of trust to another.
    MigrationId
    /// A system that accepts credentials.
    IssuerId
    /// A service that uses credentials.
    ConsumerId
    /// Anything that grants access.
    CredentialId
    /// One change of one credential from a version to the next.
    RotationId
    /// A switch that makes scheduled rotations wait.
    FreezeId
    /// A person who signs in.
    AccountId
    /// A bearer token of a program, or of a consumer.
    TokenId
    /// A one-time link that signs a person in.
    SignInLinkId
    /// A sealed copy of the whole database.
    BackupId
    /// One import of a key.
    KeyImportId
    /// A key of callers; the envelopes under it name it.
    KeyId
    /// A place where callers keep values sealed with a key.
    TargetId
    /// One run over a target.
    JobId
    /// A copy that an application keeps of its data.
    ApplicationBackupId
    /// One backup restored elsewhere to see that it can be.
    RehearsalId
}
