//! Issuers, consumers, credentials, versions, sealed values, freezes, settings, instances, outcomes.

use std::time::Duration;

use engine::catalog::{VersionNumber, VersionState};
use engine::change::Topic;
use engine::ports::{
    CatalogStore, InstanceStore, OutcomeBucket, OutcomeStore, SecretRef, SettingStore, Store, StoreError,
};
use engine::{CommitError, Timestamp, Write};

use crate::fixture::{Fixture, audited, name};

crate::on_both! {
    issuers_and_consumers_are_kept_as_they_were_given;
    a_taken_name_is_refused_and_nothing_of_the_change_stays;
    a_stale_revision_is_refused;
    credentials_versions_and_sealed_values;
    sealed_values_are_replaced_only_where_they_still_are_what_was_read;
    what_is_used_is_not_deleted_and_the_rest_is;
    freezes_end_and_run_out;
    settings_are_replaced_and_the_first_insert_wins;
    instances_are_replaced;
    outcomes_add_up;
    changes_are_announced_once_they_are_stored;
    an_unaudited_change_is_refused;
    a_damaged_row_is_named;
}

async fn issuers_and_consumers_are_kept_as_they_were_given(fixture: Fixture) {
    let store = &fixture.store;
    let (second, first) = (fixture.issuer("b-db"), fixture.issuer("a-db"));
    let consumer = fixture.consumer("orders-api");
    let change = audited("test.insert")
        .write(Write::InsertIssuer(second.clone()))
        .write(Write::InsertIssuer(first.clone()))
        .write(Write::InsertConsumer(consumer.clone()));
    store.commit(change).await.unwrap();
    assert_eq!(store.issuer(&first.name).await.unwrap(), Some(first.clone()));
    assert_eq!(store.issuers().await.unwrap(), [first, second]);
    assert_eq!(store.issuer(&name("nobody")).await.unwrap(), None);
    assert_eq!(
        store.consumer(&consumer.name).await.unwrap(),
        Some(consumer.clone())
    );
    assert_eq!(store.consumers().await.unwrap(), std::slice::from_ref(&consumer));

    let mut moved = consumer;
    moved.service = "billing".to_owned();
    store
        .commit(audited("test.update").write(Write::UpdateConsumer(moved.clone())))
        .await
        .unwrap();
    moved.revision += 1;
    assert_eq!(store.consumer(&moved.name).await.unwrap(), Some(moved));
    store.ping().await.unwrap();
}

async fn a_taken_name_is_refused_and_nothing_of_the_change_stays(fixture: Fixture) {
    let store = &fixture.store;
    store
        .commit(audited("test.insert").write(Write::InsertIssuer(fixture.issuer("db"))))
        .await
        .unwrap();
    let change = audited("test.insert")
        .write(Write::InsertConsumer(fixture.consumer("orders-api")))
        .write(Write::InsertIssuer(fixture.issuer("db")));
    let refusal = store.commit(change).await.unwrap_err();
    assert!(
        matches!(&refusal, CommitError::Taken { kind: "issuer", name } if name.as_str() == "db"),
        "{refusal:?}"
    );
    assert!(store.consumers().await.unwrap().is_empty());
    for (write, kind) in [
        (Write::InsertConsumer(fixture.consumer("x")), "consumer"),
        (Write::InsertAccount(fixture.account("x")), "account"),
        (
            Write::InsertCredential(fixture.credential("x", &fixture.issuer("db"))),
            "credential",
        ),
    ] {
        store.commit(audited("test.first").write(write)).await.unwrap();
        let again = match kind {
            "consumer" => Write::InsertConsumer(fixture.consumer("x")),
            "account" => Write::InsertAccount(fixture.account("x")),
            _ => Write::InsertCredential(fixture.credential("x", &fixture.issuer("db"))),
        };
        let refusal = store
            .commit(audited("test.again").write(again))
            .await
            .unwrap_err();
        assert!(matches!(refusal, CommitError::Taken { kind: refused, .. } if refused == kind));
    }
}

