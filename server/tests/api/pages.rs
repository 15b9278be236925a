//! The pages and their forms, as a browser without script meets them.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Actor, Reply, Rotated, TestApp};

const PASSWORD: &str = "a sentence is easy to remember";

/// The first administrator at a browser that shows our own pages.
pub(crate) async fn administrator(app: &TestApp) -> Actor {
    let output = app.run(&["admin", "sign-in-link"]);
    let link = String::from_utf8(output.stdout).unwrap();
    let browser = app.anonymous().with("origin", &app.url);
    let signed_in = browser.submit(link.trim(), &[]).await.expect_status(303);
    browser.with("cookie", &signed_in.cookie())
}

/// Somebody with an account of this role.
pub(crate) async fn person(app: &TestApp, name: &str, role: &str) -> Actor {
    let body = json!({"name": name, "role": role, "password": PASSWORD});
    app.bootstrap()
        .post("/api/v1/accounts", &body)
        .await
        .expect_status(201);
    let browser = app.anonymous().with("origin", &app.url);
    let fields = [("name", name), ("password", PASSWORD)];
    let signed_in = browser.submit("/sign-in", &fields).await.expect_status(303);
    browser.with("cookie", &signed_in.cookie())
}

/// Every page, with things that are there.
async fn pages(app: &TestApp) -> Vec<String> {
    let rotations = app.bootstrap().get("/api/v1/rotations").await.expect_status(200);
    let id = rotations.text("/items/0/id").to_owned();
    let key = json!({"name": "cards", "algorithm": "aes256-gcm"});
    app.bootstrap()
        .post("/api/v1/keys", &key)
        .await
        .expect_status(201);
    let mut addresses = server::http::pages::addresses();
    // A job of re-encryption and its target need a database of somebody else.
    addresses.retain(|address| address != "/reencryptions/{id}" && !address.starts_with("/targets/{name}"));
    assert!(addresses.len() >= 20, "{addresses:?}");
    let filled = addresses.into_iter().map(|address| {
        let name = match address.split('/').nth(1) {
            Some("issuers") => "orders-db",
            Some("consumers") => "orders",
            Some("keys") => "cards",
            _ => "orders-app",
        };
        address.replace("{name}", name).replace("{id}", &id)
    });
    filled.collect()
}

pub(crate) fn next_of(reply: &Reply) -> &str {
    reply.header("location").unwrap_or_default()
}

/// What a strict policy would refuse, or what must not stand in a page at all.
#[track_caller]
fn assert_clean(address: &str, reply: &Reply, rotated: &Rotated) {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .and_then(|rest| rest.split('\'').next());
    let nonce = nonce.unwrap_or_else(|| panic!("{address} has no nonce: {policy}"));
    for script in reply.body.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap_or_default();
        assert!(
            tag.contains(&format!("nonce=\"{nonce}\"")),
            "{address}: a script stands outside of the policy: {tag}"
        );
    }
    for refused in [
        " style=\"",
        "<style",
        " onclick=",
        " onload=",
        " onerror=",
        "javascript:",
    ] {
        assert!(!reply.body.contains(refused), "{address} holds {refused}");
    }
    for secret in [
        rotated.postgres.password(),
        "rota_api_",
        "rota_consumer_",
        "rota_link_",
        "test-bootstrap-token",
    ] {
        assert!(!reply.body.contains(secret), "{address} holds a secret");
    }
    assert_eq!(reply.header("cache-control"), Some("no-store"), "{address}");
}

#[tokio::test]
async fn every_page_is_whole_for_the_signed_in_and_closed_to_everybody_else() {
    let app = TestApp::start();
    let rotated = app.with_credential().await;
    let administrator = administrator(&app).await;
    for address in pages(&app).await {
        let reply = administrator.get(&address).await;
        assert_eq!(reply.status, 200, "{address}: {}", reply.body);
        assert!(reply.body.contains("</html>"), "{address} is cut off");
        assert_clean(&address, &reply, &rotated);
        let head = Reply::of(administrator.request(Method::HEAD, &address)).await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""), "{address}");
        let anonymous = app.anonymous().get(&address).await;
        assert_eq!(anonymous.status, 303, "{address}");
        assert!(next_of(&anonymous).starts_with("/sign-in"), "{address}");
        // Tokens are for the API.
        assert_eq!(app.bootstrap().get(&address).await.status, 303, "{address}");
    }
    for address in [
        "/nothing",
        "/credentials/absent",
        "/rotations/absent",
        "/issuers/Not A Name",
    ] {
        let reply = administrator.get(address).await;
        assert_eq!(reply.status, 404, "{address}");
        assert_clean(address, &reply, &rotated);
    }
    let outside = app.anonymous().get("/nothing").await.expect_status(404);
    assert!(
        !outside.body.contains("root key"),
        "the frame tells of the server"
    );
    let asked = app
        .anonymous()
        .get("/credentials?q=a&environment=b")
        .await
        .expect_status(303);
    assert_eq!(
        next_of(&asked),
        "/sign-in?next=%2Fcredentials%3Fq%3Da%26environment%3Db"
    );
    for address in ["/sign-in", "/sign-in/link?token=x"] {
        let reply = app.anonymous().get(address).await.expect_status(200);
        assert_clean(address, &reply, &rotated);
    }
}

