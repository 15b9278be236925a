//! What a rotation does next: a pure function of what is stored and what is seen.

use crate::catalog::{Evidence, Strategy};
use crate::clock::Timestamp;
use crate::delivery::InstanceView;
use crate::delivery::serve::cohort_size;
use crate::detection::outcome::Counts;
use crate::rotation::model::Rotation;
use crate::rotation::record::Step;
use crate::rotation::state::{Rollback, RollbackStage, RotationState, Wave};

/// Good outcomes that a wave needs in all, besides one from each instance (§4).
const GOOD_IN_ALL: u64 = 5;

/// What is seen of the world at the moment of deciding.
#[derive(Debug)]
pub struct Facts<'a> {
    pub now: Timestamp,
    pub fleet: &'a [InstanceView],
    /// What each instance of `fleet` reported on the candidate, in the same order.
    pub reported: &'a [Counts],
    /// The old version is being refused at this moment.
    pub control_fails: bool,
    /// When Rota's own probe last saw the candidate work.
    pub candidate_proved_at: Option<Timestamp>,
    /// Why Rota's own probe of the previous version fails, if it does.
    pub previous_fails: Option<String>,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Act(Step),
    Move {
        next: RotationState,
        detail: String,
    },
    /// Nothing until then, or until something changes. With a reason, Rota is holding.
    Wait {
        until: Option<Timestamp>,
        hold: Option<String>,
    },
}

impl Decision {
    fn wait(until: Option<Timestamp>) -> Self {
        Self::Wait { until, hold: None }
    }

    fn hold(reason: impl Into<String>) -> Self {
        Self::Wait {
            until: None,
            hold: Some(reason.into()),
        }
    }

    fn go(next: RotationState, detail: impl Into<String>) -> Self {
        Self::Move {
            next,
            detail: detail.into(),
        }
    }
}

/// Decides. Never looks at a clock or a store.
pub fn decide(rotation: &Rotation, facts: &Facts<'_>) -> Decision {
    let state = &rotation.state;
    if state.is_terminal() || matches!(state, RotationState::NeedsOperator { .. }) {
        return Decision::wait(None);
    }
    if rotation.pause.is_some() && !state.is_rolling_back() {
        return Decision::wait(None);
    }
    if let Some(retry) = rotation.retry.as_ref().filter(|retry| retry.next_at > facts.now) {
        return Decision::wait(Some(retry.next_at));
    }
    let first = rotation.from.is_none();
    let without_waves = first || rotation.strategy == Strategy::InPlace;
    match state {
        RotationState::Planned | RotationState::AwaitingApproval => begin(rotation, first),
        RotationState::Rehearsed => Decision::Act(Step::Store),
        RotationState::Stored => Decision::Act(Step::Issue),
        RotationState::Issued => Decision::Act(Step::Verify),
        RotationState::Verified if without_waves => promote(facts.now, "the new version logs in"),
        RotationState::Verified => Decision::go(
            RotationState::Wave(Wave {
                index: 0,
                since: facts.now,
            }),
            format!(
                "{}% of the instances first",
                rotation.policy.waves.first().unwrap_or(&100)
            ),
        ),
        RotationState::Wave(wave) => decide_wave(rotation, wave, facts),
        RotationState::Promoted { .. } if first => {
            Decision::go(RotationState::Completed, "the first version is in use")
        }
        RotationState::Promoted { .. } if rotation.strategy == Strategy::InPlace => {
            Decision::Act(Step::ConfirmRefused)
        }
        RotationState::Promoted { .. } => {
            let grace = if rotation.emergency {
                std::time::Duration::ZERO
            } else {
                rotation.policy.grace
            };
            let until = facts.now.after(grace);
            Decision::go(
                RotationState::Grace {
                    since: facts.now,
                    until,
                },
                "both versions are valid",
            )
        }
        RotationState::Grace { until, .. } => decide_grace(rotation, *until, facts),
        RotationState::Retiring { revoked: false } => Decision::Act(Step::Retire),
        RotationState::Retiring { revoked: true } => Decision::Act(Step::ConfirmRefused),
        RotationState::RollingBack(rollback) => decide_rollback(rotation, rollback, facts),
        RotationState::Completed
        | RotationState::RolledBack { .. }
        | RotationState::Cancelled { .. }
        | RotationState::NeedsOperator { .. } => Decision::wait(None),
    }
}

fn begin(rotation: &Rotation, first: bool) -> Decision {
    let missing = usize::from(rotation.policy.approvals).saturating_sub(rotation.approvals.len());
    if missing == 0 {
        return Decision::Act(if first { Step::Store } else { Step::Rehearse });
    }
    if rotation.state == RotationState::Planned {
        return Decision::go(
            RotationState::AwaitingApproval,
            format!("{missing} more must agree"),
        );
    }
    Decision::wait(None)
}

fn promote(now: Timestamp, detail: &str) -> Decision {
    Decision::go(RotationState::Promoted { at: now }, detail)
}

fn decide_wave(rotation: &Rotation, wave: &Wave, facts: &Facts<'_>) -> Decision {
    if let Some(reason) = held_by_previous(facts) {
        return Decision::hold(reason);
    }
    let soak_ends = if rotation.emergency {
        wave.since
    } else {
        wave.since.after(rotation.policy.soak)
    };
    if facts.now < soak_ends {
        return Decision::wait(Some(soak_ends));
    }
    if let Some(missing) = missing_evidence(rotation, wave, facts) {
        return Decision::hold(missing);
    }
    let next = wave.index + 1;
    match rotation.policy.waves.get(next) {
        Some(percent) => Decision::go(
            RotationState::Wave(Wave {
                index: next,
                since: facts.now,
            }),
            format!("the wave before held; now {percent}% of the instances"),
        ),
        None => promote(facts.now, "every wave held"),
    }
}

