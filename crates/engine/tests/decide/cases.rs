//! What a rotation does next, for every state: `decide` is pure, so every case is a table.

use std::time::Duration;

use engine::catalog::{Evidence, Policy, Strategy, VersionNumber};
use engine::delivery::{Instance, InstanceView};
use engine::detection::Counts;
use engine::id::{CredentialId, RotationId};
use engine::rotation::decide::{Decision, Facts, decide};
use engine::rotation::{
    Rollback, RollbackCause, RollbackStage, Rotation, RotationState, Step, Trigger, Wave,
};
use engine::{Name, Timestamp};

const ROTATION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const CREDENTIAL: &str = "01890a5d-ac96-774b-bcce-b302099a8058";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn rotation(state: RotationState) -> Rotation {
    Rotation {
        id: RotationId::parse(ROTATION).unwrap(),
        credential: CredentialId::parse(CREDENTIAL).unwrap(),
        credential_name: Name::parse("orders").unwrap(),
        issuer: Name::parse("db").unwrap(),
        environment: Name::parse("test").unwrap(),
        strategy: Strategy::Alternating,
        from: Some(VersionNumber(1)),
        to: VersionNumber(2),
        policy: Policy {
            soak: Duration::from_secs(10),
            waves: vec![25, 100],
            ..Policy::default()
        },
        reason: "test".to_owned(),
        trigger: Trigger::Person,
        emergency: false,
        started_by: "account:a".to_owned(),
        approvals: Vec::new(),
        state,
        pause: None,
        hold: None,
        retry: None,
        way_back_proved_at: None,
        cut_off: Vec::new(),
        sandbox: false,
        created_at: at(0),
        finished_at: None,
        revision: 1,
    }
}

/// An instance of the cohort that acknowledged `acknowledged`.
fn instance(name: &str, cohort: bool, acknowledged: u32) -> InstanceView {
    InstanceView {
        stored: Instance {
            credential: CredentialId::parse(CREDENTIAL).unwrap(),
            consumer: Name::parse("orders").unwrap(),
            instance: name.to_owned(),
            handed: Some(VersionNumber(if cohort { 2 } else { 1 })),
            handed_at: Some(at(0)),
            versions_handed: if cohort {
                vec![VersionNumber(1), VersionNumber(2)]
            } else {
                vec![VersionNumber(1)]
            },
            cohort_of: cohort.then(|| RotationId::parse(ROTATION).unwrap()),
            acknowledged: None,
            acknowledged_at: None,
            load_error: None,
            first_seen_at: at(0),
        },
        last_seen_at: at(0),
        live: true,
        acknowledged: Some(VersionNumber(acknowledged)),
    }
}

struct World {
    now: i64,
    fleet: Vec<(InstanceView, u64)>,
    control_fails: bool,
    candidate_proved_at: Option<i64>,
}

impl World {
    fn new(now: i64, fleet: Vec<(InstanceView, u64)>) -> Self {
        Self {
            now,
            fleet,
            control_fails: false,
            candidate_proved_at: None,
        }
    }

    fn decide(&self, rotation: &Rotation) -> Decision {
        let fleet: Vec<_> = self.fleet.iter().map(|(view, _)| view.clone()).collect();
        let reported: Vec<_> = self
            .fleet
            .iter()
            .map(|(_, good)| Counts {
                good: *good,
                ..Counts::default()
            })
            .collect();
        let facts = Facts {
            now: at(self.now),
            fleet: &fleet,
            reported: &reported,
            control_fails: self.control_fails,
            candidate_proved_at: self.candidate_proved_at.map(at),
            previous_fails: None,
        };
        decide(rotation, &facts)
    }
}

fn wave(index: usize) -> RotationState {
    RotationState::Wave(Wave { index, since: at(0) })
}

fn is_hold(decision: &Decision) -> bool {
    matches!(decision, Decision::Wait { hold: Some(_), .. })
}

#[test]
fn steps_before_the_waves_come_in_order() {
    let world = World::new(0, Vec::new());
    for (state, step) in [
        (RotationState::Planned, Step::Rehearse),
        (RotationState::Rehearsed, Step::Store),
        (RotationState::Stored, Step::Issue),
        (RotationState::Issued, Step::Verify),
        (RotationState::Retiring { revoked: false }, Step::Retire),
        (RotationState::Retiring { revoked: true }, Step::ConfirmRefused),
    ] {
        assert_eq!(world.decide(&rotation(state)), Decision::Act(step));
    }
    let mut first = rotation(RotationState::Planned);
    first.from = None;
    assert_eq!(
        world.decide(&first),
        Decision::Act(Step::Store),
        "a first version has no way back to rehearse"
    );
}

#[test]
fn approvals_are_waited_for_even_in_an_emergency() {
    let mut rotation = rotation(RotationState::Planned);
    rotation.policy.approvals = 1;
    rotation.emergency = true;
    let world = World::new(0, Vec::new());
    assert!(matches!(
        world.decide(&rotation),
        Decision::Move {
            next: RotationState::AwaitingApproval,
            ..
        }
    ));
    rotation.state = RotationState::AwaitingApproval;
    assert!(matches!(
        world.decide(&rotation),
        Decision::Wait {
            until: None,
            hold: None
        }
    ));
}

