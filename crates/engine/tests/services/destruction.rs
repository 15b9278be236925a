//! No version that may have sealed something is destroyed by one person, before its time, or while it is needed.

use std::time::Duration;

use engine::access::Role;
use engine::key::{Destruction, KeyView};
use engine::ports::{AuditFilter, AuditStore, KeyStore};
use engine::{Clock, Refusal, Timestamp};
use keyring::{Algorithm, KeyState};

use crate::house::{House, administrator, code, name, person, pointers};
use crate::keys::{DAY, decrypt, encrypt, made, move_to, states};

/// A key of which version 1 sealed something and version 2 seals.
async fn rotated(house: &House) -> (KeyView, String) {
    let view = made(house, Algorithm::ChaCha20Poly1305).await;
    let (old, _) = encrypt(house).await.unwrap();
    house
        .services
        .rotate_key(&administrator(), &name("orders"), "test", false)
        .await
        .unwrap();
    (view, old)
}

async fn plan(house: &House, at: Option<Timestamp>) -> Result<KeyView, Refusal> {
    let plan = Destruction {
        at,
        reason: "old".to_owned(),
    };
    house
        .services
        .plan_destruction(&administrator(), &name("orders"), 1, &plan)
        .await
}

async fn approve(house: &House, who: &str, role: Role) -> Result<KeyView, Refusal> {
    house
        .services
        .approve_destruction(&person(who, role), &name("orders"), 1, "looked at it")
        .await
}

async fn destroyed(house: &House) -> u32 {
    house.services.tend_keys().await.unwrap().destroyed
}

#[tokio::test]
async fn a_planned_destruction_happens_when_it_is_due_and_nothing_is_left() {
    let house = House::new().await;
    let (view, old) = rotated(&house).await;
    plan(&house, None).await.unwrap();
    approve(&house, "bob", Role::Operator).await.unwrap();
    house.clock.advance(30 * DAY - Duration::from_secs(1));
    assert_eq!(destroyed(&house).await, 0);
    decrypt(&house, &old).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    // Somebody read it a second ago: it stays, and the log says why.
    let turn = house.services.tend_keys().await.unwrap();
    assert_eq!((turn.destroyed, turn.failures.len()), (0, 1), "{turn:?}");
    house.clock.advance(7 * DAY);
    assert_eq!(destroyed(&house).await, 1);
    assert_eq!(states(&house).await[0], KeyState::Destroyed);
    assert_eq!(code(decrypt(&house, &old).await), "key_version_unusable");
    let materials = house.database.key_materials(&view.key.id).await.unwrap();
    assert_eq!(
        materials.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [2],
        "shredded"
    );
    let stored = house.database.key_versions(&view.key.id).await.unwrap();
    assert_eq!((stored[0].destroy_at, &stored[0].destruction), (None, &None));
}

#[tokio::test]
async fn a_destruction_takes_a_second_person() {
    let house = House::new().await;
    let (_, old) = rotated(&house).await;
    let operator = person("bob", Role::Operator);
    let asked = Destruction {
        at: None,
        reason: "old".to_owned(),
    };
    let refused = house
        .services
        .plan_destruction(&operator, &name("orders"), 1, &asked)
        .await;
    assert!(
        matches!(refused, Err(Refusal::Forbidden(_))),
        "only administrators ask"
    );
    assert_eq!(
        code(approve(&house, "bob", Role::Operator).await),
        "illegal_move",
        "nothing is planned"
    );
    let planned = plan(&house, None).await.unwrap();
    let request = planned.versions[0].version.destruction.clone().unwrap();
    assert_eq!((request.reason.as_str(), &request.approval), ("old", &None));
    for (who, role) in [
        ("ada", Role::Administrator),
        ("ada", Role::Operator),
        ("eve", Role::Viewer),
    ] {
        let refused = approve(&house, who, role).await;
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{who} {role:?}");
    }
    let reason = house
        .services
        .approve_destruction(&operator, &name("orders"), 1, " ")
        .await;
    assert_eq!(pointers(reason), ["/reason"]);
    let view = approve(&house, "bob", Role::Operator).await.unwrap();
    let request = view.versions[0].version.destruction.clone().unwrap();
    assert!(request.approval.unwrap().by.contains("bob"));
    assert_eq!(
        code(approve(&house, "kim", Role::Administrator).await),
        "already_approved"
    );
    decrypt(&house, &old).await.unwrap();
    let filter = AuditFilter {
        action: Some("key.version.approve_destruction".to_owned()),
        limit: 10,
        ..AuditFilter::default()
    };
    let entries = house.database.audit_entries(&filter).await.unwrap();
    assert_eq!(entries.len(), 1, "and what was refused is no approval");
    assert_eq!(entries[0].draft.object, "key/orders/1");
}

#[tokio::test]
async fn what_nobody_approved_in_time_stays_and_is_asked_for_anew() {
    let house = House::new().await;
    rotated(&house).await;
    let at = house.clock.now().after(8 * DAY);
    plan(&house, Some(at)).await.unwrap();
    house.clock.advance(9 * DAY);
    assert_eq!(destroyed(&house).await, 0, "its time has come, and nobody agreed");
    assert_eq!(states(&house).await[0], KeyState::Deprecated);
    assert_eq!(
        code(approve(&house, "bob", Role::Operator).await),
        "destruction_lapsed"
    );
    let at = house.clock.now().after(DAY);
    plan(&house, Some(at)).await.unwrap();
    approve(&house, "bob", Role::Operator).await.unwrap();
    // Asked for anew, at another time: what was agreed to was something else.
    plan(&house, Some(at.after(DAY))).await.unwrap();
    house.clock.advance(3 * DAY);
    assert_eq!(destroyed(&house).await, 0);
}

#[tokio::test]
async fn a_destruction_that_was_approved_can_be_taken_back() {
    let house = House::new().await;
    rotated(&house).await;
    let take_back = async || {
        house
            .services
            .cancel_destruction(&person("bob", Role::Operator), &name("orders"), 1)
            .await
            .unwrap()
    };
    plan(&house, None).await.unwrap();
    approve(&house, "bob", Role::Operator).await.unwrap();
    let kept = take_back().await;
    assert_eq!(kept.versions[0].version.destruction, None);
    house.clock.advance(60 * DAY);
    assert_eq!(destroyed(&house).await, 0);

    // So does the way back from a revocation.
    move_to(&house, 1, KeyState::Revoked).await.unwrap();
    plan(&house, None).await.unwrap();
    approve(&house, "bob", Role::Operator).await.unwrap();
    move_to(&house, 1, KeyState::Deprecated).await.unwrap();
    house.clock.advance(60 * DAY);
    assert_eq!(destroyed(&house).await, 0);
}

#[tokio::test]
async fn nobody_destroys_at_once_what_may_have_sealed_something() {
    let house = House::new().await;
    rotated(&house).await;
    move_to(&house, 1, KeyState::Revoked).await.unwrap();
    assert_eq!(
        code(move_to(&house, 1, KeyState::Destroyed).await),
        "needs_approval"
    );
    assert_eq!(states(&house).await[0], KeyState::Revoked);
    // Version 2 was never used: nothing can be missed.
    house
        .services
        .rotate_key(&administrator(), &name("orders"), "test", true)
        .await
        .unwrap();
    move_to(&house, 2, KeyState::Destroyed).await.unwrap();
    assert_eq!(states(&house).await[1], KeyState::Destroyed);
}
