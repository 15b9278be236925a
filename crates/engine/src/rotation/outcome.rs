//! What follows from an act: the next state and everything that commits with it.

use std::time::Duration;

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::catalog::{Version, VersionState};
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::ports::{ConnectorError, SecretRef};
use crate::rotation::act::ActOutcome;
use crate::rotation::model::{Retry, Rotation};
use crate::rotation::record::{RecordEvent, Step};
use crate::rotation::rollback::sent_back;
use crate::rotation::state::{Rollback, RollbackCause, RollbackStage, RotationState};
use crate::rule::Refusal;
use crate::services::Services;

/// Tries of one act before it is given up.
pub const RETRY_BUDGET: u32 = 5;

impl Services {
    /// The change that records a success.
    pub(crate) async fn success_change(
        &self,
        rotation: &Rotation,
        step: Step,
        outcome: ActOutcome,
    ) -> Result<Change, Refusal> {
        let now = self.clock.now();
        let mut change = Change::new();
        let detail = match outcome {
            ActOutcome::Seen(detail) => detail,
            ActOutcome::Proposed { identity, values } => {
                let at = SecretRef::version(&rotation.credential, rotation.to);
                let sealed = self.sealer.seal_values(&at, &values)?;
                change = change
                    .write(Write::PutVersion(candidate(rotation, identity, now)))
                    .write(Write::PutSecret { at, sealed });
                "sealed and stored; the issuer has not heard of it".to_owned()
            }
            ActOutcome::Issued {
                identity,
                values,
                detail,
            } => {
                if let Some(values) = values {
                    let at = SecretRef::version(&rotation.credential, rotation.to);
                    let sealed = self.sealer.seal_values(&at, &values)?;
                    change = change.write(Write::PutSecret { at, sealed });
                }
                change = self
                    .put_version(change, rotation, true, |version| version.identity = identity)
                    .await?;
                detail
            }
        };
        change = self.version_writes(change, rotation, step, now).await?;
        let mut next = rotation.clone();
        next.retry = None;
        next.hold = None;
        next.state = after(rotation, step, now);
        if matches!(step, Step::Rehearse | Step::ProvePrevious) {
            next.way_back_proved_at = Some(now);
        }
        let succeeded = RecordEvent::Succeeded {
            step,
            detail: detail.clone(),
        };
        let change = change.write(Write::AppendRecord {
            rotation: rotation.id.clone(),
            at: now,
            event: succeeded,
        });
        Ok(self.moved(change, rotation, next, &detail, now))
    }

    /// The change that records a failure: try again, go back, or ask a person. Never silence.
    pub(crate) fn failure_change(&self, rotation: &Rotation, step: Step, error: &ConnectorError) -> Change {
        let now = self.clock.now();
        let failed = RecordEvent::Failed {
            step,
            class: error.class,
            detail: error.detail.clone(),
        };
        let change = Change::new().write(Write::AppendRecord {
            rotation: rotation.id.clone(),
            at: now,
            event: failed,
        });
        let attempts = rotation.retry.as_ref().map_or(0, |retry| retry.attempts) + 1;
        // An issuer may take a moment to forget a credential, so a proof of death is asked for more than once.
        let proof = matches!(step, Step::ConfirmRefused | Step::ConfirmCandidateRefused);
        let mut next = rotation.clone();
        if attempts < RETRY_BUDGET && (error.class.is_transient() || proof) {
            next.retry = Some(Retry {
                attempts,
                class: error.class,
                detail: error.detail.clone(),
                next_at: now.after(self.backoff(attempts)),
            });
            return change
                .write(Write::UpdateRotation(Box::new(next)))
                .topic(Topic::Rotation(rotation.id.clone()));
        }
        let detail = format!("{}: {}", step.label(), error.detail);
        next = match step {
            Step::Issue => sent_back(
                rotation,
                RollbackCause::Issuer {
                    detail: detail.clone(),
                },
                now,
            ),
            Step::Verify => sent_back(
                rotation,
                RollbackCause::Probe {
                    detail: detail.clone(),
                },
                now,
            ),
            _ => needs_operator(rotation, &detail, now),
        };
        self.moved(change, rotation, next, &detail, now)
    }

