//! Many at once.

use std::sync::Arc;

use engine::change::Change;
use engine::ports::{CatalogStore, RotationStore, Store};
use engine::rotation::RecordEvent;
use engine::{CommitError, Write};

use crate::audit::verify;
use crate::fixture::{Fixture, audited};

crate::on_both! {
    the_chain_holds_under_concurrent_commits;
    one_of_many_wins_a_name_and_the_others_lose_nothing_else;
    a_bad_change_does_not_harm_its_neighbours;
    changes_that_wait_share_a_transaction;
}

const TASKS: usize = 32;
const ROUNDS: usize = 5;

async fn the_chain_holds_under_concurrent_commits(fixture: Fixture) {
    let issuer = fixture.issuer("db");
    let credential = fixture.credential("orders-app", &issuer);
    let rotation = fixture.rotation(&credential);
    let change = audited("test.start")
        .write(Write::InsertIssuer(issuer))
        .write(Write::InsertCredential(credential))
        .write(Write::InsertRotation(Box::new(rotation.clone())));
    fixture.store.commit(change).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (store, rotation) = (Arc::clone(&fixture.store), rotation.id.clone());
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let event = RecordEvent::Held {
                    reason: format!("task {task} round {round}"),
                };
                let at = engine::Timestamp::from_micros(1);
                let append = Write::AppendRecord {
                    rotation: rotation.clone(),
                    at,
                    event,
                };
                store.commit(audited("test.append").write(append)).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let head = verify(&fixture.store).await.unwrap();
    let appended = i64::try_from(TASKS * ROUNDS).unwrap();
    assert_eq!(head.sequence, appended + 1);
    let records = fixture.store.records(&rotation.id, 0).await.unwrap();
    assert!(
        records.iter().map(|record| record.sequence).eq(1..=appended),
        "dense from 1"
    );
}

async fn one_of_many_wins_a_name_and_the_others_lose_nothing_else(fixture: Fixture) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let store = Arc::clone(&fixture.store);
        let (issuer, own) = (fixture.issuer("db"), fixture.consumer(&format!("own-{task}")));
        tasks.spawn(async move {
            let contested = store
                .commit(audited("test.name").write(Write::InsertIssuer(issuer)))
                .await;
            store
                .commit(audited("test.own").write(Write::InsertConsumer(own)))
                .await
                .unwrap();
            contested
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let taken = |answer: &&Result<(), CommitError>| matches!(answer, Err(CommitError::Taken { .. }));
    assert_eq!(answers.iter().filter(taken).count(), TASKS - 1);
    assert_eq!(fixture.store.consumers().await.unwrap().len(), TASKS);
    let accepted = i64::try_from(TASKS + 1).unwrap();
    assert_eq!(
        verify(&fixture.store).await.unwrap().sequence,
        accepted,
        "refused changes leave no entry"
    );
}

async fn a_bad_change_does_not_harm_its_neighbours(fixture: Fixture) {
    let store = &fixture.store;
    let orphan = fixture.credential("orphan", &fixture.issuer("never-stored"));
    let (bad, good) = tokio::join!(
        store.commit(audited("test.bad").write(Write::InsertCredential(orphan))),
        store.commit(audited("test.good").write(Write::InsertIssuer(fixture.issuer("db")))),
    );
    assert!(
        matches!(
            bad,
            Err(CommitError::Unavailable {
                outcome_unknown: false,
                ..
            })
        ),
        "a row it refers to is missing: {bad:?}"
    );
    good.unwrap();
    store
        .commit(Change::new().audit(audited("test.after").audit.remove(0)))
        .await
        .unwrap();
    assert_eq!(verify(store).await.unwrap().sequence, 2);
}

async fn changes_that_wait_share_a_transaction(fixture: Fixture) {
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..200 {
        let store = Arc::clone(&fixture.store);
        let consumer = fixture.consumer(&format!("c-{number}"));
        waiting.spawn(async move {
            store
                .commit(audited("test.insert").write(Write::InsertConsumer(consumer)))
                .await
                .unwrap();
        });
    }
    waiting.join_all().await;
    assert_eq!(verify(&fixture.store).await.unwrap().sequence, 200);
    let transactions = fixture.count("select commits from audit_head").await;
    assert!(transactions < 100, "200 changes took {transactions} transactions");
}
