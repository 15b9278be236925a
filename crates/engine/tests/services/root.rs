//! Sealed and open, shares, classes, and a root that is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::access::Role;
use engine::catalog::Sensitivity;
use engine::ports::SettingStore;
use engine::seal::{Hierarchy, Key, SealedBecause};
use engine::{Clock, Refusal};
use keyring::{Context, KeyId, KeyState, KeyVersion, Keyring, OpenError, WrappingKey};

use crate::house::{administrator, code, open, person, pointers, text};
use crate::roots::{FILE, Machine, fresh, key, move_to_shares, operator, share_of, start};
use crate::seal::{password_at, place, put};

#[tokio::test]
async fn the_wrapping_key_of_one_class_opens_nothing_of_another() {
    let house = fresh(FILE).await;
    let (at, secret) = (place(&house), text("hunter2").into_bytes());
    let classes = [
        Sensitivity::Low,
        Sensitivity::Medium,
        Sensitivity::High,
        Sensitivity::Critical,
    ];
    let mut seen = Vec::new();
    for class in classes {
        let hierarchy = Hierarchy::Class(class);
        let sealed = house.services.sealer.seal_bytes_for(class, &at, &secret).unwrap();
        let opened = house.services.sealer.open_bytes(&at, &sealed).unwrap();
        assert_eq!(opened.expose_bytes(), b"hunter2");
        let id = KeyId::parse(&format!("rota.class.{}", hierarchy.label())).unwrap();
        assert_eq!(keyring::inspect(&sealed).unwrap().key_id, id);
        seen.push((hierarchy, id, sealed));
    }
    // Each class's key, taken out by the root key and put under the other's name, as a thief with both would.
    for (thief, thief_id, _) in &seen {
        let setting = format!("wrapping_key.class.{}.version.0000000001", thief.label());
        let wrapped = house.database.setting(&setting).await.unwrap().unwrap();
        for (victim, victim_id, sealed) in &seen {
            let material = key(7)
                .open_wrapping_key(thief_id, KeyVersion::FIRST, &wrapped)
                .unwrap();
            let own = WrappingKey::new(KeyVersion::FIRST, KeyState::Active, material);
            let ring = Keyring::new(victim_id.clone(), [own]).unwrap();
            let opened = ring.open(&Context::new(at.table, &at.row, at.field), sealed);
            if thief == victim {
                assert_eq!(opened.unwrap().expose_bytes(), b"hunter2");
            } else {
                assert_eq!(
                    opened.unwrap_err(),
                    OpenError::NotAuthentic,
                    "{thief:?} {victim:?}"
                );
            }
        }
        assert!(
            key(7)
                .open_wrapping_key(&seen[0].1, KeyVersion::FIRST, &wrapped)
                .is_ok()
                == (*thief == seen[0].0)
        );
    }
}

#[tokio::test]
async fn a_class_is_rotated_by_itself_when_it_is_too_old() {
    let house = fresh(FILE).await;
    let version = |class| {
        house
            .services
            .sealer
            .active_of(Hierarchy::Class(class))
            .unwrap()
            .version
    };
    house.clock.advance(Duration::from_secs(31 * 86_400));
    house.services.tend_wrapping_keys().await.unwrap();
    assert_eq!(
        (version(Sensitivity::Critical), version(Sensitivity::High)),
        (2, 1)
    );
}

#[tokio::test]
async fn a_database_from_before_there_were_classes_gets_their_keys_at_its_next_start() {
    let house = fresh(FILE).await;
    let url = format!("sqlite://{}", house.folder.path().join("rota.db").display());
    house.database.close().await;
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let before = "delete from setting where key like 'wrapping_key.class.%' or key = 'root_key.epoch'";
    sqlx::query(before).execute(&pool).await.unwrap();
    pool.close().await;
    let database = open(house.folder.path().join("rota.db")).await;
    let (again, opened) = start(&database, FILE).await;
    opened.unwrap();
    let sealer = &again.services.sealer;
    let sealed = sealer.seal_bytes_for(Sensitivity::High, &place(&again), &text("x").into_bytes());
    assert!(sealed.is_ok());
}