/// Acts that a viewer may not, each on the page that holds its button.
const ACTS: [(&str, &[(&str, &str)]); 27] = [
    ("/issuers/orders-db", &[("action", "test")]),
    ("/issuers/orders-db", &[("action", "delete")]),
    (
        "/consumers/new",
        &[("name", "n"), ("service", "s"), ("environment", "test")],
    ),
    (
        "/consumers/orders/edit",
        &[("service", "s"), ("environment", "test")],
    ),
    ("/consumers/orders", &[("action", "add_token")]),
    ("/consumers/orders", &[("action", "delete")]),
    (
        "/credentials/orders-app",
        &[("action", "rotate"), ("reason", "test")],
    ),
    (
        "/credentials/orders-app",
        &[("action", "hold"), ("reason", "test")],
    ),
    (
        "/credentials/orders-app",
        &[("action", "resume"), ("reason", "test")],
    ),
    (
        "/credentials/orders-app/delete",
        &[("reason", "test"), ("understood", "true")],
    ),
    (
        "/credentials/orders-app/rotate",
        &[("action", "rotate"), ("reason", "test")],
    ),
    (
        "/keys/new",
        &[("name", "n"), ("algorithm", "aes256-gcm"), ("sensitivity", "low")],
    ),
    (
        "/keys/cards/edit",
        &[
            ("grace", "7 days"),
            ("max_uses", "1000"),
            ("minimum_decryption_version", "1"),
        ],
    ),
    (
        "/keys/cards",
        &[
            ("action", "schedule_destruction"),
            ("id", "1"),
            ("reason", "test"),
        ],
    ),
    (
        "/keys/cards",
        &[("action", "approve_destruction"), ("id", "1"), ("reason", "test")],
    ),
    (
        "/targets/orders-cards/edit",
        &[("config", "{}"), ("encoding", "raw")],
    ),
    (
        "/targets/orders-cards/delete",
        &[("reason", "test"), ("understood", "true")],
    ),
    ("/root", &[("action", "seal"), ("reason", "test")]),
    ("/rotations/{id}", &[("action", "pause"), ("reason", "test")]),
    ("/settings", &[("action", "freeze"), ("reason", "test")]),
    (
        "/settings",
        &[("action", "add_account"), ("name", "n"), ("role", "viewer")],
    ),
    (
        "/settings",
        &[
            ("action", "change_account"),
            ("id", "eve"),
            ("role", "administrator"),
        ],
    ),
    (
        "/settings",
        &[
            ("action", "add_token"),
            ("name", "n"),
            ("role", "viewer"),
            ("scope", "api"),
        ],
    ),
    ("/settings", &[("action", "sign_in_link"), ("id", "admin")]),
    ("/settings", &[("action", "end_sessions"), ("id", "admin")]),
    ("/settings", &[("action", "rotate_wrapping_key")]),
    ("/sandbox/sabotage", &[("kind", "wrong_key"), ("back", "/")]),
];

