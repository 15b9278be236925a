//! Rotations: from one version to the next, with a way back.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Instance, Problem, Timestamp};

/// Where a rotation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RotationState {
    Planned,
    AwaitingApproval,
    Rehearsed,
    Stored,
    Issued,
    Verified,
    Wave,
    Promoted,
    Grace,
    Retiring,
    Completed,
    Paused,
    RollingBack,
    RolledBack,
    Cancelled,
    /// A failed undo or a spent budget: a person decides.
    NeedsOperator,
}

impl RotationState {
    /// True when nothing more will happen.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack | Self::Cancelled)
    }
}

/// `POST /api/v1/credentials/{name}/rotations`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartRotation {
    pub reason: String,
    /// Skips freeze, soak and breaker, and ends a running grace.
    #[serde(default)]
    pub emergency: bool,
}

/// What a person may tell a rotation to do: the last part of
/// `POST /api/v1/rotations/{id}/{command}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RotationCommand {
    Approve,
    Reject,
    Pause,
    Resume,
    Rollback,
    Promote,
    Cancel,
    Retry,
    Resolve,
    RetireNow,
}

impl RotationCommand {
    /// Every command.
    pub const ALL: [Self; 10] = [
        Self::Approve,
        Self::Reject,
        Self::Pause,
        Self::Resume,
        Self::Rollback,
        Self::Promote,
        Self::Cancel,
        Self::Retry,
        Self::Resolve,
        Self::RetireNow,
    ];

    /// The part of the path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Rollback => "rollback",
            Self::Promote => "promote",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resolve => "resolve",
            Self::RetireNow => "retire_now",
        }
    }
}

impl fmt::Display for RotationCommand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// No such command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no command of that name")]
pub struct UnknownCommand;

impl FromStr for RotationCommand {
    type Err = UnknownCommand;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|command| command.as_str() == text)
            .ok_or(UnknownCommand)
    }
}

/// The body of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandRequest {
    pub reason: String,
    /// With `resolve`: how it ended in truth, `completed` or `rolled_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// A rotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rotation {
    pub id: String,
    pub credential: String,
    pub state: RotationState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<Wave>,
    /// Null for a first version.
    pub from_version: Option<u32>,
    /// Null until the candidate has a number.
    pub to_version: Option<u32>,
    #[serde(default)]
    pub steps: Vec<Step>,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_for_rollback: Option<String>,
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    pub started_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    #[serde(default)]
    pub emergency: bool,
    /// A person told it to wait.
    #[serde(default)]
    pub paused: bool,
    /// It waits by itself, with both versions valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// What failed and when it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Why a person is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// What a rollback would serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// Grace ends no sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_until: Option<Timestamp>,
    /// The soak of this wave ends no sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak_until: Option<Timestamp>,
    #[serde(default)]
    pub fleet: Vec<Instance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
    /// Instances that lost access because a person or an emergency said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_off: Vec<String>,
    #[serde(default)]
    pub sandbox: bool,
    /// What the asking person may do now.
    #[serde(default)]
    pub allowed_commands: Vec<RotationCommand>,
}

/// Which wave is running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Wave {
    /// From 1; wave 1 is the canary.
    pub number: u32,
    pub of: u32,
    pub percent: u32,
}

/// One step of a rotation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    pub name: String,
    pub state: StepState,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// What was seen, in plain words.
    pub detail: Option<String>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Pending,
    Running,
    Succeeded,
    Failed,
    Skipped,
    Undoing,
    Undone,
    UndoFailed,
}

/// A rotation that waits by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hold {
    pub reason: String,
    pub since: Timestamp,
}

/// What started a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Person,
    Schedule,
    Event,
}

/// A failed act that is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retry {
    pub attempts: u32,
    pub detail: String,
    pub next_at: Timestamp,
}

/// The version that a rollback would serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WayBack {
    pub version: u32,
    /// When it was last seen to log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_proved_at: Option<Timestamp>,
}

/// How many said yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approvals {
    pub required: u32,
    pub given_by: Vec<String>,
}

/// Outcomes on the new version and on the old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rates {
    pub candidate: Outcomes,
    pub control: Outcomes,
}

/// Counted outcomes.
#[derive(Copy, Eq, Default, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcomes {
    pub good: u64,
    pub failed: u64,
}

/// One message of `GET /api/v1/rotations/{id}/events`: the name is the `event` field, the rest the `data`.
#[derive(Debug, Clone, PartialEq)]
pub enum RotationEvent {
    Step(Step),
    Signal(SignalEvent),
    /// The whole rotation, whenever its state changes and once at the start.
    State(Box<Rotation>),
}

/// Outcomes that just arrived from one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignalEvent {
    pub consumer: String,
    pub instance: String,
    pub version: u32,
    pub good: u64,
    pub failed: u64,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
}

impl RotationEvent {
    /// The `event` field.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Step(_) => "step",
            Self::Signal(_) => "signal",
            Self::State(_) => "state",
        }
    }

    /// The `data` field: JSON on one line.
    ///
    /// # Errors
    /// Only if a value cannot be JSON, which none of these can.
    pub fn data(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Step(step) => serde_json::to_string(step),
            Self::Signal(signal) => serde_json::to_string(signal),
            Self::State(rotation) => serde_json::to_string(rotation),
        }
    }

    /// Reads an event; `None` for a name this client does not know, which it should skip.
    ///
    /// # Errors
    /// If the data is not what the name promises.
    pub fn parse(name: &str, data: &str) -> Result<Option<Self>, serde_json::Error> {
        Ok(match name {
            "step" => Some(Self::Step(serde_json::from_str(data)?)),
            "signal" => Some(Self::Signal(serde_json::from_str(data)?)),
            "state" => Some(Self::State(Box::new(serde_json::from_str(data)?))),
            _ => None,
        })
    }
}

/// Filters of `GET /api/v1/rotations`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams), into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct RotationQuery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RotationState>,
    /// Only those that are not over, or only those that are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<bool>,
}
