//! What is stored about the root of trust, and never the root: how it is had, and how it is recognised.

use keyring::{RootKeyOrigin, RootKeyRecord};
use serde::{Deserialize, Serialize};

use crate::seal::shares::ShareSet;
use crate::seal::unlock::UnlockError;

/// The bytes that a key's own record begins with; the others are JSON.
const KEY_RECORD: &[u8] = b"RKC";

/// Which root wrapped the wrapping keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootRecord {
    /// A key of 32 bytes: from a file, or made from a passphrase.
    Key(RootKeyRecord),
    /// A key of 32 bytes that people hold in shares.
    Shares(ShareSet),
    /// A machine that does the wrapping itself.
    Remote(RemoteRoot),
}

/// A machine of its own: a token, a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteRoot {
    /// The word for its kind, e.g. `pkcs11`.
    pub kind: String,
    /// Which key of which machine, as its own administrators name it. Never secret.
    pub name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Shares(ShareSet),
    Remote(RemoteRoot),
}

impl RootRecord {
    /// The record as it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let stored = match self {
            Self::Key(record) => return record.to_bytes(),
            Self::Shares(set) => Stored::Shares(set.clone()),
            Self::Remote(remote) => Stored::Remote(remote.clone()),
        };
        // Plain strings and numbers: writing them as JSON cannot fail.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// When it is damaged, or of a newer Rota.
    pub fn parse(bytes: &[u8]) -> Result<Self, UnlockError> {
        if bytes.starts_with(KEY_RECORD) {
            return Ok(Self::Key(RootKeyRecord::parse(bytes)?));
        }
        match serde_json::from_slice(bytes) {
            Ok(Stored::Shares(set)) => Ok(Self::Shares(set)),
            Ok(Stored::Remote(remote)) => Ok(Self::Remote(remote)),
            Err(error) => Err(UnlockError::Damaged(format!(
                "the record of the root key does not read: {error}"
            ))),
        }
    }

    /// How people call it.
    pub fn describe(&self) -> String {
        match self {
            Self::Key(record) => match record.origin() {
                RootKeyOrigin::Given => "a key file".to_owned(),
                RootKeyOrigin::Passphrase { .. } => "a passphrase".to_owned(),
            },
            Self::Shares(set) => format!(
                "{} shares of set {}, {} of which are needed",
                set.shares, set.id, set.threshold
            ),
            Self::Remote(remote) => format!("{} {}", remote.kind, remote.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_damaged_ones_are_refused() {
        let remote = RootRecord::Remote(RemoteRoot {
            kind: "pkcs11".to_owned(),
            name: "token rota, key root-1".to_owned(),
        });
        assert_eq!(RootRecord::parse(&remote.to_bytes()).unwrap(), remote);
        for damaged in [&b""[..], b"{}", b"RKC", b"{\"remote\":{\"kind\":1}}"] {
            assert!(RootRecord::parse(damaged).is_err(), "{damaged:?}");
        }
    }
}