#[tokio::test]
async fn a_viewer_and_a_foreign_page_change_nothing() {
    let app = TestApp::start();
    let _rotated = app.with_credential().await;
    let administrator = administrator(&app).await;
    let viewer = person(&app, "eve", "viewer").await;
    let rotations = app.bootstrap().get("/api/v1/rotations").await.expect_status(200);
    let id = rotations.text("/items/0/id").to_owned();
    let key = json!({"name": "cards", "algorithm": "aes256-gcm"});
    app.bootstrap()
        .post("/api/v1/keys", &key)
        .await
        .expect_status(201);
    let before = app
        .bootstrap()
        .get("/api/v1/audit/checkpoint")
        .await
        .expect_status(200);
    for (address, fields) in ACTS {
        let address = address.replace("{id}", &id);
        let reply = viewer.submit(&address, fields).await;
        assert_eq!(reply.status, 403, "{address} {fields:?}: {}", reply.body);
        let foreign = administrator.with("origin", "https://evil.example");
        assert_eq!(
            foreign.submit(&address, fields).await.status,
            403,
            "{address} {fields:?}"
        );
        let anonymous = app.anonymous().with("origin", &app.url);
        assert_eq!(
            anonymous.submit(&address, fields).await.status,
            303,
            "{address} {fields:?}"
        );
    }
    let after = app
        .bootstrap()
        .get("/api/v1/audit/checkpoint")
        .await
        .expect_status(200);
    assert_eq!(before.text("/hash"), after.text("/hash"), "something was written");
}

#[tokio::test]
async fn a_refused_form_comes_back_with_what_was_typed() {
    let app = TestApp::start();
    let administrator = administrator(&app).await;
    let typed = [
        ("name", ""),
        ("service", "typed-service"),
        ("environment", "test"),
        ("labels", "no label"),
    ];
    let reply = administrator
        .submit("/consumers/new", &typed)
        .await
        .expect_status(422);
    for part in [
        "typed-service",
        "Give it a name.",
        "is no label",
        "aria-invalid=\"true\"",
    ] {
        assert!(reply.body.contains(part), "{part} is missing");
    }
    // A rule of the service stands beside its field too.
    let typed = [("name", "Not A Name"), ("service", "s"), ("environment", "test")];
    let reply = administrator
        .submit("/consumers/new", &typed)
        .await
        .expect_status(422);
    assert!(
        reply.body.contains("Not A Name") && reply.body.contains("id=\"name-error\""),
        "{}",
        reply.body
    );
    let typed = [
        ("kind", "postgresql"),
        ("name", "db"),
        ("host", ""),
        ("environment", "test"),
        ("username", "postgres"),
        ("password", "typed-secret"),
        ("intent", "test"),
    ];
    let reply = administrator
        .submit("/issuers/new", &typed)
        .await
        .expect_status(422);
    assert!(reply.body.contains("Give a host name or an address."));
    assert!(!reply.body.contains("typed-secret"), "a secret came back");
    let account = [
        ("action", "add_account"),
        ("name", "typed-name"),
        ("role", "viewer"),
        ("password", "short"),
    ];
    let reply = administrator
        .submit("/settings", &account)
        .await
        .expect_status(422);
    assert!(reply.body.contains("typed-name"));
    let taken = [("action", "add_account"), ("name", "admin"), ("role", "viewer")];
    administrator.submit("/settings", &taken).await.expect_status(409);
    let wrong = [("name", "ada"), ("password", "typed-secret")];
    let browser = app.anonymous().with("origin", &app.url);
    let reply = browser.submit("/sign-in", &wrong).await.expect_status(422);
    assert!(reply.body.contains("value=\"ada\"") && !reply.body.contains("typed-secret"));
}

/// 303, and where to.
#[track_caller]
fn assert_leads_to(reply: &Reply, start: &str) {
    assert_eq!(reply.status, 303, "{}", reply.body);
    assert!(next_of(reply).starts_with(start), "{}", next_of(reply));
}

