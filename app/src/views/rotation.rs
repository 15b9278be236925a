//! Rotations: the list and one of them, live.

use std::time::Duration;

use time::OffsetDateTime;

use super::credential::InstanceHealth;
use super::{Listing, Point};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationsQuery {
    pub text: Option<String>,
    pub environment: Option<String>,
    pub stage: Option<StageKind>,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RotationsView {
    pub listing: Listing<RotationLine>,
    pub in_flight: u64,
    pub needs_operator: u64,
    /// Of those that ended in the last 30 days.
    pub completed: u64,
    pub rolled_back: u64,
}

/// One rotation in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct RotationLine {
    pub id: String,
    pub credential: String,
    pub environment: String,
    pub stage: Stage,
    pub from_version: Option<u64>,
    pub to_version: u64,
    pub started_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
    /// Who or what started it: a person, "schedule", "expiry", "leak report".
    pub started_by: String,
    pub emergency: bool,
}

/// Where a rotation stands, as people read it.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    Planned,
    AwaitingApproval {
        given: u32,
        needed: u32,
    },
    /// Rehearsing, storing, creating at the issuer, testing: in words.
    Preparing {
        words: String,
    },
    Wave {
        number: u32,
        of: u32,
        percent: u8,
        soak_until: Option<OffsetDateTime>,
    },
    Grace {
        until: Option<OffsetDateTime>,
    },
    Retiring,
    Completed,
    Paused {
        reason: String,
    },
    RollingBack {
        reason: String,
    },
    RolledBack {
        reason: String,
    },
    Cancelled {
        reason: String,
    },
    /// A person must decide: what is stuck and what is known.
    NeedsOperator {
        reason: String,
    },
}

/// A stage without its data, for filters and class names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    Moving,
    Waiting,
    Done,
    RolledBack,
    Stuck,
}

impl StageKind {
    pub const ALL: [Self; 5] = [
        Self::Moving,
        Self::Waiting,
        Self::Stuck,
        Self::RolledBack,
        Self::Done,
    ];

    pub fn slug(self) -> &'static str {
        match self {
            Self::Moving => "moving",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Moving => "under way",
            Self::Waiting => "waits for a person",
            Self::Done => "done",
            Self::RolledBack => "rolled back",
            Self::Stuck => "needs an operator",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == text)
    }
}

impl Stage {
    pub fn kind(&self) -> StageKind {
        match self {
            Self::Planned
            | Self::Preparing { .. }
            | Self::Wave { .. }
            | Self::Grace { .. }
            | Self::Retiring
            | Self::RollingBack { .. } => StageKind::Moving,
            Self::AwaitingApproval { .. } | Self::Paused { .. } => StageKind::Waiting,
            Self::Completed | Self::Cancelled { .. } => StageKind::Done,
            Self::RolledBack { .. } => StageKind::RolledBack,
            Self::NeedsOperator { .. } => StageKind::Stuck,
        }
    }

    /// The stage in two to five words.
    pub fn words(&self) -> String {
        match self {
            Self::Planned => "planned".into(),
            Self::AwaitingApproval { given, needed } => format!("{given} of {needed} approvals"),
            Self::Preparing { words } => words.clone(),
            Self::Wave {
                number,
                of,
                soak_until: Some(_),
                ..
            } => format!("wave {number} of {of}, soaking"),
            Self::Wave { number, of, .. } => format!("wave {number} of {of}"),
            Self::Grace { .. } => "grace".into(),
            Self::Retiring => "retiring the old version".into(),
            Self::Completed => "completed".into(),
            Self::Paused { .. } => "held".into(),
            Self::RollingBack { .. } => "rolling back".into(),
            Self::RolledBack { .. } => "rolled back".into(),
            Self::Cancelled { .. } => "cancelled".into(),
            Self::NeedsOperator { .. } => "needs an operator".into(),
        }
    }

    /// Why it stands there, where there is a reason.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Paused { reason }
            | Self::RollingBack { reason }
            | Self::RolledBack { reason }
            | Self::Cancelled { reason }
            | Self::NeedsOperator { reason } => Some(reason),
            Self::Planned
            | Self::AwaitingApproval { .. }
            | Self::Preparing { .. }
            | Self::Wave { .. }
            | Self::Grace { .. }
            | Self::Retiring
            | Self::Completed => None,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Completed | Self::RolledBack { .. } | Self::Cancelled { .. }
        )
    }
}

