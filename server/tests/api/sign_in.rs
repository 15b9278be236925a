//! People: passwords, links, sessions, and forms from elsewhere.

use serde_json::json;

use crate::harness::{Actor, TestApp};

const PASSWORD: &str = "a sentence is easy to remember";

/// Somebody at a browser that shows our own pages.
fn browser(app: &TestApp) -> Actor {
    app.anonymous().with("origin", &app.url)
}

async fn with_account(app: &TestApp) {
    let body = json!({"name": "ada", "role": "operator", "password": PASSWORD});
    app.bootstrap()
        .post("/api/v1/accounts", &body)
        .await
        .expect_status(201);
}

fn link(app: &TestApp) -> String {
    link_for(app, &[])
}

fn link_for(app: &TestApp, options: &[&str]) -> String {
    let output = app.run(&[&["admin", "sign-in-link"], options].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "the address alone: {text}");
    text.trim().to_owned()
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_by_its_button() {
    let app = TestApp::start();
    let link = link(&app);
    assert!(link.starts_with(&app.url), "{link}");
    let page = app.anonymous().get(&link).await.expect_status(200);
    assert!(page.header("set-cookie").is_none(), "opening it signs nobody in");
    app.anonymous()
        .submit(&link, &[])
        .await
        .expect_problem(403, "forbidden");
    app.anonymous()
        .with("origin", "https://evil.example")
        .submit(&link, &[])
        .await
        .expect_problem(403, "forbidden");
    let signed_in = browser(&app).submit(&link, &[]).await.expect_status(303);
    let person = app.anonymous().with("cookie", &signed_in.cookie());
    let who = person.get("/api/v1/whoami").await.expect_status(200);
    assert_eq!(who.text("/role"), "administrator");
    browser(&app).submit(&link, &[]).await.expect_status(422);
    let token = link.split("token=").nth(1).unwrap();
    assert!(!app.log().contains(token), "the link stands in the log");
}

#[tokio::test]
async fn a_session_reads_the_api_and_changes_nothing_there() {
    let app = TestApp::start();
    with_account(&app).await;
    let fields = [("name", "ada"), ("password", PASSWORD)];
    let signed_in = browser(&app).submit("/sign-in", &fields).await.expect_status(303);
    assert_eq!(signed_in.header("location"), Some("/"));
    let person = browser(&app).with("cookie", &signed_in.cookie());
    person.get("/api/v1/credentials").await.expect_status(200);
    let freeze = json!({"reason": "test"});
    person
        .post("/api/v1/freezes", &freeze)
        .await
        .expect_problem(401, "unauthenticated");
    person
        .delete("/api/v1/consumers/x")
        .await
        .expect_problem(401, "unauthenticated");

    // A form of another site does not even sign out.
    let elsewhere = app
        .anonymous()
        .with("cookie", &signed_in.cookie())
        .with("origin", "https://evil.example");
    elsewhere
        .submit("/sign-out", &[])
        .await
        .expect_problem(403, "forbidden");
    person.get("/api/v1/whoami").await.expect_status(200);
    person.submit("/sign-out", &[]).await.expect_status(303);
    person
        .get("/api/v1/whoami")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_planted_session_id_is_worth_nothing() {
    let app = TestApp::start();
    with_account(&app).await;
    let fields = [("name", "ada"), ("password", PASSWORD)];
    let first = browser(&app)
        .submit("/sign-in", &fields)
        .await
        .expect_status(303)
        .cookie();
    let victim = browser(&app).with("cookie", &first);
    let second = victim
        .submit("/sign-in", &fields)
        .await
        .expect_status(303)
        .cookie();
    assert_ne!(first, second);
    victim
        .get("/api/v1/whoami")
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn disabling_an_account_ends_its_sessions_with_the_next_request() {
    let app = TestApp::start();
    with_account(&app).await;
    let fields = [("name", "ada"), ("password", PASSWORD)];
    let cookie = browser(&app)
        .submit("/sign-in", &fields)
        .await
        .expect_status(303)
        .cookie();
    let person = app.anonymous().with("cookie", &cookie);
    person.get("/api/v1/whoami").await.expect_status(200);
    let disabled = json!({"disabled": true});
    app.bootstrap()
        .patch("/api/v1/accounts/ada", &disabled)
        .await
        .expect_status(200);
    person
        .get("/api/v1/whoami")
        .await
        .expect_problem(401, "unauthenticated");
    browser(&app).submit("/sign-in", &fields).await.expect_status(422);
}

#[tokio::test]
async fn guessing_is_slowed_whatever_the_spelling_and_the_claimed_address() {
    let app = TestApp::start();
    with_account(&app).await;
    let mut evaluated = 0;
    for (number, name) in ["ada", "Ada", " ada ", "ADA", "ada", "aDa"]
        .iter()
        .cycle()
        .take(24)
        .enumerate()
    {
        let spoofed = browser(&app).with("x-forwarded-for", &format!("203.0.113.{number}"));
        let reply = spoofed
            .submit("/sign-in", &[("name", name), ("password", "wrong")])
            .await;
        match reply.status.as_u16() {
            422 => evaluated += 1,
            429 => assert!(reply.header("retry-after").is_some()),
            other => panic!("{other}: {}", reply.body),
        }
    }
    assert!(evaluated <= 5, "{evaluated} guesses were evaluated");
    // A link still signs in: nobody is locked out.
    browser(&app)
        .submit(&link_for(&app, &["--account", "ada"]), &[])
        .await
        .expect_status(303);
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let app = TestApp::start_with(&[("ROTA_PUBLIC_URL", "https://rota.example.com")]);
    let link = link(&app).replace("https://rota.example.com", &app.local_url());
    let signed_in = app
        .anonymous()
        .with("origin", "https://rota.example.com")
        .submit(&link, &[])
        .await;
    let cookie = signed_in.expect_status(303);
    let cookie = cookie.header("set-cookie").unwrap();
    for part in ["__Host-rota=", "Secure", "HttpOnly", "SameSite=", "Path=/"] {
        assert!(cookie.contains(part), "{part} is missing: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
