//! Through the whole overlap Rota logs in with both versions itself (ROT-23).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::rotation::model::Rotation;
use crate::rotation::record::ErrorClass;
use crate::rotation::state::{RollbackCause, RotationState};
use crate::rule::Refusal;
use crate::services::Services;

/// How often both versions are tried.
pub const PROBE_EVERY: Duration = Duration::from_secs(10);

/// What this replica's probes last saw.
#[derive(Clone, Debug, Default)]
pub struct Probed {
    pub at: Option<Timestamp>,
    pub candidate_proved_at: Option<Timestamp>,
    pub previous_fails: Option<String>,
}

/// By rotation.
#[derive(Debug, Default)]
pub struct Probes(Mutex<HashMap<RotationId, Probed>>);

impl Probes {
    /// What was last seen.
    pub fn of(&self, id: &RotationId) -> Probed {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
            .unwrap_or_default()
    }

    fn put(&self, id: &RotationId, probed: Probed) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), probed);
    }

    /// Forgets a rotation that has ended.
    pub fn forget(&self, id: &RotationId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// Whether both versions should work now.
pub fn is_probed(rotation: &Rotation) -> bool {
    rotation.from.is_some()
        && matches!(
            rotation.state,
            RotationState::Wave(_) | RotationState::Grace { .. }
        )
}

impl Services {
    /// Tries both versions when it is time. A refused candidate sends the rotation back; a refused previous version
    /// holds it. A network error says nothing about either. True when the rotation was changed.
    pub(crate) async fn probe_both(&self, probes: &Probes, rotation: &Rotation) -> Result<bool, Refusal> {
        let now = self.clock.now();
        let mut probed = probes.of(&rotation.id);
        let every = PROBE_EVERY.min(rotation.policy.soak.max(Duration::from_millis(500)));
        let new_wave = match &rotation.state {
            RotationState::Wave(wave) => probed.at.is_none_or(|at| at < wave.since),
            _ => false,
        };
        if !new_wave && probed.at.is_some_and(|at| now.since(at) < every) {
            return Ok(false);
        }
        let candidate = self.probe(rotation, true).await;
        let previous = self.probe(rotation, false).await;
        // From their end: probes that take longer than their own interval must not follow each other without a pause.
        probed.at = Some(self.clock.now());
        match &candidate {
            Ok(_) => probed.candidate_proved_at = Some(self.clock.now()),
            Err(error) if matches!(error.class, ErrorClass::Authentication | ErrorClass::Permission) => {
                let detail = format!(
                    "Rota's own login with version {} is refused: {}",
                    rotation.to, error.detail
                );
                probes.put(&rotation.id, probed);
                self.roll_back_by_verdict(&rotation.id, RollbackCause::Probe { detail })
                    .await?;
                return Ok(true);
            }
            Err(_) => {}
        }
        probed.previous_fails = match &previous {
            Err(error) if matches!(error.class, ErrorClass::Authentication | ErrorClass::Permission) => {
                Some(error.detail.clone())
            }
            _ => None,
        };
        probes.put(&rotation.id, probed);
        if previous.is_ok() {
            return self.note_way_back(rotation).await;
        }
        Ok(false)
    }

    /// The way back was just seen to be open; the page shows since when.
    async fn note_way_back(&self, rotation: &Rotation) -> Result<bool, Refusal> {
        let updated = Rotation {
            way_back_proved_at: Some(self.clock.now()),
            ..rotation.clone()
        };
        let change = Change::new()
            .write(Write::UpdateRotation(Box::new(updated)))
            .topic(Topic::Rotation(rotation.id.clone()));
        match self.store.commit(change).await {
            Ok(()) | Err(CommitError::Stale { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
