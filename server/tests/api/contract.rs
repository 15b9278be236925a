//! The document, errors, headers and entity tags.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, TestApp};

/// Write it anew with: ROTA_WRITE_OPENAPI=1 cargo nextest run -p server openapi
#[tokio::test]
async fn the_openapi_document_is_the_one_in_docs() {
    let served = serde_json::to_value(server::http::router::document()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("ROTA_WRITE_OPENAPI").is_some() {
        let text = serde_json::to_string_pretty(&served).unwrap();
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(
        kept == served,
        "the API changed: write docs/openapi.json anew and look at the difference"
    );
    let app = TestApp::start();
    assert!(
        app.anonymous()
            .get("/api/openapi.json")
            .await
            .expect_status(200)
            .json()
            == kept
    );
}

#[tokio::test]
async fn every_operation_has_an_id_of_its_own_and_every_reference_leads_somewhere() {
    let document = serde_json::to_value(server::http::router::document()).unwrap();
    let mut ids = Vec::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said_in_one_form() {
    let app = TestApp::start();
    let administrator = app.bootstrap();
    let send = |body: &str, kind: Option<&str>| {
        let mut request = administrator
            .request(Method::POST, "/api/v1/freezes")
            .body(body.to_owned());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        Reply::of(request)
    };
    let json_type = Some("application/json");
    send("{\"reason\":", json_type)
        .await
        .expect_problem(400, "malformed");
    send("{\"reason\":\"a\"}", None)
        .await
        .expect_problem(415, "unsupported_media_type");
    send("reason=a", Some("application/x-www-form-urlencoded"))
        .await
        .expect_problem(415, "unsupported_media_type");
    send(&" ".repeat(1_100_000), json_type)
        .await
        .expect_problem(413, "too_large");
    send(&"[".repeat(20_000), json_type)
        .await
        .expect_problem(400, "malformed");
    let reply = send("{\"reason\":\"a\",\"surprise\":1}", json_type)
        .await
        .expect_problem(422, "invalid");
    assert_eq!(reply.json()["errors"][0]["pointer"], "/surprise");
    let reply = send("{\"reason\":17}", json_type)
        .await
        .expect_problem(422, "invalid");
    assert_eq!(reply.json()["errors"][0]["pointer"], "/reason");
    let reply = send("{\"reason\":\"a\",\"environment\":\"Not A Name\"}", json_type).await;
    let reply = reply.expect_problem(422, "invalid");
    assert_eq!(reply.json()["errors"][0]["pointer"], "/environment");

    administrator
        .get("/api/v1/credentials/absent")
        .await
        .expect_problem(404, "not_found");
    administrator
        .get("/api/v1/credentials/UPPER")
        .await
        .expect_problem(404, "not_found");
    administrator
        .get("/api/v1/rotations/no-id")
        .await
        .expect_problem(404, "not_found");
    administrator
        .get("/api/v1/credentials?limit=x")
        .await
        .expect_problem(400, "malformed");
    administrator
        .get("/api/v1/credentials?surprise=1")
        .await
        .expect_problem(400, "malformed");
    Reply::of(administrator.request(Method::PUT, "/api/v1/freezes"))
        .await
        .expect_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn a_stale_change_is_refused_and_if_match_is_optional() {
    let app = TestApp::start();
    let operator = app.program("operator").await;
    app.consumer("orders").await;
    let read = operator.get("/api/v1/consumers/orders").await.expect_status(200);
    let tag = read.header("etag").unwrap().to_owned();
    let change = json!({"labels": {"team": "a"}});
    let first = operator
        .with("if-match", &tag)
        .patch("/api/v1/consumers/orders", &change)
        .await
        .expect_status(200);
    assert_ne!(first.header("etag"), Some(tag.as_str()));
    let other = json!({"labels": {"team": "b"}});
    operator
        .with("if-match", &tag)
        .patch("/api/v1/consumers/orders", &other)
        .await
        .expect_problem(412, "stale");
    operator
        .with("if-match", &tag)
        .delete("/api/v1/consumers/orders")
        .await
        .expect_problem(412, "stale");
    operator
        .patch("/api/v1/consumers/orders", &other)
        .await
        .expect_status(200);
    let all = json!({"name": "orders", "service": "orders", "environment": "test"});
    operator
        .post("/api/v1/consumers", &all)
        .await
        .expect_problem(409, "name_taken");
    operator
        .delete("/api/v1/consumers/orders")
        .await
        .expect_status(204);
    operator
        .get("/api/v1/consumers/orders")
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn every_reply_says_what_browsers_may_do_with_it() {
    let app = TestApp::start_with(&[("ROTA_PUBLIC_URL", "https://rota.example.com")]);
    for path in ["/sign-in", "/api/v1/whoami", "/healthz", "/nothing"] {
        let reply = app.anonymous().get(path).await;
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert!(reply.header("strict-transport-security").is_some(), "{path}");
        assert!(reply.header("content-encoding").is_none(), "{path}");
    }
    let nonce = |reply: &Reply| {
        let policy = reply.header("content-security-policy").unwrap().to_owned();
        policy
            .split("'nonce-")
            .nth(1)
            .unwrap()
            .split('\'')
            .next()
            .unwrap()
            .to_owned()
    };
    let (first, second) = (
        app.anonymous().get("/sign-in").await,
        app.anonymous().get("/sign-in").await,
    );
    assert_ne!(nonce(&first), nonce(&second));
}

#[tokio::test]
async fn a_correlation_id_joins_the_request_and_its_audit_entry() {
    let app = TestApp::start();
    let administrator = app.bootstrap().with("x-correlation-id", "deploy-42");
    let reply = administrator
        .post("/api/v1/freezes", &json!({"reason": "deploy"}))
        .await
        .expect_status(201);
    assert_eq!(reply.header("x-correlation-id"), Some("deploy-42"));
    let entries = administrator
        .get("/api/v1/audit?action=freeze")
        .await
        .expect_status(200)
        .json();
    assert_eq!(entries["items"][0]["correlation"], "deploy-42", "{entries}");
    assert_eq!(entries["items"][0]["source"], "127.0.0.1");
}

#[tokio::test]
async fn lists_go_on_where_the_page_before_ended() {
    let app = TestApp::start();
    for name in ["a", "b", "c"] {
        app.consumer(name).await;
    }
    let viewer = app.program("viewer").await;
    let first = viewer
        .get("/api/v1/consumers?limit=2")
        .await
        .expect_status(200)
        .json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = viewer
        .get(&format!("/api/v1/consumers?limit=2&cursor={cursor}"))
        .await
        .expect_status(200)
        .json();
    assert_eq!(second["items"][0]["name"], "c");
    assert!(second["next_cursor"].is_null());
    let entries = viewer
        .get("/api/v1/audit?limit=2")
        .await
        .expect_status(200)
        .json();
    let cursor = entries["next_cursor"].as_str().unwrap();
    let next = viewer
        .get(&format!("/api/v1/audit?limit=2&cursor={cursor}"))
        .await
        .expect_status(200)
        .json();
    let sequence = |value: &Value| value["sequence"].as_i64().unwrap();
    assert_eq!(sequence(&entries["items"][1]) - 1, sequence(&next["items"][0]));
}
