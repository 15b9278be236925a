//! Keys, their versions, the counts of their uses, and the entries of data operations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::access::Actor;
use engine::audit::AuditDraft;
use engine::catalog::Sensitivity;
use engine::change::Topic;
use engine::id::KeyId;
use engine::key::{DestructionRequest, Key, KeyPolicy, KeyVersion, Origin};
use engine::ports::{AuditStore, KeyStore, KeyUsage, SecretRef, Store};
use engine::{CommitError, Timestamp, Write};
use keyring::{Algorithm, KeyState};

use crate::audit::verify;
use crate::fixture::{Fixture, audited, name, open};

crate::on_both! {
    keys_and_versions_are_kept_as_they_were_given;
    of_two_that_change_a_key_one_is_stale;
    no_two_versions_seal;
    uses_are_set_aside_up_to_the_limit_and_no_further;
    uses_are_counted_apart_from_changes;
    entries_of_data_operations_stand_in_the_chain;
    many_entries_and_changes_at_once_make_one_chain;
    a_deleted_key_leaves_no_versions;
    those_with_something_to_tell_are_found;
}

fn key(id: KeyId, key: &str, now: Timestamp) -> Key {
    Key {
        id,
        name: name(key),
        algorithm: Algorithm::Aes256Gcm,
        owner_team: Some("blue".to_owned()),
        purpose: None,
        environment: Some(name("production")),
        tags: BTreeMap::from([("a".to_owned(), "ü".to_owned())]),
        policy: KeyPolicy::of_class(Sensitivity::High),
        last_number: 1,
        promoting: None,
        postponed_since: None,
        undrained: None,
        created_at: now,
        revision: 1,
    }
}

fn version(key: &Key, number: u32, state: KeyState) -> KeyVersion {
    KeyVersion {
        key: key.id.clone(),
        number,
        state,
        origin: Origin::Generated,
        created_at: key.created_at,
        activated_at: Some(key.created_at),
        state_since: key.created_at,
        reason: "a test".to_owned(),
        destroy_at: None,
        destruction: None,
        destroyed_at: None,
        reserved: 0,
        uses: 0,
        opened_at: None,
    }
}

async fn stored(fixture: &Fixture, name: &str) -> Key {
    let key = key(fixture.key_id(), name, fixture.now());
    let change = audited("key.create")
        .write(Write::InsertKey(Box::new(key.clone())))
        .write(Write::PutKeyVersion(Box::new(version(&key, 1, KeyState::Active))));
    fixture.store.commit(change).await.unwrap();
    key
}

async fn keys_and_versions_are_kept_as_they_were_given(fixture: Fixture) {
    let store = &fixture.store;
    let (second, first) = (stored(&fixture, "b-key").await, stored(&fixture, "a-key").await);
    assert_eq!(store.key(&first.name).await.unwrap(), Some(first.clone()));
    assert_eq!(store.key_by_id(&second.id).await.unwrap(), Some(second.clone()));
    assert_eq!(store.keys().await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.key(&name("nobody")).await.unwrap(), None);
    assert_eq!(
        store.key_versions(&first.id).await.unwrap(),
        [version(&first, 1, KeyState::Active)]
    );
    assert_eq!(store.all_key_versions().await.unwrap().len(), 2);
    let again = audited("key.create").write(Write::InsertKey(Box::new(key(
        fixture.key_id(),
        "a-key",
        fixture.now(),
    ))));
    let refusal = store.commit(again).await.unwrap_err();
    assert!(
        matches!(refusal, CommitError::Taken { kind: "key", .. }),
        "{refusal:?}"
    );

    // Materials are those of one key, whatever the ids of others.
    let mut change = audited("test.seal");
    for (key, number) in [(&first, 1), (&first, 12), (&second, 1)] {
        change = change.write(Write::PutSecret {
            at: SecretRef::key_material(&key.id, number),
            sealed: vec![number as u8],
        });
    }
    store.commit(change).await.unwrap();
    let mut materials = store.key_materials(&first.id).await.unwrap();
    materials.sort();
    assert_eq!(materials, [(1, vec![1]), (12, vec![12])]);
}

