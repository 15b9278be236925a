//! What stands in the open before the sealed part: enough to find the key that opens the rest, and nothing secret.
//!
//! `"RBK" || format || u32(length) || JSON`. The JSON holds what the database keeps of its root key and of every
//! wrapping key (wrapped by the root key), and the key of this backup, sealed under a wrapping key. So a backup opens
//! with the root key alone, whatever form that has, and holds no key that the database did not hold sealed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring::{SecretBytes, StreamKey};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::BackupId;
use crate::ports::SecretRef;
use crate::recovery::BackupError;
use crate::seal::Sealer;

/// The first bytes of every backup: kind and format.
pub(crate) const START: [u8; 4] = *b"RBK\x01";
/// Thousands of wrapping key versions fit.
pub(crate) const LONGEST: u32 = 4 * 1024 * 1024;

/// One setting of the database that belongs to its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    pub setting: String,
    /// Standard base64.
    value: String,
}

impl KeyRecord {
    /// A setting as the store holds it.
    pub fn new(setting: String, value: &[u8]) -> Self {
        Self {
            setting,
            value: STANDARD.encode(value),
        }
    }

    /// The stored bytes.
    ///
    /// # Errors
    /// When the text is no base64.
    pub fn value(&self) -> Result<Vec<u8>, BackupError> {
        STANDARD
            .decode(&self.value)
            .map_err(|_| BackupError::Header(format!("the value of `{}` is no base64", self.setting)))
    }
}

/// What stands before the sealed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupHeader {
    pub backup: BackupId,
    /// The version of Rota that wrote it.
    pub rota: String,
    pub made_at: Timestamp,
    pub key_records: Vec<KeyRecord>,
    /// The key of the rest, sealed for this backup; standard base64.
    sealed_key: String,
}

impl BackupHeader {
    /// The header of a new backup.
    pub fn new(
        backup: BackupId,
        rota: &str,
        made_at: Timestamp,
        key_records: Vec<KeyRecord>,
        sealed_key: &[u8],
    ) -> Self {
        Self {
            backup,
            rota: rota.to_owned(),
            made_at,
            key_records,
            sealed_key: STANDARD.encode(sealed_key),
        }
    }

    /// The bytes before the sealed part.
    ///
    /// # Errors
    /// When it is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BackupError> {
        let json = serde_json::to_vec(self).map_err(|error| BackupError::Header(error.to_string()))?;
        let length = u32::try_from(json.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| BackupError::Header("it is too long".to_owned()))?;
        let mut bytes = START.to_vec();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&json);
        Ok(bytes)
    }

    /// Reads the JSON part.
    ///
    /// # Errors
    /// When it does not read.
    pub fn parse(json: &[u8]) -> Result<Self, BackupError> {
        serde_json::from_slice(json).map_err(|error| BackupError::Header(error.to_string()))
    }

    /// Where the key of a backup would stand if it stood in the store: its seal is bound to that.
    pub fn place(backup: &BackupId) -> SecretRef {
        SecretRef {
            table: "backup",
            row: backup.to_string(),
            field: "key",
        }
    }

    /// Opens the key of the rest.
    ///
    /// # Errors
    /// When the wrapping keys do not open it.
    pub fn open_key(&self, sealer: &Sealer) -> Result<StreamKey, BackupError> {
        let damaged = |what: &str| BackupError::Header(what.to_owned());
        let sealed = STANDARD
            .decode(&self.sealed_key)
            .map_err(|_| damaged("the sealed key is no base64"))?;
        let opened: SecretBytes = sealer
            .open_bytes(&Self::place(&self.backup), &sealed)
            .map_err(|error| BackupError::Header(error.to_string()))?;
        StreamKey::from_secret(&opened).ok_or_else(|| damaged("the sealed key has the wrong length"))
    }
}
