//! Rotations, their logs, leases and fences.

use std::time::Duration;

use engine::change::{Change, Fence, Topic};
use engine::ports::{LeaseStore, RotationFilter, RotationStore, Store};
use engine::rotation::{RecordEvent, Rotation, RotationState, Step};
use engine::{CommitError, Write};

use crate::fixture::{Fixture, audited};

crate::on_both! {
    one_rotation_of_a_credential_at_a_time;
    rotations_are_listed_newest_first_by_every_filter;
    records_count_from_one_within_a_rotation;
    a_lease_is_renewed_and_taken_over_only_when_it_ran_out;
    a_driver_that_lost_its_lease_is_fenced;
    a_delivery_notices_that_the_rotation_moved;
}

/// A credential with a rotation that is stored.
async fn started(fixture: &Fixture) -> (engine::catalog::Credential, Rotation) {
    let issuer = fixture.issuer("db");
    let credential = fixture.credential("orders-app", &issuer);
    let rotation = fixture.rotation(&credential);
    let change = audited("rotation.start")
        .write(Write::InsertIssuer(issuer))
        .write(Write::InsertCredential(credential.clone()))
        .write(Write::InsertRotation(Box::new(rotation.clone())));
    fixture.store.commit(change).await.unwrap();
    (credential, rotation)
}

async fn one_rotation_of_a_credential_at_a_time(fixture: Fixture) {
    let store = &fixture.store;
    let (credential, mut rotation) = started(&fixture).await;
    assert_eq!(
        store.rotation(&rotation.id).await.unwrap(),
        Some(rotation.clone())
    );
    assert_eq!(
        store.rotation_in_flight(&credential.id).await.unwrap(),
        Some(rotation.clone())
    );
    assert_eq!(
        store.rotations_in_flight().await.unwrap(),
        std::slice::from_ref(&rotation)
    );

    let second = fixture.rotation(&credential);
    let insert = || audited("rotation.start").write(Write::InsertRotation(Box::new(second.clone())));
    let refusal = store.commit(insert()).await.unwrap_err();
    assert!(
        matches!(&refusal, CommitError::RotationInProgress(id) if *id == rotation.id),
        "{refusal:?}"
    );

    rotation.state = RotationState::Cancelled {
        reason: "not now".to_owned(),
    };
    rotation.finished_at = Some(fixture.now());
    let update = || Change::new().write(Write::UpdateRotation(Box::new(rotation.clone())));
    store.commit(update()).await.unwrap();
    let refusal = store.commit(update()).await.unwrap_err();
    assert!(
        matches!(refusal, CommitError::Stale { kind: "rotation", .. }),
        "{refusal:?}"
    );
    assert_eq!(store.rotation_in_flight(&credential.id).await.unwrap(), None);
    store.commit(insert()).await.unwrap();
    assert_eq!(
        store.rotation_in_flight(&credential.id).await.unwrap(),
        Some(second)
    );
}

async fn rotations_are_listed_newest_first_by_every_filter(fixture: Fixture) {
    let store = &fixture.store;
    let (credential, mut first) = started(&fixture).await;
    first.state = RotationState::Completed;
    let second = fixture.rotation(&credential);
    let change = audited("rotation.start")
        .write(Write::UpdateRotation(Box::new(first.clone())))
        .write(Write::InsertRotation(Box::new(second.clone())));
    store.commit(change).await.unwrap();
    let ids = async |filter: RotationFilter| -> Vec<_> {
        let found = store.rotations(&filter).await.unwrap();
        found.into_iter().map(|rotation| rotation.id).collect()
    };
    let all = RotationFilter {
        limit: 10,
        ..RotationFilter::default()
    };
    let newest_first = vec![second.id.clone(), first.id.clone()];
    assert_eq!(ids(all.clone()).await, newest_first);
    assert_eq!(
        ids(RotationFilter {
            limit: 1,
            ..all.clone()
        })
        .await,
        newest_first[..1]
    );
    let of_credential = RotationFilter {
        credential: Some(credential.id.clone()),
        ..all.clone()
    };
    assert_eq!(ids(of_credential).await, newest_first);
    let completed = RotationFilter {
        state: Some("completed".to_owned()),
        ..all.clone()
    };
    assert_eq!(ids(completed).await, newest_first[1..]);
    let recent = RotationFilter {
        since: Some(second.created_at),
        ..all.clone()
    };
    assert_eq!(ids(recent).await, newest_first[..1]);
    let older = RotationFilter {
        before: Some(second.id.clone()),
        ..all
    };
    assert_eq!(ids(older).await, newest_first[1..]);
}

