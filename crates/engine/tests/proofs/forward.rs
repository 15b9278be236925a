//! From one version to the next, cut at every act.

use engine::rotation::RotationState;

use crate::fault::Fault;
use crate::proof::{Proof, is_survived};
use crate::site::Way;

/// No rotation has so many acts.
const MOST_ACTS: usize = 100;

/// One rotation after another of one credential: the first act of the first one meets the fault, the second act of
/// the second, until a rotation ends without meeting it.
async fn cut_every_act(way: Way, fault: Fault) {
    let mut proof = Proof::furnished(way).await;
    for act in 1..MOST_ACTS {
        let id = proof.begin().await;
        proof.case = format!("{way:?}, {fault:?} at act {act}");
        proof.house.faults.arm(fault, act);
        let (stopped, ended) = proof.run_out(&id).await;
        let met = proof.house.faults.met();
        proof.case = format!("{}: {met:?}", proof.case);
        let completed = stopped.state == RotationState::Completed;
        match &met {
            Some(met) if !is_survived(fault) => {
                // The previous version is tried all along; once it is no longer needed, that may fail.
                let of_previous = *met == format!("verify version {}", stopped.from.unwrap());
                assert!(!completed || of_previous, "{}: {:?}", proof.case, stopped.state);
            }
            _ => assert!(completed, "{}: {:?}", proof.case, stopped.state),
        }
        proof.check_end(&ended).await;
        if met.is_none() {
            assert!(act > 5, "only {act} acts: {:?}", proof.house.faults.acts());
            return;
        }
    }
    panic!("a rotation of {MOST_ACTS} acts");
}

macro_rules! proofs {
    ($($way:ident: $($fault:ident as $name:ident),+;)+) => {
        $($(
            #[tokio::test]
            async fn $name() {
                cut_every_act(Way::$way, Fault::$fault).await;
            }
        )+)+
    };
}

proofs! {
    Alternating:
        Repeat as alternating_repeats_every_act,
        FailOnce as alternating_survives_a_failure_before_every_act,
        FailAfter as alternating_survives_a_lost_answer_of_every_act,
        FailForGood as alternating_ends_well_when_an_act_is_forbidden,
        DieBefore as alternating_survives_death_before_every_act,
        DieAfter as alternating_survives_death_after_every_act,
        DieBetween as alternating_survives_death_between_acts;
    InPlace:
        Repeat as in_place_repeats_every_act,
        FailOnce as in_place_survives_a_failure_before_every_act,
        FailAfter as in_place_survives_a_lost_answer_of_every_act,
        FailForGood as in_place_ends_well_when_an_act_is_forbidden,
        DieBefore as in_place_survives_death_before_every_act,
        DieAfter as in_place_survives_death_after_every_act,
        DieBetween as in_place_survives_death_between_acts;
    Dual:
        Repeat as dual_repeats_every_act,
        FailOnce as dual_survives_a_failure_before_every_act,
        FailAfter as dual_survives_a_lost_answer_of_every_act,
        FailForGood as dual_ends_well_when_an_act_is_forbidden,
        DieBefore as dual_survives_death_before_every_act,
        DieAfter as dual_survives_death_after_every_act,
        DieBetween as dual_survives_death_between_acts;
    DualMade:
        Repeat as dual_made_by_the_issuer_repeats_every_act,
        FailAfter as dual_made_by_the_issuer_survives_a_lost_answer_of_every_act,
        FailForGood as dual_made_by_the_issuer_ends_well_when_an_act_is_forbidden,
        DieBefore as dual_made_by_the_issuer_survives_death_before_every_act,
        DieAfter as dual_made_by_the_issuer_survives_death_after_every_act;
}