/// A rotation's own page.
#[derive(Clone, Debug, PartialEq)]
pub struct RotationView {
    pub line: RotationLine,
    pub reason: String,
    pub steps: Vec<StepLine>,
    pub fleet: Vec<ServiceSquares>,
    pub way_back: Option<WayBack>,
    pub verdict: Option<Verdict>,
    /// Newest last.
    pub log: Vec<LogLine>,
    /// What the viewer may do now; empty when nothing is.
    pub actions: Vec<Action>,
    /// What a person should know to decide, when the rotation is stuck: what is known of both versions.
    pub operator_note: Option<String>,
    /// The credential belongs to the sandbox.
    pub sandbox: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StepLine {
    /// In words: "Log in with the new version".
    pub name: String,
    pub state: StepState,
    pub started_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
    pub detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Ahead,
    Running,
    Done,
    Failed,
    Undone,
    Skipped,
}

impl StepState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::Skipped => "skipped",
        }
    }
}

/// The instances of a service as squares.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSquares {
    pub service: String,
    pub instances: Vec<Square>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Square {
    pub instance: String,
    pub holds: Holds,
    pub health: InstanceHealth,
    /// The wave in which it moves, 1 is the canary.
    pub wave: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Nothing,
    Old,
    /// Handed the new version, not yet acknowledged.
    Handed,
    New,
}

impl Holds {
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing yet",
            Self::Old => "old version",
            Self::Handed => "handed the new version",
            Self::New => "new version",
        }
    }
}

/// The version that would return.
#[derive(Clone, Debug, PartialEq)]
pub struct WayBack {
    pub version: u64,
    /// When it was last seen to log in.
    pub proven_at: Option<OffsetDateTime>,
    /// How long a rollback would take, from what was measured.
    pub estimate: Option<Duration>,
    pub state: WayBackState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayBackState {
    Open,
    /// It was taken.
    Taken,
    /// The old version is gone: nothing to return to.
    Closed {
        reason: String,
    },
}

/// New against old, in counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub new_total: u64,
    pub new_failed: u64,
    pub old_total: u64,
    pub old_failed: u64,
    pub conclusion: Conclusion,
    /// Failure rate in percent per window, new version.
    pub new_rates: Vec<Point>,
    pub old_rates: Vec<Point>,
    /// The rate, in percent, at which four straight failures of this traffic would roll back.
    pub rollback_rate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    NoDifference,
    NewIsWorse,
    /// Too little was heard: the rotation holds.
    TooLittle,
    /// The old version fails too: something else is wrong.
    BothFail,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    pub at: OffsetDateTime,
    pub words: String,
    pub correlation_id: String,
    pub tone: Tone,
    pub kind: LogKind,
}

/// What a line of the log tells of, for its filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// An act at the issuer or in the store began or ended.
    Step,
    /// The rotation moved on, held or went back.
    State,
    /// A person said so.
    Person,
}

/// Which lines of the log to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFilter {
    #[default]
    All,
    Steps,
    States,
    People,
    /// What went wrong, whatever its kind.
    Trouble,
}

impl LogFilter {
    pub const ALL: [Self; 5] = [Self::All, Self::Steps, Self::States, Self::People, Self::Trouble];

    pub fn slug(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Steps => "steps",
            Self::States => "states",
            Self::People => "people",
            Self::Trouble => "trouble",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Steps => "Steps",
            Self::States => "Changes of state",
            Self::People => "People",
            Self::Trouble => "Trouble",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.slug() == text)
    }

    pub fn takes(self, line: &LogLine) -> bool {
        match self {
            Self::All => true,
            Self::Steps => line.kind == LogKind::Step,
            Self::States => line.kind == LogKind::State,
            Self::People => line.kind == LogKind::Person,
            Self::Trouble => line.tone == Tone::Bad,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
}

/// A button on the rotation's page; the engine decides which are legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub verb: Verb,
    /// What pressing it does, to whom: "8 instances of 4 services return to version 12."
    pub effect: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Approve,
    Reject,
    Pause,
    Resume,
    Promote,
    Rollback,
    Cancel,
    Retry,
    /// Needs an outcome besides the reason.
    Resolve,
    RetireNow,
}

impl Verb {
    /// The wire's name, and the value of the form's `action` field.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resolve => "resolve",
            Self::RetireNow => "retire_now",
        }
    }

    /// What the button says.
    pub fn label(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::Reject => "Reject",
            Self::Pause => "Hold",
            Self::Resume => "Go on",
            Self::Promote => "Promote now",
            Self::Rollback => "Roll back",
            Self::Cancel => "Cancel",
            Self::Retry => "Try again",
            Self::Resolve => "Resolve",
            Self::RetireNow => "Retire old now",
        }
    }

    pub fn is_grave(self) -> bool {
        matches!(
            self,
            Self::Rollback | Self::Reject | Self::Cancel | Self::RetireNow | Self::Promote
        )
    }
}
