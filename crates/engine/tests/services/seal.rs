use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use engine::access::Actor;
use engine::audit::{AuditDraft, AuditVerification};
use engine::id::IssuerId;
use engine::ports::{CatalogStore, RootError, SecretRef, SettingStore, Store, Values};
use engine::seal::rewrap::DESTROY_AFTER;
use engine::seal::{Hierarchy, RootKeySource, Sealer, UnlockError};
use engine::{Change, Clock, Refusal, Write};
use keyring::{OpenError, inspect};

use crate::house::{House, SeededRandomness, administrator, open, root_key, text};

pub(crate) fn place(house: &House) -> SecretRef {
    SecretRef::issuer_admin(&IssuerId::generate(
        house.clock.as_ref(),
        house.randomness.as_ref(),
    ))
}

pub(crate) async fn put(house: &House, password: &str) -> SecretRef {
    let at = place(house);
    let values = Values::new().with("password", text(password));
    let sealed = house.services.sealer.seal_values(&at, &values).unwrap();
    let draft = AuditDraft::new(
        &Actor::system("test"),
        house.clock.now(),
        "test.put",
        "secret",
        "",
    );
    let change = Change::new()
        .write(Write::PutSecret {
            at: at.clone(),
            sealed,
        })
        .audit(draft);
    house.database.commit(change).await.unwrap();
    at
}

pub(crate) async fn password_at(house: &House, at: &SecretRef) -> Result<String, Refusal> {
    let values = house.services.opened_values(at).await?;
    Ok(values.get("password").unwrap().expose_text().to_owned())
}

/// What was sent before a cut has happened by now, or never will: changes are written one after the other.
pub(crate) async fn settle(house: &House) {
    let draft = AuditDraft::new(
        &Actor::system("test"),
        house.clock.now(),
        "test.settle",
        "test",
        "",
    );
    house.database.commit(Change::new().audit(draft)).await.unwrap();
}

async fn settings(house: &House) -> Vec<(String, Vec<u8>)> {
    house.database.settings("").await.unwrap()
}

#[tokio::test]
async fn what_was_sealed_opens_after_a_restart_and_only_where_it_stands() {
    let house = House::new().await;
    let at = put(&house, "hunter2").await;
    assert!(
        Sealer::needs_existing_root_key(house.database.as_ref())
            .await
            .unwrap()
    );
    let sealed = house.database.sealed(&at).await.unwrap().unwrap();
    assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
    let moved = house.services.sealer.open_values(&place(&house), &sealed);
    assert!(moved.is_err(), "a moved value does not open");
    house.database.close().await;
    let House { folder, .. } = house;
    let database = open(folder.path().join("rota.db")).await;
    let house = House::over(folder, database, 7).await.unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn a_wrong_root_key_refuses_and_writes_nothing() {
    let house = House::new().await;
    put(&house, "hunter2").await;
    let before = settings(&house).await;
    let unlock = |source: RootKeySource| {
        let randomness = std::sync::Arc::new(SeededRandomness::new(99));
        let (database, clock) = (house.database.clone(), house.clock.clone());
        async move { Sealer::unlock(database.as_ref(), source, clock.as_ref(), randomness).await }
    };
    assert!(matches!(
        unlock(root_key(8)).await,
        Err(UnlockError::WrongRootKey(_))
    ));
    let passphrase = RootKeySource::Passphrase(text("correct horse"));
    assert!(matches!(
        unlock(passphrase).await,
        Err(UnlockError::Root(RootError::Other { .. }))
    ));
    assert_eq!(settings(&house).await, before);
    assert!(unlock(root_key(7)).await.is_ok());
}

#[tokio::test]
async fn a_passphrase_opens_what_it_sealed_and_another_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path().join("rota.db")).await;
    let house = House::over(
        tempfile::tempdir().unwrap(),
        open(folder.path().join("other.db")).await,
        1,
    )
    .await
    .unwrap();
    let unlock = |passphrase: &'static str| {
        let (database, clock, randomness) = (database.clone(), house.clock.clone(), house.randomness.clone());
        let source = RootKeySource::Passphrase(text(passphrase));
        async move { Sealer::unlock(database.as_ref(), source, clock.as_ref(), randomness).await }
    };
    let at = place(&house);
    let sealed = unlock("one")
        .await
        .unwrap()
        .seal_bytes(&at, &text("x").into_bytes())
        .unwrap();
    assert_eq!(
        unlock("one")
            .await
            .unwrap()
            .open_bytes(&at, &sealed)
            .unwrap()
            .expose_bytes(),
        b"x"
    );
    assert!(matches!(unlock("two").await, Err(UnlockError::WrongRootKey(_))));
}

