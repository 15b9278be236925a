//! Destroyed key versions stay dead when an older backup is restored (KEY-8).

use std::path::Path;
use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::destruction::destroy;
use crate::harness::{Actor, TestApp};

const PLAIN: &str = "aHVudGVyMg==";

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{}", words(output));
    words(output)
}

#[track_caller]
fn fails(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", words(output));
    words(output)
}

async fn make_key(actor: &Actor, name: &str) -> String {
    let key = json!({"name": name, "algorithm": "aes256-gcm"});
    actor.post("/api/v1/keys", &key).await.expect_status(201);
    encrypt(actor, name).await.0
}

async fn encrypt(actor: &Actor, name: &str) -> (String, u64) {
    let path = format!("/api/v1/keys/{name}/encrypt");
    let reply = actor.post(&path, &json!({"plaintext": PLAIN})).await;
    let reply = reply.expect_status(200).json();
    (
        reply["ciphertext"].as_str().unwrap().to_owned(),
        reply["version"].as_u64().unwrap(),
    )
}

async fn decrypt(actor: &Actor, name: &str, ciphertext: &str) -> crate::harness::Reply {
    let path = format!("/api/v1/keys/{name}/decrypt");
    actor.post(&path, &json!({"ciphertext": ciphertext})).await
}

/// Another version takes over, and the one before is destroyed.
async fn rotate_and_destroy(app: &TestApp, name: &str, number: u64) {
    let actor = app.bootstrap();
    let path = format!("/api/v1/keys/{name}");
    let rotate = json!({"reason": "test", "confirm": true});
    actor
        .post(&format!("{path}/rotate"), &rotate)
        .await
        .expect_status(200);
    let revoke = json!({"state": "revoked", "reason": "its data is to be gone"});
    actor
        .patch(&format!("{path}/versions/{number}"), &revoke)
        .await
        .expect_status(200);
    destroy(app, name, number).await;
}

async fn states(actor: &Actor, name: &str) -> Vec<String> {
    let key = actor
        .get(&format!("/api/v1/keys/{name}"))
        .await
        .expect_status(200)
        .json();
    let versions = key["versions"].as_array().unwrap().iter();
    versions
        .map(|version| version["state"].as_str().unwrap().to_owned())
        .collect()
}

fn place_with_key_of(folder: &Path) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("root.key"), place.path().join("root.key")).unwrap();
    place
}

fn path(app: &TestApp, name: &str) -> String {
    app.folder().join(name).to_str().unwrap().to_owned()
}

async fn recovery(app: &TestApp) -> Value {
    let view = app.bootstrap().get("/api/v1/recovery").await.expect_status(200);
    view.json()
}

/// The sealed material of one version, as a database holds it.
async fn material_of(folder: &Path, key: &str, number: u32) -> Vec<u8> {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=ro", folder.join("rota.db").display());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let row: (Vec<u8>,) = sqlx::query_as(
        r#"select sealed from secret join "key" on row_key = "key".id || $2 where table_name = 'key_version' and name = $1"#,
    )
    .bind(key)
    .bind(format!("/{number}"))
    .fetch_one(&pool)
    .await
    .unwrap();
    pool.close().await;
    row.0
}

