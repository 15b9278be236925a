//! Which version an instance is served: a pure function of the rotation and the fleet (invariant 2).

use sha2::{Digest, Sha256};

use crate::catalog::{Strategy, VersionNumber};
use crate::delivery::live::{InstanceView, LiveCredential};
use crate::detection::watch::InstanceKey;
use crate::id::RotationId;
use crate::rotation::{Rollback, RollbackStage, Rotation, RotationState};

/// What one instance is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    pub version: VersionNumber,
    /// Sent beside it where the issuer accepts both.
    pub previous: Option<VersionNumber>,
    /// It is served the candidate because it belongs to the cohort.
    pub in_cohort: bool,
}

impl Serving {
    fn only(version: VersionNumber) -> Self {
        Self {
            version,
            previous: None,
            in_cohort: false,
        }
    }
}

/// What to serve to `instance`. None: there is no version yet.
pub fn serving(live: &LiveCredential, fleet: &[InstanceView], instance: &InstanceKey) -> Option<Serving> {
    let Some(rotation) = &live.rotation else {
        return live.credential.current.map(Serving::only);
    };
    let Some(from) = rotation.from else {
        // A first version is handed out only once it has been seen to work.
        return live.credential.current.map(Serving::only);
    };
    Some(during(rotation, &rotation.state, from, fleet, instance))
}

fn during(
    rotation: &Rotation,
    state: &RotationState,
    from: VersionNumber,
    fleet: &[InstanceView],
    instance: &InstanceKey,
) -> Serving {
    let to = rotation.to;
    let both = Serving {
        version: to,
        previous: Some(from),
        in_cohort: false,
    };
    let reversed = Serving {
        version: from,
        previous: Some(to),
        in_cohort: false,
    };
    match state {
        RotationState::NeedsOperator { before, .. } => during(rotation, before, from, fleet, instance),
        // Between issued and promoted the one slot holds the newest; after a crash nobody knows yet, so both are sent.
        RotationState::Issued | RotationState::Verified if rotation.strategy == Strategy::InPlace => both,
        // The act of issuing, or of restoring, may have happened without its outcome being recorded: the one slot
        // holds either, so the other one is sent beside it.
        RotationState::Stored if rotation.strategy == Strategy::InPlace => reversed,
        RotationState::RollingBack(Rollback {
            stage: RollbackStage::Restoring,
            ..
        }) if rotation.strategy == Strategy::InPlace => reversed,
        RotationState::Wave(wave) => {
            let percent = rotation.policy.waves.get(wave.index).copied().unwrap_or(100);
            if in_cohort(rotation, percent, fleet, instance) {
                Serving {
                    in_cohort: true,
                    ..both
                }
            } else {
                Serving::only(from)
            }
        }
        RotationState::Promoted { .. } | RotationState::Grace { .. }
            if rotation.strategy == Strategy::InPlace =>
        {
            Serving::only(to)
        }
        RotationState::Promoted { .. } | RotationState::Grace { .. } => both,
        RotationState::Retiring { .. } | RotationState::Completed => Serving::only(to),
        RotationState::Planned
        | RotationState::AwaitingApproval
        | RotationState::Rehearsed
        | RotationState::Stored
        | RotationState::Issued
        | RotationState::Verified
        | RotationState::RollingBack(_)
        | RotationState::RolledBack { .. }
        | RotationState::Cancelled { .. } => Serving::only(from),
    }
}

/// How many of `live` instances a wave of `percent` holds: rounded up, at least one.
pub fn cohort_size(live: usize, percent: u8) -> usize {
    (live * usize::from(percent)).div_ceil(100).max(1)
}

/// Whether an instance belongs to the cohort: once in, always in; the rest by a stable hash of (rotation, instance).
pub fn in_cohort(rotation: &Rotation, percent: u8, fleet: &[InstanceView], instance: &InstanceKey) -> bool {
    let is_member = |view: &InstanceView| view.stored.cohort_of.as_ref() == Some(&rotation.id);
    if percent >= 100
        || fleet
            .iter()
            .any(|view| view.key() == *instance && is_member(view))
    {
        return true;
    }
    let live: Vec<&InstanceView> = fleet.iter().filter(|view| view.live).collect();
    let members = live.iter().filter(|view| is_member(view)).count();
    let known = live.iter().any(|view| view.key() == *instance);
    let wanted = cohort_size(live.len() + usize::from(!known), percent).saturating_sub(members);
    let own = rank(&rotation.id, instance);
    let before = live
        .iter()
        .filter(|view| !is_member(view) && view.key() != *instance && rank(&rotation.id, &view.key()) < own)
        .count();
    before < wanted
}

fn rank(rotation: &RotationId, instance: &InstanceKey) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [rotation.as_str(), instance.0.as_str(), &instance.1] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_rounded_up_and_never_empty() {
        assert_eq!(cohort_size(20, 5), 1);
        assert_eq!(cohort_size(20, 25), 5);
        assert_eq!(cohort_size(21, 5), 2);
        assert_eq!(cohort_size(0, 5), 1);
        assert_eq!(cohort_size(3, 100), 3);
    }
}