#[test]
fn a_wave_passes_only_with_evidence_from_every_member() {
    let members = |good: u64, acknowledged| {
        vec![
            (instance("a", true, acknowledged), good),
            (instance("b", false, 1), 0),
        ]
    };
    let wave = rotation(wave(0));
    assert_eq!(
        World::new(5, members(9, 2)).decide(&wave),
        Decision::Wait {
            until: Some(at(10)),
            hold: None
        },
        "the soak is not over"
    );
    assert!(matches!(
        World::new(10, members(5, 2)).decide(&wave),
        Decision::Move {
            next: RotationState::Wave(_),
            ..
        }
    ));
    assert!(
        is_hold(&World::new(10, members(4, 2)).decide(&wave)),
        "five successes are needed"
    );
    assert!(
        is_hold(&World::new(10, members(9, 1)).decide(&wave)),
        "it does not say that it uses the new version"
    );
    assert!(
        is_hold(&World::new(10, members(0, 2)).decide(&wave)),
        "silence is not success"
    );
    assert!(
        is_hold(&World::new(10, Vec::new()).decide(&wave)),
        "nobody is there"
    );
    let mut failing = World::new(10, members(9, 2));
    failing.control_fails = true;
    assert!(is_hold(&failing.decide(&wave)), "the control fails");
}

#[test]
fn the_last_wave_promotes() {
    let fleet = vec![(instance("a", true, 2), 3), (instance("b", true, 2), 3)];
    let decision = World::new(10, fleet).decide(&rotation(wave(1)));
    assert!(
        matches!(
            decision,
            Decision::Move {
                next: RotationState::Promoted { .. },
                ..
            }
        ),
        "{decision:?}"
    );
}

#[test]
fn acks_and_probe_needs_a_probe_of_this_wave() {
    let mut rotation = rotation(wave(1));
    rotation.policy.evidence = Evidence::AcksAndProbe;
    let mut world = World::new(10, vec![(instance("a", true, 2), 0)]);
    assert!(is_hold(&world.decide(&rotation)));
    world.candidate_proved_at = Some(3);
    assert!(matches!(
        world.decide(&rotation),
        Decision::Move {
            next: RotationState::Promoted { .. },
            ..
        }
    ));
}

#[test]
fn grace_ends_only_when_its_time_is_over_and_everyone_has_moved() {
    let grace = rotation(RotationState::Grace {
        since: at(0),
        until: at(60),
    });
    let moved = vec![(instance("a", true, 2), 0)];
    assert!(matches!(
        World::new(59, moved.clone()).decide(&grace),
        Decision::Wait { hold: None, .. }
    ));
    assert!(matches!(
        World::new(60, moved).decide(&grace),
        Decision::Move {
            next: RotationState::Retiring { .. },
            ..
        }
    ));
    assert!(is_hold(
        &World::new(60, vec![(instance("late", false, 1), 0)]).decide(&grace)
    ));
    let mut absent = instance("gone", false, 1);
    absent.live = false;
    assert!(
        matches!(
            World::new(60, vec![(absent, 0)]).decide(&grace),
            Decision::Move { .. }
        ),
        "absent does not block"
    );
}

#[test]
fn a_candidate_is_revoked_only_after_the_drain_and_the_proof_of_the_previous_version() {
    let back = |stage| {
        let cause = RollbackCause::Person {
            by: "account:a".to_owned(),
            reason: "r".to_owned(),
        };
        rotation(RotationState::RollingBack(Rollback {
            cause,
            since: at(0),
            stage,
            issuer_touched: true,
        }))
    };
    let still_out = vec![(instance("a", true, 2), 0)];
    let returned = vec![(instance("a", true, 1), 0)];
    let draining = back(RollbackStage::Draining);
    assert!(matches!(
        World::new(1, still_out.clone()).decide(&draining),
        Decision::Wait { hold: None, .. }
    ));
    for world in [World::new(30, still_out), World::new(1, returned)] {
        let Decision::Move {
            next: RotationState::RollingBack(rollback),
            ..
        } = world.decide(&draining)
        else {
            panic!("drained");
        };
        assert_eq!(rollback.stage, RollbackStage::Proving);
    }
    let world = World::new(1, Vec::new());
    assert_eq!(
        world.decide(&back(RollbackStage::Proving)),
        Decision::Act(Step::ProvePrevious)
    );
    assert_eq!(
        world.decide(&back(RollbackStage::Revoking)),
        Decision::Act(Step::RevokeCandidate)
    );
    assert_eq!(
        world.decide(&back(RollbackStage::Confirming)),
        Decision::Act(Step::ConfirmCandidateRefused)
    );
}

#[test]
fn terminal_states_never_move() {
    let cause = RollbackCause::Probe {
        detail: "d".to_owned(),
    };
    let terminal = [
        RotationState::Completed,
        RotationState::RolledBack { cause },
        RotationState::Cancelled {
            reason: "r".to_owned(),
        },
    ];
    let next = [
        RotationState::Planned,
        RotationState::Stored,
        wave(0),
        RotationState::Completed,
    ];
    for state in terminal {
        assert_eq!(
            World::new(0, Vec::new()).decide(&rotation(state.clone())),
            Decision::Wait {
                until: None,
                hold: None
            }
        );
        for next in &next {
            assert!(
                !state.may_become(next, Strategy::Alternating, false),
                "{state:?} to {next:?}"
            );
        }
    }
}
