//! `Idempotency-Key`.

use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn a_repeated_request_is_given_the_first_reply_and_does_nothing() {
    let app = TestApp::start();
    let operator = app.program("operator").await;
    let body = json!({"name": "orders", "service": "orders", "environment": "test"});
    let keyed = operator.with("idempotency-key", "k-1");
    let first = keyed.post("/api/v1/consumers", &body).await.expect_status(201);
    let again = keyed.post("/api/v1/consumers", &body).await.expect_status(201);
    assert_eq!(first.body, again.body, "the new token too");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.header("location"), first.header("location"));
    operator
        .post("/api/v1/consumers", &body)
        .await
        .expect_problem(409, "name_taken");

    let other = json!({"name": "other", "service": "orders", "environment": "test"});
    keyed
        .post("/api/v1/consumers", &other)
        .await
        .expect_problem(422, "idempotency_key_reused");
    // Under another token, or at another address, the key is another one.
    let administrator = app.program("administrator").await.with("idempotency-key", "k-1");
    administrator
        .post("/api/v1/consumers", &other)
        .await
        .expect_status(201);
    keyed
        .post("/api/v1/freezes", &json!({"reason": "test"}))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn kept_replies_are_sealed_and_outlive_a_restart() {
    let app = TestApp::start();
    let body = json!({"name": "orders", "service": "orders", "environment": "test"});
    let keyed = app.bootstrap().with("idempotency-key", "k-1");
    let first = keyed.post("/api/v1/consumers", &body).await.expect_status(201);
    let token = first.text("/token").to_owned();
    let (code, folder) = app.stop();
    assert_eq!(code, Some(0));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        let found = bytes
            .windows(token.len())
            .any(|window| window == token.as_bytes());
        assert!(!found, "a token stands in the database");
    }
    let app = TestApp::start_in(folder, &[]);
    let keyed = app.bootstrap().with("idempotency-key", "k-1");
    assert_eq!(
        keyed
            .post("/api/v1/consumers", &body)
            .await
            .expect_status(201)
            .body,
        first.body
    );
}

#[tokio::test]
async fn of_many_at_once_one_acts() {
    let app = TestApp::start();
    let keyed = app.bootstrap().with("idempotency-key", "k-1");
    let requests = (0..16).map(|_| {
        let keyed = keyed.clone();
        async move { keyed.post("/api/v1/freezes", &json!({"reason": "test"})).await }
    });
    let replies = futures::future::join_all(requests).await;
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply.status.as_u16(), 201 | 409)),
        "{replies:?}"
    );
    let freezes = app
        .bootstrap()
        .get("/api/v1/freezes")
        .await
        .expect_status(200)
        .json();
    assert_eq!(freezes["items"].as_array().unwrap().len(), 1);
}
