//! Several servers on one PostgreSQL: a fleet that is spread over them is one fleet.

use serde_json::json;
use testing::Postgres;

use crate::fleet::Fleet;
use crate::harness::TestApp;
use crate::world::{Wish, World, quick_policy};

/// Rota's own database, and a second server on it beside the world's.
struct Replicas {
    world: World,
    other: TestApp,
    _database: Postgres,
}

impl Replicas {
    async fn start(wish: Wish) -> Self {
        let database = Postgres::start_alone(&[]);
        let root_key = tempfile::tempdir().expect("a folder");
        let root_key_file = root_key.path().join("root.key");
        let variables = [
            ("ROTA_DATABASE_URL", database.url()),
            ("ROTA_ROOT_KEY_FILE", root_key_file.display().to_string()),
        ];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let world = World::on(TestApp::start_with(&variables)).await;
        world.create_credential(&wish).await;
        let other = TestApp::start_with(&variables);
        Self {
            world,
            other,
            _database: database,
        }
    }

    /// Half of the instances talk to each server.
    fn fleets(&self, half: usize) -> (Fleet, Fleet) {
        let token = &self.world.consumer_token;
        (
            Fleet::start_from(&self.world.app.url, token, 0, half),
            Fleet::start_from(&self.other.url, token, half, half),
        )
    }
}

#[tokio::test]
async fn evidence_counts_whichever_server_hears_it() {
    let replicas = Replicas::start(Wish::default()).await;
    let (here, there) = replicas.fleets(4);
    here.all_use(1, 0..4).await;
    there.all_use(1, 4..8).await;
    // Each wave wants a good outcome of every instance in it, and every instance is in the last.
    let id = replicas.world.rotate().await;
    replicas.world.until(&id, &["completed"]).await;
    here.all_use(2, 0..4).await;
    there.all_use(2, 4..8).await;
    here.assert_never_stuck();
    there.assert_never_stuck();
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn refusals_heard_by_the_other_server_bring_the_previous_version_back() {
    let mut policy = quick_policy();
    policy["soak"] = json!("PT60S");
    policy["waves"] = json!([100]);
    let replicas = Replicas::start(Wish {
        policy,
        ..Wish::default()
    })
    .await;
    let (here, there) = replicas.fleets(4);
    here.all_use(1, 0..4).await;
    there.all_use(1, 4..8).await;
    there.break_version(2, 8);
    let id = replicas.world.rotate().await;
    let rotation = replicas.world.until(&id, &["rolled_back"]).await;
    let reason = rotation.reason_for_rollback.expect("a reason");
    assert!(reason.contains("version 2 was refused"), "{reason}");
    assert_eq!(replicas.world.current_version().await, 1);
    here.stop().await;
    there.stop().await;
}