    /// The change that records a decided move without an act.
    pub(crate) async fn move_change(
        &self,
        rotation: &Rotation,
        state: RotationState,
        detail: &str,
    ) -> Result<Change, Refusal> {
        let now = self.clock.now();
        let mut change = Change::new();
        if matches!(state, RotationState::Promoted { .. }) {
            change = self.promotion_writes(change, rotation, now).await?;
        }
        if matches!(state, RotationState::RolledBack { .. }) {
            let reason = detail.to_owned();
            change = self.fail_candidate(change, rotation, reason).await?;
        }
        let next = Rotation {
            state,
            hold: None,
            retry: None,
            ..rotation.clone()
        };
        Ok(self.moved(change, rotation, next, detail, now))
    }

    /// The change by which a person ends a rotation: what is served follows from how it ended.
    pub(crate) async fn resolve_change(
        &self,
        rotation: &Rotation,
        state: RotationState,
        detail: &str,
    ) -> Result<Change, Refusal> {
        let now = self.clock.now();
        let mut change = Change::new();
        if state == RotationState::Completed {
            change = self.promotion_writes(change, rotation, now).await?;
            change = self
                .version_writes(change, rotation, Step::ConfirmRefused, now)
                .await?;
        } else {
            change = self.demotion_writes(change, rotation).await?;
            change = self.fail_candidate(change, rotation, detail.to_owned()).await?;
        }
        let next = Rotation {
            state,
            pause: None,
            hold: None,
            retry: None,
            ..rotation.clone()
        };
        Ok(self.moved(change, rotation, next, detail, now))
    }

    /// The previous version is current again, where it was not.
    async fn demotion_writes(&self, mut change: Change, rotation: &Rotation) -> Result<Change, Refusal> {
        let credential = self.store.credential_by_id(&rotation.credential).await?;
        if let Some(mut credential) = credential.filter(|credential| credential.current == Some(rotation.to))
        {
            credential.current = rotation.from;
            change = change.write(Write::UpdateCredential(credential));
            change = self
                .put_version(change, rotation, false, |version| {
                    version.state = VersionState::Current
                })
                .await?;
        }
        Ok(change)
    }

    fn moved(
        &self,
        change: Change,
        before: &Rotation,
        mut next: Rotation,
        detail: &str,
        now: Timestamp,
    ) -> Change {
        let legal = before
            .state
            .may_become(&next.state, before.strategy, before.from.is_none());
        if !legal && before.state != next.state {
            next = needs_operator(
                before,
                &format!("{} may not become {}", before.state.label(), next.state.label()),
                now,
            );
        }
        if next.state.is_terminal() {
            next.finished_at = Some(now);
        }
        let label = next.state.label();
        let event = RecordEvent::Moved {
            from: before.state.label().to_owned(),
            to: label.to_owned(),
            detail: detail.to_owned(),
        };
        let object = format!("rotation/{}", before.id);
        let action = format!("rotation.{label}");
        change
            .write(Write::UpdateRotation(Box::new(next)))
            .write(Write::AppendRecord {
                rotation: before.id.clone(),
                at: now,
                event,
            })
            .audit(AuditDraft::new(
                &Actor::system("driver"),
                now,
                &action,
                object,
                detail,
            ))
            .topic(Topic::Credential(before.credential.clone()))
            .topic(Topic::Rotation(before.id.clone()))
    }

    async fn promotion_writes(
        &self,
        change: Change,
        rotation: &Rotation,
        now: Timestamp,
    ) -> Result<Change, Refusal> {
        let credential = self.store.credential_by_id(&rotation.credential).await?;
        let mut credential =
            credential.ok_or_else(|| Refusal::not_found("credential", rotation.credential_name.as_str()))?;
        credential.current = Some(rotation.to);
        credential.last_rotated_at = Some(now);
        credential.adopted = false;
        let mut change = self
            .put_version(
                change.write(Write::UpdateCredential(credential)),
                rotation,
                true,
                |version| {
                    version.state = VersionState::Current;
                    version.promoted_at = Some(now);
                },
            )
            .await?;
        if rotation.from.is_some() {
            change = self
                .put_version(change, rotation, false, |version| {
                    version.state = VersionState::Previous
                })
                .await?;
        }
        Ok(change)
    }

