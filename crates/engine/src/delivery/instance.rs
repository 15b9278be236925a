//! One running copy of a consumer.

use serde::{Deserialize, Serialize};

use crate::catalog::VersionNumber;
use crate::clock::Timestamp;
use crate::id::{CredentialId, RotationId};
use crate::name::Name;

/// What is durable about (credential, consumer, instance): what it was handed and what it acknowledged.
/// When it was last seen lives in memory; a restart counts every stored instance as just seen (§3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub credential: CredentialId,
    pub consumer: Name,
    /// The `X-Rota-Instance` header: at most 128 printable characters.
    pub instance: String,
    /// The newest version handed to it, written before the reply left.
    pub handed: Option<VersionNumber>,
    pub handed_at: Option<Timestamp>,
    /// Every version ever handed to it that may still be in its memory, for checking signals.
    pub versions_handed: Vec<VersionNumber>,
    /// It was handed the candidate of this rotation and stays in its cohort.
    pub cohort_of: Option<RotationId>,
    /// Its latest acknowledgement.
    pub acknowledged: Option<VersionNumber>,
    pub acknowledged_at: Option<Timestamp>,
    /// It said it could not load the version it was handed.
    pub load_error: Option<String>,
    pub first_seen_at: Timestamp,
}