async fn records_count_from_one_within_a_rotation(fixture: Fixture) {
    let store = &fixture.store;
    let (_, rotation) = started(&fixture).await;
    let events = [
        RecordEvent::Intended {
            step: Step::Issue,
            attempt: 1,
        },
        RecordEvent::Succeeded {
            step: Step::Issue,
            detail: "ok".to_owned(),
        },
        RecordEvent::Released,
    ];
    for event in &events {
        let append = Write::AppendRecord {
            rotation: rotation.id.clone(),
            at: fixture.now(),
            event: event.clone(),
        };
        let change = Change::new()
            .write(append)
            .topic(Topic::Rotation(rotation.id.clone()));
        store.commit(change).await.unwrap();
    }
    assert_eq!(fixture.heard(), vec![Topic::Rotation(rotation.id.clone()); 3]);
    let records = store.records(&rotation.id, 0).await.unwrap();
    assert_eq!(
        records.iter().map(|record| record.sequence).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(
        records
            .iter()
            .map(|record| record.event.clone())
            .collect::<Vec<_>>(),
        events
    );
    assert_eq!(store.records(&rotation.id, 2).await.unwrap(), records[2..]);
}

async fn a_lease_is_renewed_and_taken_over_only_when_it_ran_out(fixture: Fixture) {
    let store = &fixture.store;
    let (_, rotation) = started(&fixture).await;
    let now = fixture.now();
    let five = |from: engine::Timestamp| from.after(Duration::from_secs(5));
    let first = store
        .take_lease(&rotation.id, "one", now, five(now))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store
            .take_lease(&rotation.id, "one", now, five(now))
            .await
            .unwrap(),
        Some(first.clone())
    );
    assert_eq!(
        store
            .take_lease(&rotation.id, "two", now, five(now))
            .await
            .unwrap(),
        None
    );
    let later = five(now);
    let second = store
        .take_lease(&rotation.id, "two", later, five(later))
        .await
        .unwrap()
        .unwrap();
    assert!(second.token > first.token);
    assert_eq!(
        store
            .take_lease(&rotation.id, "one", later, five(later))
            .await
            .unwrap(),
        None
    );
}

async fn a_driver_that_lost_its_lease_is_fenced(fixture: Fixture) {
    let store = &fixture.store;
    let (_, mut rotation) = started(&fixture).await;
    let now = fixture.now();
    let old = store
        .take_lease(&rotation.id, "one", now, now)
        .await
        .unwrap()
        .unwrap();
    let new = store
        .take_lease(&rotation.id, "two", now, now)
        .await
        .unwrap()
        .unwrap();
    rotation.state = RotationState::Rehearsed;
    let update = |fence: Fence| {
        audited("rotation.move")
            .write(Write::UpdateRotation(Box::new(rotation.clone())))
            .fenced(fence)
    };
    let refusal = store.commit(update(old)).await.unwrap_err();
    assert!(
        matches!(&refusal, CommitError::Fenced(id) if *id == rotation.id),
        "{refusal:?}"
    );
    store.commit(update(new)).await.unwrap();
    let nobody = Fence {
        rotation: fixture
            .rotation(&fixture.credential("x", &fixture.issuer("y")))
            .id,
        token: 1,
    };
    assert!(matches!(
        store.commit(update(nobody)).await,
        Err(CommitError::Fenced(_))
    ));
}

async fn a_delivery_notices_that_the_rotation_moved(fixture: Fixture) {
    let store = &fixture.store;
    let (credential, rotation) = started(&fixture).await;
    let deliver = |revision: i64| {
        Change::new()
            .write(Write::ExpectRotation {
                rotation: rotation.id.clone(),
                revision,
            })
            .write(Write::PutInstance(fixture.instance(&credential, "pod-1")))
    };
    store.commit(deliver(1)).await.unwrap();
    let moved = Change::new().write(Write::UpdateRotation(Box::new(rotation.clone())));
    store.commit(moved).await.unwrap();
    let refusal = store.commit(deliver(1)).await.unwrap_err();
    assert!(
        matches!(refusal, CommitError::Stale { kind: "rotation", .. }),
        "{refusal:?}"
    );
    store.commit(deliver(2)).await.unwrap();
}
