//! The destruction of a version takes two people, on the API and on the pages, and is told while it waits.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::harness::{Actor, BOOTSTRAP_TOKEN, TestApp};
use crate::keys::{decrypt, encrypt, key, move_to, rotate, states};
use crate::pages::{administrator, person};

const PLAN: &str = "/api/v1/keys/orders/versions/1/destruction";
const APPROVAL: &str = "/api/v1/keys/orders/versions/1/destruction/approval";

fn because(reason: &str) -> Value {
    json!({"reason": reason})
}

async fn codes(actor: &Actor) -> Vec<String> {
    let findings = actor.get("/api/v1/findings").await.expect_status(200).json();
    let items = findings["items"].as_array().unwrap().iter();
    items
        .filter(|finding| finding["subject"] == "key/orders")
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

/// A key of which version 1 sealed something and was given up.
async fn revoked(actor: &Actor) -> String {
    key(actor, "orders").await;
    let (old, _) = encrypt(actor, "orders").await;
    rotate(actor, "orders").await.expect_status(200);
    move_to(actor, "orders", 1, "revoked").await.expect_status(200);
    old
}

/// Two people destroy version `number` of a key; answers when it is gone.
pub(crate) async fn destroy(app: &TestApp, name: &str, number: u64) {
    let reason = "its data is to be gone";
    let asker = app.bootstrap();
    let approver = json!({"name": format!("approves-{name}-{number}"), "role": "operator"});
    let approver = asker.post("/api/v1/tokens", &approver).await.expect_status(201);
    let approver = app.holder_of(approver.text("/token"));
    let key = format!("/api/v1/keys/{name}");
    let plan = format!("{key}/versions/{number}/destruction");
    let version = |key: &Value| {
        let versions = key["versions"].as_array().unwrap().iter();
        let mut named = versions.filter(|version| version["number"] == number);
        named.next().unwrap().clone()
    };
    let planned = asker
        .post(&plan, &because(reason))
        .await
        .expect_status(200)
        .json();
    let asked_at = version(&planned)["destruction"]["asked_at"].clone();
    let soon = OffsetDateTime::parse(asked_at.as_str().unwrap(), &Rfc3339).unwrap() + Duration::from_secs(5);
    let soon = json!({"reason": reason, "at": soon.format(&Rfc3339).unwrap()});
    asker.post(&plan, &soon).await.expect_status(200);
    approver
        .post(&format!("{plan}/approval"), &because("looked at it"))
        .await
        .expect_status(200);
    // The server looks every few seconds.
    let destroyed = async {
        while version(&asker.get(&key).await.expect_status(200).json())["state"] != "destroyed" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), destroyed)
        .await
        .unwrap_or_else(|_| panic!("it was not destroyed\n{}", app.log()));
}

