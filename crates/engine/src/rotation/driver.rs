//! Carries a rotation on: decide, record the intent, act, record the outcome (invariant 3), under a fenced lease.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::catalog::Issuer;
use crate::change::{Change, CommitError, Fence, Topic, Write};
use crate::clock::Timestamp;
use crate::delivery::InstanceView;
use crate::detection::outcome::Counts;
use crate::id::RotationId;
use crate::rotation::decide::{Decision, Facts, decide};
use crate::rotation::model::{Hold, Rotation};
use crate::rotation::probe::{Probes, is_probed};
use crate::rotation::record::{RecordEvent, Step};
use crate::rule::Refusal;
use crate::services::Services;

/// How long a driver may be silent before another takes over.
pub const LEASE: Duration = Duration::from_secs(5);
/// Issuer errors in a row that open its breaker.
pub const BREAKER_AFTER: u32 = 3;

/// One driver of this replica: its name on leases and what its probes saw.
#[derive(Debug)]
pub struct Driver {
    /// Unique to this process.
    pub holder: String,
    pub probes: Probes,
    /// Leases held, and until when: renewed when half of their time is over, not at every look.
    leases: Mutex<HashMap<RotationId, (Fence, Timestamp)>>,
}

impl Driver {
    /// A driver with a fresh name.
    pub fn new(holder: String) -> Self {
        Self {
            holder,
            probes: Probes::default(),
            leases: Mutex::default(),
        }
    }
}

impl Driver {
    fn leases(&self) -> MutexGuard<'_, HashMap<RotationId, (Fence, Timestamp)>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &RotationId) {
        self.leases().remove(id);
        self.probes.forget(id);
    }
}

/// When to drive this rotation again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once.
    Again,
    /// Then, or when something changes.
    At(Timestamp),
    /// It has ended.
    Ended,
    /// Another driver holds it.
    NotMine,
}

impl Services {
    /// One step of one rotation. Safe to call from anywhere at any time: whoever lacks the lease does nothing.
    ///
    /// # Errors
    /// When the store or the key is away; call again later.
    pub async fn drive(&self, driver: &Driver, id: &RotationId) -> Result<Next, Refusal> {
        self.sealer.require_open()?;
        let Some(fence) = self.lease(driver, id).await? else {
            return Ok(Next::NotMine);
        };
        let Some(rotation) = self.store.rotation(id).await? else {
            return Ok(Next::Ended);
        };
        if rotation.state.is_terminal() {
            driver.forget(id);
            self.detector.forget(id);
            self.meter
                .rotation_ended(rotation.strategy.label(), rotation.state.label());
            return Ok(Next::Ended);
        }
        // What the probes changed is read again, and then decided upon: on a slow day they may be due again at once.
        let rotation = if is_probed(&rotation) && self.probe_both(&driver.probes, &rotation).await? {
            match self.store.rotation(id).await? {
                Some(rotation) => rotation,
                None => return Ok(Next::Ended),
            }
        } else {
            rotation
        };
        match self.decision(driver, &rotation).await? {
            Decision::Act(step) => self.carry_out(&rotation, &fence, step).await,
            Decision::Move { next, detail } => {
                let change = self.move_change(&rotation, next, &detail).await?;
                Self::settle(self.store.commit(change.fenced(fence)).await)
            }
            Decision::Wait { until, hold } => self.wait(&rotation, fence, until, hold).await,
        }
    }

    async fn lease(&self, driver: &Driver, id: &RotationId) -> Result<Option<Fence>, Refusal> {
        let now = self.clock.now();
        let held = driver.leases().get(id).cloned();
        if let Some((fence, until)) = held.filter(|(_, until)| until.since(now) > LEASE / 2) {
            // A clock that stepped back would make it look longer than it ever was.
            if until.since(now) <= LEASE {
                return Ok(Some(fence));
            }
        }
        let until = now.after(LEASE);
        let fence = self.store.take_lease(id, &driver.holder, now, until).await?;
        match &fence {
            Some(fence) => driver.leases().insert(id.clone(), (fence.clone(), until)),
            None => driver.leases().remove(id),
        };
        Ok(fence)
    }

    async fn decision(&self, driver: &Driver, rotation: &Rotation) -> Result<Decision, Refusal> {
        let now = self.clock.now();
        let fleet = self.fleet(rotation).await?;
        let reported: Vec<Counts> = fleet
            .iter()
            .map(|view| self.detector.counts_of(&rotation.id, &view.key()))
            .collect();
        let probed = driver.probes.of(&rotation.id);
        let facts = Facts {
            now,
            fleet: &fleet,
            reported: &reported,
            control_fails: rotation
                .from
                .is_some_and(|from| self.detector.control_fails(now, &rotation.credential, from)),
            candidate_proved_at: probed.candidate_proved_at,
            previous_fails: probed.previous_fails,
        };
        Ok(decide(rotation, &facts))
    }