async fn a_stale_revision_is_refused(fixture: Fixture) {
    let store = &fixture.store;
    let mut issuer = fixture.issuer("db");
    store
        .commit(audited("test.insert").write(Write::InsertIssuer(issuer.clone())))
        .await
        .unwrap();
    issuer.kind = "mysql".to_owned();
    store
        .commit(audited("test.update").write(Write::UpdateIssuer(issuer.clone())))
        .await
        .unwrap();
    let refusal = store
        .commit(audited("test.update").write(Write::UpdateIssuer(issuer.clone())))
        .await
        .unwrap_err();
    assert!(
        matches!(refusal, CommitError::Stale { kind: "issuer", .. }),
        "{refusal:?}"
    );
    let stored = store.issuer(&issuer.name).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.kind.as_str()), (2, "mysql"));
}

async fn credentials_versions_and_sealed_values(fixture: Fixture) {
    let store = &fixture.store;
    let issuer = fixture.issuer("db");
    let mut credential = fixture.credential("orders-app", &issuer);
    let other = fixture.credential("a-first", &issuer);
    let mut version = fixture.version(&credential, 1, VersionState::Candidate);
    let at = SecretRef::version(&credential.id, version.number);
    let change = audited("test.insert")
        .write(Write::InsertIssuer(issuer.clone()))
        .write(Write::InsertCredential(credential.clone()))
        .write(Write::InsertCredential(other.clone()))
        .write(Write::PutVersion(version.clone()))
        .write(Write::PutSecret {
            at: at.clone(),
            sealed: vec![0, 1, 255],
        })
        .write(Write::PutSecret {
            at: SecretRef::issuer_admin(&issuer.id),
            sealed: vec![9],
        });
    store.commit(change).await.unwrap();
    assert!(store.current_versions().await.unwrap().is_empty());
    assert_eq!(store.sealed(&at).await.unwrap(), Some(vec![0, 1, 255]));

    version.state = VersionState::Current;
    credential.current = Some(version.number);
    credential.last_number = version.number;
    let change = audited("test.promote")
        .write(Write::UpdateCredential(credential.clone()))
        .write(Write::PutVersion(version.clone()));
    store.commit(change).await.unwrap();
    credential.revision += 1;
    assert_eq!(
        store.credential(&credential.name).await.unwrap(),
        Some(credential.clone())
    );
    assert_eq!(
        store.credential_by_id(&credential.id).await.unwrap(),
        Some(credential.clone())
    );
    assert_eq!(store.credential(&name("nothing")).await.unwrap(), None);
    assert_eq!(store.credentials().await.unwrap(), [other, credential.clone()]);
    let second = fixture.version(&credential, 2, VersionState::Candidate);
    store
        .commit(audited("test.second").write(Write::PutVersion(second.clone())))
        .await
        .unwrap();
    assert_eq!(
        store.versions(&credential.id).await.unwrap(),
        [version.clone(), second]
    );
    assert_eq!(store.current_versions().await.unwrap(), [version]);

    let shred = || audited("test.shred").write(Write::ShredSecret { at: at.clone() });
    store.commit(shred()).await.unwrap();
    store.commit(shred()).await.unwrap();
    assert_eq!(store.sealed(&at).await.unwrap(), None);
}

async fn sealed_values_are_replaced_only_where_they_still_are_what_was_read(fixture: Fixture) {
    let store = &fixture.store;
    let at = SecretRef::issuer_admin(&fixture.issuer("db").id);
    store
        .commit(audited("test.seal").write(Write::PutSecret {
            at: at.clone(),
            sealed: vec![1],
        }))
        .await
        .unwrap();
    let all = store.all_sealed().await.unwrap();
    assert_eq!(
        all,
        [("issuer".to_owned(), at.row.clone(), "admin".to_owned(), vec![1])]
    );
    assert!(
        store
            .replace_sealed(at.table, &at.row, at.field, &[1], &[2])
            .await
            .unwrap()
    );
    assert!(
        !store
            .replace_sealed(at.table, &at.row, at.field, &[1], &[3])
            .await
            .unwrap()
    );
    assert_eq!(store.sealed(&at).await.unwrap(), Some(vec![2]));
}