    async fn version_writes(
        &self,
        change: Change,
        rotation: &Rotation,
        step: Step,
        now: Timestamp,
    ) -> Result<Change, Refusal> {
        match step {
            Step::Verify => {
                self.put_version(change, rotation, true, |version| {
                    version.last_proved_at = Some(now)
                })
                .await
            }
            Step::Rehearse | Step::ProvePrevious => {
                self.put_version(change, rotation, false, |version| {
                    version.last_proved_at = Some(now)
                })
                .await
            }
            Step::ConfirmRefused => {
                self.put_version(change, rotation, false, |version| {
                    version.state = VersionState::Retired;
                    version.retired_at = Some(now);
                })
                .await
            }
            Step::RevokeCandidate if rotation.from.is_none() => {
                self.fail_candidate(change, rotation, "rolled back".to_owned())
                    .await
            }
            Step::ConfirmCandidateRefused => {
                let change = self
                    .fail_candidate(change, rotation, "rolled back and seen to be refused".to_owned())
                    .await?;
                self.put_version(change, rotation, true, |version| version.retired_at = Some(now))
                    .await
            }
            Step::Store
            | Step::Issue
            | Step::Promote
            | Step::Retire
            | Step::RestorePrevious
            | Step::RevokeCandidate => Ok(change),
        }
    }

    async fn fail_candidate(
        &self,
        change: Change,
        rotation: &Rotation,
        reason: String,
    ) -> Result<Change, Refusal> {
        self.put_version(change, rotation, true, |version| {
            version.state = VersionState::Failed;
            version.failure.get_or_insert(reason);
        })
        .await
    }

    /// Puts the candidate (or the previous version) with one more thing changed, on top of what `change` already puts.
    async fn put_version(
        &self,
        mut change: Change,
        rotation: &Rotation,
        candidate: bool,
        edit: impl FnOnce(&mut Version),
    ) -> Result<Change, Refusal> {
        let wanted = if candidate {
            Some(rotation.to)
        } else {
            rotation.from
        };
        let pending = change.writes.iter_mut().find_map(|write| match write {
            Write::PutVersion(version) if Some(version.number) == wanted => Some(version),
            _ => None,
        });
        if let Some(version) = pending {
            edit(version);
            return Ok(change);
        }
        let versions = self.store.versions(&rotation.credential).await?;
        let Some(mut version) = versions
            .into_iter()
            .find(|version| Some(version.number) == wanted)
        else {
            return Ok(change);
        };
        edit(&mut version);
        Ok(change.write(Write::PutVersion(version)))
    }

    /// Half a second, doubling, at most thirty, with jitter so that many do not come back together.
    fn backoff(&self, attempts: u32) -> Duration {
        let mut byte = [0];
        self.randomness.fill(&mut byte);
        let base = Duration::from_millis(500)
            .saturating_mul(1 << attempts.min(6))
            .min(Duration::from_secs(30));
        base.mul_f64(0.75 + f64::from(byte[0]) / 512.0)
    }
}

fn candidate(rotation: &Rotation, identity: String, now: Timestamp) -> Version {
    Version {
        credential: rotation.credential.clone(),
        number: rotation.to,
        state: VersionState::Candidate,
        identity,
        created_at: now,
        promoted_at: None,
        retired_at: None,
        last_proved_at: None,
        failure: None,
    }
}

/// A person must decide; what it was doing is kept.
pub(crate) fn needs_operator(rotation: &Rotation, problem: &str, now: Timestamp) -> Rotation {
    let state = RotationState::NeedsOperator {
        before: Box::new(rotation.state.clone()),
        problem: problem.to_owned(),
        since: now,
    };
    Rotation {
        state,
        retry: None,
        hold: None,
        ..rotation.clone()
    }
}

fn after(rotation: &Rotation, step: Step, now: Timestamp) -> RotationState {
    let on = |stage| match &rotation.state {
        RotationState::RollingBack(rollback) => RotationState::RollingBack(Rollback {
            stage,
            ..rollback.clone()
        }),
        other => other.clone(),
    };
    let rolled_back = || match &rotation.state {
        RotationState::RollingBack(rollback) => RotationState::RolledBack {
            cause: rollback.cause.clone(),
        },
        other => other.clone(),
    };
    match step {
        Step::Rehearse => RotationState::Rehearsed,
        Step::Store => RotationState::Stored,
        Step::Issue => RotationState::Issued,
        Step::Verify => RotationState::Verified,
        Step::Promote => RotationState::Promoted { at: now },
        Step::Retire => RotationState::Retiring { revoked: true },
        Step::ConfirmRefused => RotationState::Completed,
        Step::RestorePrevious => on(RollbackStage::Proving),
        Step::ProvePrevious => on(RollbackStage::Revoking),
        Step::RevokeCandidate if rotation.from.is_none() => rolled_back(),
        Step::RevokeCandidate => on(RollbackStage::Confirming),
        Step::ConfirmCandidateRefused => rolled_back(),
    }
}
