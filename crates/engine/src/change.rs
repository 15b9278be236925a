//! A change: everything that commits together (invariant 5). No audit entry, no change.

use crate::access::{Account, SignInLink, Token};
use crate::audit::AuditDraft;
use crate::catalog::{Consumer, Credential, Issuer, Version};
use crate::clock::Timestamp;
use crate::delivery::Instance;
use crate::freeze::Freeze;
use crate::id::{CredentialId, JobId, KeyId, RotationId};
use crate::key::{Key, KeyVersion};
use crate::name::Name;
use crate::ports::SecretRef;
use crate::recovery::{Backup, Rehearsal};
use crate::reencryption::{ApplicationBackup, Census, Job, Range, Target};
use crate::rotation::{RecordEvent, Rotation};

/// Writes, their audit entries and whom to wake, in one transaction.
///
/// `Insert…` refuses a taken name; `Update…` compares `revision` with the stored one, refuses when it differs,
/// and stores `revision + 1`.
#[derive(Debug, Default)]
pub struct Change {
    /// Only the holder of this lease may write (invariant 4).
    pub fence: Option<Fence>,
    pub writes: Vec<Write>,
    pub audit: Vec<AuditDraft>,
    /// Announced after the commit, on every replica.
    pub topics: Vec<Topic>,
}

/// A driver's lease on one rotation. A write with another token than the stored one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub rotation: RotationId,
    pub token: i64,
}

/// What changed, for those who wait.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// What is delivered for this credential may have changed.
    Credential(CredentialId),
    /// The rotation's page changes.
    Rotation(RotationId),
    /// The job's page changes.
    Reencryption(JobId),
    /// What may be done with this key may have changed.
    Key(KeyId),
    /// Anything else of the catalog: overview pages re-read.
    Catalog,
}

/// One write. The store gives records their sequence.
#[derive(Debug)]
pub enum Write {
    InsertIssuer(Issuer),
    UpdateIssuer(Issuer),
    /// Removes it, if it still has this revision and no credential names it.
    DeleteIssuer(Issuer),
    InsertConsumer(Consumer),
    UpdateConsumer(Consumer),
    /// Removes it, if it still has this revision.
    DeleteConsumer(Consumer),
    InsertCredential(Credential),
    UpdateCredential(Credential),
    /// Removes it with its versions and instances, if it still has this revision; refused with
    /// [`CommitError::RotationInProgress`] while a rotation of it is not terminal. Rotations that ended stay, as history.
    DeleteCredential(Credential),
    /// Inserts or replaces (credential, number).
    PutVersion(Version),
    /// Inserts or replaces the sealed bytes.
    PutSecret {
        at: SecretRef,
        sealed: Vec<u8>,
    },
    /// Removes the sealed bytes; removing what is gone succeeds.
    ShredSecret {
        at: SecretRef,
    },
    /// Refused with [`CommitError::RotationInProgress`] while another of the same credential is not terminal.
    InsertRotation(Box<Rotation>),
    UpdateRotation(Box<Rotation>),
    AppendRecord {
        rotation: RotationId,
        at: Timestamp,
        event: RecordEvent,
    },
    /// Writes nothing: the whole change is refused as stale unless the rotation still has this revision. A delivery
    /// says so, lest a rollback slip between choosing a version and handing it out. Needs no audit entry.
    ExpectRotation {
        rotation: RotationId,
        revision: i64,
    },
    /// Inserts or replaces (credential, consumer, instance).
    PutInstance(Instance),
    InsertKey(Box<Key>),
    /// Every change of a key or of its versions goes with this: its revision lets one of two through.
    UpdateKey(Box<Key>),
    /// Removes it with its versions, if it still has this revision.
    DeleteKey(Box<Key>),
    /// Inserts or replaces (key, number). What was counted of it stays as it is.
    PutKeyVersion(Box<KeyVersion>),
    InsertFreeze(Freeze),
    UpdateFreeze(Freeze),
    InsertAccount(Account),
    UpdateAccount(Account),
    InsertToken(Token),
    UpdateToken(Token),
    InsertSignInLink(SignInLink),
    UpdateSignInLink(SignInLink),
    /// A backup was made.
    InsertBackup(Backup),
    /// Refused as stale when another one follows the same rehearsal.
    InsertRehearsal(Rehearsal),
    UpdateRehearsal(Rehearsal),
    /// Inserts or replaces a value under a name: the salt, the wrapped wrapping keys, settings.
    PutSetting {
        key: String,
        value: Vec<u8>,
    },
    /// Replaces a value that still is `before`; the whole change is refused as stale otherwise.
    ReplaceSetting {
        key: String,
        before: Vec<u8>,
        after: Vec<u8>,
    },
    /// Inserts a value under a name that must be free, so that two starting processes cannot both win.
    InsertSetting {
        key: String,
        value: Vec<u8>,
    },
    InsertTarget(Box<Target>),
    UpdateTarget(Box<Target>),
    /// Removes it, if it still has this revision and no job of it is under way. Jobs that ended stay, as history.
    DeleteTarget(Box<Target>),
    /// Refused as [`CommitError::Taken`] while another job of the same target is not terminal.
    InsertJob(Box<Job>),
    UpdateJob(Box<Job>),
    /// Puts these ranges in the place of all that the job has. Whoever worked on one of those has lost its lease.
    ReplaceRanges {
        job: JobId,
        ranges: Vec<Range>,
    },
    /// Stores how far a range is, for the holder of this lease's token; stale for anybody else. Needs no audit entry.
    AdvanceRange {
        range: Box<Range>,
        token: i64,
    },
    PutCensus(Box<Census>),
    InsertApplicationBackup(Box<ApplicationBackup>),
    /// Removes it, if it still has this revision.
    DeleteApplicationBackup(Box<ApplicationBackup>),
}

