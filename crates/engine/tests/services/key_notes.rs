//! What is told of keys while it holds, and no longer.

use std::time::Duration;

use engine::access::Role;
use engine::board::{Need, Subject};
use engine::freeze::NewFreeze;
use engine::key::{Destruction, KeyUpdate, NewKeyPolicy};
use keyring::{Algorithm, KeyState};

use crate::house::{House, administrator, name, person};
use crate::keys::{DAY, decrypt, encrypt, made, move_to, new_key};

async fn finding_codes(house: &House) -> Vec<&'static str> {
    let found = house.services.key_findings(&administrator()).await.unwrap();
    let told = found.iter().map(|(_, finding)| finding.code);
    // Nobody owns the keys of these tests.
    told.filter(|code| *code != "no_owner").collect()
}

async fn needs(house: &House) -> Vec<Need> {
    let environment = name("production");
    let (needs, _) = house
        .services
        .needs_and_notices(&administrator(), Some(&environment))
        .await
        .unwrap();
    needs
}

async fn need_codes(house: &House) -> Vec<&'static str> {
    needs(house).await.iter().map(|need| need.code).collect()
}

#[tokio::test]
async fn a_rotation_that_a_freeze_postpones_is_told_until_it_happened() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let freeze = NewFreeze {
        environment: Some("production".to_owned()),
        reason: "a sale".to_owned(),
        until: None,
    };
    let freeze = house
        .services
        .create_freeze(&administrator(), freeze)
        .await
        .unwrap();
    house.clock.advance(91 * DAY);
    assert!(need_codes(&house).await.is_empty());
    house.services.tend_keys().await.unwrap();
    assert_eq!(finding_codes(&house).await, ["key_postponed"]);
    let listed = needs(&house).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (listed[0].code, &listed[0].subject),
        ("key_postponed", &Subject::Key(name("orders")))
    );
    assert!(listed[0].what.contains("91 days old"), "{}", listed[0].what);
    let other = name("test");
    let (elsewhere, _) = house
        .services
        .needs_and_notices(&administrator(), Some(&other))
        .await
        .unwrap();
    assert!(elsewhere.is_empty(), "it belongs to production");

    // A policy that allows the age, and it is due no longer.
    let allow = |days: u64| KeyUpdate {
        policy: NewKeyPolicy {
            rotate_every: Some(Some(Duration::from_secs(days * 86_400))),
            ..NewKeyPolicy::default()
        },
        ..KeyUpdate::default()
    };
    let update = async |days| {
        house
            .services
            .update_key(&administrator(), &name("orders"), allow(days), None)
            .await
            .unwrap()
    };
    update(365).await;
    assert!(finding_codes(&house).await.is_empty());
    update(90).await;
    assert_eq!(finding_codes(&house).await, ["key_postponed"]);
    house
        .services
        .end_freeze(&administrator(), &freeze.id)
        .await
        .unwrap();
    house.services.tend_keys().await.unwrap();
    assert!(finding_codes(&house).await.is_empty());
    assert!(need_codes(&house).await.is_empty());
}

#[tokio::test]
async fn a_version_that_was_not_drained_is_told_until_it_is() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let (old, _) = encrypt(&house).await.unwrap();
    house.clock.advance(90 * DAY);
    house.services.tend_keys().await.unwrap();
    house.clock.advance(90 * DAY);
    decrypt(&house, &old).await.unwrap();
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 1);
    assert_eq!(finding_codes(&house).await, ["key_undrained"]);
    let listed = needs(&house).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0].code, "key_undrained");
    assert!(listed[0].what.contains("version 1"), "{}", listed[0].what);
    assert_eq!(listed[0].who, "an operator");
    // Nothing of it is opened for the key's grace.
    house.clock.advance(8 * DAY);
    assert!(finding_codes(&house).await.is_empty());
    assert!(need_codes(&house).await.is_empty());
    decrypt(&house, &old).await.unwrap();
    assert_eq!(finding_codes(&house).await, ["key_undrained"], "missed after all");
    // Revoked, it opens for nobody: what needs it then is told as that.
    move_to(&house, 1, KeyState::Revoked).await.unwrap();
    assert!(need_codes(&house).await.is_empty());
}

#[tokio::test]
async fn a_key_that_nobody_owns_is_told() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let mut owned = new_key("owned", Algorithm::Aes256Gcm);
    owned.owner_team = Some("Orders".to_owned());
    house.services.create_key(&administrator(), owned).await.unwrap();
    let found = house.services.key_findings(&administrator()).await.unwrap();
    let told: Vec<(&str, &str, bool)> = found
        .iter()
        .map(|(key, finding)| (key.name.as_str(), finding.code, finding.critical))
        .collect();
    assert_eq!(told, [("orders", "no_owner", true)]);
}

#[tokio::test]
async fn a_destruction_that_waits_for_a_second_person_needs_one() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    encrypt(&house).await.unwrap();
    let services = &house.services;
    let orders = name("orders");
    services
        .rotate_key(&administrator(), &orders, "test", false)
        .await
        .unwrap();
    let plan = Destruction {
        at: None,
        reason: "the contract ended".to_owned(),
    };
    services
        .plan_destruction(&administrator(), &orders, 1, &plan)
        .await
        .unwrap();
    let listed = needs(&house).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (listed[0].code, listed[0].next_action),
        ("awaiting_approval", "Approve it or keep it")
    );
    assert!(
        listed[0].what.contains("the contract ended"),
        "{}",
        listed[0].what
    );
    house.clock.advance(31 * DAY);
    assert_eq!(needs(&house).await[0].next_action, "Plan it anew or keep it");
    services
        .plan_destruction(&administrator(), &orders, 1, &plan)
        .await
        .unwrap();
    services
        .approve_destruction(&person("bob", Role::Operator), &orders, 1, "yes")
        .await
        .unwrap();
    assert!(need_codes(&house).await.is_empty());
}
