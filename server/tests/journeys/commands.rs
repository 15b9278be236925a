//! What people may say to a rotation.

use crate::world::{CREDENTIAL, Wish, World, quick_policy};
use serde_json::json;

#[tokio::test]
async fn a_second_rotation_waits_for_the_first() {
    let world = World::start(Wish::default()).await;
    let id = world.rotate().await;
    let path = format!("/api/v1/credentials/{CREDENTIAL}/rotations");
    let refused = world.admin().post(&path, &json!({"reason": "again"})).await;
    let refused = refused.expect_problem(409, "rotation_in_progress");
    assert!(
        refused.body.contains(&id),
        "it names the one under way: {}",
        refused.body
    );
}

#[tokio::test]
async fn whoever_asks_may_not_approve_and_another_may() {
    let mut policy = quick_policy();
    policy["approvals"] = json!(1);
    let world = World::without_credential().await;
    let operator = world.app.program("operator").await;
    // Its first version needs an approval too: made by the bootstrap administrator, approved by the operator.
    world
        .admin()
        .post("/api/v1/credentials", &credential(&policy))
        .await
        .expect_status(201);
    let first = rotation_of(&world).await;
    world.until(&first, &["awaiting_approval"]).await;
    world.command(&first, "approve").await.expect_status(403);
    let reason = json!({"reason": "looks right"});
    operator
        .post(&format!("/api/v1/rotations/{first}/approve"), &reason)
        .await
        .expect_status(200);
    world.until(&first, &["completed"]).await;

    let second = world.rotate().await;
    world.until(&second, &["awaiting_approval"]).await;
    operator
        .post(&format!("/api/v1/rotations/{second}/reject"), &reason)
        .await
        .expect_status(200);
    world.until(&second, &["cancelled"]).await;
    assert_eq!(world.current_version().await, 1);
}

#[tokio::test]
async fn a_freeze_stops_what_is_no_emergency() {
    let world = World::start(Wish::default()).await;
    let freeze = world
        .admin()
        .post("/api/v1/freezes", &json!({"reason": "an incident"}))
        .await
        .expect_status(201);
    let path = format!("/api/v1/credentials/{CREDENTIAL}/rotations");
    world
        .admin()
        .post(&path, &json!({"reason": "routine"}))
        .await
        .expect_problem(409, "frozen");
    let id = freeze.text("/id").to_owned();
    world.admin().delete(&format!("/api/v1/freezes/{id}")).await;
    world.rotate().await;
}

#[tokio::test]
async fn an_emergency_skips_soak_and_grace() {
    let policy = json!({"max_age": "P30D", "grace": "P7D", "soak": "PT1H", "waves": [25, 100]});
    let world = World::start(Wish {
        policy,
        ..Wish::default()
    })
    .await;
    let fleet = world.fleet(2);
    fleet.all_use(1, 0..2).await;
    let path = format!("/api/v1/credentials/{CREDENTIAL}/rotations");
    let body = json!({"reason": "it leaked", "emergency": true});
    let id = world
        .admin()
        .post(&path, &body)
        .await
        .expect_status(201)
        .text("/id")
        .to_owned();
    world.until(&id, &["completed"]).await;
    assert_eq!(world.current_version().await, 2);
    fleet.stop().await;
}

#[tokio::test]
async fn an_illegal_move_says_what_is_legal() {
    let world = World::start(Wish::default()).await;
    let id = world.rotate().await;
    world.until(&id, &["wave"]).await;
    let refused = world
        .command(&id, "retire_now")
        .await
        .expect_problem(409, "illegal_move");
    assert!(refused.body.contains("rollback"), "{}", refused.body);
    world
        .command(&id, "cancel")
        .await
        .expect_problem(409, "illegal_move");
    let path = format!("/api/v1/rotations/{id}/rollback");
    world
        .admin()
        .post(&path, &json!({"reason": " "}))
        .await
        .expect_status(422);
}

#[tokio::test]
async fn an_issuer_that_is_away_is_retried_and_then_a_person_is_asked() {
    let world = World::start(Wish::default()).await;
    world.postgres.stop();
    let id = world.rotate().await;
    let stuck = world.until(&id, &["needs_operator"]).await;
    assert!(stuck.problem.is_some(), "it says what is the matter");
    world.postgres.start_again();
    world.command(&id, "retry").await.expect_status(200);
    world.until(&id, &["wave"]).await;
}

fn credential(policy: &serde_json::Value) -> serde_json::Value {
    json!({
        "name": CREDENTIAL, "kind": "database_password", "issuer": "db", "owner_team": "orders",
        "backup_contact": "orders@example.com", "purpose": "test", "sensitivity": "high", "environment": "test",
        "strategy": "alternating", "consumers": [crate::world::CONSUMER], "policy": policy, "config": {"role": "app_role"},
    })
}

async fn rotation_of(world: &World) -> String {
    let list = world
        .admin()
        .get("/api/v1/rotations")
        .await
        .expect_status(200)
        .json();
    list["items"][0]["id"].as_str().expect("a rotation").to_owned()
}
