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
//! - [`MacRing`] and [`SigningRing`] do the same for message authentication codes and signatures. A key has one
//!   [`Purpose`], which its [`Algorithm`] decides.
//! - [`ImportKeyPair`] and [`wrap_for_transfer`] take keys in and hand them out, wrapped for one receiver.
//! - [`RingCell`] holds the current view of a key for many threads: what was revoked is used by nobody any more.
//! - [`KeyState`] is the life of a version; [`legal_moves`] is the one table of what may follow what.
//! - [`RootKey`] wraps the wrapping keys; [`RootKeyRecord`] recognises a wrong one before it does harm.
//! - [`SecretBytes`] and [`SecretText`] hold plaintext: wiped on drop, never printed, cloned or serialised.
//!
//! What holds here:
//! - Each value has its own data key, used once; each wrap has its own derived key. No counter to run out.
//! - An envelope names its key and version, and no other key is ever tried.
//! - No input makes this crate panic: what does not open is an error with a name.
#![forbid(unsafe_code)]

mod algorithm;
mod cipher;
mod context;
mod envelope;
mod error;
mod key;
mod keyring;
mod mac;
mod passphrase;
mod public_key;
mod randomness;
mod reader;
mod ring_cell;
mod root_key;
mod secret;
mod signing;
mod state;
mod stream;
mod tag;
mod transfer;
mod versions;
mod wipe;

pub use algorithm::{Algorithm, Purpose, UnknownAlgorithm};
pub use context::Context;
pub use envelope::{EnvelopeHeader, Sealed, inspect};
pub use error::{InvalidKeyring, OpenError, RewrapError, SealError};
pub use key::{InvalidKeyId, KeyId, KeyMaterial, KeyVersion, VersionedKey, WrappingKey};
pub use keyring::Keyring;
pub use mac::MacRing;
pub use passphrase::{PassphraseCost, PassphraseError, PassphraseSalt, RootKeyOrigin, RootKeyRecord};
pub use public_key::PublicKey;
pub use randomness::Randomness;
pub use reader::Malformed;
pub use ring_cell::RingCell;
pub use root_key::{
    DamagedRecord, InvalidRootKey, OpenWrappingKeyError, RootKey, RootKeyFingerprint, RootSealError,
    WrongRootKey,
};
pub use secret::{NotText, SecretBytes, SecretText};
pub use signing::SigningRing;
pub use state::{IllegalMove, KeyState, UnknownKeyState, check_move, legal_moves};
pub use stream::{CHUNK_LENGTH, SEALED_CHUNK_LENGTH, StreamError, StreamKey, StreamOpener, StreamSealer};
pub use tag::{Tag, TagHeader, inspect_tag};
pub use transfer::{
    ExportError, ImportError, ImportKeyPair, TRANSFER_PUBLIC_KEY_LENGTH, Transfer, WRAPPED_TRANSFER_LENGTH,
    wrap_for_transfer,
};