#[tokio::test]
async fn a_second_person_approves_a_destruction_and_it_happens_at_its_time() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    let operator = app.program("operator").await;
    let old = revoked(&actor).await;
    operator
        .post(PLAN, &because("old"))
        .await
        .expect_problem(403, "forbidden");
    operator
        .post(APPROVAL, &because("yes"))
        .await
        .expect_problem(409, "illegal_move");
    let planned = actor.post(PLAN, &because("old")).await.expect_status(200).json();
    assert_eq!(planned["versions"][0]["destruction"]["reason"], "old");
    assert!(planned["versions"][0]["destruction"].get("approved_by").is_none());
    actor
        .post(APPROVAL, &because("me too"))
        .await
        .expect_problem(403, "forbidden");
    let viewer = app.program("viewer").await;
    viewer
        .post(APPROVAL, &because("yes"))
        .await
        .expect_problem(403, "forbidden");
    operator
        .post(APPROVAL, &because(""))
        .await
        .expect_problem(422, "invalid");
    let approved = operator
        .post(APPROVAL, &because("looked at it"))
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        approved["versions"][0]["destruction"]["approved_by"],
        "token:test-operator"
    );
    operator
        .post(APPROVAL, &because("again"))
        .await
        .expect_problem(409, "already_approved");

    // At a time that comes soon: asked for anew, it must be approved anew.
    let asked_at = planned["versions"][0]["destruction"]["asked_at"]
        .as_str()
        .unwrap();
    let soon = OffsetDateTime::parse(asked_at, &Rfc3339).unwrap() + Duration::from_secs(10);
    let soon = json!({"reason": "old", "at": soon.format(&Rfc3339).unwrap()});
    let planned = actor.post(PLAN, &soon).await.expect_status(200).json();
    assert!(planned["versions"][0]["destruction"].get("approved_by").is_none());
    operator
        .post(APPROVAL, &because("still"))
        .await
        .expect_status(200);
    // The server looks every few seconds.
    let destroyed = async {
        loop {
            let seen = actor.get("/api/v1/keys/orders").await.expect_status(200).json();
            if states(&seen) == ["destroyed", "active"] {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(60), destroyed)
        .await
        .unwrap_or_else(|_| panic!("it was not destroyed\n{}", app.log()));
    assert!(seen["versions"][0].get("destruction").is_none());
    assert!(seen["versions"][0]["destroyed_at"].is_string());
    decrypt(&actor, "orders", &old)
        .await
        .expect_problem(409, "key_version_unusable");
    move_to(&actor, "orders", 1, "deprecated")
        .await
        .expect_problem(409, "illegal_move");
}

#[tokio::test]
async fn a_planned_destruction_can_be_taken_back() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    rotate(&actor, "orders").await.expect_status(200);
    let planned = actor.post(PLAN, &because("old")).await.expect_status(200).json();
    assert!(planned["versions"][0]["destroy_at"].is_string());
    assert_eq!(states(&planned), ["deprecated", "active"]);
    let kept = actor.delete(PLAN).await.expect_status(200).json();
    assert!(kept["versions"][0].get("destroy_at").is_none());
    assert!(kept["versions"][0].get("destruction").is_none());
    let past = json!({"reason": "old", "at": "2020-01-01T00:00:00Z"});
    actor.post(PLAN, &past).await.expect_problem(422, "invalid");
    let active = actor
        .post("/api/v1/keys/orders/versions/2/destruction", &because("old"))
        .await;
    active.expect_problem(409, "illegal_move");
}

