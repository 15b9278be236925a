//! Backups and restores by the command line and by HTTP.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::Postgres;

use crate::harness::{Actor, TestApp};

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

/// Something worth a backup: catalog, a sealed value, an audit.
async fn fill(app: &TestApp) {
    let issuer = json!({
        "name": "keys", "kind": "http_api_key", "environment": "test",
        "config": {"base_url": "http://127.0.0.1:9", "allow_plain_http": true}, "admin": {"token": "a-secret-token"},
    });
    let made = app.bootstrap().post("/api/v1/issuers", &issuer).await;
    assert!(
        made.status.is_success() || made.status.as_u16() == 422,
        "{}",
        made.body
    );
    app.consumer("orders").await;
    app.bootstrap()
        .post("/api/v1/freezes", &json!({"reason": "a sale"}))
        .await
        .expect_status(201);
}

async fn consumers(actor: &Actor) -> Value {
    actor.get("/api/v1/consumers").await.expect_status(200).json()["items"].clone()
}

/// An empty folder with the root key of another.
fn place_with_key_of(folder: &Path) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("root.key"), place.path().join("root.key")).unwrap();
    place
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_a_running_server_backs_up_comes_back_elsewhere() {
    let app = TestApp::start();
    fill(&app).await;
    let backup = app.folder().join("copy.backup");
    let name = backup.to_str().unwrap();
    let said = succeeds(&app.run(&["backup", "--output", name]));
    assert!(said.contains("Keep the two apart"), "{said}");
    assert_eq!(
        std::fs::metadata(&backup).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(fails(&app.run(&["backup", "--output", name])).contains("is there already"));
    let sealed = std::fs::read(&backup).unwrap();
    assert!(
        !sealed.windows(6).any(|part| part == b"orders"),
        "names are sealed too"
    );
    let audited = app.bootstrap().get("/api/v1/audit?action=backup.make").await;
    assert!(audited.body.contains("system:command-line"), "{}", audited.body);

    let place = place_with_key_of(&app.folder());
    let said = succeeds(&app.run_in(place.path(), &["restore", "--check", name]));
    assert!(said.contains("can be restored"), "{said}");
    assert_eq!(names(place.path()), ["root.key"], "a check restores nothing");
    let said = succeeds(&app.run_in(place.path(), &["restore", name]));
    assert!(said.contains("the audit is whole"), "{said}");
    let mode = std::fs::metadata(place.path().join("rota.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fails(&app.run_in(place.path(), &["restore", name])).contains("never overwrites"));
    let before = consumers(&app.bootstrap()).await;
    let restored = TestApp::start_in(place, &[]);
    assert_eq!(consumers(&restored.bootstrap()).await, before);
    let view = restored
        .bootstrap()
        .get("/api/v1/recovery")
        .await
        .expect_status(200)
        .json();
    assert!(view["restored"]["backup"].is_string(), "{view}");
    succeeds(&restored.run(&["audit", "verify"]));
}

#[tokio::test]
async fn an_administrator_takes_a_backup_by_http_and_nobody_else() {
    let app = TestApp::start();
    fill(&app).await;
    for role in ["viewer", "operator"] {
        let refused = app.program(role).await.post("/api/v1/backups", &json!({})).await;
        refused.expect_status(403);
    }
    let actor = app.bootstrap().with("idempotency-key", "the-same-twice");
    for count in 1..=2 {
        let reply = actor
            .request(Method::POST, "/api/v1/backups")
            .send()
            .await
            .unwrap();
        assert_eq!(reply.status(), 200);
        let header = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
        let (id, length) = (header("x-rota-backup"), header("content-length"));
        let bytes = reply.bytes().await.unwrap();
        assert_eq!(bytes.len().to_string(), length);
        let view = app
            .bootstrap()
            .get("/api/v1/recovery")
            .await
            .expect_status(200)
            .json();
        assert_eq!(view["backups"][0]["id"], id.as_str(), "{view}");
        assert_eq!(
            view["backups"].as_array().unwrap().len(),
            count,
            "each is made anew"
        );
        let file = app.folder().join("by-http.backup");
        std::fs::write(&file, &bytes).unwrap();
        let place = place_with_key_of(&app.folder());
        succeeds(&app.run_in(place.path(), &["restore", file.to_str().unwrap()]));
    }
}

#[tokio::test]
async fn sqlite_and_postgresql_restore_each_other() {
    let (first, second) = (Postgres::start(), Postgres::start());
    let app = TestApp::start();
    fill(&app).await;
    let before = consumers(&app.bootstrap()).await;
    let backup = app.folder().join("one.backup");
    succeeds(&app.run(&["backup", "--output", backup.to_str().unwrap()]));
    let place = place_with_key_of(&app.folder());
    let on_first = [("ROTA_DATABASE_URL", first.url())];
    let on_first: Vec<(&str, &str)> = on_first.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let restore = ["restore", backup.to_str().unwrap()];
    succeeds(&app.run_with(place.path(), &on_first, &restore));
    let refused = fails(&app.run_with(place.path(), &on_first, &restore));
    assert!(refused.contains("holds tables already"), "{refused}");

    let on_server = TestApp::start_in(place, &on_first);
    assert_eq!(consumers(&on_server.bootstrap()).await, before);
    // Beside the running server: any replica may read PostgreSQL.
    let folder = on_server.folder();
    let again = folder.join("two.backup");
    succeeds(&app.run_with(
        &folder,
        &on_first,
        &["backup", "--output", again.to_str().unwrap()],
    ));
    for (place, url) in [
        (place_with_key_of(&folder), "sqlite:rota.db".to_owned()),
        (place_with_key_of(&folder), second.url()),
    ] {
        let variables = [("ROTA_DATABASE_URL", url.as_str())];
        succeeds(&app.run_with(place.path(), &variables, &["restore", again.to_str().unwrap()]));
        let restored = TestApp::start_in(place, &variables);
        assert_eq!(consumers(&restored.bootstrap()).await, before);
        succeeds(&app.run_with(&restored.folder(), &variables, &["audit", "verify"]));
    }
}

#[tokio::test]
async fn a_damaged_backup_and_another_root_key_restore_nothing() {
    let app = TestApp::start();
    fill(&app).await;
    let backup = app.folder().join("whole.backup");
    succeeds(&app.run(&["backup", "--output", backup.to_str().unwrap()]));
    let whole = std::fs::read(&backup).unwrap();
    let place = place_with_key_of(&app.folder());
    let damaged = app.folder().join("damaged.backup");
    let refuses = |bytes: &[u8], what: &str| {
        std::fs::write(&damaged, bytes).unwrap();
        let output = app.run_in(place.path(), &["restore", damaged.to_str().unwrap()]);
        let said = fails(&output);
        assert!(!said.contains("panicked"), "{what}: {said}");
        assert_eq!(names(place.path()), ["root.key"], "{what}");
    };
    refuses(b"", "empty");
    refuses(b"no backup at all", "another file");
    let length = whole.len();
    for cut in [3, 7, 100, length / 2, length - 17, length - 1] {
        refuses(&whole[..cut], &format!("cut at {cut}"));
    }
    // Header, wrapped keys, sealed key, first and last chunk.
    for position in [4, 60, 300, 700, length / 2, length - 20, length - 1] {
        let mut flipped = whole.clone();
        flipped[position] ^= 1;
        refuses(&flipped, &format!("byte {position} flipped"));
    }
    let mut longer = whole.clone();
    longer.push(0);
    refuses(&longer, "one byte more");

    let other = place_with_key_of(TestApp::start().folder().as_path());
    let refused = fails(&app.run_in(other.path(), &["restore", backup.to_str().unwrap()]));
    assert!(refused.contains("wrong root key"), "{refused}");
    let none = tempfile::tempdir().unwrap();
    let refused = fails(&app.run_in(none.path(), &["restore", backup.to_str().unwrap()]));
    assert!(refused.contains("is missing"), "{refused}");
    assert!(
        names(none.path()).is_empty(),
        "no key is made: {:?}",
        names(none.path())
    );
    succeeds(&app.run_in(place.path(), &["restore", backup.to_str().unwrap()]));
}

#[test]
fn a_passphrase_opens_its_backup_and_no_server_is_needed() {
    let right = [("ROTA_ROOT_PASSPHRASE", "correct horse battery staple")];
    let app = TestApp::start_with(&right);
    let (code, folder) = app.stop();
    assert_eq!(code, Some(0));
    let other = TestApp::start();
    let backup = folder.path().join("b.backup");
    let name = backup.to_str().unwrap();
    succeeds(&other.run_with(folder.path(), &right, &["backup", "--output", name]));
    let place = tempfile::tempdir().unwrap();
    let wrong = [("ROTA_ROOT_PASSPHRASE", "incorrect horse battery staple")];
    fails(&other.run_with(place.path(), &wrong, &["restore", name]));
    assert!(names(place.path()).is_empty());
    succeeds(&other.run_with(place.path(), &right, &["restore", name]));
    let (code, _folder) = TestApp::start_in(place, &right).stop();
    assert_eq!(code, Some(0));
}

#[test]
fn a_backup_goes_to_a_pipe_and_needs_a_database() {
    let app = TestApp::start();
    let output = app.run(&["backup", "--output", "-"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stdout.starts_with(b"RBK\x01"));
    let file = app.folder().join("piped.backup");
    std::fs::write(&file, &output.stdout).unwrap();
    let place = place_with_key_of(&app.folder());
    succeeds(&app.run_in(place.path(), &["restore", file.to_str().unwrap()]));
    let empty = tempfile::tempdir().unwrap();
    assert!(fails(&app.run_in(empty.path(), &["backup"])).contains("there is no database"));
    assert!(names(empty.path()).is_empty());
    assert!(names(&app.folder()).iter().all(|name| !name.ends_with(".part")));
}

/// Asks until the last rehearsal is as it should be.
async fn rehearsed(app: &TestApp, state: &str) -> Value {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let asking = async {
        loop {
            ticks.tick().await;
            let view = app
                .bootstrap()
                .get("/api/v1/recovery")
                .await
                .expect_status(200)
                .json();
            let last = view["rehearsals"][0].clone();
            if last["state"] == state {
                return last;
            }
            assert!(last.is_null() || last["state"] == "running", "{last}");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking)
        .await
        .expect("the rehearsal ends")
}

#[tokio::test]
async fn a_restore_is_rehearsed_on_demand_and_seen_in_the_metrics() {
    let app = TestApp::start();
    fill(&app).await;
    app.program("operator")
        .await
        .post("/api/v1/recovery/rehearsals", &json!({}))
        .await
        .expect_status(403);
    let begun = app
        .bootstrap()
        .post("/api/v1/recovery/rehearsals", &json!({}))
        .await
        .expect_status(201);
    assert_eq!(begun.text("/state"), "running");
    let passed = rehearsed(&app, "passed").await;
    for count in [
        "bytes",
        "tables",
        "rows",
        "sealed_values",
        "audit_entries",
        "objects",
    ] {
        assert!(
            passed["counts"][count].as_u64().unwrap() > 0 || count == "sealed_values",
            "{passed}"
        );
    }
    let metrics = app.anonymous().get("/metrics").await.expect_status(200).body;
    let value = |name: &str| {
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name}: {metrics}"))
            .parse::<f64>()
            .unwrap()
    };
    assert!(value("rota_rehearsal_last_success_timestamp_seconds") > 1_700_000_000.0);
    assert!(value("rota_rehearsal_duration_seconds") > 0.0);
    let never = value("rota_backup_last_success_timestamp_seconds");
    assert!(never == 0.0, "a rehearsal is no backup that anybody keeps");
    succeeds(&app.run(&["backup", "--output", "kept.backup"]));
    let left = names(&app.folder());
    assert!(
        left.iter().all(|name| !name.starts_with("rota-rehearsal-")),
        "{left:?}"
    );
    let metrics = app.anonymous().get("/metrics").await.expect_status(200).body;
    assert!(
        !metrics.contains("rota_backup_last_success_timestamp_seconds 0"),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_schedule_rehearses_by_itself_on_one_of_two_servers_and_a_failure_is_a_finding() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let variables = [
        ("ROTA_DATABASE_URL", url.as_str()),
        ("ROTA_REHEARSE_EVERY", "PT1S"),
    ];
    let first = TestApp::start_with(&variables);
    let second = TestApp::start_in(place_with_key_of(&first.folder()), &variables);
    rehearsed(&first, "passed").await;
    rehearsed(&second, "passed").await;
    let doubled = postgres.execute("select count(*) - count(distinct previous) from rehearsal");
    assert_eq!(doubled.trim(), "0", "each follows another one");
    // A value that lost its seal, put there behind the server's back.
    postgres.execute("insert into secret values ('issuer', 'nobody', 'admin', '\\x00')");
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let failing = async {
        loop {
            ticks.tick().await;
            let findings = first.bootstrap().get("/api/v1/findings").await.expect_status(200);
            if findings.body.contains("recovery/rehearsal_failed") {
                return findings.body;
            }
        }
    };
    let said = tokio::time::timeout(Duration::from_secs(60), failing)
        .await
        .expect("a finding");
    assert!(said.contains("issuer/nobody/admin"), "{said}");
}

/// A credential of a real PostgreSQL in its first version.
async fn with_credential(app: &TestApp, issuer: &Postgres) {
    issuer.execute("create role app_role nologin");
    issuer.execute("create role rota_admin login createrole password 'admin-password'");
    issuer.execute("grant pg_signal_backend to rota_admin");
    issuer.execute("grant app_role to rota_admin with admin option");
    let body = json!({
        "name": "db", "kind": "postgresql", "environment": "test",
        "config": {"host": issuer.host(), "port": issuer.port(), "database": issuer.database(), "sslmode": "disable"},
        "admin": {"username": "rota_admin", "password": "admin-password"},
    });
    let actor = app.bootstrap();
    actor.post("/api/v1/issuers", &body).await.expect_status(201);
    app.consumer("orders").await;
    let body = json!({
        "name": "orders-app", "kind": "database_password", "issuer": "db", "owner_team": "orders",
        "backup_contact": "orders@example.com", "purpose": "test", "sensitivity": "high", "environment": "test",
        "strategy": "alternating", "consumers": ["orders"], "config": {"role": "app_role"},
        "policy": {"max_age": "P30D", "grace": "PT1S", "soak": "PT1S", "waves": [100], "approvals": 0},
    });
    actor.post("/api/v1/credentials", &body).await.expect_status(201);
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let first = async {
        loop {
            ticks.tick().await;
            let list = actor.get("/api/v1/rotations").await.expect_status(200).json();
            if list["items"][0]["state"] == "completed" {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), first)
        .await
        .expect("the first version");
}

/// What the restore says of itself once every credential was tried.
async fn probed(app: &TestApp) -> Value {
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let asking = async {
        loop {
            ticks.tick().await;
            let view = app.bootstrap().get("/api/v1/recovery").await.expect_status(200);
            let restored = view.json()["restored"].clone();
            if restored["probed"] == true {
                return restored;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking)
        .await
        .expect("every credential is tried")
}

async fn has_finding(app: &TestApp) -> bool {
    let findings = app.bootstrap().get("/api/v1/findings").await.expect_status(200);
    findings.body.contains("recovery/restored")
}

#[tokio::test]
async fn after_a_restore_every_credential_is_tried_at_its_issuer() {
    let issuer = Postgres::start_alone(&[]);
    let app = TestApp::start();
    with_credential(&app, &issuer).await;
    app.bootstrap()
        .post("/api/v1/recovery/probes", &json!({}))
        .await
        .expect_problem(409, "not_restored");
    let backup = app.folder().join("b.backup");
    succeeds(&app.run(&["backup", "--output", backup.to_str().unwrap()]));
    let restore = |place: &TempDir| {
        succeeds(&app.run_in(place.path(), &["restore", backup.to_str().unwrap()]));
    };
    let place = place_with_key_of(&app.folder());
    restore(&place);
    let restored = TestApp::start_in(place, &[]);
    let seen = probed(&restored).await;
    assert_eq!(seen["probes"][0]["answer"], "accepted", "{seen}");
    assert_eq!(seen["unsettled"], json!([]));
    assert!(!has_finding(&restored).await, "all is as it was");
    restored.stop();

    // Meanwhile the issuer took the login away.
    issuer.execute("alter role app_role_a nologin");
    let place = place_with_key_of(&app.folder());
    restore(&place);
    let restored = TestApp::start_in(place, &[]);
    let seen = probed(&restored).await;
    assert_eq!(seen["probes"][0]["answer"], "refused", "{seen}");
    assert_eq!(seen["unsettled"], json!(["orders-app"]));
    assert!(has_finding(&restored).await);
    issuer.execute("alter role app_role_a login");
    let viewer = restored.program("viewer").await;
    viewer
        .post("/api/v1/recovery/probes", &json!({}))
        .await
        .expect_status(403);
    let again = restored
        .bootstrap()
        .post("/api/v1/recovery/probes", &json!({}))
        .await;
    assert_eq!(
        again.expect_status(200).json()["restored"]["unsettled"],
        json!([])
    );
    assert!(!has_finding(&restored).await);
}
