//! The way back from every state, cut at every undo.

use engine::rotation::{Command, RollbackCause, RotationState};

use crate::fault::Fault;
use crate::proof::{Proof, is_survived};
use crate::site::Way;

/// The states that a rotation is sent back from.
const STATES: [&str; 8] = [
    "rehearsed",
    "stored",
    "issued",
    "verified",
    "wave 0",
    "wave 1",
    "promoted",
    "grace",
];

fn is_at(state: &RotationState, wanted: &str) -> bool {
    match state {
        RotationState::Wave(wave) => wanted == format!("wave {}", wave.index),
        other => wanted == other.label(),
    }
}

async fn cut_every_undo(way: Way, fault: Fault) {
    let mut proof = Proof::furnished(way).await;
    for state in STATES {
        if way == Way::InPlace && (state.starts_with("wave") || state == "grace") {
            continue;
        }
        for act in 1..20 {
            if !cut_undo(&mut proof, fault, state, act).await {
                break;
            }
        }
    }
}

/// False when the way back ended without meeting the fault.
async fn cut_undo(proof: &mut Proof, fault: Fault, state: &str, act: usize) -> bool {
    let way = proof.site.way;
    let id = proof.begin().await;
    proof.case = format!("{way:?}, back from {state}, {fault:?} at undo {act}");
    // The way there is cut in `forward`.
    proof.approaching = true;
    let reached = proof.run_until(&id, |now| is_at(now, state)).await;
    proof.approaching = false;
    assert!(
        is_at(&reached.state, state),
        "{}: {:?}",
        proof.case,
        reached.state
    );
    if Command::Rollback.is_legal(&reached) {
        proof.command(&id, Command::Rollback).await;
    } else {
        let cause = RollbackCause::Probe {
            detail: "a proof".to_owned(),
        };
        let services = &proof.house.services;
        services.roll_back_by_verdict(&id, cause).await.unwrap();
    }
    proof.house.faults.arm(fault, act);
    let (stopped, ended) = proof.run_out(&id).await;
    let met = proof.house.faults.met();
    proof.case = format!("{}: {met:?}", proof.case);
    let by_itself = matches!(stopped.state, RotationState::RolledBack { .. });
    assert_eq!(
        by_itself,
        met.is_none() || is_survived(fault),
        "{}: {:?}",
        proof.case,
        stopped.state
    );
    assert!(
        matches!(ended.state, RotationState::RolledBack { .. }),
        "{}: {:?}",
        proof.case,
        ended.state
    );
    proof.check_end(&ended).await;
    met.is_some()
}

macro_rules! proofs {
    ($($way:ident: $($fault:ident as $name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                cut_every_undo(Way::$way, Fault::$fault).await;
            }
        )+)+
    };
}

proofs! {
    Alternating:
        Repeat as alternating_repeats_every_undo,
        FailOnce as alternating_survives_a_failure_before_every_undo,
        FailAfter as alternating_survives_a_lost_answer_of_every_undo,
        FailForGood as alternating_asks_a_person_when_an_undo_is_forbidden,
        DieBefore as alternating_survives_death_before_every_undo,
        DieAfter as alternating_survives_death_after_every_undo,
        DieBetween as alternating_survives_death_between_undos;
    InPlace:
        Repeat as in_place_repeats_every_undo,
        FailOnce as in_place_survives_a_failure_before_every_undo,
        FailAfter as in_place_survives_a_lost_answer_of_every_undo,
        FailForGood as in_place_asks_a_person_when_an_undo_is_forbidden,
        DieBefore as in_place_survives_death_before_every_undo,
        DieAfter as in_place_survives_death_after_every_undo,
        DieBetween as in_place_survives_death_between_undos;
    Dual:
        Repeat as dual_repeats_every_undo,
        FailOnce as dual_survives_a_failure_before_every_undo,
        FailAfter as dual_survives_a_lost_answer_of_every_undo,
        FailForGood as dual_asks_a_person_when_an_undo_is_forbidden,
        DieBefore as dual_survives_death_before_every_undo,
        DieAfter as dual_survives_death_after_every_undo,
        DieBetween as dual_survives_death_between_undos;
    DualMade:
        Repeat as dual_made_by_the_issuer_repeats_every_undo,
        FailAfter as dual_made_by_the_issuer_survives_a_lost_answer_of_every_undo,
        DieAfter as dual_made_by_the_issuer_survives_death_after_every_undo;
}