#[tokio::test]
async fn sealing_wipes_the_keys_and_unsealing_brings_them_back() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let before = house.services.sealer.generation();
    assert_eq!(
        pointers(house.services.seal(&administrator(), " ").await),
        ["/reason"]
    );
    let refused = house.services.seal(&operator("ben"), "alarm").await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
    house.services.seal(&administrator(), "alarm").await.unwrap();
    assert!(house.services.sealer.generation() > before, "caches are dropped");
    assert!(matches!(password_at(&house, &at).await, Err(Refusal::Sealed(_))));
    assert!(matches!(
        house.services.sealer.require_open(),
        Err(Refusal::Sealed(_))
    ));
    let status = house.services.root_status(&administrator()).await.unwrap();
    let because = status.sealed.unwrap();
    assert!(because.to_string().contains("account:ada") && because.to_string().contains("alarm"));
    assert_eq!(status.wrapping_keys.len(), 5, "what needs no key is still told");
    // Nothing brings them back but people.
    house.services.tend_root(Duration::ZERO).await.unwrap();
    house.services.tend_wrapping_keys().await.unwrap();
    assert!(matches!(
        house.services.sealer.sealed_because(),
        Some(SealedBecause::ByHand { .. })
    ));
    house
        .services
        .unseal(&operator("ben"), Key::Configured)
        .await
        .unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
    house
        .services
        .unseal(&operator("ben"), Key::Configured)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_root_in_shares_starts_sealed_and_different_people_unseal_it() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let shares = move_to_shares(&house).await;
    assert_eq!(
        password_at(&house, &at).await.unwrap(),
        "hunter2",
        "it serves all the while"
    );

    let (house, opened) = start(&house.database, FILE).await;
    assert!(opened.unwrap_err().may_pass());
    assert!(matches!(password_at(&house, &at).await, Err(Refusal::Sealed(_))));
    let services = &house.services;
    let unseal = |name: &'static str, key| async move { services.unseal(&operator(name), key).await };
    unseal("ben", share_of(&shares, 0)).await.unwrap();
    unseal("ben", share_of(&shares, 0)).await.unwrap();
    let status = services.root_status(&administrator()).await.unwrap();
    assert_eq!(status.gathering.unwrap().given, [(1, "account:ben".to_owned())]);
    assert_eq!(code(unseal("ben", share_of(&shares, 1)).await), "same_person");
    assert_eq!(code(unseal("cleo", share_of(&shares, 0)).await), "share_given");
    let viewer = person("vic", Role::Viewer);
    assert!(services.unseal(&viewer, share_of(&shares, 2)).await.is_err());
    unseal("cleo", share_of(&shares, 2)).await.unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn wrong_shares_are_named_bounded_for_each_person_and_take_nothing_from_the_others() {
    let house = fresh(FILE).await;
    let shares = move_to_shares(&house).await;
    let (house, _) = start(&house.database, FILE).await;
    let services = &house.services;
    services
        .unseal(&operator("ben"), share_of(&shares, 0))
        .await
        .unwrap();
    for _ in 0..5 {
        let mistyped = Key::Share(text("rota-share-1.00000000.1.00.00"));
        assert_eq!(
            pointers(services.unseal(&operator("eve"), mistyped).await),
            ["/share"]
        );
    }
    let refused = services.unseal(&operator("eve"), share_of(&shares, 1)).await;
    assert_eq!(code(refused), "too_many_requests");
    // The others go on as if nothing had been.
    services
        .unseal(&operator("cleo"), share_of(&shares, 1))
        .await
        .unwrap();
    assert!(services.sealer.is_open());

    let (house, _) = start(&house.database, FILE).await;
    house
        .services
        .unseal(&operator("ben"), share_of(&shares, 0))
        .await
        .unwrap();
    house.clock.advance(Duration::from_secs(3_601));
    house
        .services
        .unseal(&operator("cleo"), share_of(&shares, 1))
        .await
        .unwrap();
    assert!(!house.services.sealer.is_open(), "a share does not wait for ever");
}

#[tokio::test]
async fn keys_outlive_their_root_for_the_grace_and_come_back_with_it() {
    let machine = Machine {
        is_away: Arc::new(AtomicBool::new(false)),
    };
    let house = fresh(machine.clone()).await;
    let at = put(&house, "hunter2").await;
    let grace = Duration::from_secs(600);
    let services = &house.services;
    services.tend_root(grace).await.unwrap();
    machine.is_away.store(true, Ordering::SeqCst);
    for _ in 0..9 {
        house.clock.advance(Duration::from_secs(60));
        assert!(services.tend_root(grace).await.is_err());
        assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
    }
    house.clock.advance(Duration::from_secs(60));
    assert!(services.tend_root(grace).await.is_err());
    assert!(matches!(password_at(&house, &at).await, Err(Refusal::Sealed(_))));
    assert!(services.tend_root(grace).await.is_err(), "still away");
    // One that starts meanwhile waits too.
    let (other, opened) = start(&house.database, machine.clone()).await;
    assert!(opened.unwrap_err().may_pass());
    machine.is_away.store(false, Ordering::SeqCst);
    for house in [&house, &other] {
        house.services.tend_root(grace).await.unwrap();
        assert_eq!(password_at(house, &at).await.unwrap(), "hunter2");
    }
    assert_eq!(other.services.sealer.answered_at(), Some(other.clock.now()));
}
