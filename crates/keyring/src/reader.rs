//! Reading bytes from front to back without ever reading past the end.

use crate::algorithm::{Algorithm, Purpose};
use crate::key::{KeyId, KeyVersion};

/// Why bytes are not what they are taken for. Decided from their shape alone, without any key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first three bytes are not those of this kind of record.
    #[error("this was not made by Rota: it does not begin with the expected three bytes")]
    NotOurs,
    /// The format is one this program does not know.
    #[error("format {0} is not known here; a newer Rota may have written it")]
    UnknownFormat(u8),
    /// The algorithm is one this program does not know, or not one of this key's.
    #[error("algorithm {0} is not known here or not this key's; a newer Rota may have written it")]
    UnknownAlgorithm(u8),
    /// The bytes end before the record does.
    #[error("the value is cut short: bytes are missing at its end")]
    Truncated,
    /// The bytes go on after the record has ended.
    #[error("the value is followed by bytes that do not belong to it")]
    TrailingBytes,
    /// The key id breaks the rule for key ids.
    #[error("the key id in the value is not a valid one")]
    InvalidKeyId,
    /// The version is 0, which no key has.
    #[error("the key version in the value is 0, and versions begin at 1")]
    InvalidVersion,
}

/// What is left to read.
pub(crate) struct Reader<'a> {
    whole: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(whole: &'a [u8]) -> Self {
        Self { whole, position: 0 }
    }

    /// Everything read so far.
    pub(crate) fn read_so_far(&self) -> &'a [u8] {
        self.whole.get(..self.position).unwrap_or_default()
    }

    /// Everything not read yet.
    pub(crate) fn left(&self) -> &'a [u8] {
        self.whole.get(self.position..).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let end = self.position.checked_add(length).ok_or(Malformed::Truncated)?;
        let taken = self.whole.get(self.position..end).ok_or(Malformed::Truncated)?;
        self.position = end;
        Ok(taken)
    }

    pub(crate) fn take_array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Malformed> {
        self.take(LENGTH)?.try_into().map_err(|_| Malformed::Truncated)
    }

    pub(crate) fn take_byte(&mut self) -> Result<u8, Malformed> {
        self.take_array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn take_u32(&mut self) -> Result<u32, Malformed> {
        self.take_array().map(u32::from_be_bytes)
    }

    /// The three bytes that tell the kind of record, then the format.
    pub(crate) fn expect_kind(&mut self, kind: [u8; 3], format: u8) -> Result<(), Malformed> {
        let start = self
            .whole
            .get(..kind.len().min(self.whole.len()))
            .unwrap_or_default();
        if !kind.starts_with(start) {
            return Err(Malformed::NotOurs);
        }
        self.take(kind.len())?;
        let found_format = self.take_byte()?;
        if found_format == format {
            Ok(())
        } else {
            Err(Malformed::UnknownFormat(found_format))
        }
    }

    pub(crate) fn expect_algorithm(&mut self, algorithm: u8) -> Result<(), Malformed> {
        let found_algorithm = self.take_byte()?;
        if found_algorithm == algorithm {
            Ok(())
        } else {
            Err(Malformed::UnknownAlgorithm(found_algorithm))
        }
    }

    /// The algorithm of a key with this purpose.
    pub(crate) fn take_algorithm(&mut self, purpose: Purpose) -> Result<Algorithm, Malformed> {
        let code = self.take_byte()?;
        Algorithm::from_code(code)
            .filter(|algorithm| algorithm.purpose() == purpose)
            .ok_or(Malformed::UnknownAlgorithm(code))
    }

    /// A key id, not copied.
    pub(crate) fn take_key_id(&mut self) -> Result<&'a str, Malformed> {
        let length = self.take_byte()?;
        let text = std::str::from_utf8(self.take(length.into())?).map_err(|_| Malformed::InvalidKeyId)?;
        KeyId::check(text).map_err(|_| Malformed::InvalidKeyId)
    }

    pub(crate) fn take_version(&mut self) -> Result<KeyVersion, Malformed> {
        KeyVersion::new(self.take_u32()?).ok_or(Malformed::InvalidVersion)
    }

    pub(crate) fn expect_end(&self) -> Result<(), Malformed> {
        if self.position == self.whole.len() {
            Ok(())
        } else {
            Err(Malformed::TrailingBytes)
        }
    }
}

/// Writes a key id as one byte of length and its text.
pub(crate) fn put_key_id(bytes: &mut Vec<u8>, key_id: &KeyId) {
    let text = key_id.as_str().as_bytes();
    // A KeyId has at most 127 bytes, so its length always fits.
    bytes.push(text.len() as u8);
    bytes.extend_from_slice(text);
}
