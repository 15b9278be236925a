//! Why keys do not make a ring, and why a ring did not do what it was asked.

use crate::algorithm::Algorithm;
use crate::key::{KeyId, KeyVersion};
use crate::reader::Malformed;
use crate::state::KeyState;

/// These versions do not make a ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyring {
    /// A version was given more than once.
    #[error("key {key_id} has version {version} twice; its versions must differ")]
    VersionTwice {
        /// The key.
        key_id: KeyId,
        /// The version that came twice.
        version: KeyVersion,
    },
    /// More than one version claims to be active.
    #[error("key {key_id} has two active versions, {first} and {second}; deprecate one of them")]
    TwoActive {
        /// The key.
        key_id: KeyId,
        /// One of the two.
        first: KeyVersion,
        /// The other one.
        second: KeyVersion,
    },
    /// The algorithm serves another purpose. A key has one purpose, for good.
    #[error(
        "key {key_id} is of algorithm {algorithm}, which serves another purpose than this; use a key made for it"
    )]
    OtherPurpose {
        /// The key.
        key_id: KeyId,
        /// Its algorithm.
        algorithm: Algorithm,
    },
    /// The 32 bytes of a version are no key of the algorithm.
    #[error(
        "version {version} of key {key_id} is no key of its algorithm; it was imported wrongly or damaged"
    )]
    NoKey {
        /// The key.
        key_id: KeyId,
        /// The version.
        version: KeyVersion,
    },
}

/// Why a value was not sealed, or a message not authenticated or signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No version may seal or sign now.
    #[error(
        "key {key_id} has no active version, so nothing can be sealed or signed; activate one or end its suspension"
    )]
    NoActiveVersion {
        /// The key.
        key_id: KeyId,
    },
    /// The value is longer than an envelope can hold.
    #[error("the value is too long to be sealed: an envelope holds at most 4 GiB")]
    TooLong,
}

/// Why a value was not opened, or a tag or signature not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bytes are no envelope, tag or signature of a kind that this key makes.
    #[error(transparent)]
    Malformed(Malformed),
    /// They name another key.
    #[error("it was made under key {found}, not under {expected}")]
    OtherKey {
        /// The key of this ring.
        expected: KeyId,
        /// The key that is named.
        found: KeyId,
    },
    /// They name a version that is not in this ring.
    #[error("version {version} of the key is not known here")]
    UnknownVersion {
        /// The version that is named.
        version: KeyVersion,
    },
    /// The version is known, and its state forbids this use.
    #[error("version {version} of the key is {state} and opens nothing")]
    VersionRefused {
        /// The version that is named.
        version: KeyVersion,
        /// The state that forbids it.
        state: KeyState,
    },
    /// Something was changed, or the context or the message is another one. They cannot be told apart.
    #[error("it does not open: it was changed, or it does not belong to this context or message")]
    NotAuthentic,
}

impl OpenError {
    /// Whether a view of the key that is out of date explains this: then reading the versions from the store
    /// once and trying again is worth while. (Another replica activates a version before we hear of it.)
    pub fn may_be_stale(&self) -> bool {
        match self {
            Self::UnknownVersion { .. } => true,
            Self::VersionRefused { state, .. } => *state == KeyState::PreActive,
            Self::Malformed(_) | Self::OtherKey { .. } | Self::NotAuthentic => false,
        }
    }
}

/// Why a data key was not wrapped anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewrapError {
    /// The envelope's own data key could not be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no version to wrap it with.
    #[error(transparent)]
    Seal(#[from] SealError),
}
