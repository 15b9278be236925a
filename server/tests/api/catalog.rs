//! Issuers, consumers and credentials against a real PostgreSQL.

use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn an_issuer_is_tried_before_it_is_added_and_its_password_never_comes_back() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let administrator = app.bootstrap();
    let shown = administrator
        .get("/api/v1/issuers/orders-db")
        .await
        .expect_status(200);
    assert!(
        !shown.body.contains(rotated.postgres.password()),
        "{}",
        shown.body
    );
    assert_eq!(shown.json()["credentials"], 1);
    let test = administrator
        .post("/api/v1/issuers/orders-db/test", &json!({}))
        .await
        .expect_status(200)
        .json();
    assert_eq!(test["ok"], true, "{test}");
    let wrong = json!({
        "name": "wrong", "kind": "postgresql", "environment": "test",
        "config": {"host": rotated.postgres.host(), "port": rotated.postgres.port(), "database": "postgres",
                   "sslmode": "disable"},
        "admin": {"username": "nobody-here", "password": "hunter2-hunter2"}
    });
    let refused = administrator.post("/api/v1/issuers", &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(!refused.body.contains("hunter2"), "{}", refused.body);
    assert!(!app.log().contains("hunter2"), "a password stands in the log");
    administrator
        .get("/api/v1/issuers/wrong")
        .await
        .expect_problem(404, "not_found");
    administrator
        .delete("/api/v1/issuers/orders-db")
        .await
        .expect_problem(409, "in_use");
}

#[tokio::test]
async fn a_credential_says_how_old_it_is_and_what_is_wrong_with_it() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let viewer = app.program("viewer").await;
    let credential = viewer
        .get("/api/v1/credentials/orders-app")
        .await
        .expect_status(200)
        .json();
    assert_eq!(credential["current_version"], 1);
    assert_eq!(credential["versions"][0]["state"], "current");
    assert_eq!(credential["age_band"], "green");
    assert_eq!(credential["policy_status"], "on_time");
    assert!(credential["age_seconds"].as_u64().is_some());
    assert_eq!(credential["policy"]["max_age"], "P30D");
    assert_eq!(credential["config"]["role"], rotated.role);
    let list = viewer
        .get("/api/v1/credentials?q=ORDERS&environment=test")
        .await
        .expect_status(200)
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let list = viewer
        .get("/api/v1/credentials?environment=production")
        .await
        .expect_status(200)
        .json();
    assert!(list["items"].as_array().unwrap().is_empty());

    let operator = app.program("operator").await;
    operator
        .patch("/api/v1/credentials/orders-app", &json!({"owner_team": ""}))
        .await
        .expect_status(200);
    let findings = viewer.get("/api/v1/findings").await.expect_status(200).json();
    let codes: Vec<&str> = findings["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    assert!(
        codes.contains(&"no_owner") && codes.contains(&"root_key_beside_database"),
        "{codes:?}"
    );
    let broken = json!({"policy": {"waves": [5, 50]}});
    let refused = operator
        .patch("/api/v1/credentials/orders-app", &broken)
        .await
        .expect_problem(422, "invalid");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/policy/waves");
}

#[tokio::test]
async fn a_consumer_changes_its_token_without_a_gap() {
    let app = TestApp::start();
    let first = app.consumer("orders").await;
    let operator = app.program("operator").await;
    let made = operator
        .post("/api/v1/consumers/orders/tokens", &json!({}))
        .await
        .expect_status(201);
    let second = app.holder_of(made.text("/token"));
    first.get("/api/v1/whoami").await.expect_status(200);
    second.get("/api/v1/whoami").await.expect_status(200);
    operator
        .post("/api/v1/consumers/orders/tokens", &json!({}))
        .await
        .expect_status(409);
    operator
        .delete("/api/v1/consumers/orders/tokens")
        .await
        .expect_status(204);
    first
        .get("/api/v1/whoami")
        .await
        .expect_problem(401, "unauthenticated");
    second.get("/api/v1/whoami").await.expect_status(200);
}
