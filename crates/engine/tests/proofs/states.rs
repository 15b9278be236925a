//! The one table of legal moves, as a graph: it ends, and ends are ends.

use std::collections::HashSet;

use engine::Timestamp;
use engine::catalog::Strategy as Kind;
use engine::rotation::{Rollback, RollbackCause, RollbackStage, RotationState, Wave};
use proptest::prelude::*;

const STRATEGIES: [Kind; 4] = [Kind::Alternating, Kind::Dual, Kind::InPlace, Kind::Reissue];
const STAGES: [RollbackStage; 5] = [
    RollbackStage::Draining,
    RollbackStage::Restoring,
    RollbackStage::Proving,
    RollbackStage::Revoking,
    RollbackStage::Confirming,
];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn cause() -> RollbackCause {
    RollbackCause::Issuer {
        detail: "no".to_owned(),
    }
}

/// Every state there is, with waves up to `waves`, but for `needs_operator`.
fn all_states(waves: usize, now: Timestamp) -> Vec<RotationState> {
    let mut states = vec![
        RotationState::Planned,
        RotationState::AwaitingApproval,
        RotationState::Rehearsed,
        RotationState::Stored,
        RotationState::Issued,
        RotationState::Verified,
        RotationState::Promoted { at: now },
        RotationState::Grace {
            since: now,
            until: now,
        },
        RotationState::Retiring { revoked: false },
        RotationState::Retiring { revoked: true },
        RotationState::Completed,
        RotationState::RolledBack { cause: cause() },
        RotationState::Cancelled {
            reason: "no".to_owned(),
        },
    ];
    states.extend((0..waves).map(|index| RotationState::Wave(Wave { index, since: now })));
    for issuer_touched in [false, true] {
        states.extend(STAGES.map(|stage| {
            RotationState::RollingBack(Rollback {
                cause: cause(),
                since: now,
                stage,
                issuer_touched,
            })
        }));
    }
    states
}

fn with_operator(states: &[RotationState], since: Timestamp) -> Vec<RotationState> {
    let asked = states.iter().map(|before| RotationState::NeedsOperator {
        before: Box::new(before.clone()),
        problem: "no".to_owned(),
        since,
    });
    states.iter().cloned().chain(asked).collect()
}

/// The states that can be reached without asking anybody.
fn reach(from: &RotationState, all: &[RotationState], kind: Kind, first: bool) -> Vec<RotationState> {
    let mut reached: Vec<usize> = Vec::new();
    let mut seen = HashSet::new();
    let mut next: Vec<RotationState> = vec![from.clone()];
    while let Some(state) = next.pop() {
        for (index, other) in all.iter().enumerate() {
            if state.may_become(other, kind, first) && seen.insert(index) {
                reached.push(index);
                next.push(other.clone());
            }
        }
    }
    reached.into_iter().map(|index| all[index].clone()).collect()
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(STRATEGIES.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn nothing_follows_an_end(kind in kinds(), first: bool, waves in 1..6usize, seconds in 0..9_999i64) {
        let states = with_operator(&all_states(waves, at(seconds)), at(seconds));
        for end in states.iter().filter(|state| state.is_terminal()) {
            for next in &states {
                prop_assert!(!end.may_become(next, kind, first), "{end:?} to {next:?}");
            }
        }
    }

    #[test]
    fn every_state_that_is_reached_reaches_an_end(kind in kinds(), first: bool, waves in 1..6usize, seconds in 0..9_999i64) {
        let states = all_states(waves, at(seconds));
        let possible = reach(&RotationState::Planned, &states, kind, first);
        prop_assert!(possible.contains(&RotationState::Completed));
        for state in possible.iter().filter(|state| !state.is_terminal()) {
            let reached = reach(state, &states, kind, first);
            prop_assert!(reached.iter().any(RotationState::is_terminal), "{state:?} has no end");
            let asked = RotationState::NeedsOperator {
                before: Box::new(state.clone()),
                problem: "no".to_owned(),
                since: at(seconds),
            };
            prop_assert!(state.may_become(&asked, kind, first), "{state:?} may always ask a person");
            prop_assert!(asked.may_become(state, kind, first), "and go on where it stood");
        }
    }

    #[test]
    fn what_the_issuer_may_know_is_never_cancelled(kind in kinds(), first: bool, waves in 1..6usize, seconds in 0..9_999i64) {
        let states = all_states(waves, at(seconds));
        let cancelled = RotationState::Cancelled { reason: "no".to_owned() };
        for state in states.iter().filter(|state| state.issuer_may_know_candidate()) {
            prop_assert!(!state.may_become(&cancelled, kind, first), "{state:?}");
        }
    }

    #[test]
    fn without_overlap_there_are_no_waves_and_no_grace(first: bool, waves in 1..6usize, seconds in 0..9_999i64) {
        let states = all_states(waves, at(seconds));
        let kinds = if first { STRATEGIES.to_vec() } else { vec![Kind::InPlace] };
        for kind in kinds {
            for state in reach(&RotationState::Planned, &states, kind, first) {
                prop_assert!(
                    !matches!(state, RotationState::Wave(_) | RotationState::Grace { .. }),
                    "{kind:?} reaches {state:?}"
                );
            }
        }
    }
}
