//! The states of a rotation and the one table of legal moves (§3).

use serde::{Deserialize, Serialize};

use crate::catalog::Strategy;
use crate::clock::Timestamp;

/// Where a rotation stands. What is true only in a state lives in that variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationState {
    Planned,
    AwaitingApproval,
    /// The way back was seen to be open; the issuer is untouched.
    Rehearsed,
    /// The candidate is sealed and stored; the issuer has not heard of it.
    Stored,
    /// The issuer accepts the candidate.
    Issued,
    /// The candidate was seen to log in and to pass its probes.
    Verified,
    Wave(Wave),
    /// Everyone is handed the new version.
    Promoted {
        at: Timestamp,
    },
    /// Both versions valid; the old one is kept at least until `until`.
    Grace {
        since: Timestamp,
        until: Timestamp,
    },
    /// The old version is being revoked and proven dead.
    Retiring {
        revoked: bool,
    },
    Completed,
    RollingBack(Rollback),
    RolledBack {
        cause: RollbackCause,
    },
    Cancelled {
        reason: String,
    },
    /// A failed undo or a spent budget: a person decides. `before` is where it goes on.
    NeedsOperator {
        before: Box<RotationState>,
        problem: String,
        since: Timestamp,
    },
}

/// A slice of the fleet on the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Position in the policy's `waves`, from 0 (the canary).
    pub index: usize,
    /// When the soak began.
    pub since: Timestamp,
}

/// A way back in progress: the previous version is served to all from the moment this state is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    pub cause: RollbackCause,
    pub since: Timestamp,
    pub stage: RollbackStage,
    /// The issuer may know the candidate, so it must be revoked there.
    pub issuer_touched: bool,
}

/// Why a rotation went back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackCause {
    /// Detection saw consumers being refused with the candidate.
    Refusals {
        detail: String,
        /// When the first bad outcome arrived here.
        first_bad_at: Timestamp,
    },
    /// Rota's own probe of the candidate failed.
    Probe { detail: String },
    /// The issuer would not take or accept the candidate.
    Issuer { detail: String },
    /// A person asked.
    Person { by: String, reason: String },
}

impl RollbackCause {
    /// The reason in words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Refusals { detail, .. } | Self::Probe { detail } | Self::Issuer { detail } => {
                detail.clone()
            }
            Self::Person { by, reason } => format!("{by} rolled it back: {reason}"),
        }
    }
}

/// Steps of the way back, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackStage {
    /// Instances that held the candidate come back to the previous version.
    Draining,
    /// `in_place` only: the previous value is set at the issuer again.
    Restoring,
    /// The previous version is seen to log in, before anything is revoked.
    Proving,
    Revoking,
    Confirming,
}

impl RotationState {
    /// The word on the wire.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Rehearsed => "rehearsed",
            Self::Stored => "stored",
            Self::Issued => "issued",
            Self::Verified => "verified",
            Self::Wave(_) => "wave",
            Self::Promoted { .. } => "promoted",
            Self::Grace { .. } => "grace",
            Self::Retiring { .. } => "retiring",
            Self::Completed => "completed",
            Self::RollingBack(_) => "rolling_back",
            Self::RolledBack { .. } => "rolled_back",
            Self::Cancelled { .. } => "cancelled",
            Self::NeedsOperator { .. } => "needs_operator",
        }
    }

    /// Nothing moves any more.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Completed | Self::RolledBack { .. } | Self::Cancelled { .. }
        )
    }

    /// The way back has begun.
    pub fn is_rolling_back(&self) -> bool {
        matches!(self, Self::RollingBack(_))
    }

    /// The issuer may know the candidate: the intent to issue may have been acted upon.
    pub fn issuer_may_know_candidate(&self) -> bool {
        match self {
            Self::Planned | Self::AwaitingApproval | Self::Rehearsed | Self::Cancelled { .. } => false,
            Self::NeedsOperator { before, .. } => before.issuer_may_know_candidate(),
            Self::RollingBack(rollback) => rollback.issuer_touched,
            Self::Stored
            | Self::Issued
            | Self::Verified
            | Self::Wave(_)
            | Self::Promoted { .. }
            | Self::Grace { .. }
            | Self::Retiring { .. }
            | Self::Completed
            | Self::RolledBack { .. } => true,
        }
    }

    /// Detection watches from the first wave until the old version is being retired, paused and held included.
    pub fn is_watched(&self) -> bool {
        match self {
            Self::Wave(_) | Self::Promoted { .. } | Self::Grace { .. } => true,
            Self::NeedsOperator { before, .. } => before.is_watched(),
            _ => false,
        }
    }

    /// A person or detection may still send it back: until the old version is being revoked.
    pub fn may_roll_back(&self) -> bool {
        match self {
            Self::Planned
            | Self::AwaitingApproval
            | Self::Rehearsed
            | Self::Stored
            | Self::Issued
            | Self::Verified
            | Self::Wave(_)
            | Self::Promoted { .. }
            | Self::Grace { .. } => true,
            Self::NeedsOperator { before, .. } => before.may_roll_back(),
            Self::Retiring { .. }
            | Self::Completed
            | Self::RollingBack(_)
            | Self::RolledBack { .. }
            | Self::Cancelled { .. } => false,
        }
    }

    /// The one table of legal moves. `first` is a credential's first version: there is nothing to go back to.
    pub fn may_become(&self, next: &Self, strategy: Strategy, first: bool) -> bool {
        use RotationState as S;
        if let S::NeedsOperator { before, .. } = self {
            // Tried again where it stood, sent back, or ended by a person who says how.
            return next == before.as_ref() || before.may_become(next, strategy, first) || next.is_terminal();
        }
        if let S::NeedsOperator { before, .. } = next {
            return !self.is_terminal() && before.as_ref() == self;
        }
        match (self, next) {
            (S::Planned, S::AwaitingApproval | S::Cancelled { .. })
            | (S::AwaitingApproval, S::Cancelled { .. })
            | (S::Rehearsed, S::Stored | S::Cancelled { .. })
            | (S::Stored, S::Issued)
            | (S::Issued, S::Verified)
            | (S::Retiring { .. }, S::Retiring { .. } | S::Completed)
            | (S::RollingBack(_), S::RollingBack(_) | S::RolledBack { .. }) => true,
            (S::Planned | S::AwaitingApproval, S::Rehearsed) => !first,
            (S::Planned | S::AwaitingApproval, S::Stored) => first,
            (S::Verified, S::Wave(wave)) => !first && strategy != Strategy::InPlace && wave.index == 0,
            (S::Verified, S::Promoted { .. }) => first || strategy == Strategy::InPlace,
            (S::Wave(wave), S::Wave(later)) => later.index == wave.index + 1,
            (S::Wave(_), S::Promoted { .. }) => true,
            (S::Promoted { .. }, S::Grace { .. }) => !first && strategy != Strategy::InPlace,
            (S::Promoted { .. }, S::Completed) => first || strategy == Strategy::InPlace,
            (S::Grace { .. }, S::Grace { .. } | S::Retiring { .. }) => true,
            (before, S::RollingBack(_)) => before.may_roll_back(),
            _ => false,
        }
    }
}
