//! Secrets at rest: the envelope, the versioned wrapping keys and the root key above them.
//!
//! This crate is pure. It does no IO, knows no clock, and gets its randomness as an argument
//! ([`Randomness`]), so it builds for wasm32 and every test of it can be repeated. The bytes it writes are
//! frozen and told one by one in `docs/keyring-format.md`.
//!
//! ```text
//! root key  --wraps-->  wrapping key, versions 1..n  --wraps-->  data key, one per value  --seals-->  value
//! ```
//!
//! - [`Keyring`] seals a value for a [`Context`] (table, row, field), opens it there and nowhere else, and
//!   rewraps it to the active version without opening it.
//! - [`KeyState`] is the life of a version; [`legal_moves`] is the one table of what may follow what.
//! - [`RootKey`] wraps the wrapping keys; [`RootKeyRecord`] recognises a wrong one before it does harm.
//! - [`SecretBytes`] and [`SecretText`] hold plaintext: wiped on drop, never printed, cloned or serialised.
//!
//! What holds here:
//! - Each value has its own data key, used once; each wrap has its own derived key. No counter to run out.
//! - An envelope names its key and version, and no other key is ever tried.
//! - No input makes this crate panic: what does not open is an error with a name.
#![forbid(unsafe_code)]

mod cipher;
mod context;
mod envelope;
mod key;
mod keyring;
mod passphrase;
mod randomness;
mod reader;
mod root_key;
mod secret;
mod state;

pub use context::Context;
pub use envelope::{EnvelopeHeader, Sealed, inspect};
pub use key::{InvalidKeyId, KeyId, KeyMaterial, KeyVersion, WrappingKey};
pub use keyring::{InvalidKeyring, Keyring, OpenError, RewrapError, SealError};
pub use passphrase::{PassphraseCost, PassphraseError, PassphraseSalt, RootKeyOrigin, RootKeyRecord};
pub use randomness::Randomness;
pub use reader::Malformed;
pub use root_key::{
    DamagedRecord, InvalidRootKey, OpenWrappingKeyError, RootKey, RootKeyFingerprint, RootSealError,
    WrongRootKey,
};
pub use secret::{NotText, SecretBytes, SecretText};
pub use state::{IllegalMove, KeyState, UnknownKeyState, check_move, legal_moves};
