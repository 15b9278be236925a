//! The server dies without warning, again and again, while consumers live on.

use std::time::Duration;

use crate::harness::TestApp;
use crate::world::{CREDENTIAL, Wish, World};
use serde_json::json;

/// `make bench` asks for a hundred.
fn rounds() -> usize {
    std::env::var("ROTA_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10)
}

#[tokio::test]
async fn kills_at_random_moments_lose_no_credential_and_leave_nobody_behind() {
    let mut world = World::start(Wish::default()).await;
    let fleet = world.fleet(4);
    fleet.all_use(1, 0..4).await;
    let listen = world.app.url.trim_start_matches("http://").to_owned();
    let mut entropy = [0_u8; 64];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut entropy))
        .expect("entropy");
    for round in 0..rounds() {
        let path = format!("/api/v1/credentials/{CREDENTIAL}/rotations");
        // One may be under way from the round before: then that one is what is killed.
        let _taken_or_started = world.admin().post(&path, &json!({"reason": "a round"})).await;
        // The moment of death is what is random here; nothing is waited for.
        let moment = Duration::from_millis(u64::from(entropy[round % entropy.len()]) * 12);
        tokio::time::sleep(moment).await;
        let folder = world.app.kill();
        world.app = TestApp::start_in(folder, &[("ROTA_LISTEN", &listen)]);
    }
    let list = world
        .admin()
        .get("/api/v1/rotations")
        .await
        .expect_status(200)
        .json();
    for rotation in list["items"].as_array().expect("rotations") {
        let id = rotation["id"].as_str().expect("an id");
        world.until(id, &["completed", "rolled_back"]).await;
    }
    let version = u32::try_from(world.current_version().await).expect("a version");
    fleet.all_use(version, 0..4).await;
    fleet.assert_never_stuck();
    fleet.stop().await;

    let alive = world
        .postgres
        .execute("select count(*) from pg_authid where rolname like 'app_role_%' and rolcanlogin");
    assert_eq!(alive.trim(), "1", "no login was left behind at the issuer");
    let (code, folder) = world.app.stop();
    assert_eq!(code, Some(0));
    let verifier = TestApp::start();
    World::verify_audit(&folder, &verifier);
}
