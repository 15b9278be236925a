//! Health, metrics, and an orderly end.

use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn every_family_of_the_contract_is_there_from_the_start() {
    let app = TestApp::start();
    let text = app.anonymous().get("/metrics").await.expect_status(200).body;
    for family in [
        "rota_auth_outcomes_total counter",
        "rota_rotations_total counter",
        "rota_rotations_in_flight gauge",
        "rota_credentials gauge",
        "rota_credential_age_seconds gauge",
        "rota_credential_expires_timestamp_seconds gauge",
        "rota_rollback_duration_seconds histogram",
        "rota_key_operations_total counter",
        "rota_audit_entries_total counter",
    ] {
        assert!(
            text.contains(&format!("# TYPE {family}\n")),
            "{family} is missing:\n{text}"
        );
    }
    for name in 0..30 {
        app.anonymous()
            .get(&format!("/api/v1/credentials/unknown-{name}"))
            .await;
    }
    let text = app.anonymous().get("/metrics").await.body;
    assert!(!text.contains("unknown-"), "a path became a label");
}

#[tokio::test]
async fn metrics_are_open_to_this_machine_and_to_nobody_behind_a_proxy() {
    let app = TestApp::start();
    let proxied = app.anonymous().with("x-forwarded-for", "203.0.113.9");
    proxied
        .get("/metrics")
        .await
        .expect_problem(401, "unauthenticated");
    app.anonymous()
        .with("forwarded", "for=203.0.113.9")
        .get("/metrics")
        .await
        .expect_problem(401, "unauthenticated");
    let body = json!({"name": "scraper", "role": "viewer", "scope": "metrics"});
    let made = app
        .bootstrap()
        .post("/api/v1/tokens", &body)
        .await
        .expect_status(201);
    let scraper = app
        .holder_of(made.text("/token"))
        .with("x-forwarded-for", "203.0.113.9");
    scraper.get("/metrics").await.expect_status(200);
    scraper
        .get("/api/v1/whoami")
        .await
        .expect_problem(403, "forbidden");
    app.consumer("orders")
        .await
        .with("x-forwarded-for", "203.0.113.9")
        .get("/metrics")
        .await
        .expect_problem(403, "forbidden");

    let named = TestApp::start_with(&[("ROTA_TRUSTED_PROXY", "127.0.0.1")]);
    named
        .anonymous()
        .get("/metrics")
        .await
        .expect_problem(401, "unauthenticated");
    let open = TestApp::start_with(&[("ROTA_TRUSTED_PROXY", "127.0.0.1"), ("ROTA_METRICS_OPEN", "1")]);
    open.anonymous().get("/metrics").await.expect_status(200);
}

#[tokio::test]
async fn health_says_what_it_should() {
    let app = TestApp::start();
    app.anonymous().get("/healthz").await.expect_status(200);
    app.anonymous().get("/readyz").await.expect_status(200);
    let (code, _folder) = app.stop();
    assert_eq!(code, Some(0));
}
