//! The way back: one commit serves the previous version to all; revoking the candidate comes after (§3).

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::catalog::{Strategy, VersionState};
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::rotation::model::{Hold, Rotation};
use crate::rotation::record::RecordEvent;
use crate::rotation::state::{Rollback, RollbackCause, RollbackStage, RotationState};
use crate::rule::Refusal;
use crate::services::Services;

/// How often a compare-and-swap that lost is tried again.
pub(crate) const TRIES: usize = 16;

/// The rotation as it stands once it is sent back.
#[must_use]
pub fn sent_back(rotation: &Rotation, cause: RollbackCause, now: Timestamp) -> Rotation {
    let stage = match (rotation.from, rotation.strategy) {
        (None, _) => RollbackStage::Revoking,
        // The one slot must hold the previous value again before anyone can use it.
        (Some(_), Strategy::InPlace) => RollbackStage::Restoring,
        (Some(_), _) => RollbackStage::Draining,
    };
    let issuer_touched = rotation.state.issuer_may_know_candidate();
    let stage = if issuer_touched {
        stage
    } else {
        RollbackStage::Draining
    };
    Rotation {
        state: RotationState::RollingBack(Rollback {
            cause,
            since: now,
            stage,
            issuer_touched,
        }),
        pause: None,
        hold: None,
        retry: None,
        ..rotation.clone()
    }
}

impl Services {
    /// Detection found the candidate broken. Any replica may say so; the first commit wins, the others find it done.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn roll_back_by_verdict(&self, id: &RotationId, cause: RollbackCause) -> Result<(), Refusal> {
        self.roll_back(&Actor::system("detection"), id, cause)
            .await
            .map(|_| ())
    }

    /// Sends a rotation back. Already on its way back, or past the point of return: false, nothing is changed.
    pub(crate) async fn roll_back(
        &self,
        actor: &Actor,
        id: &RotationId,
        cause: RollbackCause,
    ) -> Result<bool, Refusal> {
        for _ in 0..TRIES {
            let Some(rotation) = self.store.rotation(id).await? else {
                return Ok(false);
            };
            if !rotation.state.may_roll_back() {
                return Ok(false);
            }
            match self
                .store
                .commit(self.rollback_change(actor, &rotation, cause.clone()).await?)
                .await
            {
                Err(CommitError::Stale { .. }) => {}
                other => return Ok(other.map(|()| true)?),
            }
        }
        Err(Refusal::Unavailable(
            "the rotation is changing quickly; roll it back again".to_owned(),
        ))
    }

    async fn rollback_change(
        &self,
        actor: &Actor,
        rotation: &Rotation,
        cause: RollbackCause,
    ) -> Result<Change, Refusal> {
        let now = self.clock.now();
        let detail = cause.in_words();
        let moved = RecordEvent::Moved {
            from: rotation.state.label().to_owned(),
            to: "rolling_back".to_owned(),
            detail: detail.clone(),
        };
        let mut change = Change::new();
        let credential = self.store.credential_by_id(&rotation.credential).await?;
        if let Some(mut credential) = credential.filter(|credential| credential.current == Some(rotation.to))
        {
            credential.current = rotation.from;
            change = change.write(Write::UpdateCredential(credential));
        }
        for mut version in self.store.versions(&rotation.credential).await? {
            let becomes = match version.number {
                number if number == rotation.to => VersionState::Failed,
                number if Some(number) == rotation.from => VersionState::Current,
                _ => continue,
            };
            if version.state == becomes {
                continue;
            }
            version.state = becomes;
            if becomes == VersionState::Failed {
                version.failure = Some(detail.clone());
            }
            change = change.write(Write::PutVersion(version));
        }
        let object = format!("rotation/{}", rotation.id);
        Ok(change
            .write(Write::UpdateRotation(Box::new(sent_back(rotation, cause, now))))
            .write(Write::AppendRecord {
                rotation: rotation.id.clone(),
                at: now,
                event: moved,
            })
            .audit(AuditDraft::new(
                actor,
                now,
                "rotation.rolling_back",
                object,
                detail,
            ))
            .topic(Topic::Credential(rotation.credential.clone()))
            .topic(Topic::Rotation(rotation.id.clone())))
    }

    /// Rota waits with both versions valid, and says for what. Holding already: nothing is changed.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn hold_rotation(&self, id: &RotationId, reason: &str) -> Result<(), Refusal> {
        for _ in 0..TRIES {
            let Some(mut rotation) = self.store.rotation(id).await? else {
                return Ok(());
            };
            if rotation.state.is_terminal() || rotation.hold.is_some() {
                return Ok(());
            }
            let now = self.clock.now();
            rotation.hold = Some(Hold {
                reason: reason.to_owned(),
                since: now,
                alerted: false,
            });
            let change = Change::new()
                .write(Write::AppendRecord {
                    rotation: id.clone(),
                    at: now,
                    event: RecordEvent::Held {
                        reason: reason.to_owned(),
                    },
                })
                .topic(Topic::Rotation(id.clone()))
                .write(Write::UpdateRotation(Box::new(rotation)));
            match self.store.commit(change).await {
                Err(CommitError::Stale { .. }) => {}
                other => return Ok(other?),
            }
        }
        Ok(())
    }
}