    /// The instances of a rotation's credential as they are known now.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn fleet(&self, rotation: &Rotation) -> Result<Vec<InstanceView>, Refusal> {
        let now = self.clock.now();
        let live = self
            .live
            .credential(self.store.as_ref(), &rotation.credential_name)
            .await?;
        Ok(live
            .map(|live| self.live.view(&live.instances, now))
            .unwrap_or_default())
    }

    /// Intent, act, outcome. A crash between any two of them repeats the act with the same candidate.
    async fn carry_out(&self, rotation: &Rotation, fence: &Fence, step: Step) -> Result<Next, Refusal> {
        let attempt = rotation.retry.as_ref().map_or(0, |retry| retry.attempts) + 1;
        let intent = Change::new()
            .fenced(fence.clone())
            .write(Write::ExpectRotation {
                rotation: rotation.id.clone(),
                revision: rotation.revision,
            })
            .write(Write::AppendRecord {
                rotation: rotation.id.clone(),
                at: self.clock.now(),
                event: RecordEvent::Intended { step, attempt },
            })
            .topic(Topic::Rotation(rotation.id.clone()));
        match self.store.commit(intent).await {
            Ok(()) => {}
            other => return Self::settle(other),
        }
        let outcome = self.act(rotation, step).await;
        let issuer_spoke = step != Step::Store;
        let change = match outcome {
            Ok(outcome) => {
                if issuer_spoke {
                    self.note_issuer(rotation, None).await?;
                }
                self.success_change(rotation, step, outcome).await?
            }
            Err(error) => {
                // Sealed meanwhile: nobody's failure. The act is repeated once the keys are there again.
                self.sealer.require_open()?;
                if issuer_spoke {
                    self.note_issuer(rotation, Some(&error.detail)).await?;
                }
                self.failure_change(rotation, step, &error)
            }
        };
        let result = self.store.commit(change.fenced(fence.clone())).await;
        Self::settle(result)
    }

    fn settle(result: Result<(), CommitError>) -> Result<Next, Refusal> {
        match result {
            // Stale: someone else moved it (a person, detection), so look again too.
            Ok(()) | Err(CommitError::Stale { .. }) => Ok(Next::Again),
            Err(CommitError::Fenced(_)) => Ok(Next::NotMine),
            Err(error) => Err(error.into()),
        }
    }

    async fn wait(
        &self,
        rotation: &Rotation,
        fence: Fence,
        until: Option<Timestamp>,
        hold: Option<String>,
    ) -> Result<Next, Refusal> {
        let now = self.clock.now();
        let mut updated = rotation.clone();
        let event = match (&rotation.hold, hold) {
            (None, Some(reason)) => {
                updated.hold = Some(Hold {
                    reason: reason.clone(),
                    since: now,
                    alerted: false,
                });
                Some(RecordEvent::Held { reason })
            }
            (Some(held), Some(reason)) if held.reason != reason => {
                updated.hold = Some(Hold {
                    reason,
                    ..held.clone()
                });
                None
            }
            (Some(held), Some(_)) if !held.alerted && now.since(held.since) >= rotation.policy.max_hold => {
                updated.hold = Some(Hold {
                    alerted: true,
                    ..held.clone()
                });
                let reason = format!(
                    "held for {} s: a person should look",
                    rotation.policy.max_hold.as_secs()
                );
                Some(RecordEvent::Held { reason })
            }
            (Some(_), None) if rotation.pause.is_none() => {
                updated.hold = None;
                Some(RecordEvent::Released)
            }
            _ => None,
        };
        if updated.hold != rotation.hold {
            let mut change = Change::new()
                .fenced(fence)
                .topic(Topic::Rotation(rotation.id.clone()));
            if let Some(event) = event {
                change = change.write(Write::AppendRecord {
                    rotation: rotation.id.clone(),
                    at: now,
                    event,
                });
            }
            let result = self
                .store
                .commit(change.write(Write::UpdateRotation(Box::new(updated))))
                .await;
            return Self::settle(result).map(|next| {
                if next == Next::Again {
                    Next::At(now.after(RECHECK))
                } else {
                    next
                }
            });
        }
        // Polls and signals write nothing and so announce nothing: the fleet is looked at every half second.
        let look_again = now.after(RECHECK);
        Ok(Next::At(until.map_or(look_again, |until| until.min(look_again))))
    }

    /// Counts issuer errors in a row; the third opens the breaker, a success closes it.
    async fn note_issuer(&self, rotation: &Rotation, error: Option<&str>) -> Result<(), Refusal> {
        let Some(issuer) = self.store.issuer(&rotation.issuer).await? else {
            return Ok(());
        };
        let Some(change) = self.breaker_change(issuer, error) else {
            return Ok(());
        };
        match self.store.commit(change).await {
            // Another rotation of the same issuer counted at the same moment: one of the two is enough.
            Ok(()) | Err(CommitError::Stale { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn breaker_change(&self, mut issuer: Issuer, error: Option<&str>) -> Option<Change> {
        let now = self.clock.now();
        let before = issuer.breaker.clone();
        let action = match error {
            None if before.consecutive_errors == 0 => return None,
            None => {
                issuer.breaker.consecutive_errors = 0;
                issuer.breaker.opened_at = None;
                "issuer.recovered"
            }
            Some(_) => {
                issuer.breaker.consecutive_errors += 1;
                if issuer.breaker.consecutive_errors >= BREAKER_AFTER {
                    issuer.breaker.opened_at.get_or_insert(now);
                }
                "issuer.error"
            }
        };
        let object = format!("issuer/{}", issuer.name);
        let detail = error.unwrap_or("it answers again").to_owned();
        Some(
            Change::new()
                .write(Write::UpdateIssuer(issuer))
                .audit(AuditDraft::new(
                    &Actor::system("driver"),
                    now,
                    action,
                    object,
                    detail,
                ))
                .topic(Topic::Catalog),
        )
    }
}

/// How often a waiting rotation looks at the world again by itself.
const RECHECK: Duration = Duration::from_millis(500);
