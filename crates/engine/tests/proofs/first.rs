//! A credential's first version, cut at every act: there is nothing to go back to.

use engine::rotation::RotationState;

use crate::fault::Fault;
use crate::proof::{Proof, is_survived};
use crate::site::Way;

async fn cut_first_version(way: Way, fault: Fault) {
    let mut proof = Proof::start(way).await;
    for act in 1..20 {
        proof.add_credential(&format!("app-{act}")).await;
        let id = proof.begin().await;
        proof.case = format!("first of {way:?}, {fault:?} at act {act}");
        proof.house.faults.arm(fault, act);
        let (stopped, ended) = proof.run_out(&id).await;
        let met = proof.house.faults.met();
        proof.case = format!("{}: {met:?}", proof.case);
        let completed = stopped.state == RotationState::Completed;
        assert_eq!(
            completed,
            met.is_none() || is_survived(fault),
            "{}: {:?}",
            proof.case,
            stopped.state
        );
        proof.check_end(&ended).await;
        if met.is_none() {
            assert!(act > 2, "only {act} acts: {:?}", proof.house.faults.acts());
            return;
        }
    }
    panic!("a first version does not take so many acts");
}

async fn cut_first_version_by_all(way: Way) {
    for fault in [
        Fault::Repeat,
        Fault::FailOnce,
        Fault::FailAfter,
        Fault::FailForGood,
        Fault::DieBefore,
        Fault::DieAfter,
        Fault::DieBetween,
    ] {
        cut_first_version(way, fault).await;
    }
}

#[tokio::test]
async fn alternating_begins_whatever_is_cut() {
    cut_first_version_by_all(Way::Alternating).await;
}

#[tokio::test]
async fn in_place_begins_whatever_is_cut() {
    cut_first_version_by_all(Way::InPlace).await;
}

#[tokio::test]
async fn dual_begins_whatever_is_cut() {
    cut_first_version_by_all(Way::Dual).await;
    cut_first_version_by_all(Way::DualMade).await;
}
