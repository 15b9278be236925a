//! No secret stands anywhere but where it was asked for.

use std::path::Path;

use crate::world::{CREDENTIAL, Wish, World};

#[tokio::test]
async fn no_password_stands_in_logs_metrics_pages_the_statement_log_or_the_database() {
    let world = World::start(Wish::default()).await;
    let fleet = world.fleet(2);
    fleet.all_use(1, 0..2).await;
    let id = world.rotate().await;
    world.until(&id, &["completed"]).await;
    fleet.all_use(2, 0..2).await;
    let mut secrets: Vec<String> = fleet.seen().passwords.lock().unwrap().iter().cloned().collect();
    secrets.push("admin-password".to_owned());
    secrets.push(world.consumer_token.clone());
    fleet.stop().await;

    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    for path in [
        "/metrics",
        "/api/v1/audit?limit=500",
        "/api/v1/rotations",
        "/api/v1/issuers",
        "/api/v1/consumers",
    ] {
        places.push((
            path.to_owned(),
            world.admin().get(path).await.expect_status(200).body.into_bytes(),
        ));
    }
    for path in [
        format!("/api/v1/rotations/{id}"),
        format!("/api/v1/credentials/{CREDENTIAL}"),
    ] {
        let body = world.admin().get(&path).await.expect_status(200).body;
        places.push((path, body.into_bytes()));
    }
    places.push(("the server's log".to_owned(), world.app.log().into_bytes()));
    world.postgres.stop();
    places.push((
        "PostgreSQL's statement log".to_owned(),
        without_our_own_set_up(&world.postgres.log()).into_bytes(),
    ));
    let (code, folder) = world.app.stop();
    assert_eq!(code, Some(0));
    for file in files(folder.path()) {
        places.push((file.display().to_string(), std::fs::read(&file).expect("a file")));
    }
    for (place, bytes) in &places {
        for secret in &secrets {
            for form in forms(secret) {
                let found = bytes.windows(form.len()).any(|window| window == form);
                assert!(!found, "a secret stands in {place}");
            }
        }
    }
}

/// As it is, in hex and in base64.
fn forms(secret: &str) -> [Vec<u8>; 3] {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
    // The last characters depend on what follows.
    let base64 = base64.as_bytes()[..base64.len() - 2].to_vec();
    [
        secret.as_bytes().to_vec(),
        hex::encode(secret).into_bytes(),
        base64,
    ]
}

/// The test itself made the administrator, with its password in the clear.
fn without_our_own_set_up(log: &str) -> String {
    log.lines()
        .filter(|line| !line.contains("create role rota_admin"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .expect("a folder")
        .filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect()
}
