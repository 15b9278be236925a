//! What a person does on the pages of the catalog without script: hold, resume, delete, narrow to an environment.

use std::time::Duration;

use serde_json::json;

use crate::harness::TestApp;
use crate::pages::{administrator, next_of};

#[tokio::test]
async fn a_schedule_is_held_and_resumed_and_a_credential_deleted_with_a_reason() {
    let app = TestApp::start();
    let _rotated = app.with_credential().await;
    let administrator = administrator(&app).await;
    let page = "/credentials/orders-app";
    let refused = administrator.submit(page, &[("action", "hold")]).await;
    assert!(
        refused
            .expect_status(422)
            .body
            .contains("id=\"hold-reason-error\""),
        "the error stands beside its field"
    );
    let hold = [("action", "hold"), ("reason", "quarter end")];
    administrator.submit(page, &hold).await.expect_status(303);
    let held = administrator.get(page).await.expect_status(200);
    assert!(held.body.contains("quarter end") && held.body.contains("Resume schedule"));
    let resume = [("action", "resume"), ("reason", "it is over")];
    administrator.submit(page, &resume).await.expect_status(303);
    let resumed = administrator.get(page).await.expect_status(200);
    assert!(resumed.body.contains("Hold schedule"));

    let asks = administrator
        .get("/credentials/orders-app/delete")
        .await
        .expect_status(200);
    assert!(
        asks.body.contains("still accepts version"),
        "what stays behind is said"
    );
    let unread = [("reason", "replaced by orders-app-2")];
    let refused = administrator
        .submit("/credentials/orders-app/delete", &unread)
        .await
        .expect_status(422);
    assert!(
        refused.body.contains("replaced by orders-app-2"),
        "what was typed is kept"
    );
    let read = [("reason", "replaced by orders-app-2"), ("understood", "true")];
    let deleted = administrator
        .submit("/credentials/orders-app/delete", &read)
        .await
        .expect_status(303);
    assert_eq!(next_of(&deleted), "/credentials");
    administrator.get(page).await.expect_status(404);
    let audit = app.bootstrap().get("/api/v1/audit").await.expect_status(200);
    for reason in ["quarter end", "it is over", "replaced by orders-app-2"] {
        assert!(
            audit.body.contains(reason),
            "the audit does not say why: {reason}"
        );
    }
}

#[tokio::test]
async fn the_environment_switch_narrows_every_list_and_says_so() {
    let app = TestApp::start();
    let _rotated = app.with_credential().await;
    let administrator = administrator(&app).await;
    let consumer = [
        ("name", "elsewhere"),
        ("service", "s"),
        ("environment", "staging"),
    ];
    administrator
        .submit("/consumers/new", &consumer)
        .await
        .expect_status(201);
    let chosen = administrator
        .submit("/settings/environment", &[("environment", "staging")])
        .await
        .expect_status(303);
    let narrowed = administrator.with_cookie(&chosen.cookie());
    for list in [
        "/",
        "/credentials",
        "/rotations",
        "/issuers",
        "/consumers",
        "/expiries",
        "/needs-a-person",
    ] {
        let page = narrowed.get(list).await.expect_status(200);
        assert!(
            page.body.contains("Show all"),
            "{list} does not say that it is narrowed"
        );
        assert!(
            !page.body.contains("orders-app"),
            "{list} shows another environment"
        );
        let whole = administrator.get(list).await.expect_status(200);
        assert!(!whole.body.contains("Show all"), "{list}");
    }
    let consumers = narrowed.get("/consumers").await.expect_status(200);
    assert!(consumers.body.contains("elsewhere"));
    let whole = administrator.get("/credentials").await.expect_status(200);
    assert!(whole.body.contains("orders-app"));
}

#[tokio::test]
async fn a_refused_order_to_the_sandbox_comes_back_as_the_page_it_stood_on() {
    let app = TestApp::start();
    let _rotated = app.with_credential().await;
    let administrator = administrator(&app).await;
    let order = [("kind", "wrong_key"), ("back", "/credentials/orders-app")];
    let refused = administrator
        .submit("/sandbox/sabotage", &order)
        .await
        .expect_status(503);
    assert!(refused.body.contains("<h1"), "{}", refused.body);
    assert!(refused.body.contains("orders-app") && refused.body.contains("programs are not running"));
    let unknown = [("kind", "nonsense"), ("back", "https://evil.example/")];
    let refused = administrator
        .submit("/sandbox/sabotage", &unknown)
        .await
        .expect_status(422);
    assert!(
        refused.body.contains("knows no such failure"),
        "the overview says it"
    );
}

