//! What to do with one record. Pure: bytes in, a verdict out.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring::{
    Context, KeyState, Keyring, Malformed, OpenError, RewrapError, SealError, Sealed, SecretBytes,
};
use sha2::{Digest, Sha256};

use crate::clock::Randomness;
use crate::id::KeyId;
use crate::ports::StoredRecord;
use crate::reencryption::model::{Encoding, FailureClass, Mode};
use crate::reencryption::template::ContextTemplate;
use crate::rule::Refusal;

/// All that moving needs of a key: its versions, open.
pub trait MovingKey: Send + Sync {
    /// As envelopes name it.
    fn id(&self) -> &str;
    /// The version that seals; None while it is suspended.
    fn active(&self) -> Option<u32>;
    /// The state of a version; None: there is no such version.
    fn state(&self, version: u32) -> Option<KeyState>;
    /// Wraps the data key anew.
    ///
    /// # Errors
    /// As [`Keyring::rewrap`].
    fn rewrap(&self, randomness: &dyn Randomness, envelope: &[u8]) -> Result<Sealed, RewrapError>;
    /// Opens also what a revoked version sealed.
    ///
    /// # Errors
    /// As [`Keyring::open_for_reencryption`].
    fn open_for_reencryption(&self, context: &Context, envelope: &[u8]) -> Result<SecretBytes, OpenError>;
    /// Seals under a fresh data key.
    ///
    /// # Errors
    /// As [`Keyring::seal`].
    fn seal(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError>;
}

impl MovingKey for Keyring {
    fn id(&self) -> &str {
        self.key_id().as_str()
    }

    fn active(&self) -> Option<u32> {
        self.active_version().map(keyring::KeyVersion::number)
    }

    fn state(&self, version: u32) -> Option<KeyState> {
        self.versions()
            .find(|(known, _)| known.number() == version)
            .map(|(_, state)| state)
    }

    fn rewrap(&self, randomness: &dyn Randomness, envelope: &[u8]) -> Result<Sealed, RewrapError> {
        Self::rewrap(self, randomness, envelope)
    }

    fn open_for_reencryption(&self, context: &Context, envelope: &[u8]) -> Result<SecretBytes, OpenError> {
        Self::open_for_reencryption(self, context, envelope)
    }

    fn seal(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        Self::seal(self, randomness, context, plaintext)
    }
}

/// Where open keys come from.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The key as this process knows it, to seal at most `uses` values with.
    ///
    /// # Errors
    /// No such key, sealed, no uses left, store away.
    async fn moving_key(&self, key: &KeyId, uses: u64) -> Result<Arc<dyn MovingKey>, Refusal>;

    /// The same, read anew: a version turned up that is not known here.
    ///
    /// # Errors
    /// As [`KeySource::moving_key`].
    async fn refreshed_key(&self, key: &KeyId, uses: u64) -> Result<Arc<dyn MovingKey>, Refusal>;
}

/// How the records of a job are to be treated.
#[derive(Clone, Copy, Debug)]
pub struct Treatment<'a> {
    pub mode: Mode,
    /// Only this version; None: any but the active one.
    pub from: Option<u32>,
    pub encoding: Encoding,
    pub context: &'a ContextTemplate,
}

/// The key and version that a record is under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: String,
    pub version: u32,
}

/// What to do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is under the active version, or not asked for.
    Current,
    /// Another key's: left alone.
    OtherKey,
    /// To be replaced by this, as it is to be stored.
    Swap(Vec<u8>),
    /// A dry run: it would be moved.
    WouldMove,
    /// A shadow run: what came out equals what was there.
    Shadowed,
    Failed {
        class: FailureClass,
        detail: String,
    },
}

impl Verdict {
    fn failed(class: FailureClass, detail: impl Into<String>) -> Self {
        Self::Failed {
            class,
            detail: detail.into(),
        }
    }
}

/// A record, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub seen: Option<Seen>,
    pub verdict: Verdict,
}

/// Judges one record.
///
/// # Errors
/// When the key has no version to seal with: that is nobody's fault, and the record waits.
pub fn judge(
    key: &dyn MovingKey,
    treatment: Treatment<'_>,
    record: &StoredRecord,
    randomness: &dyn Randomness,
) -> Result<Judged, SealError> {
    let Some(envelope) = decode(treatment.encoding, &record.stored) else {
        let detail = "it is no standard base64 text";
        return Ok(unseen(Verdict::failed(FailureClass::Malformed, detail)));
    };
    let header = match keyring::inspect(&envelope) {
        Ok(header) => header,
        Err(error) => return Ok(unseen(Verdict::failed(FailureClass::Malformed, in_words(error)))),
    };
    let seen = Seen {
        key: header.key_id.as_str().to_owned(),
        version: header.version.number(),
    };
    let verdict = if seen.key == key.id() {
        of_own(key, treatment, record, &envelope, seen.version, randomness)?
    } else {
        Verdict::OtherKey
    };
    Ok(Judged {
        seen: Some(seen),
        verdict,
    })
}

