//! Values that must not leak: wiped from memory on drop, and impossible to print, clone or serialise.
//!
//! They have no `Clone`, `Display`, `Serialize` or `PartialEq`; `Debug` prints `***`. Reading one takes a
//! method whose name starts with `expose_`, so every place that does can be found by searching for it.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::wipe::wipe_vec;

/// Secret bytes: a key, or an opened value.
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes the bytes over; they are wiped when this value is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be decrypted or filled where they lie.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The bytes themselves. Do not copy them into anything that outlives the borrow.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of bytes, which is not treated as secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that depends only on the lengths.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }

    /// Takes the bytes for text. Bytes that are not UTF-8 are wiped and refused.
    pub fn into_text(mut self) -> Result<SecretText, NotText> {
        match String::from_utf8(std::mem::take(&mut self.0)) {
            Ok(text) => Ok(SecretText::new(text)),
            Err(error) => {
                wipe_vec(&mut error.into_bytes());
                Err(NotText)
            }
        }
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        wipe_vec(&mut self.0);
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Secret text: a password or a token.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text over; it is wiped when this value is dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Do not copy it into anything that outlives the borrow.
    pub fn expose_text(&self) -> &str {
        &self.0
    }

    /// The number of bytes of the text, which is not treated as secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that depends only on the lengths.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// The one way to copy a secret. Not `Clone`, so that each copy is a decision somebody wrote down.
    pub fn duplicate(&self) -> Self {
        Self(Zeroizing::new(String::clone(&self.0)))
    }

    /// The same secret as bytes, ready to be sealed.
    pub fn into_bytes(mut self) -> SecretBytes {
        SecretBytes::new(std::mem::take(&mut *self.0).into_bytes())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The input edge: secrets may be read from a request or a file, and never written back.
impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message repeats what it found, and a password given as a number is still a password.
        String::deserialize(deserializer)
            .map(Self::new)
            .map_err(|_| D::Error::custom("a secret must be given as text"))
    }
}

/// The bytes are not UTF-8 text. Deliberately says nothing about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not UTF-8 text")]
pub struct NotText;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_secret() {
        let secret_text = SecretText::new("correct horse".to_owned());
        let secret_bytes = SecretBytes::new(b"battery staple".to_vec());
        assert_eq!(
            format!("{secret_text:?} {secret_bytes:#?} {:?}", Some(&secret_text)),
            "*** *** Some(***)"
        );
    }

    #[test]
    fn equality_is_by_content_and_length() {
        let left = SecretText::new("one".to_owned());
        assert!(left.ct_eq(&left.duplicate()));
        assert!(!left.ct_eq(&SecretText::new("two".to_owned())));
        assert!(!left.ct_eq(&SecretText::new("one ".to_owned())));
        assert!(left.into_bytes().ct_eq(&SecretBytes::new(b"one".to_vec())));
    }

    #[test]
    fn bytes_become_text_only_when_they_are_utf8() {
        let text = SecretBytes::new("pässwörd".as_bytes().to_vec())
            .into_text()
            .unwrap();
        assert_eq!(text.expose_text(), "pässwörd");
        assert_eq!(
            SecretBytes::new(vec![0xff, 0xfe]).into_text().unwrap_err(),
            NotText
        );
    }

    #[test]
    fn what_is_not_text_is_refused_without_repeating_it() {
        let secret: SecretText = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose_text(), "hunter2");
        for not_text in ["31337", "[\"31337\"]", "{\"31337\": 1}", "31337.5", "null"] {
            let refused = serde_json::from_str::<SecretText>(not_text)
                .unwrap_err()
                .to_string();
            assert!(refused.contains("a secret must be given as text"), "{refused}");
            assert!(!refused.contains("31337"), "{refused}");
        }
    }

    /// Does not compile if the type implements the trait: the call would be ambiguous.
    macro_rules! assert_lacks {
        ($trait:path: $($type:ty),+) => {{
            struct Implemented;
            trait Ambiguous<Marker> {
                fn call() {}
            }
            impl<Type: ?Sized> Ambiguous<()> for Type {}
            impl<Type: ?Sized + $trait> Ambiguous<Implemented> for Type {}
            $(<$type as Ambiguous<_>>::call();)+
        }};
    }

    #[test]
    fn secrets_lack_what_would_leak_them() {
        use crate::{KeyMaterial, Keyring, RootKey, WrappingKey};
        assert_lacks!(Clone: SecretBytes, SecretText, KeyMaterial, WrappingKey, Keyring, RootKey);
        assert_lacks!(fmt::Display: SecretBytes, SecretText, KeyMaterial, WrappingKey, Keyring, RootKey);
        assert_lacks!(serde::Serialize: SecretBytes, SecretText, KeyMaterial, WrappingKey, Keyring, RootKey);
        assert_lacks!(PartialEq: SecretBytes, SecretText, KeyMaterial, WrappingKey, Keyring, RootKey);
        assert_lacks!(AsRef<[u8]>: SecretBytes, SecretText, KeyMaterial, WrappingKey, Keyring, RootKey);
    }
}