#[tokio::test]
async fn a_key_is_created_rotated_revoked_and_brought_back_on_its_pages() {
    let app = TestApp::start();
    let administrator = administrator(&app).await;
    let bad = [
        ("name", "cards"),
        ("algorithm", "aes256-gcm"),
        ("sensitivity", "medium"),
        ("max_uses", "many"),
    ];
    let refused = administrator.submit("/keys/new", &bad).await.expect_status(422);
    assert!(refused.body.contains("value=\"cards\"") && refused.body.contains("max_uses-error"));
    let good = [
        ("name", "cards"),
        ("algorithm", "aes256-gcm"),
        ("sensitivity", "medium"),
    ];
    let made = administrator.submit("/keys/new", &good).await.expect_status(303);
    assert_eq!(next_of(&made), "/keys/cards");
    let page = "/keys/cards";
    let rotate = [("action", "rotate"), ("reason", "a drill")];
    administrator.submit(page, &rotate).await.expect_status(303);
    let shown = administrator.get(page).await.expect_status(200);
    assert!(shown.body.contains("Version 2 is active"));
    let revoke = [("action", "revoke"), ("id", "1"), ("reason", "it leaked")];
    administrator.submit(page, &revoke).await.expect_status(303);
    let shown = administrator.get(page).await.expect_status(200);
    assert!(shown.body.contains("it leaked") && shown.body.contains("Undo revocation"));
    let undo = [
        ("action", "undo_revocation"),
        ("id", "1"),
        ("reason", "another key"),
    ];
    administrator.submit(page, &undo).await.expect_status(303);
    let key = app.bootstrap().get("/api/v1/keys/cards").await.expect_status(200);
    assert_eq!(key.text("/versions/0/state"), "deprecated");
}

#[tokio::test]
async fn an_alarm_of_a_key_stands_where_people_look_until_an_administrator_clears_it() {
    let app = TestApp::start();
    let administrator = administrator(&app).await;
    let program = app.bootstrap();
    let new = json!({"name": "cards", "algorithm": "aes256-gcm"});
    program.post("/api/v1/keys", &new).await.expect_status(201);
    let plain = json!({"plaintext": "AAEC"});
    let sealed = program.post("/api/v1/keys/cards/encrypt", &plain).await;
    let sealed = json!({"ciphertext": sealed.expect_status(200).text("/ciphertext")});
    let rotate = json!({"reason": "a drill", "confirm": true});
    program
        .post("/api/v1/keys/cards/rotate", &rotate)
        .await
        .expect_status(200);
    let revoke = json!({"state": "revoked", "reason": "by mistake"});
    program
        .patch("/api/v1/keys/cards/versions/1", &revoke)
        .await
        .expect_status(200);
    let read = json!({"batch": vec![sealed; 100]});
    program
        .post("/api/v1/keys/cards/decrypt", &read)
        .await
        .expect_status(200);

    let alarm = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let key = program.get("/api/v1/keys/cards").await.expect_status(200).json();
            if key["alarm"].is_object() {
                return key["alarm"].clone();
            }
        }
    });
    let alarm = alarm.await.expect("values that do not open are noticed");
    assert_eq!(
        (alarm["version"].as_u64(), alarm["failed"].as_u64()),
        (Some(1), Some(100))
    );
    program
        .post("/api/v1/keys/cards/rotate", &rotate)
        .await
        .expect_problem(409, "key_alarm");
    let metrics = program.get("/metrics").await.expect_status(200);
    assert!(
        metrics
            .body
            .contains("rota_key_alarm{key=\"cards\",version=\"1\"} 1")
    );

    let page = "/keys/cards";
    let shown = administrator.get(page).await.expect_status(200);
    assert!(shown.body.contains("Clear the alarm") && !shown.body.contains("Rotate now"));
    let listed = administrator.get("/keys").await.expect_status(200);
    assert!(listed.body.contains("data under version 1 does not open"));
    let needs = administrator.get("/needs-a-person").await.expect_status(200);
    assert!(needs.body.contains("Find out why, then clear the alarm"));

    let silent = [("action", "clear-alarm"), ("reason", "")];
    let refused = administrator.submit(page, &silent).await.expect_status(422);
    assert!(refused.body.contains("clear-alarm-reason-error"));
    let clear = [("action", "clear-alarm"), ("reason", "it was the wrong key")];
    administrator.submit(page, &clear).await.expect_status(303);
    let shown = administrator.get(page).await.expect_status(200);
    assert!(!shown.body.contains("Clear the alarm") && shown.body.contains("Rotate now"));
    program
        .post("/api/v1/keys/cards/rotate", &rotate)
        .await
        .expect_status(200);
}