impl Change {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more write.
    #[must_use]
    pub fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// With one more audit entry.
    #[must_use]
    pub fn audit(mut self, draft: AuditDraft) -> Self {
        self.audit.push(draft);
        self
    }

    /// With one more topic to announce.
    #[must_use]
    pub fn topic(mut self, topic: Topic) -> Self {
        self.topics.push(topic);
        self
    }

    /// Only under this lease.
    #[must_use]
    pub fn fenced(mut self, fence: Fence) -> Self {
        self.fence = Some(fence);
        self
    }
}

/// Why nothing of a change was stored.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Someone else changed it since it was read.
    #[error("{kind} `{key}` was changed by someone else")]
    Stale {
        /// The noun.
        kind: &'static str,
        /// Its id or name.
        key: String,
    },
    /// The name is in use.
    #[error("there is already a {kind} named `{name}`")]
    Taken {
        /// The noun.
        kind: &'static str,
        /// The name.
        name: Name,
    },
    /// One rotation per credential.
    #[error("rotation {0} of this credential is still under way")]
    RotationInProgress(RotationId),
    /// Another driver has taken over.
    #[error("another driver holds rotation {0}")]
    Fenced(RotationId),
    /// A change without an audit entry is a mistake of ours.
    #[error("a change without an audit entry is refused")]
    Unaudited,
    /// The database did not take it. Whether it did is unknown when `outcome_unknown`.
    #[error("the database is away: {detail}")]
    Unavailable {
        /// For the log.
        detail: String,
        /// The commit was sent and no answer came.
        outcome_unknown: bool,
    },
}

impl From<CommitError> for crate::rule::Refusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stale { .. } => Self::Stale,
            CommitError::Taken { .. } => Self::conflict("name_taken", error.to_string()),
            CommitError::RotationInProgress(ref rotation) => Self::RotationInProgress {
                rotation: rotation.clone(),
                detail: error.to_string(),
            },
            CommitError::Fenced(_) => Self::conflict("driver_changed", error.to_string()),
            CommitError::Unaudited => {
                Self::Unavailable("the change could not be audited, so it was not made".to_owned())
            }
            CommitError::Unavailable { .. } => Self::Unavailable(
                "the database is away; nothing was changed as far as we know, try again".to_owned(),
            ),
        }
    }
}
