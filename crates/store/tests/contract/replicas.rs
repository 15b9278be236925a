//! Two replicas on one PostgreSQL.

use std::time::Duration;

use engine::Write;
use engine::change::Topic;
use engine::ports::{CatalogStore, Store};
use testing::Postgres;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::audit::verify;
use crate::fixture::{Fixture, audited, open};

async fn hears(ears: &mut UnboundedReceiver<Topic>, awaited: &Topic) {
    let listening = async { while ears.recv().await.as_ref() != Some(awaited) {} };
    tokio::time::timeout(Duration::from_secs(5), listening)
        .await
        .unwrap_or_else(|_| panic!("{awaited:?} was not announced"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_changes_the_other_hears() {
    let fixture = Fixture::postgres().await;
    let (second, mut ears) = open(&fixture.home.url(), "second").await;
    let issuer = fixture.issuer("db");
    let credential = fixture.credential("orders-app", &issuer);
    let topic = Topic::Credential(credential.id.clone());
    let change = audited("test.insert")
        .write(Write::InsertIssuer(issuer))
        .write(Write::InsertCredential(credential.clone()))
        .topic(topic.clone());
    fixture.store.commit(change).await.unwrap();
    assert_eq!(fixture.heard(), std::slice::from_ref(&topic));
    hears(&mut ears, &topic).await;
    assert_eq!(
        second.credential(&credential.name).await.unwrap(),
        Some(credential)
    );

    // A commit whose notice is lost is found by the poll.
    fixture
        .tamper("update audit_head set commits = commits + 1")
        .await;
    hears(&mut ears, &topic).await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_one_chain() {
    let fixture = Fixture::postgres().await;
    let (second, _ears) = open(&fixture.home.url(), "second").await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32 {
        let store = if task % 2 == 0 { &fixture.store } else { &second };
        let store = std::sync::Arc::clone(store);
        let consumer = fixture.consumer(&format!("consumer-{task}"));
        tasks.spawn(async move {
            store
                .commit(audited("test.insert").write(Write::InsertConsumer(consumer)))
                .await
                .unwrap();
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(verify(&second).await.unwrap().sequence, 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_wait_for_each_other_both_succeed() {
    let fixture = Fixture::postgres().await;
    let (second, _ears) = open(&fixture.home.url(), "second").await;
    let settings = |first: &str, then: &str| {
        [first, then]
            .into_iter()
            .fold(audited("test.both"), |change, key| {
                change.write(Write::PutSetting {
                    key: key.to_owned(),
                    value: vec![1],
                })
            })
    };
    for _ in 0..5 {
        let (one, other) = tokio::join!(
            fixture.store.commit(settings("a", "b")),
            second.commit(settings("b", "a")),
        );
        one.unwrap();
        other.unwrap();
    }
    assert_eq!(verify(&second).await.unwrap().sequence, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_said_and_survived() {
    let postgres = Postgres::start_alone(&[]);
    let (store, mut ears) = open(&postgres.url(), "only").await;
    let fixture = Fixture::sqlite().await;
    let insert = |name: &str| audited("test.insert").write(Write::InsertIssuer(fixture.issuer(name)));
    store.commit(insert("before")).await.unwrap();
    postgres.stop();
    assert!(store.ping().await.is_err());
    assert!(store.commit(insert("during")).await.is_err());
    postgres.start_again();
    // The listener is back and says that anything may have changed.
    hears(&mut ears, &Topic::Catalog).await;
    store.commit(insert("after")).await.unwrap();
    let names: Vec<String> = store
        .issuers()
        .await
        .unwrap()
        .iter()
        .map(|found| found.name.to_string())
        .collect();
    assert_eq!(names, ["after", "before"]);
    verify(&store).await.unwrap();
}
