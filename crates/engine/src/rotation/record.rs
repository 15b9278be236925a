//! The log of a rotation: intent, act, outcome. It is the truth of what was tried; the stored state is its summary.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::RotationId;

/// One line of a rotation's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationRecord {
    pub rotation: RotationId,
    /// Dense from 1 within one rotation; given by the store.
    pub sequence: i64,
    pub at: Timestamp,
    pub event: RecordEvent,
}

/// An act on the world, each idempotent: already so is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The previous version is seen to log in and the undo is possible.
    Rehearse,
    /// The candidate is made, sealed and stored.
    Store,
    /// The issuer learns of the candidate.
    Issue,
    /// The candidate is seen to log in and to pass its probes.
    Verify,
    /// Everyone is handed the candidate.
    Promote,
    /// The old version is revoked at the issuer.
    Retire,
    /// The old version is seen to be refused while the new one logs in.
    ConfirmRefused,
    /// `in_place`: the previous value is set again.
    RestorePrevious,
    /// The previous version is seen to log in before the candidate is revoked.
    ProvePrevious,
    /// The candidate is revoked at the issuer.
    RevokeCandidate,
    /// The candidate is seen to be refused while the previous one logs in.
    ConfirmCandidateRefused,
}

impl Step {
    /// The word on the wire.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rehearse => "rehearse",
            Self::Store => "store",
            Self::Issue => "issue",
            Self::Verify => "verify",
            Self::Promote => "promote",
            Self::Retire => "retire",
            Self::ConfirmRefused => "confirm_refused",
            Self::RestorePrevious => "restore_previous",
            Self::ProvePrevious => "prove_previous",
            Self::RevokeCandidate => "revoke_candidate",
            Self::ConfirmCandidateRefused => "confirm_candidate_refused",
        }
    }
}

/// What a line of the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordEvent {
    /// Written before the act.
    Intended {
        step: Step,
        attempt: u32,
    },
    /// Written after it.
    Succeeded {
        step: Step,
        detail: String,
    },
    Failed {
        step: Step,
        class: ErrorClass,
        detail: String,
    },
    /// The state moved, named by labels.
    Moved {
        from: String,
        to: String,
        detail: String,
    },
    /// A person asked for something.
    Commanded {
        command: String,
        by: String,
        reason: String,
    },
    /// Rota waits, or goes on.
    Held {
        reason: String,
    },
    Released,
}

/// What kind of trouble an issuer gave; only transient ones are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// A login was refused.
    Authentication,
    /// The administrator may not do it.
    Permission,
    /// The issuer's own rules, or ours, forbid it.
    Policy,
    /// No answer, or none yet.
    Network,
    /// Something else stands where ours should.
    Conflict,
    /// Sent, but the answer never came: the act may have happened.
    UnknownOutcome,
}

impl ErrorClass {
    /// Trying again may help.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Network | Self::UnknownOutcome)
    }
}