fn unseen(verdict: Verdict) -> Judged {
    Judged { seen: None, verdict }
}

fn in_words(error: Malformed) -> String {
    error.to_string()
}

fn of_own(
    key: &dyn MovingKey,
    treatment: Treatment<'_>,
    record: &StoredRecord,
    envelope: &[u8],
    version: u32,
    randomness: &dyn Randomness,
) -> Result<Verdict, SealError> {
    if treatment.mode == Mode::Scan {
        return Ok(Verdict::Current);
    }
    let is_chosen = match treatment.from {
        Some(from) => version == from,
        None => treatment.mode == Mode::Shadow || key.active() != Some(version),
    };
    if !is_chosen {
        return Ok(Verdict::Current);
    }
    let Some(state) = key.state(version) else {
        let detail = format!("version {version} of the key is not known");
        return Ok(Verdict::failed(FailureClass::UnknownVersion, detail));
    };
    if !state.may_open_for_reencryption() {
        let detail = format!("version {version} of the key is {state} and opens nothing");
        return Ok(Verdict::failed(FailureClass::VersionRefused, detail));
    }
    match treatment.mode {
        Mode::DryRun | Mode::Scan => Ok(Verdict::WouldMove),
        Mode::Shadow => shadow(key, treatment, record, envelope, randomness),
        // A data key that a revoked version wrapped is not trusted any more (KEY-13).
        Mode::Rewrap if state.may_open() => match key.rewrap(randomness, envelope) {
            Ok(sealed) => Ok(Verdict::Swap(encode(treatment.encoding, sealed.into_bytes()))),
            Err(RewrapError::Open(error)) => Ok(refused(&error)),
            Err(RewrapError::Seal(error)) => Err(error),
        },
        Mode::Rewrap | Mode::Reencrypt => {
            let context = Context::of_caller(treatment.context.fill(&record.fields));
            let plaintext = match key.open_for_reencryption(&context, envelope) {
                Ok(plaintext) => plaintext,
                Err(error) => return Ok(refused(&error)),
            };
            let sealed = key.seal(randomness, &context, plaintext.expose_bytes())?;
            Ok(Verdict::Swap(encode(treatment.encoding, sealed.into_bytes())))
        }
    }
}

/// Opens, seals anew, opens that, and compares digests. Nothing of it is kept.
fn shadow(
    key: &dyn MovingKey,
    treatment: Treatment<'_>,
    record: &StoredRecord,
    envelope: &[u8],
    randomness: &dyn Randomness,
) -> Result<Verdict, SealError> {
    let context = Context::of_caller(treatment.context.fill(&record.fields));
    let (before, after) = match key.open_for_reencryption(&context, envelope) {
        Ok(plaintext) => (
            Sha256::digest(plaintext.expose_bytes()),
            key.seal(randomness, &context, plaintext.expose_bytes())?,
        ),
        Err(error) => return Ok(refused(&error)),
    };
    match key.open_for_reencryption(&context, after.as_bytes()) {
        Ok(plaintext) if Sha256::digest(plaintext.expose_bytes()) == before => Ok(Verdict::Shadowed),
        Ok(_) => Ok(Verdict::failed(
            FailureClass::Differs,
            "sealed anew, it opens as something else",
        )),
        Err(error) => Ok(refused(&error)),
    }
}

fn refused(error: &OpenError) -> Verdict {
    let class = match error {
        OpenError::Malformed(_) => FailureClass::Malformed,
        OpenError::OtherKey { .. } => return Verdict::OtherKey,
        OpenError::UnknownVersion { .. } => FailureClass::UnknownVersion,
        OpenError::VersionRefused { .. } => FailureClass::VersionRefused,
        OpenError::NotAuthentic => FailureClass::NotAuthentic,
    };
    Verdict::failed(class, error.to_string())
}

fn decode(encoding: Encoding, stored: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    match encoding {
        Encoding::Raw => Some(stored.into()),
        Encoding::Base64 => STANDARD.decode(stored).ok().map(Into::into),
    }
}

fn encode(encoding: Encoding, envelope: Vec<u8>) -> Vec<u8> {
    match encoding {
        Encoding::Raw => envelope,
        Encoding::Base64 => STANDARD.encode(envelope).into_bytes(),
    }
}