async fn of_two_that_change_a_key_one_is_stale(fixture: Fixture) {
    let store = &fixture.store;
    let key = stored(&fixture, "orders").await;
    fixture.heard();
    let topic = Topic::Key(key.id.clone());
    let change = || {
        audited("key.update")
            .write(Write::UpdateKey(Box::new(key.clone())))
            .topic(topic.clone())
    };
    store.commit(change()).await.unwrap();
    assert_eq!(fixture.heard(), std::slice::from_ref(&topic));
    let refusal = store.commit(change()).await.unwrap_err();
    assert!(
        matches!(refusal, CommitError::Stale { kind: "key", .. }),
        "{refusal:?}"
    );
    assert_eq!(store.key(&key.name).await.unwrap().unwrap().revision, 2);
    let unaudited = engine::Change::new().write(Write::UpdateKey(Box::new(key)));
    assert!(matches!(
        store.commit(unaudited).await,
        Err(CommitError::Unaudited)
    ));
}

async fn no_two_versions_seal(fixture: Fixture) {
    let store = &fixture.store;
    let key = stored(&fixture, "orders").await;
    let second = || Write::PutKeyVersion(Box::new(version(&key, 2, KeyState::Active)));
    store.commit(audited("test").write(second())).await.unwrap_err();
    let first = Write::PutKeyVersion(Box::new(version(&key, 1, KeyState::Deprecated)));
    store
        .commit(audited("test").write(first).write(second()))
        .await
        .unwrap();
    let versions = store.key_versions(&key.id).await.unwrap();
    let states: Vec<KeyState> = versions.iter().map(|version| version.state).collect();
    assert_eq!(states, [KeyState::Deprecated, KeyState::Active]);
}

async fn uses_are_set_aside_up_to_the_limit_and_no_further(fixture: Fixture) {
    let key = stored(&fixture, "orders").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (store, id) = (Arc::clone(&fixture.store), key.id.clone());
        tasks.spawn(async move { store.reserve_key_uses(&id, 1, 10, 255).await.unwrap() });
    }
    let granted = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|granted| *granted)
        .count();
    assert_eq!(granted, 25);
    let store = &fixture.store;
    assert!(store.reserve_key_uses(&key.id, 1, 5, 255).await.unwrap());
    assert!(!store.reserve_key_uses(&key.id, 1, 1, 255).await.unwrap());
    assert!(
        !store.reserve_key_uses(&key.id, 2, 1, 255).await.unwrap(),
        "no such version"
    );
    assert_eq!(store.key_versions(&key.id).await.unwrap()[0].reserved, 255);
}

async fn uses_are_counted_apart_from_changes(fixture: Fixture) {
    let store = &fixture.store;
    let key = stored(&fixture, "orders").await;
    let usage = |uses, opened_at: Option<i64>| KeyUsage {
        key: key.id.clone(),
        number: 1,
        uses,
        opened_at: opened_at.map(Timestamp::from_micros),
    };
    store.add_key_usage(&[usage(3, Some(50))]).await.unwrap();
    store
        .add_key_usage(&[usage(4, None), usage(0, Some(40))])
        .await
        .unwrap();
    let change = audited("test").write(Write::PutKeyVersion(Box::new(version(
        &key,
        1,
        KeyState::Suspended,
    ))));
    store.commit(change).await.unwrap();
    let seen = store.key_versions(&key.id).await.unwrap().remove(0);
    assert_eq!(
        (seen.uses, seen.opened_at, seen.state),
        (7, Some(Timestamp::from_micros(50)), KeyState::Suspended)
    );
}

fn entry(number: usize) -> AuditDraft {
    AuditDraft::new(
        &Actor::system("test"),
        Timestamp::from_micros(1),
        "key.encrypt",
        "key/orders",
        format!("version {number}"),
    )
}

async fn entries_of_data_operations_stand_in_the_chain(fixture: Fixture) {
    let store = &fixture.store;
    for number in 1..=3 {
        store.record(entry(number)).await.unwrap();
        assert_eq!(
            store.audit_head().await.unwrap().sequence,
            number as i64,
            "written when it answers"
        );
    }
    store.commit(audited("test.change")).await.unwrap();
    store.record(entry(5)).await.unwrap();
    assert_eq!(verify(store).await.unwrap().sequence, 5);
    // They wake no other replica: nothing that anybody remembers became old.
    assert_eq!(fixture.count("select commits from audit_head").await, 1);
    store.close().await;
    assert!(store.record(entry(6)).await.is_err(), "no entry, no reply");
}