#[tokio::test]
async fn what_was_destroyed_after_a_backup_is_dead_again_when_it_is_restored() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    let ciphertext = make_key(&actor, "orders").await;
    let of_gone = make_key(&actor, "gone").await;
    let (old, dead, newer) = (
        path(&app, "old.backup"),
        path(&app, "dead.tombstones"),
        path(&app, "newer.backup"),
    );
    succeeds(&app.run(&["backup", "--output", &old]));
    rotate_and_destroy(&app, "orders", 1).await;
    rotate_and_destroy(&app, "gone", 1).await;
    actor.delete("/api/v1/keys/gone").await.expect_status(204);
    // Neither the key nor its version is in the backup.
    make_key(&actor, "later").await;
    rotate_and_destroy(&app, "later", 1).await;

    let view = recovery(&app).await;
    let since: Vec<(&Value, &Value)> = view["backups"][0]["destroyed_since"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tombstone| (&tombstone["key"], &tombstone["version"]))
        .collect();
    assert_eq!(since.len(), 2, "what the backup still opens: {since:?}");
    assert_eq!(view["tombstones"].as_array().unwrap().len(), 4, "{view}");
    let said = succeeds(&app.run(&["backup", "tombstones", "--output", &dead]));
    assert!(said.contains("4 tombstones"), "{said}");
    assert!(fails(&app.run(&["backup", "tombstones", "--output", &dead])).contains("is there already"));
    let audited = actor.get("/api/v1/audit?action=tombstones.export").await;
    assert!(audited.body.contains("4 tombstones, sealed"), "{}", audited.body);
    let sealed = std::fs::read(&dead).unwrap();
    assert!(sealed.len() < 8_192, "{} bytes", sealed.len());
    assert!(!sealed.windows(6).any(|part| part == b"orders"));
    succeeds(&app.run(&["backup", "--output", &newer]));

    // What an older backup still opens, and what it should not any more.
    let said = succeeds(&app.run(&["backup", "show", &old]));
    assert!(
        said.contains("Key versions that open: 2.") && said.contains("orders 1, active"),
        "{said}"
    );
    let said = succeeds(&app.run(&["backup", "show", &old, "--tombstones", &dead]));
    assert!(
        said.contains("orders 1: destroyed at") && said.contains("its data is to be gone"),
        "{said}"
    );
    assert!(!said.contains("versions that open"), "{said}");

    // Without its tombstones it lives again: that is what they are for.
    let place = place_with_key_of(&app.folder());
    let said = succeeds(&app.run_in(place.path(), &["restore", &old]));
    assert!(said.contains("live again"), "{said}");
    let material = material_of(place.path(), "orders", 1).await;
    let alive = TestApp::start_in(place, &[]);
    decrypt(&alive.bootstrap(), "orders", &ciphertext)
        .await
        .expect_status(200);

    // From the small file, and from a newer backup.
    for tombstones in [&dead, &newer] {
        let place = place_with_key_of(&app.folder());
        let said = succeeds(&app.run_in(place.path(), &["restore", "--tombstones", tombstones, &old]));
        assert!(said.contains("gone 1: destroyed at"), "{said}");
        let database = std::fs::read(place.path().join("rota.db")).unwrap();
        let holds = |part: &[u8]| database.windows(part.len()).any(|window| window == part);
        assert!(holds(b"its data is to be gone"));
        assert!(!holds(&material), "the material was never written");

        let restored = TestApp::start_in(place, &[]);
        let actor = restored.bootstrap();
        decrypt(&actor, "orders", &ciphertext)
            .await
            .expect_problem(409, "key_version_unusable");
        decrypt(&actor, "gone", &of_gone)
            .await
            .expect_problem(409, "key_version_unusable");
        assert_eq!(states(&actor, "orders").await, ["destroyed", "active"]);
        // Its number 2 was given once, and is not given again.
        assert_eq!(states(&actor, "gone").await, ["destroyed", "destroyed", "active"]);
        let (again, version) = encrypt(&actor, "gone").await;
        assert_eq!(version, 3);
        decrypt(&actor, "gone", &again).await.expect_status(200);
        // All of them are remembered further on, those of a key that is not here too.
        assert_eq!(
            recovery(&restored).await["tombstones"].as_array().unwrap().len(),
            4
        );
        let audited = actor.get("/api/v1/audit?action=key.version.destroyed").await;
        assert!(
            audited.body.contains("system:restore") && audited.body.contains("key/orders/1"),
            "{}",
            audited.body
        );
        succeeds(&restored.run(&["audit", "verify"]));
    }
}

#[tokio::test]
async fn tombstones_come_by_http_and_damaged_or_foreign_ones_restore_nothing() {
    let (app, other) = (TestApp::start(), TestApp::start());
    make_key(&app.bootstrap(), "orders").await;
    let old = path(&app, "old.backup");
    succeeds(&app.run(&["backup", "--output", &old]));
    rotate_and_destroy(&app, "orders", 1).await;
    let url = "/api/v1/recovery/tombstones";
    for role in ["viewer", "operator"] {
        app.program(role)
            .await
            .post(url, &json!({}))
            .await
            .expect_status(403);
    }
    let reply = app.bootstrap().request(Method::POST, url).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let bytes = reply.bytes().await.unwrap().to_vec();
    let file = path(&app, "by-http.tombstones");
    let place = place_with_key_of(&app.folder());
    let refuses = |bytes: &[u8], reason: &str| {
        std::fs::write(&file, bytes).unwrap();
        let said = fails(&app.run_in(place.path(), &["restore", "--tombstones", &file, &old]));
        assert!(said.contains(reason), "{said}");
        assert!(!place.path().join("rota.db").exists());
    };
    refuses(&bytes[..bytes.len() - 1], "damaged");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    refuses(&flipped, "damaged");
    refuses(b"RBK\x01", "not a backup");
    // Of another installation, under the same root key, which opens it.
    let twin = TestApp::start_in(place_with_key_of(&app.folder()), &[]);
    let foreign = path(&twin, "foreign.tombstones");
    succeeds(&twin.run(&["backup", "tombstones", "--output", &foreign]));
    refuses(&std::fs::read(&foreign).unwrap(), "of installation");
    // Under another root key.
    succeeds(&other.run(&["backup", "tombstones", "--output", "other.tombstones"]));
    let of_other = std::fs::read(other.folder().join("other.tombstones")).unwrap();
    refuses(&of_other, "wrong root key");

    std::fs::write(&file, &bytes).unwrap();
    let said = fails(&app.run_in(place.path(), &["restore", &file]));
    assert!(said.contains("holds tombstones and no database"), "{said}");
    succeeds(&app.run_in(place.path(), &["restore", "--tombstones", &file, &old]));
}
