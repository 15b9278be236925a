//! `rota reencrypt …` beside a running server, over a real table.

use std::process::Output;

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};

use crate::harness::{BOOTSTRAP_TOKEN, TestApp};

const ROWS: usize = 15;

/// A table of envelopes under version 1 of a key whose version 2 is active, registered as a target.
async fn with_table(app: &TestApp) -> SqliteConnection {
    let actor = app.bootstrap();
    let key = json!({"name": "orders", "algorithm": "aes256-gcm"});
    actor.post("/api/v1/keys", &key).await.expect_status(201);
    let file = app.folder().join("application.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let mut table = SqliteConnection::connect_with(&options).await.unwrap();
    table
        .execute("create table notes (id integer primary key, value text)")
        .await
        .unwrap();
    let items = vec![json!({"plaintext": "aHVudGVyMg=="}); ROWS];
    let sealed = actor
        .post("/api/v1/keys/orders/encrypt", &json!({ "batch": items }))
        .await
        .expect_status(200)
        .json();
    for item in sealed["items"].as_array().unwrap() {
        let value = item["ciphertext"].as_str().unwrap_or_else(|| panic!("{sealed}"));
        let insert = sqlx::query("insert into notes (value) values (?)").bind(value);
        insert.execute(&mut table).await.unwrap();
    }
    actor
        .post(
            "/api/v1/keys/orders/rotate",
            &json!({"reason": "test", "confirm": true}),
        )
        .await
        .expect_status(200);
    let target = json!({
        "name": "notes", "kind": "sqlite", "key": "orders", "encoding": "base64",
        "config": {"file": file, "table": "notes", "column": "value"}
    });
    actor.post("/api/v1/targets", &target).await.expect_status(201);
    table
}

fn rota(app: &TestApp, arguments: &[&str]) -> Output {
    let url = app.local_url();
    let variables = [("ROTA_TOKEN", BOOTSTRAP_TOKEN), ("ROTA_SERVER", url.as_str())];
    app.run_with(&app.folder(), &variables, &[&["reencrypt"], arguments].concat())
}

/// What it printed, once it is seen to have worked.
fn said(app: &TestApp, arguments: &[&str]) -> String {
    let output = rota(app, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn values(table: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("select value from notes order by id")
        .fetch_all(table)
        .await
        .unwrap()
}

/// The first word of a line: the job's id.
fn id_of(line: &str) -> String {
    line.split('\t').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_job_is_started_held_turned_and_watched_from_the_command_line() {
    let app = TestApp::start();
    let mut table = with_table(&app).await;
    let before = values(&mut table).await;
    assert_eq!(before.len(), ROWS);
    let targets = said(&app, &["targets"]);
    assert_eq!(targets, "notes\tsqlite\tkey orders\tnot counted yet\n");

    let shadow = said(
        &app,
        &[
            "start", "notes", "--shadow", "--rate", "0", "--reason", "test", "--watch",
        ],
    );
    let last = shadow.lines().last().unwrap();
    assert!(last.contains("\tshadow\tcompleted\t15 moved"), "{shadow}");
    assert_eq!(values(&mut table).await, before, "a shadow run kept something");

    let started = said(
        &app,
        &[
            "start", "notes", "--rate", "1", "--batch", "1", "--reason", "test",
        ],
    );
    let job = id_of(&started);
    let paused = said(&app, &["pause", &job, "--reason", "lunch"]);
    assert!(paused.contains("\tpaused\t"), "{paused}");
    assert_eq!(id_of(&said(&app, &["list", "--state", "paused"])), job);
    assert_eq!(said(&app, &["list", "--state", "running"]), "");
    let shown = said(&app, &["show", &job]);
    assert!(
        shown.contains("pace: at most 1/s") && shown.contains(", 1 records a look"),
        "{shown}"
    );
    assert_ne!(values(&mut table).await.last(), None);
    let turned = said(&app, &["tune", &job, "--rate", "0", "--batch", "500"]);
    assert!(
        turned.contains("pace: no limit") && turned.contains(", 500 records a look"),
        "{turned}"
    );
    said(&app, &["resume", &job, "--reason", "back"]);
    let watched = said(&app, &["watch", &job]);
    assert!(
        watched
            .lines()
            .last()
            .unwrap()
            .contains("\trewrap\tcompleted\t15 moved"),
        "{watched}"
    );
    let after = values(&mut table).await;
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    let census = said(&app, &["census", "--target", "notes"]);
    assert!(census.contains("\tversion 2\t15 records\t"), "{census}");
    assert!(
        !census.contains("\tversion 1\t"),
        "an older count is shown as the latest: {census}"
    );
    assert!(said(&app, &["targets"]).contains("15 records, oldest version 2"));
}

#[tokio::test]
async fn the_command_line_says_why_a_job_did_not_complete() {
    let app = TestApp::start();
    let mut table = with_table(&app).await;
    let started = said(
        &app,
        &[
            "start", "notes", "--rate", "1", "--batch", "1", "--reason", "test",
        ],
    );
    let job = id_of(&started);
    said(&app, &["cancel", &job, "--reason", "the wrong table"]);
    let watched = rota(&app, &["watch", &job]);
    assert_eq!(watched.status.code(), Some(1));
    let words = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert!(
        words.contains("cancelled") && words.contains("the wrong table"),
        "{words}"
    );
    let resumed = rota(&app, &["resume", &job, "--reason", "test"]);
    assert_eq!(resumed.status.code(), Some(1), "a cancelled job is over");

    table
        .execute("update notes set value = 'bm9uZQ=='")
        .await
        .unwrap();
    let held = rota(
        &app,
        &[
            "start", "notes", "--scan", "--rate", "0", "--reason", "test", "--watch",
        ],
    );
    assert!(held.status.success(), "{}", String::from_utf8_lossy(&held.stderr));
    let census = said(&app, &["census"]);
    assert!(census.contains("no envelope\t15 records"), "{census}");

    for (arguments, code, word) in [
        (["tune", &job].as_slice(), 2, "--rate"),
        (&["start", "absent", "--reason", "test"], 1, "absent"),
        (
            &["start", "notes", "--shadow", "--scan", "--reason", "test"],
            2,
            "--scan",
        ),
        (&["start", "notes", "--reason", ""], 1, "reason"),
        (&["show", "nothing"], 1, "nothing"),
    ] {
        let refused = rota(&app, arguments);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(words.contains(word), "{arguments:?}: {words}");
    }
}
