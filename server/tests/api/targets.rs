//! Targets on their pages: changed, and taken off the list once the person has read what that means.

use std::path::PathBuf;

use serde_json::json;
use sqlx::{Connection, SqliteConnection};

use crate::harness::{Actor, TestApp};
use crate::keys::{encrypt, key};
use crate::pages::{administrator, next_of, person};

/// A table with so many values that the key `orders` sealed, registered as the target `orders-cards`.
async fn registered(app: &TestApp, records: usize) -> (Actor, PathBuf) {
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let (sealed, _) = encrypt(&actor, "orders").await;
    let file = app.folder().join("orders.db");
    let address = format!("sqlite://{}?mode=rwc", file.display());
    let mut table = SqliteConnection::connect(&address).await.unwrap();
    sqlx::query("create table customer (id integer primary key, card text)")
        .execute(&mut table)
        .await
        .unwrap();
    for _ in 0..records {
        sqlx::query("insert into customer (card) values ($1)")
            .bind(&sealed)
            .execute(&mut table)
            .await
            .unwrap();
    }
    table.close().await.unwrap();
    let target = json!({
        "name": "orders-cards", "kind": "sqlite", "key": "orders", "encoding": "base64",
        "config": {"file": file, "table": "customer", "column": "card"}
    });
    actor.post("/api/v1/targets", &target).await.expect_status(201);
    (actor, file)
}

#[tokio::test]
async fn a_target_is_changed_on_its_page() {
    let app = TestApp::start();
    let (actor, file) = registered(&app, 3).await;
    let person = administrator(&app).await;
    let page = "/targets/orders-cards/edit";
    let shown = person.get(page).await.expect_status(200);
    assert!(
        shown.body.contains("SQLite table with values of key orders"),
        "{}",
        shown.body
    );
    let config = json!({"file": file, "table": "nowhere", "column": "card"}).to_string();
    let refused = person
        .submit(page, &[("config", &config), ("encoding", "base64")])
        .await
        .expect_status(422);
    assert!(
        refused.body.contains("config-error") && refused.body.contains("nowhere"),
        "{}",
        refused.body
    );
    let config = json!({"file": file, "table": "customer", "column": "card"}).to_string();
    let change = [
        ("config", config.as_str()),
        ("encoding", "base64"),
        ("context", "orders/{id}"),
        ("require_shadow", "true"),
    ];
    let done = person.submit(page, &change).await.expect_status(303);
    assert_eq!(next_of(&done), "/reencryptions");
    let changed = actor
        .get("/api/v1/targets/orders-cards")
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&changed["context"], &changed["require_shadow"]),
        (&json!("orders/{id}"), &json!(true)),
        "{changed:#}"
    );
    person.get("/targets/nobody/edit").await.expect_status(404);
}

#[tokio::test]
async fn a_target_is_removed_once_no_job_works_in_it_and_the_consequences_were_read() {
    let app = TestApp::start();
    let (actor, _) = registered(&app, 300).await;
    let administrator = administrator(&app).await;
    let operator = person(&app, "bob", "operator").await;
    let page = "/targets/orders-cards/delete";
    operator.get(page).await.expect_status(403);
    let list = operator.get("/reencryptions").await.expect_status(200);
    assert!(
        !list.body.contains(page),
        "operators are offered nothing that is refused"
    );
    let list = administrator.get("/reencryptions").await.expect_status(200);
    assert!(list.body.contains(page));

    // A job that takes minutes: one record a second.
    let slow = json!({"target": "orders-cards", "mode": "scan", "reason": "test", "tuning": {"rate": 1, "batch_size": 1}});
    let job = actor
        .post("/api/v1/reencryptions", &slow)
        .await
        .expect_status(201);
    let id = job.text("/id").to_owned();
    let blocked = administrator.get(page).await.expect_status(200);
    assert!(
        blocked.body.contains("cannot be removed right now") && blocked.body.contains(&id),
        "{}",
        blocked.body
    );
    let yes = [("reason", "it moved"), ("understood", "true")];
    let refused = administrator.submit(page, &yes).await.expect_status(409);
    assert!(refused.body.contains("cancel it first"), "{}", refused.body);
    actor
        .post(
            &format!("/api/v1/reencryptions/{id}/cancel"),
            &json!({"reason": "enough"}),
        )
        .await
        .expect_status(200);

    let ask = administrator.get(page).await.expect_status(200);
    assert!(ask.body.contains("was never scanned"), "{}", ask.body);
    let scan = json!({"target": "orders-cards", "mode": "scan", "reason": "test"});
    let job = actor
        .post("/api/v1/reencryptions", &scan)
        .await
        .expect_status(201);
    let path = format!("/api/v1/reencryptions/{}", job.text("/id"));
    while actor.get(&path).await.expect_status(200).text("/state") != "completed" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let ask = administrator.get(page).await.expect_status(200);
    assert!(ask.body.contains("300 records under version 1"), "{}", ask.body);
    let unread = [("reason", "it moved")];
    let refused = administrator.submit(page, &unread).await.expect_status(422);
    assert!(refused.body.contains("understood-error") && refused.body.contains("it moved"));
    let done = administrator.submit(page, &yes).await.expect_status(303);
    assert_eq!(next_of(&done), "/reencryptions");
    actor
        .get("/api/v1/targets/orders-cards")
        .await
        .expect_problem(404, "not_found");
    let audit = actor
        .get("/api/v1/audit?action=target.delete")
        .await
        .expect_status(200);
    assert!(audit.body.contains("it moved"), "{}", audit.body);
    let shown = administrator.get("/keys/orders").await.expect_status(200);
    assert!(
        shown.body.contains("No target is registered"),
        "its scans are counted no longer"
    );
}