fn held_by_previous(facts: &Facts<'_>) -> Option<String> {
    if facts.control_fails {
        return Some("the old version is being refused too, so this is not about the new one".to_owned());
    }
    facts
        .previous_fails
        .as_ref()
        .map(|detail| format!("Rota's own login with the old version fails: {detail}"))
}

/// What a wave still lacks. Silence never counts as success (invariant 8).
fn missing_evidence(rotation: &Rotation, wave: &Wave, facts: &Facts<'_>) -> Option<String> {
    let percent = rotation.policy.waves.get(wave.index).copied().unwrap_or(100);
    let live = facts.fleet.iter().filter(|view| view.live).count();
    let members: Vec<(&InstanceView, Counts)> = facts
        .fleet
        .iter()
        .zip(facts.reported.iter().copied())
        .filter(|(view, _)| view.live && view.stored.cohort_of.as_ref() == Some(&rotation.id))
        .collect();
    if rotation.policy.evidence == Evidence::AcksAndProbe {
        if facts.candidate_proved_at.is_none_or(|at| at < wave.since) {
            return Some(
                "Rota's own login with the new version has not been seen in this wave yet".to_owned(),
            );
        }
        if live == 0 {
            return None;
        }
    }
    if live == 0 {
        return Some("no instance has asked for this credential in the last five minutes, so nothing shows that it works".to_owned());
    }
    let wanted = cohort_size(live, percent);
    if members.len() < wanted {
        return Some(format!(
            "{} of {wanted} instances of this wave have fetched the new version",
            members.len()
        ));
    }
    let loaded = members
        .iter()
        .filter(|(view, _)| view.acknowledged == Some(rotation.to))
        .count();
    if loaded < members.len() {
        return Some(format!(
            "{loaded} of {} instances say that they use the new version",
            members.len()
        ));
    }
    if rotation.policy.evidence == Evidence::AcksAndProbe {
        return None;
    }
    let proven = members.iter().filter(|(_, counts)| counts.good > 0).count();
    let good: u64 = members.iter().map(|(_, counts)| counts.good).sum();
    if proven < members.len() {
        return Some(format!(
            "{proven} of {} instances have reported a success with the new version",
            members.len()
        ));
    }
    (good < GOOD_IN_ALL)
        .then(|| format!("{good} successes reported with the new version, {GOOD_IN_ALL} are needed"))
}

fn decide_grace(rotation: &Rotation, until: Timestamp, facts: &Facts<'_>) -> Decision {
    if facts.now < until && !rotation.emergency {
        return Decision::wait(Some(until));
    }
    let laggards = laggards(rotation, facts.fleet);
    if !laggards.is_empty() && !rotation.emergency {
        let some = laggards.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        return Decision::hold(format!(
            "{} live instances still use the old version ({some}); it stays valid until they have moved",
            laggards.len()
        ));
    }
    Decision::go(
        RotationState::Retiring { revoked: false },
        "nobody uses the old version any more",
    )
}

/// Live instances that have not acknowledged the new version.
pub fn laggards(rotation: &Rotation, fleet: &[InstanceView]) -> Vec<String> {
    fleet
        .iter()
        .filter(|view| view.live && view.acknowledged != Some(rotation.to))
        .map(|view| format!("{}/{}", view.stored.consumer, view.stored.instance))
        .collect()
}

fn decide_rollback(rotation: &Rotation, rollback: &Rollback, facts: &Facts<'_>) -> Decision {
    match rollback.stage {
        RollbackStage::Draining => decide_drain(rotation, rollback, facts),
        RollbackStage::Restoring => Decision::Act(Step::RestorePrevious),
        RollbackStage::Proving => Decision::Act(Step::ProvePrevious),
        RollbackStage::Revoking => Decision::Act(Step::RevokeCandidate),
        RollbackStage::Confirming => Decision::Act(Step::ConfirmCandidateRefused),
    }
}

fn decide_drain(rotation: &Rotation, rollback: &Rollback, facts: &Facts<'_>) -> Decision {
    let cause = rollback.cause.clone();
    if !rollback.issuer_touched {
        return Decision::go(
            RotationState::RolledBack { cause },
            "the issuer never heard of the new version",
        );
    }
    let on = |stage| {
        RotationState::RollingBack(Rollback {
            stage,
            ..rollback.clone()
        })
    };
    let Some(from) = rotation.from else {
        return Decision::go(on(RollbackStage::Revoking), "there is no version to go back to");
    };
    let drain_ends = rollback.since.after(rotation.policy.rollback_drain);
    let still_out = facts
        .fleet
        .iter()
        .filter(|view| {
            view.live && view.stored.versions_handed.contains(&rotation.to) && view.acknowledged != Some(from)
        })
        .count();
    if still_out > 0 && facts.now < drain_ends {
        return Decision::wait(Some(drain_ends));
    }
    let detail = if still_out == 0 {
        "every instance that held the new version is back".to_owned()
    } else {
        format!("{still_out} instances have not come back in time")
    };
    Decision::go(on(RollbackStage::Proving), detail)
}