#[tokio::test]
async fn sealed_values_without_the_record_of_their_root_key_refuse_to_start_and_nothing_is_created() {
    let house = House::new().await;
    let at = put(&house, "hunter2").await;
    let sealed = house.database.sealed(&at).await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path().join("rota.db")).await;
    let draft = AuditDraft::new(
        &Actor::system("test"),
        house.clock.now(),
        "test.put",
        "secret",
        "",
    );
    database
        .commit(Change::new().write(Write::PutSecret { at, sealed }).audit(draft))
        .await
        .unwrap();
    let refused = House::over(tempfile::tempdir().unwrap(), database.clone(), 7).await;
    assert!(matches!(refused, Err(UnlockError::RecordMissing)));
    assert!(database.settings("").await.unwrap().is_empty());
}

#[tokio::test]
async fn two_that_start_at_once_end_with_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path().join("rota.db")).await;
    let clock = House::new().await.clock;
    let start = |seed| {
        let (database, clock) = (database.clone(), clock.clone());
        let randomness = std::sync::Arc::new(SeededRandomness::new(seed));
        async move {
            Sealer::unlock(database.as_ref(), root_key(7), clock.as_ref(), randomness)
                .await
                .unwrap()
        }
    };
    let (one, other) = tokio::join!(start(1), start(2));
    let at = place(&House::new().await);
    let sealed = one.seal_bytes(&at, &text("x").into_bytes()).unwrap();
    assert_eq!(other.open_bytes(&at, &sealed).unwrap().expose_bytes(), b"x");
}

#[tokio::test]
async fn rotating_the_wrapping_key_rewraps_everything_and_destroys_the_old_version_when_nobody_needs_it() {
    let house = House::new().await;
    let mut places = Vec::new();
    for number in 0..20 {
        places.push(put(&house, &format!("password {number}")).await);
    }
    let status = house
        .services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "yearly")
        .await
        .unwrap();
    assert_eq!(
        (status.active.version, status.sealed_values, status.to_rewrap),
        (2, 20, 0)
    );
    for (number, at) in places.iter().enumerate() {
        assert_eq!(
            password_at(&house, at).await.unwrap(),
            format!("password {number}")
        );
        let sealed = house.database.sealed(at).await.unwrap().unwrap();
        assert_eq!(inspect(&sealed).unwrap().version.number(), 2);
    }
    let first = "wrapping_key.version.0000000001";
    assert!(
        !house.database.setting(first).await.unwrap().unwrap().is_empty(),
        "kept for those still storing"
    );
    house.clock.advance(DESTROY_AFTER);
    assert_eq!(house.services.tend_wrapping_keys().await.unwrap().destroyed, 1);
    assert!(house.database.setting(first).await.unwrap().unwrap().is_empty());
    assert_eq!(house.services.tend_wrapping_keys().await.unwrap().destroyed, 0);
    assert_eq!(password_at(&house, &places[0]).await.unwrap(), "password 0");
}

