//! Rotations that go well.

use crate::world::{CREDENTIAL, Wish, World, quick_policy};
use serde_json::json;

#[tokio::test]
async fn a_password_in_use_is_rotated_and_the_old_one_is_proven_dead() {
    let world = World::start(Wish::default()).await;
    let fleet = world.fleet(4);
    fleet.all_use(1, 0..4).await;
    let id = world.rotate().await;
    let rotation = world.until(&id, &["completed"]).await;
    fleet.all_use(2, 0..4).await;
    fleet.assert_never_stuck();
    assert_eq!(world.current_version().await, 2);

    let done: Vec<_> = rotation.steps.iter().map(|step| step.name.as_str()).collect();
    for step in [
        "rehearse",
        "store",
        "issue",
        "verify",
        "retire",
        "confirm_refused",
    ] {
        assert!(done.contains(&step), "{step} is not among {done:?}");
    }
    let detail = world
        .admin()
        .get(&format!("/api/v1/credentials/{CREDENTIAL}"))
        .await
        .expect_status(200)
        .json();
    let states: Vec<_> = detail["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["state"].clone())
        .collect();
    assert_eq!(states, ["retired", "current"]);

    // The proof is not believed but repeated: by nobody's leave can an old password log in.
    let passwords = fleet.seen().passwords.lock().unwrap().clone();
    assert_eq!(passwords.len(), 2);
    let mut alive = 0;
    for password in &passwords {
        for login in ["app_role_a", "app_role_b"] {
            alive += usize::from(world.logs_in(login, password).await);
        }
    }
    assert_eq!(alive, 1, "exactly one login with one password works");
    fleet.stop().await;
}

#[tokio::test]
async fn the_canary_moves_first_and_both_versions_work_meanwhile() {
    let mut policy = quick_policy();
    policy["soak"] = json!("PT60S");
    let world = World::start(Wish {
        policy,
        ..Wish::default()
    })
    .await;
    let fleet = world.fleet(4);
    fleet.all_use(1, 0..4).await;
    let id = world.rotate().await;
    world.until(&id, &["wave"]).await;
    let on_candidate =
        |rotation: &api::Rotation| rotation.fleet.iter().filter(|instance| instance.cohort).count();
    let rotation = world
        .until_true(&id, "a canary", |rotation| on_candidate(rotation) > 0)
        .await;
    assert_eq!(on_candidate(&rotation), 1, "a quarter of four instances");
    // A person says that it may go on: the rest follows.
    world.command(&id, "promote").await.expect_status(200);
    world.command(&id, "promote").await.expect_status(200);
    world.until(&id, &["completed"]).await;
    fleet.assert_never_stuck();
    fleet.stop().await;
}

#[tokio::test]
async fn one_slot_is_switched_at_once() {
    let world = World::start(Wish {
        strategy: "in_place",
        ..Wish::default()
    })
    .await;
    let fleet = world.fleet(2);
    fleet.all_use(1, 0..2).await;
    let id = world.rotate().await;
    world.until(&id, &["completed"]).await;
    fleet.all_use(2, 0..2).await;
    assert!(
        !world.logs_in("app_login", "first").await,
        "the old password is dead"
    );
    fleet.assert_never_stuck();
    fleet.stop().await;
}

#[tokio::test]
async fn silence_promotes_nobody() {
    let world = World::start(Wish::default()).await;
    let id = world.rotate().await;
    let held = world
        .until_true(&id, "a hold", |rotation| rotation.hold.is_some())
        .await;
    assert!(
        held.hold.unwrap().reason.contains("no instance"),
        "it says what it waits for"
    );
    assert_eq!(world.current_version().await, 1);
    world.command(&id, "rollback").await.expect_status(200);
    world.until(&id, &["rolled_back"]).await;
}

#[tokio::test]
async fn five_rotations_in_a_row_use_the_two_logins_in_turn() {
    let world = World::start(Wish::default()).await;
    let fleet = world.fleet(2);
    for version in 2..=5 {
        let id = world.rotate().await;
        world.until(&id, &["completed"]).await;
        fleet.all_use(version, 0..2).await;
    }
    fleet.assert_never_stuck();
    let logins = world
        .postgres
        .execute("select count(*) from pg_roles where rolname like 'app_role_%'");
    assert_eq!(logins.trim(), "2");
    fleet.stop().await;
}
