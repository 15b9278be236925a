//! Begins a rotation: one transaction takes the next version number and opens the log.

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::{Credential, Evidence, Strategy};
use crate::change::{Change, CommitError, Topic, Write};
use crate::id::RotationId;
use crate::name::Name;
use crate::rotation::model::{Rotation, Trigger};
use crate::rotation::record::RecordEvent;
use crate::rotation::rollback::TRIES;
use crate::rotation::state::RotationState;
use crate::rule::Refusal;
use crate::services::Services;

/// What the one who asks says.
#[derive(Clone, Debug)]
pub struct NewRotation {
    pub credential: Name,
    pub reason: String,
    /// Skips freeze, soak and breaker, and ends a running grace.
    pub emergency: bool,
    pub trigger: Trigger,
}

impl Services {
    /// Begins a rotation; the driver carries it on.
    ///
    /// # Errors
    /// Not an operator; no such credential; no reason; frozen; another one under way (409 with its id).
    pub async fn start_rotation(&self, actor: &Actor, new: NewRotation) -> Result<Rotation, Refusal> {
        actor.require(Role::Operator)?;
        if new.reason.trim().is_empty() {
            return Err(Refusal::rule(
                "/reason",
                "say why, in a few words; it stands in the audit",
            ));
        }
        for _ in 0..TRIES {
            let credential = self.store.credential(&new.credential).await?;
            let mut credential =
                credential.ok_or_else(|| Refusal::not_found("credential", new.credential.as_str()))?;
            self.check_free(actor, &credential, &new).await?;
            let rotation = self.planned(actor, &credential, &new);
            credential.last_number = rotation.to;
            let change = started(actor, &rotation).write(Write::UpdateCredential(credential));
            match self.store.commit(change).await {
                Err(CommitError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(rotation),
            }
        }
        Err(Refusal::Stale)
    }

    /// Nothing stands in the way. An emergency ends a running grace and passes a freeze.
    async fn check_free(
        &self,
        actor: &Actor,
        credential: &Credential,
        new: &NewRotation,
    ) -> Result<(), Refusal> {
        if let Some(running) = self.store.rotation_in_flight(&credential.id).await? {
            let in_grace = matches!(running.state, RotationState::Grace { .. });
            if new.emergency && in_grace {
                self.end_grace(actor, &running, &new.reason).await?;
            }
            let advice = if new.emergency && in_grace {
                "its grace ends now, try again in a moment"
            } else {
                "wait for it, or roll it back"
            };
            let (id, label) = (&running.id, running.label());
            return Err(Refusal::RotationInProgress {
                detail: format!("rotation {id} of this credential is {label}; {advice}"),
                rotation: running.id,
            });
        }
        let now = self.clock.now();
        let freezes = self.store.freezes_on(now).await?;
        if let Some(freeze) = freezes
            .iter()
            .find(|freeze| freeze.covers(&credential.environment, now))
            && !new.emergency
        {
            return Err(Refusal::conflict(
                "frozen",
                format!(
                    "{} froze rotations: {}. End the freeze, or mark this an emergency",
                    freeze.started_by, freeze.reason
                ),
            ));
        }
        let silent = credential.consumers.is_empty() && credential.policy.evidence == Evidence::Signals;
        if silent && credential.current.is_some() && credential.strategy != Strategy::InPlace {
            return Err(Refusal::conflict(
                "no_evidence",
                "no consumer is bound, so nothing could show that a new version works; bind one, or set evidence to acks_and_probe",
            ));
        }
        Ok(())
    }

    fn planned(&self, actor: &Actor, credential: &Credential, new: &NewRotation) -> Rotation {
        Rotation {
            id: RotationId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            credential: credential.id.clone(),
            credential_name: credential.name.clone(),
            issuer: credential.issuer.clone(),
            environment: credential.environment.clone(),
            strategy: credential.strategy,
            from: credential.current,
            to: credential.last_number.next(),
            policy: credential.policy.clone(),
            reason: new.reason.trim().to_owned(),
            trigger: new.trigger,
            emergency: new.emergency,
            started_by: actor.label(),
            approvals: Vec::new(),
            state: RotationState::Planned,
            pause: None,
            hold: None,
            retry: None,
            way_back_proved_at: None,
            cut_off: Vec::new(),
            sandbox: credential.sandbox,
            created_at: self.clock.now(),
            finished_at: None,
            revision: 0,
        }
    }
}

fn started(actor: &Actor, rotation: &Rotation) -> Change {
    let versions = match rotation.from {
        Some(from) => format!("version {from} to {}", rotation.to),
        None => format!("first version {}", rotation.to),
    };
    let emergency = if rotation.emergency { ", emergency" } else { "" };
    let detail = format!("{versions}{emergency}: {}", rotation.reason);
    let object = format!("credential/{}", rotation.credential_name);
    let event = RecordEvent::Moved {
        from: String::new(),
        to: "planned".to_owned(),
        detail: detail.clone(),
    };
    Change::new()
        .write(Write::InsertRotation(Box::new(rotation.clone())))
        .write(Write::AppendRecord {
            rotation: rotation.id.clone(),
            at: rotation.created_at,
            event,
        })
        .audit(AuditDraft::new(
            actor,
            rotation.created_at,
            "rotation.start",
            object,
            detail,
        ))
        .topic(Topic::Credential(rotation.credential.clone()))
        .topic(Topic::Rotation(rotation.id.clone()))
}
