//! The root of trust: what wraps the wrapping keys, here or in a machine of its own (KEY-4).

use std::sync::Arc;

use async_trait::async_trait;
use keyring::{KeyId, KeyMaterial, KeyVersion};

use crate::seal::record::RootRecord;

/// Which wrapping key is wrapped. A wrapped key is bound to its place and opens at no other.
#[derive(Clone, Copy, Debug)]
pub struct WrapPlace<'a> {
    pub key_id: &'a KeyId,
    pub version: KeyVersion,
}

impl WrapPlace<'_> {
    /// The place as text, for associated data: `rota.store/3`.
    pub fn label(&self) -> String {
        format!("{}/{}", self.key_id, self.version)
    }
}

/// Why a root of trust did not do what it should. Never says anything about a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// It does not answer; trying again later may help.
    #[error("the root of trust does not answer: {0}")]
    Away(String),
    /// People hold it in shares.
    #[error("the root key is held in shares; enter {threshold} of {shares} to unseal")]
    NeedsShares { threshold: u8, shares: u8 },
    /// A person knows it.
    #[error("the root key comes from a passphrase, which is not at hand; enter it to unseal")]
    NeedsPassphrase,
    /// Another key than the one that wrapped what is here.
    #[error(transparent)]
    WrongKey(#[from] keyring::WrongRootKey),
    /// What is configured is another kind of root than the one that wrapped what is here.
    #[error(
        "this database was sealed under a root key from {stored}, but {given} was given; start with {stored}"
    )]
    Other { stored: String, given: String },
    /// It answers, and will not do it, or what it was given does not open.
    #[error("{0}")]
    Refused(String),
}

impl RootError {
    /// The server may start sealed and try again, or wait for people; anything else a person must mend first.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Away(_) | Self::NeedsShares { .. } | Self::NeedsPassphrase => true,
            Self::WrongKey(_) | Self::Other { .. } | Self::Refused(_) => false,
        }
    }
}

/// One root of trust, open.
///
/// Both operations may be repeated. Nothing is remembered of what was wrapped.
#[async_trait]
pub trait RootOfTrust: Send + Sync {
    /// The word for its kind, for people and metrics; nothing else matches on it.
    fn kind(&self) -> &'static str;
    /// Whether it stands elsewhere and may be away. What is here is never away.
    fn is_remote(&self) -> bool;
    /// Wraps one version of a wrapping key for its place.
    async fn wrap(&self, place: WrapPlace<'_>, material: &KeyMaterial) -> Result<Vec<u8>, RootError>;
    /// Opens what was wrapped for this place, and nothing else.
    async fn unwrap(&self, place: WrapPlace<'_>, wrapped: &[u8]) -> Result<KeyMaterial, RootError>;
    /// Whether it answers now.
    async fn check(&self) -> Result<(), RootError>;
}

/// A root and what is stored to find and recognise it.
pub type RootWithRecord = (Arc<dyn RootOfTrust>, RootRecord);

/// The roots that the operator configured. Reads files and asks machines each time; keeps nothing open itself.
#[async_trait]
pub trait Roots: Send + Sync {
    /// The configured root that `record` describes, whichever of them it is.
    async fn open(&self, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError>;
    /// The root for a database that has none yet; makes a key file where one is asked for.
    async fn first(&self) -> Result<RootWithRecord, RootError>;
    /// The root that a migration goes to, when one is configured.
    async fn next(&self) -> Result<Option<RootWithRecord>, RootError>;
}
