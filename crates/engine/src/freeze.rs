//! A freeze: scheduled rotations wait (ROT-8).

use serde::{Deserialize, Serialize};

use crate::catalog::Environment;
use crate::clock::Timestamp;
use crate::id::FreezeId;

/// One switch, for one environment or all, with who, why and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub id: FreezeId,
    /// None: every environment.
    pub environment: Option<Environment>,
    pub reason: String,
    pub started_by: String,
    pub created_at: Timestamp,
    /// It thaws by itself then.
    pub until: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub revision: i64,
}

impl Freeze {
    /// Whether it holds `environment` back at `now`.
    pub fn covers(&self, environment: &Environment, now: Timestamp) -> bool {
        self.is_on(now)
            && self
                .environment
                .as_ref()
                .is_none_or(|frozen| frozen == environment)
    }

    /// Neither ended nor run out.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.until.is_none_or(|until| until > now)
    }
}
