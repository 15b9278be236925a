//! Starts what is due (ROT-7). Safe on every replica at once: the second start meets the first one's rotation.

use std::time::Duration;

use crate::access::Actor;
use crate::catalog::facts::NextRotation;
use crate::rotation::model::Trigger;
use crate::rotation::start::NewRotation;
use crate::rule::Refusal;
use crate::services::Services;

/// Rotations of one look, so that a long outage does not end in a stampede.
const AT_ONCE: usize = 20;

/// What a look at the schedule did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scheduled {
    pub started: usize,
    /// Refused by a rule; the credential's page says which.
    pub refused: usize,
}

impl Services {
    /// Starts the rotation of every credential whose current value is in the last tenth of its life. Frozen, held and
    /// broken ones wait.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn start_due_rotations(&self) -> Result<Scheduled, Refusal> {
        let actor = Actor::system("scheduler");
        let now = self.clock.now();
        let mut scheduled = Scheduled::default();
        for facts in self.credentials(&actor).await? {
            let due_at = match facts.next_rotation {
                NextRotation::At(at) | NextRotation::WithApproval(at) => at,
                NextRotation::Held { .. } | NextRotation::Waits { .. } => continue,
            };
            // An adopted login is first rotated by a person: nobody knows yet who uses it.
            if due_at > now || facts.credential.adopted {
                continue;
            }
            let days = facts.age.unwrap_or(Duration::ZERO).as_secs() / 86_400;
            let new = NewRotation {
                credential: facts.credential.name.clone(),
                reason: format!("due: its value is {days} days old"),
                emergency: false,
                trigger: Trigger::Schedule,
            };
            match self.start_rotation(&actor, new).await {
                Ok(_) => scheduled.started += 1,
                Err(refusal @ (Refusal::Unavailable(_) | Refusal::Store(_))) => return Err(refusal),
                Err(_) => scheduled.refused += 1,
            }
            if scheduled.started >= AT_ONCE {
                break;
            }
        }
        Ok(scheduled)
    }
}
