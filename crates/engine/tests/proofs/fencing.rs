//! Two drivers of one rotation (ROT-13): what the slower one finishes too late is refused.

use std::time::Duration;

use engine::rotation::driver::LEASE;
use engine::rotation::{Driver, Next, Rotation, RotationRecord, RotationState};

use crate::fault::Fault;
use crate::proof::Proof;
use crate::site::Way;

/// The rotation and its log, as stored.
async fn recorded(proof: &Proof, rotation: &Rotation) -> (Rotation, Vec<RotationRecord>) {
    let store = &proof.house.services.store;
    let records = store.records(&rotation.id, 0).await.unwrap();
    (proof.rotation(&rotation.id).await, records)
}

/// The first driver is held up at the `act`th act for longer than its lease; the second takes over and ends the
/// rotation; then the first comes back. False when there is no such act.
async fn overtake(proof: &mut Proof, fault: Fault, act: usize) -> bool {
    let id = proof.begin().await;
    proof.case = format!("{:?}, {fault:?} at act {act}", proof.site.way);
    proof.house.faults.arm(fault, act);
    let services = proof.house.services.clone();
    let slow = Driver::new(format!("slow {act}"));
    let faults = proof.house.faults.clone();
    let late = loop {
        let rotation = proof.rotation(&id).await;
        proof.check_boundary(Some(&rotation)).await;
        let mut look = Box::pin(services.drive(&slow, &id));
        let next = tokio::select! {
            biased;
            next = &mut look => next.unwrap(),
            () = faults.paused.notified() => break look,
        };
        match next {
            Next::Again => {}
            Next::At(at) => proof.house.clock.advance_to(at),
            Next::Ended => {
                proof.check_end(&rotation).await;
                return false;
            }
            Next::NotMine => panic!("{}: nobody else drives yet", proof.case),
        }
    };
    let met = faults.met().unwrap();
    proof.case = format!("{}: {met}", proof.case);
    let next = services.drive(&proof.house.driver, &id).await.unwrap();
    assert_eq!(next, Next::NotMine, "{}: the lease still runs", proof.case);
    faults.heal();
    proof.house.clock.advance(LEASE + Duration::from_secs(1));
    let ended = proof.run(&id).await;
    assert_eq!(ended.state, RotationState::Completed, "{}", proof.case);
    proof.check_end(&ended).await;
    let before = recorded(proof, &ended).await;

    faults.go_on.notify_one();
    let next = late.await.unwrap();
    // A probe records nothing of its own under the lease; everything else must be told that it lost it.
    if !met.starts_with("verify") {
        assert_eq!(next, Next::NotMine, "{}", proof.case);
    }
    assert_eq!(
        recorded(proof, &ended).await,
        before,
        "{}: the late outcome is refused",
        proof.case
    );
    assert_eq!(
        services.drive(&slow, &id).await.unwrap(),
        Next::NotMine,
        "{}: the lease is the other's now",
        proof.case
    );
    proof.check_end(&ended).await;
    true
}

async fn overtake_at_every_act(way: Way, fault: Fault) {
    let mut proof = Proof::furnished(way).await;
    for act in 1..100 {
        if !overtake(&mut proof, fault, act).await {
            assert!(act > 5, "only {act} acts");
            return;
        }
    }
    panic!("a rotation of a hundred acts");
}

#[tokio::test]
async fn alternating_refuses_the_outcome_of_an_overtaken_driver() {
    overtake_at_every_act(Way::Alternating, Fault::PauseAfter).await;
}

#[tokio::test]
async fn alternating_stands_an_act_of_an_overtaken_driver() {
    overtake_at_every_act(Way::Alternating, Fault::PauseBefore).await;
}

#[tokio::test]
async fn in_place_refuses_the_outcome_of_an_overtaken_driver() {
    overtake_at_every_act(Way::InPlace, Fault::PauseAfter).await;
}

#[tokio::test]
async fn in_place_stands_an_act_of_an_overtaken_driver() {
    overtake_at_every_act(Way::InPlace, Fault::PauseBefore).await;
}

#[tokio::test]
async fn dual_refuses_the_outcome_of_an_overtaken_driver() {
    overtake_at_every_act(Way::Dual, Fault::PauseAfter).await;
}