async fn what_is_used_is_not_deleted_and_the_rest_is(fixture: Fixture) {
    let store = &fixture.store;
    let (issuer, consumer) = (fixture.issuer("db"), fixture.consumer("orders-api"));
    let credential = fixture.credential("orders-app", &issuer);
    let at = SecretRef::version(&credential.id, VersionNumber(1));
    let mut rotation = fixture.rotation(&credential);
    let change = audited("test.insert")
        .write(Write::InsertIssuer(issuer.clone()))
        .write(Write::InsertConsumer(consumer.clone()))
        .write(Write::InsertCredential(credential.clone()))
        .write(Write::PutVersion(fixture.version(
            &credential,
            1,
            VersionState::Candidate,
        )))
        .write(Write::PutSecret {
            at: at.clone(),
            sealed: vec![1],
        })
        .write(Write::PutInstance(fixture.instance(&credential, "pod-1")))
        .write(Write::InsertRotation(Box::new(rotation.clone())));
    store.commit(change).await.unwrap();

    let delete_issuer = || audited("test.delete").write(Write::DeleteIssuer(issuer.clone()));
    let delete_credential = || audited("test.delete").write(Write::DeleteCredential(credential.clone()));
    let refusal = store.commit(delete_issuer()).await.unwrap_err();
    assert!(
        matches!(refusal, CommitError::Stale { kind: "issuer", .. }),
        "{refusal:?}"
    );
    let refusal = store.commit(delete_credential()).await.unwrap_err();
    assert!(
        matches!(&refusal, CommitError::RotationInProgress(id) if *id == rotation.id),
        "{refusal:?}"
    );
    assert_eq!(
        store.sealed(&at).await.unwrap(),
        Some(vec![1]),
        "a refused change leaves all as it was"
    );

    rotation.state = engine::rotation::RotationState::Completed;
    store
        .commit(audited("test.end").write(Write::UpdateRotation(Box::new(rotation.clone()))))
        .await
        .unwrap();
    store.commit(delete_credential()).await.unwrap();
    assert_eq!(store.credential(&credential.name).await.unwrap(), None);
    assert_eq!(store.sealed(&at).await.unwrap(), None);
    assert!(store.versions(&credential.id).await.unwrap().is_empty());
    assert!(store.all_instances().await.unwrap().is_empty());
    let kept = engine::ports::RotationStore::rotation(store.as_ref(), &rotation.id)
        .await
        .unwrap();
    assert!(kept.is_some(), "history stays");
    let late = audited("test.late").write(Write::InsertRotation(Box::new(fixture.rotation(&credential))));
    let refusal = store.commit(late).await.unwrap_err();
    assert!(
        matches!(
            refusal,
            CommitError::Stale {
                kind: "credential",
                ..
            }
        ),
        "{refusal:?}"
    );

    store.commit(delete_issuer()).await.unwrap();
    let delete_consumer = || audited("test.delete").write(Write::DeleteConsumer(consumer.clone()));
    store.commit(delete_consumer()).await.unwrap();
    assert!(matches!(
        store.commit(delete_consumer()).await,
        Err(CommitError::Stale { .. })
    ));
    assert!(store.issuers().await.unwrap().is_empty() && store.consumers().await.unwrap().is_empty());
}

async fn freezes_end_and_run_out(fixture: Fixture) {
    let store = &fixture.store;
    let now = fixture.now();
    let mut lasting = fixture.freeze(None);
    let short = fixture.freeze(Some(now.after(Duration::from_secs(60))));
    let change = audited("freeze.start")
        .write(Write::InsertFreeze(lasting.clone()))
        .write(Write::InsertFreeze(short.clone()));
    store.commit(change).await.unwrap();
    assert_eq!(
        store.freezes_on(now).await.unwrap(),
        [lasting.clone(), short.clone()]
    );
    let later = now.after(Duration::from_secs(61));
    assert_eq!(
        store.freezes_on(later).await.unwrap(),
        std::slice::from_ref(&lasting)
    );
    lasting.ended_at = Some(later);
    let end = || audited("freeze.end").write(Write::UpdateFreeze(lasting.clone()));
    store.commit(end()).await.unwrap();
    assert!(matches!(
        store.commit(end()).await,
        Err(CommitError::Stale { kind: "freeze", .. })
    ));
    assert!(store.freezes_on(later).await.unwrap().is_empty());
    assert_eq!(
        store.freeze(&lasting.id).await.unwrap().unwrap().ended_at,
        Some(later)
    );
    assert_eq!(store.freeze(&short.id).await.unwrap(), Some(short));
}