#[tokio::test]
async fn what_was_done_leads_on_and_a_secret_is_shown_once() {
    let app = TestApp::start();
    let administrator = administrator(&app).await;
    let consumer = [
        ("name", "billing"),
        ("service", "billing"),
        ("environment", "test"),
    ];
    let made = administrator
        .submit("/consumers/new", &consumer)
        .await
        .expect_status(201);
    assert!(made.body.contains("rota_consumer_"), "the token is shown");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let page = administrator.get("/consumers/billing").await.expect_status(200);
    assert!(!page.body.contains("rota_consumer_"), "the token is shown again");
    let added = administrator
        .submit("/consumers/billing", &[("action", "add_token")])
        .await
        .expect_status(201);
    assert!(added.body.contains("rota_consumer_"));
    administrator
        .submit("/consumers/billing", &[("action", "add_token")])
        .await
        .expect_status(409);
    let change = [("service", "invoices"), ("environment", "test")];
    assert_leads_to(
        &administrator.submit("/consumers/billing/edit", &change).await,
        "/consumers/billing",
    );
    let deleted = administrator
        .submit("/consumers/billing", &[("action", "delete")])
        .await;
    assert_leads_to(&deleted, "/consumers");
    let token = [
        ("action", "add_token"),
        ("name", "ci"),
        ("role", "viewer"),
        ("scope", "api"),
    ];
    let made = administrator.submit("/settings", &token).await.expect_status(201);
    assert!(made.body.contains("rota_api_"));
    let account = [("action", "add_account"), ("name", "ada"), ("role", "operator")];
    assert_leads_to(&administrator.submit("/settings", &account).await, "/settings");
    let link = [("action", "sign_in_link"), ("id", "ada")];
    let made = administrator.submit("/settings", &link).await.expect_status(201);
    let link = made
        .body
        .split(&format!("{}/sign-in/link", app.url))
        .nth(1)
        .unwrap_or_else(|| panic!("{}", made.body));
    let link = format!("/sign-in/link{}", link.split('<').next().unwrap_or_default());
    let browser = app.anonymous().with("origin", &app.url);
    assert_leads_to(&browser.submit(&link, &[]).await, "/");
    let freeze = [
        ("action", "freeze"),
        ("reason", "the season"),
        ("environment", ""),
    ];
    assert_leads_to(&administrator.submit("/settings", &freeze).await, "/settings");
    assert!(
        administrator.get("/").await.body.contains("the season"),
        "a freeze is shown on every page"
    );
    let wrapping_key = [("action", "rotate_wrapping_key")];
    assert_leads_to(
        &administrator.submit("/settings", &wrapping_key).await,
        "/settings",
    );
    let password = [("action", "change_password"), ("new", PASSWORD)];
    let changed = administrator.submit("/settings", &password).await;
    assert_leads_to(&changed, "/settings");
    assert_eq!(
        administrator.get("/").await.status,
        303,
        "the session under the old id is over"
    );
    let renewed = app.anonymous().with("cookie", &changed.cookie());
    renewed.get("/").await.expect_status(200);
}

#[tokio::test]
async fn a_rotation_is_started_and_told_what_to_do_from_its_pages() {
    let app = TestApp::start();
    let _rotated = app.with_credential().await;
    let operator = person(&app, "ada", "operator").await;
    let page = "/credentials/orders-app";
    operator
        .submit(page, &[("action", "rotate"), ("reason", " ")])
        .await
        .expect_status(422);
    let started = operator
        .submit(page, &[("action", "rotate"), ("reason", "test")])
        .await;
    assert_leads_to(&started, "/rotations/");
    let rotation = next_of(&started).to_owned();
    let page_of_rotation = operator.get(&rotation).await.expect_status(200);
    // The page follows its events under the same cookie, at the address that it was given.
    let events = page_of_rotation.body.split("/api/v1/rotations/").nth(1);
    let events = events.and_then(|rest| rest.split("&quot;").next());
    let events = format!("/api/v1/rotations/{}", events.expect("the live part"));
    let stream = operator
        .request(Method::GET, &events)
        .send()
        .await
        .expect("the server answers");
    assert_eq!(stream.status(), 200, "{events}");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    operator
        .submit(
            &format!("{page}/rotate"),
            &[("action", "rotate"), ("reason", "again")],
        )
        .await
        .expect_status(409);
    operator
        .submit(&rotation, &[("action", "approve"), ("reason", "test")])
        .await
        .expect_status(409);
    operator
        .submit(&rotation, &[("action", "nonsense"), ("reason", "test")])
        .await
        .expect_status(422);
    let held = operator
        .submit(page, &[("action", "hold"), ("reason", "a move of house")])
        .await;
    assert_leads_to(&held, page);
    let form = operator.get(&format!("{page}/edit")).await.expect_status(200);
    assert!(form.body.contains("a move of house"));
    let resume = [("action", "resume"), ("reason", "the move is over")];
    assert_leads_to(&operator.submit(page, &resume).await, page);
    let chosen = operator.with("referer", &format!("{}{rotation}?a=b", app.url));
    let chosen = chosen
        .submit("/settings/environment", &[("environment", "test")])
        .await;
    assert_leads_to(&chosen, &format!("{rotation}?a=b"));
    assert!(chosen.cookie().ends_with("=test"), "{}", chosen.cookie());
}
