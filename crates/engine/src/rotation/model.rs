//! The facts of one rotation.

use serde::{Deserialize, Serialize};

use crate::catalog::{Environment, Policy, Strategy, VersionNumber};
use crate::clock::Timestamp;
use crate::id::{CredentialId, RotationId};
use crate::name::Name;
use crate::rotation::record::ErrorClass;
use crate::rotation::state::RotationState;

/// One change of one credential from a version to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    pub id: RotationId,
    pub credential: CredentialId,
    pub credential_name: Name,
    pub issuer: Name,
    pub environment: Environment,
    pub strategy: Strategy,
    /// None for a credential's first version.
    pub from: Option<VersionNumber>,
    pub to: VersionNumber,
    /// As it stood when the rotation began; a later change of policy does not move a running rotation.
    pub policy: Policy,
    pub reason: String,
    pub trigger: Trigger,
    /// Skips freeze, soak and breaker, and ends grace at once.
    pub emergency: bool,
    pub started_by: String,
    pub approvals: Vec<Approval>,
    pub state: RotationState,
    /// A person said wait. Detection still rolls back.
    pub pause: Option<Pause>,
    /// Rota itself waits, and says for what.
    pub hold: Option<Hold>,
    /// After a failed act: when to try again.
    pub retry: Option<Retry>,
    /// When the previous version was last seen to log in: the way back is open.
    pub way_back_proved_at: Option<Timestamp>,
    /// Instances that lost access because a person or an emergency said so.
    pub cut_off: Vec<String>,
    pub sandbox: bool,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub revision: i64,
}

/// What started a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Person,
    Schedule,
    Event,
}

/// A signed-in person, other than the one who asked, agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub by: String,
    pub reason: String,
    pub at: Timestamp,
}

/// A person said wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub by: String,
    pub reason: String,
    pub at: Timestamp,
}

/// Rota waits with both versions valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub reason: String,
    pub since: Timestamp,
    /// The hold outlasted the policy's `max_hold`; a person was asked.
    pub alerted: bool,
}

/// A failed act and when it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    pub attempts: u32,
    pub class: ErrorClass,
    pub detail: String,
    pub next_at: Timestamp,
}

impl Rotation {
    /// The word for its state on the wire and on screen: `paused` lies over the state it paused in.
    pub fn label(&self) -> &'static str {
        if self.pause.is_some() && !self.state.is_terminal() && !self.state.is_rolling_back() {
            "paused"
        } else {
            self.state.label()
        }
    }
}
