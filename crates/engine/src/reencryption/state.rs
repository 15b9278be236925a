//! The life of a job, and the one table of legal moves.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Where a job stands; each variant holds what is true only then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Asked for; its ranges are not cut yet.
    Planned,
    Running,
    Paused {
        by: PausedBy,
        why: String,
        since: Timestamp,
    },
    Completed,
    /// It cannot be carried on, and says why.
    Failed {
        why: String,
    },
    Cancelled {
        why: String,
    },
}

/// Who paused it. What the breaker paused, only a person resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    Breaker,
    Person,
}

impl PausedBy {
    /// The word in the API.
    pub fn label(self) -> &'static str {
        match self {
            Self::Breaker => "breaker",
            Self::Person => "person",
        }
    }
}

/// The kinds of state, for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobPhase {
    Planned,
    Running,
    Paused,
    Completed,
    Failed,
    Cancelled,
}

impl JobPhase {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Planned,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// What may follow. Staying is not a move.
    pub fn may_become(self) -> &'static [Self] {
        match self {
            Self::Planned => &[Self::Running, Self::Paused, Self::Failed, Self::Cancelled],
            Self::Running => &[Self::Paused, Self::Completed, Self::Failed, Self::Cancelled],
            // Planned again: what never began has no ranges yet.
            Self::Paused => &[Self::Planned, Self::Running, Self::Cancelled],
            Self::Completed | Self::Failed | Self::Cancelled => &[],
        }
    }
}

impl JobState {
    /// Its kind.
    pub fn phase(&self) -> JobPhase {
        match self {
            Self::Planned => JobPhase::Planned,
            Self::Running => JobPhase::Running,
            Self::Paused { .. } => JobPhase::Paused,
            Self::Completed => JobPhase::Completed,
            Self::Failed { .. } => JobPhase::Failed,
            Self::Cancelled { .. } => JobPhase::Cancelled,
        }
    }

    /// The word in the API.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused { .. } => "paused",
            Self::Completed => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Nothing more will happen.
    pub fn is_terminal(&self) -> bool {
        self.phase().may_become().is_empty()
    }

    /// The move, if the table has it.
    ///
    /// # Errors
    /// [`IllegalJobMove`].
    pub fn become_next(&self, next: Self) -> Result<Self, IllegalJobMove> {
        if self.phase().may_become().contains(&next.phase()) {
            Ok(next)
        } else {
            Err(IllegalJobMove {
                from: self.label(),
                to: next.label(),
            })
        }
    }
}

/// The table has no such move.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot become {to}")]
pub struct IllegalJobMove {
    pub from: &'static str,
    pub to: &'static str,
}

impl From<IllegalJobMove> for crate::rule::Refusal {
    fn from(error: IllegalJobMove) -> Self {
        Self::conflict("illegal_move", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_ended_and_everything_else_can_be_cancelled() {
        for phase in JobPhase::ALL {
            let next = phase.may_become();
            assert!(!next.contains(&phase));
            assert_eq!(next.contains(&JobPhase::Planned), phase == JobPhase::Paused);
            assert_eq!(next.is_empty(), !next.contains(&JobPhase::Cancelled), "{phase:?}");
        }
        assert!(JobState::Completed.become_next(JobState::Running).is_err());
        assert!(JobState::Planned.become_next(JobState::Running).is_ok());
    }
}