/// A process that died between any two steps left one of these behind; the next start finishes it.
#[tokio::test]
async fn a_rotation_that_was_cut_short_is_finished_by_the_next_start() {
    let house = House::new().await;
    let at = put(&house, "hunter2").await;
    let sealed_by_first = house.database.sealed(&at).await.unwrap().unwrap();
    let second_replica = House::over(tempfile::tempdir().unwrap(), house.database.clone(), 7)
        .await
        .unwrap();

    // Died after the activation, before the rewrap: as if the value had been put back.
    house
        .services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "yearly")
        .await
        .unwrap();
    let sealed_by_second = house.database.sealed(&at).await.unwrap().unwrap();
    let put_back = |before: Vec<u8>, after: Vec<u8>| {
        let (database, at) = (house.database.clone(), at.clone());
        async move {
            database
                .replace_sealed(at.table, &at.row, at.field, &before, &after)
                .await
                .unwrap()
        }
    };
    assert!(put_back(sealed_by_second.clone(), sealed_by_first.clone()).await);
    house.clock.advance(DESTROY_AFTER);
    let progress = house.services.tend_wrapping_keys().await.unwrap();
    assert_eq!(
        (progress.rewrapped, progress.destroyed),
        (1, 1),
        "rewrapped first, then destroyed"
    );
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");

    // A replica that has not heard of version 2 reads the keys again by itself, at most once a second.
    assert_eq!(second_replica.services.sealer.active().unwrap().version, 1);
    assert_eq!(password_at(&second_replica, &at).await.unwrap(), "hunter2");
    assert_eq!(second_replica.services.sealer.active().unwrap().version, 2);
    let stale = house.services.sealer.open_values(&at, &sealed_by_first);
    assert!(
        matches!(
            stale,
            Err(engine::seal::SealError::Open {
                source: OpenError::VersionRefused { .. },
                ..
            })
        ),
        "{stale:?}"
    );
    assert!(
        house
            .services
            .rotate_wrapping_key(&administrator(), Hierarchy::Store, " ")
            .await
            .is_err(),
        "a reason is needed"
    );
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(
        house
            .services
            .rotate_wrapping_key(&administrator(), Hierarchy::Store, "again")
            .await
            .unwrap()
            .active
            .version,
        3
    );
}

/// Cut at every point where the rotation waits for the store: whatever had been sent may or may not have happened,
/// as after a kill. Then another process starts over the same file.
#[tokio::test]
async fn a_rotation_of_the_wrapping_key_may_be_cut_anywhere() {
    let house = House::new().await;
    let mut places = Vec::new();
    for number in 0..3 {
        places.push(put(&house, &format!("password {number}")).await);
    }
    let mut house = house;
    for polls_left in 1.. {
        let is_done = {
            let administrator = administrator();
            let mut rotation = pin!(house.services.rotate_wrapping_key(
                &administrator,
                Hierarchy::Store,
                "cut"
            ));
            let mut polls_left = polls_left;
            poll_fn(|context| {
                polls_left -= 1;
                match rotation.as_mut().poll(context) {
                    Poll::Ready(result) => Poll::Ready(Some(result.unwrap())),
                    Poll::Pending if polls_left == 0 => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
            .is_some()
        };
        house = House::over(house.folder, house.database, 7).await.unwrap();
        settle(&house).await;
        house.services.tend_wrapping_keys().await.unwrap();
        for (number, at) in places.iter().enumerate() {
            assert_eq!(
                password_at(&house, at).await.unwrap(),
                format!("password {number}"),
                "{polls_left} polls"
            );
        }
        let status = house
            .services
            .wrapping_key_status(&administrator())
            .await
            .unwrap();
        assert!(
            status.iter().all(|status| status.to_rewrap == 0),
            "{polls_left} polls"
        );
        if is_done {
            assert!(polls_left > 5, "it was cut at several points before");
            break;
        }
    }
    let found = house.services.verify_audit(&administrator(), None).await.unwrap();
    assert!(matches!(found, AuditVerification::Whole { .. }));
}
