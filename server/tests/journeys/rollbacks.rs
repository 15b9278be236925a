//! Rotations that go wrong, and come back by themselves.

use crate::world::{Wish, World, quick_policy};
use serde_json::json;

#[tokio::test]
async fn consumers_that_are_refused_bring_the_previous_version_back() {
    let mut policy = quick_policy();
    policy["soak"] = json!("PT60S");
    let world = World::start(Wish {
        policy,
        ..Wish::default()
    })
    .await;
    let fleet = world.fleet(4);
    fleet.all_use(1, 0..4).await;
    fleet.break_version(2, 4);
    let id = world.rotate().await;
    let rotation = world.until(&id, &["rolled_back"]).await;
    let reason = rotation.reason_for_rollback.expect("a reason");
    assert!(reason.contains("version 2 was refused"), "{reason}");
    assert_eq!(world.current_version().await, 1);
    fleet.assert_never_stuck();

    // The failed version is dead at the issuer too.
    let alive = world
        .postgres
        .execute("select count(*) from pg_authid where rolname like 'app_role_%' and rolcanlogin");
    assert_eq!(alive.trim(), "1");
    let metrics = world
        .app
        .anonymous()
        .get("/metrics")
        .await
        .expect_status(200)
        .body;
    let served = metrics
        .lines()
        .find(|line| line.starts_with("rota_rollback_duration_seconds_count"))
        .unwrap_or_default();
    assert!(
        !served.ends_with(" 0") && !served.is_empty(),
        "the way back was measured: {served}"
    );

    // Mended, the next rotation takes a number of its own.
    fleet.break_version(0, 0);
    let id = world.rotate().await;
    world.until(&id, &["wave"]).await;
    world.command(&id, "promote").await.expect_status(200);
    world.command(&id, "promote").await.expect_status(200);
    world.until(&id, &["completed"]).await;
    assert_eq!(
        world.current_version().await,
        3,
        "failed versions consume numbers"
    );
    fleet.stop().await;
}

#[tokio::test]
async fn one_bad_instance_of_many_after_the_last_wave_is_enough() {
    let mut policy = quick_policy();
    policy["grace"] = json!("PT120S");
    let world = World::start(Wish {
        policy,
        ..Wish::default()
    })
    .await;
    let fleet = world.fleet(8);
    fleet.all_use(1, 0..8).await;
    let id = world.rotate().await;
    world.until(&id, &["grace"]).await;
    fleet.all_use(2, 0..8).await;
    fleet.break_version(2, 1);
    world.until(&id, &["rolled_back"]).await;
    assert_eq!(world.current_version().await, 1);
    fleet.assert_never_stuck();
    fleet.stop().await;
}

#[tokio::test]
async fn a_paused_rotation_still_rolls_back() {
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
    world
        .until_true(&id, "a canary", |rotation| {
            rotation.fleet.iter().any(|instance| instance.cohort)
        })
        .await;
    world.command(&id, "pause").await.expect_status(200);
    fleet.break_version(2, 4);
    world.until(&id, &["rolled_back"]).await;
    fleet.stop().await;
}

#[tokio::test]
async fn a_candidate_that_is_changed_behind_our_back_is_noticed_by_the_probe() {
    let mut policy = quick_policy();
    policy["grace"] = json!("PT120S");
    let world = World::start(Wish {
        policy,
        ..Wish::default()
    })
    .await;
    let fleet = world.fleet(2);
    fleet.all_use(1, 0..2).await;
    let id = world.rotate().await;
    world.until(&id, &["grace"]).await;
    fleet.stop().await;
    let login = world.postgres.execute(
        "select rolname from pg_authid where rolname like 'app_role_%' and rolcanlogin order by oid desc limit 1",
    );
    world.postgres.execute(&format!(
        "alter role {} password 'changed behind its back'",
        login.trim()
    ));
    let rotation = world.until(&id, &["rolled_back"]).await;
    assert!(
        rotation
            .reason_for_rollback
            .unwrap_or_default()
            .contains("own login"),
        "the probe says so"
    );
}