#[tokio::test]
async fn from_the_command_line_one_asks_another_approves_and_anybody_keeps() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    rotate(&actor, "orders").await.expect_status(200);
    let second = json!({"name": "second", "role": "operator"});
    let second = actor.post("/api/v1/tokens", &second).await.expect_status(201);
    let destroy = |token: &str, options: &[&str]| {
        let url = app.local_url();
        let variables = [("ROTA_TOKEN", token), ("ROTA_SERVER", url.as_str())];
        let arguments = ["key", "destroy", "orders", "1", "--reason", "its data is gone"];
        app.run_with(&app.folder(), &variables, &[&arguments, options].concat())
    };
    assert!(destroy(BOOTSTRAP_TOKEN, &[]).status.success());
    let own = destroy(BOOTSTRAP_TOKEN, &["--approve"]);
    assert!(!own.status.success(), "who asked has approved");
    assert!(destroy(second.text("/token"), &["--approve"]).status.success());
    let version =
        async || actor.get("/api/v1/keys/orders").await.expect_status(200).json()["versions"][0].clone();
    assert_eq!(version().await["destruction"]["approved_by"], "token:second");
    assert!(destroy(second.text("/token"), &["--keep"]).status.success());
    assert!(version().await.get("destruction").is_none());
    let both = destroy(BOOTSTRAP_TOKEN, &["--keep", "--approve"]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[tokio::test]
async fn on_the_page_whoever_asked_has_no_button_to_approve() {
    let app = TestApp::start();
    let asker = administrator(&app).await;
    let other = person(&app, "bob", "operator").await;
    revoked(&app.bootstrap()).await;
    let page = "/keys/orders";
    let ask = [
        ("action", "schedule_destruction"),
        ("id", "1"),
        ("reason", "the contract ended"),
    ];
    other.submit(page, &ask).await.expect_status(403);
    asker.submit(page, &ask).await.expect_status(303);
    let button = "value=\"approve_destruction\"";
    let own = asker.get(page).await.expect_status(200);
    assert!(own.body.contains("the contract ended") && own.body.contains("you asked, so you cannot"));
    assert!(!own.body.contains(button), "{}", own.body);
    let needs = other.get("/needs-a-person").await.expect_status(200);
    assert!(
        needs.body.contains("asks to destroy version 1") && needs.body.contains("href=\"/keys/orders\""),
        "{}",
        needs.body
    );
    let list = other.get("/keys").await.expect_status(200);
    assert!(list.body.contains("destruction of version 1 waits for approval"));
    let approve = |reason| [("action", "approve_destruction"), ("id", "1"), ("reason", reason)];
    let refused = asker.submit(page, &approve("mine")).await.expect_status(403);
    assert!(refused.body.contains("ask someone else"), "{}", refused.body);
    assert!(other.get(page).await.body.contains(button));
    let refused = other.submit(page, &approve("")).await.expect_status(422);
    assert!(
        refused.body.contains("approve_destruction-1-reason-error"),
        "{}",
        refused.body
    );
    other.submit(page, &approve("seen it")).await.expect_status(303);
    let shown = asker.get(page).await.expect_status(200);
    assert!(!shown.body.contains(button) && shown.body.contains("Keep it"));
    let needs = other.get("/needs-a-person").await.expect_status(200);
    assert!(!needs.body.contains("asks to destroy"));
    let audit = app
        .bootstrap()
        .get("/api/v1/audit?action=key.version.approve_destruction")
        .await
        .expect_status(200);
    assert!(
        audit.body.contains("seen it") && audit.body.contains("bob"),
        "{}",
        audit.body
    );
}

#[tokio::test]
async fn a_key_that_nobody_owns_is_a_finding_until_somebody_does_on_its_page() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    assert_eq!(codes(&actor).await, ["no_owner"]);
    let person = administrator(&app).await;
    let shown = person.get("/keys/orders/edit").await.expect_status(200);
    assert!(shown.body.contains("value=\"7 days\"") && shown.body.contains("aes256-gcm"));
    let revision = actor.get("/api/v1/keys/orders").await.expect_status(200).json()["revision"]
        .as_i64()
        .unwrap()
        .to_string();
    let fields = |minimum: &'static str, callers: &'static str| {
        [
            ("owner_team", "Orders"),
            ("environment", "production"),
            ("tags", "system=orders"),
            ("rotate_every", "30 days"),
            ("grace", "2 days"),
            ("max_uses", "1,000,000"),
            ("minimum_decryption_version", minimum),
            ("callers", callers),
        ]
    };
    let refused = person
        .submit("/keys/orders/edit", &fields("9", "shop"))
        .await
        .expect_status(422);
    assert!(
        refused.body.contains("minimum_decryption_version-error")
            && refused.body.contains("newest version is 1"),
        "{}",
        refused.body
    );
    assert!(
        refused.body.contains("value=\"30 days\""),
        "what was typed is kept"
    );
    let refused = person
        .submit("/keys/orders/edit", &fields("1", "Not A Name!"))
        .await
        .expect_status(422);
    assert!(refused.body.contains("callers-error"), "{}", refused.body);
    let mut blank = fields("1", "shop").to_vec();
    blank[4] = ("grace", "");
    let refused = person
        .submit("/keys/orders/edit", &blank)
        .await
        .expect_status(422);
    assert!(refused.body.contains("grace-error"));
    let mut good = fields("1", "shop").to_vec();
    good.push(("revision", &revision));
    person.submit("/keys/orders/edit", &good).await.expect_status(303);
    let stale = person.submit("/keys/orders/edit", &good).await;
    assert!(stale.status.is_client_error(), "{}", stale.status);
    let changed = actor.get("/api/v1/keys/orders").await.expect_status(200).json();
    assert_eq!(
        [
            &changed["owner_team"],
            &changed["environment"],
            &changed["rotate_every"],
            &changed["grace"],
            &changed["max_uses"],
            &changed["callers"],
            &changed["tags"],
        ],
        [
            &json!("Orders"),
            &json!("production"),
            &json!("P30D"),
            &json!("P2D"),
            &json!(1_000_000),
            &json!(["shop"]),
            &json!({"system": "orders"}),
        ]
    );
    assert!(codes(&actor).await.is_empty());
    // Blank: a person replaces it, it belongs to no environment, and its class says who may use it.
    let blank = [
        ("owner_team", "Orders"),
        ("grace", "7 days"),
        ("max_uses", "1000"),
        ("minimum_decryption_version", "1"),
    ];
    person
        .submit("/keys/orders/edit", &blank)
        .await
        .expect_status(303);
    let changed = actor.get("/api/v1/keys/orders").await.expect_status(200).json();
    for absent in ["rotate_every", "environment", "callers"] {
        assert!(changed.get(absent).is_none(), "{absent}: {changed:#}");
    }
}