async fn settings_are_replaced_and_the_first_insert_wins(fixture: Fixture) {
    let store = &fixture.store;
    let insert = |value: u8| Write::InsertSetting {
        key: "root/check".to_owned(),
        value: vec![value],
    };
    store
        .commit(engine::Change::new().write(insert(1)))
        .await
        .unwrap();
    let refusal = store
        .commit(engine::Change::new().write(insert(2)))
        .await
        .unwrap_err();
    assert!(
        matches!(refusal, CommitError::Stale { kind: "setting", .. }),
        "{refusal:?}"
    );
    assert_eq!(store.setting("root/check").await.unwrap(), Some(vec![1]));
    for value in [3, 4] {
        let put = Write::PutSetting {
            key: "key_100%/1".to_owned(),
            value: vec![value],
        };
        store.commit(engine::Change::new().write(put)).await.unwrap();
    }
    assert_eq!(
        store.settings("key_").await.unwrap(),
        [("key_100%/1".to_owned(), vec![4])]
    );
    assert_eq!(store.settings("").await.unwrap().len(), 2);
    assert!(
        store.settings("keyX").await.unwrap().is_empty(),
        "a prefix is no pattern"
    );
    assert_eq!(store.setting("absent").await.unwrap(), None);
}

async fn instances_are_replaced(fixture: Fixture) {
    let store = &fixture.store;
    let issuer = fixture.issuer("db");
    let credential = fixture.credential("orders-app", &issuer);
    let mut instance = fixture.instance(&credential, "pod/1 ☂");
    let change = audited("test.insert")
        .write(Write::InsertIssuer(issuer))
        .write(Write::InsertCredential(credential.clone()))
        .write(Write::PutInstance(instance.clone()));
    store.commit(change).await.unwrap();
    instance.acknowledged = Some(VersionNumber(1));
    store
        .commit(engine::Change::new().write(Write::PutInstance(instance.clone())))
        .await
        .unwrap();
    assert_eq!(
        store.instances(&credential.id).await.unwrap(),
        std::slice::from_ref(&instance)
    );
    assert_eq!(store.all_instances().await.unwrap(), [instance]);
}

async fn outcomes_add_up(fixture: Fixture) {
    let store = &fixture.store;
    let credential = fixture.credential("x", &fixture.issuer("db"));
    let bucket = |minute: i64, good: i64| OutcomeBucket {
        credential: credential.id.clone(),
        version: VersionNumber(1),
        consumer: name("orders-api"),
        minute: Timestamp::from_micros(minute),
        good,
        refused: 2,
        errors: 0,
    };
    store
        .add_outcomes(&[bucket(120, 5), bucket(60, 1)])
        .await
        .unwrap();
    store.add_outcomes(&[bucket(120, 7)]).await.unwrap();
    store.add_outcomes(&[]).await.unwrap();
    let stored = store
        .outcomes(&credential.id, Timestamp::from_micros(60))
        .await
        .unwrap();
    assert_eq!(
        stored,
        [
            bucket(60, 1),
            OutcomeBucket {
                refused: 4,
                ..bucket(120, 12)
            }
        ]
    );
    let later = store
        .outcomes(&credential.id, Timestamp::from_micros(61))
        .await
        .unwrap();
    assert_eq!(later.len(), 1);
}

async fn changes_are_announced_once_they_are_stored(fixture: Fixture) {
    let store = &fixture.store;
    let insert = || {
        audited("test.insert")
            .write(Write::InsertIssuer(fixture.issuer("db")))
            .topic(Topic::Catalog)
    };
    store.commit(insert()).await.unwrap();
    assert_eq!(fixture.heard(), [Topic::Catalog]);
    store.commit(insert()).await.unwrap_err();
    assert!(fixture.heard().is_empty(), "a refused change is not announced");
}

async fn an_unaudited_change_is_refused(fixture: Fixture) {
    let store = &fixture.store;
    let change = engine::Change::new().write(Write::InsertIssuer(fixture.issuer("db")));
    assert!(matches!(store.commit(change).await, Err(CommitError::Unaudited)));
    assert!(store.issuers().await.unwrap().is_empty());
    store.commit(engine::Change::new()).await.unwrap();
}

async fn a_damaged_row_is_named(fixture: Fixture) {
    let store = &fixture.store;
    let issuer = fixture.issuer("db");
    store
        .commit(audited("test.insert").write(Write::InsertIssuer(issuer.clone())))
        .await
        .unwrap();
    fixture
        .tamper("update issuer set body = replace(body, '\"kind\"', '\"hunter2\"')")
        .await;
    let error = store.issuer(&issuer.name).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged { table: "issuer", key, .. } if *key == issuer.id.to_string()),
        "{error:?}"
    );
    assert!(
        !error.to_string().contains("hunter2"),
        "bodies are not repeated in errors"
    );
}