async fn many_entries_and_changes_at_once_make_one_chain(fixture: Fixture) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..700 {
        let store = Arc::clone(&fixture.store);
        tasks.spawn(async move {
            if number % 50 == 0 {
                store.commit(audited("test.change")).await.unwrap();
            } else {
                store.record(entry(number)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(verify(&fixture.store).await.unwrap().sequence, 700);
    assert_eq!(fixture.count("select count(*) from audit_entry").await, 700);
}

async fn those_with_something_to_tell_are_found(fixture: Fixture) {
    let store = &fixture.store;
    let plain = stored(&fixture, "plain").await;
    let (postponed, undrained) = (stored(&fixture, "b-key").await, stored(&fixture, "a-key").await);
    assert_eq!(store.keys_of_note().await.unwrap(), []);
    assert_eq!(store.key_versions_to_destroy().await.unwrap(), []);
    let mut late = postponed.clone();
    late.postponed_since = Some(fixture.now());
    // Words in quotes are written with a stroke before each: they are none of the document's own.
    let mut full = undrained.clone();
    full.undrained = Some(1);
    let mut worded = plain.clone();
    worded.purpose = Some(r#"{"undrained":1,"postponed_since":2}"#.to_owned());
    let mut asked = version(&plain, 1, KeyState::Revoked);
    asked.destroy_at = Some(fixture.now());
    asked.destruction = Some(DestructionRequest {
        asked_by: "ada".to_owned(),
        asked_at: fixture.now(),
        reason: "old".to_owned(),
        approval: None,
    });
    let change = audited("key.update")
        .write(Write::UpdateKey(Box::new(late.clone())))
        .write(Write::UpdateKey(Box::new(full.clone())))
        .write(Write::UpdateKey(Box::new(worded)))
        .write(Write::PutKeyVersion(Box::new(asked.clone())));
    store.commit(change).await.unwrap();
    (late.revision, full.revision) = (2, 2);
    assert_eq!(store.keys_of_note().await.unwrap(), [full, late]);
    assert_eq!(store.key_versions_to_destroy().await.unwrap(), [asked]);
}

async fn a_deleted_key_leaves_no_versions(fixture: Fixture) {
    let store = &fixture.store;
    let key = stored(&fixture, "orders").await;
    store
        .commit(audited("key.delete").write(Write::DeleteKey(Box::new(key.clone()))))
        .await
        .unwrap();
    assert_eq!(store.key(&key.name).await.unwrap(), None);
    assert!(store.key_versions(&key.id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_alone_waits_for_nobody() {
    for fixture in [Fixture::sqlite().await, Fixture::postgres().await] {
        assert!(!fixture.store.has_other_replicas().await.unwrap());
        fixture.store.heard_by_all().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_key_is_waited_for_until_every_living_replica_has_heard() {
    let fixture = Fixture::postgres().await;
    let (second, mut ears) = open(&fixture.home.url(), "second").await;
    assert!(fixture.store.has_other_replicas().await.unwrap());
    let key = stored(&fixture, "orders").await;
    let topic = Topic::Key(key.id.clone());
    let change = audited("key.update")
        .write(Write::UpdateKey(Box::new(key)))
        .topic(topic.clone());
    fixture.store.commit(change).await.unwrap();
    fixture.store.heard_by_all().await.unwrap();
    let mut heard = Vec::new();
    while let Ok(topic) = ears.try_recv() {
        heard.push(topic);
    }
    assert!(heard.contains(&topic), "{heard:?}");

    // One that says that it lives, and does not hear: it is waited for, and then it is said.
    fixture
        .tamper("insert into replica (id, seen_at, commits) values ('deaf', 9000000000000000, 0)")
        .await;
    assert!(fixture.store.heard_by_all().await.is_err());
    // One that has been silent is not waited for.
    fixture
        .tamper("update replica set seen_at = 0 where id = 'deaf'")
        .await;
    fixture.store.heard_by_all().await.unwrap();

    second.close().await;
    let gone = async {
        while fixture.store.has_other_replicas().await.unwrap() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
}
