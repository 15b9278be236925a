//! Sealed and open, by the front door and by the command line.

use std::process::Output;

use serde_json::{Value, json};

use crate::harness::TestApp;

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn run(app: &TestApp, arguments: &[&str]) -> String {
    let output = app.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", words(&output));
    words(&output)
}

#[tokio::test]
async fn sealed_it_serves_what_needs_no_key_and_unseals_without_a_restart() {
    let app = TestApp::start();
    let administrator = app.bootstrap();
    let said = run(&app, &["seal", "--reason", "drill"]);
    assert!(said.contains("drill") && said.contains("rota unseal"), "{said}");

    let ready = app.anonymous().get("/readyz").await.expect_problem(503, "sealed");
    assert!(ready.header("retry-after").is_some());
    app.anonymous().get("/healthz").await.expect_status(200);
    for path in [
        "/api/v1/credentials",
        "/api/v1/findings",
        "/api/v1/audit",
        "/api/v1/root",
        "/metrics",
    ] {
        administrator.get(path).await.expect_status(200);
    }
    assert!(administrator.get("/metrics").await.body.contains("rota_sealed 1"));
    for page in ["/", "/credentials", "/settings"] {
        let reply = administrator.get(page).await;
        assert!(reply.status.as_u16() < 400, "{page}: {}", reply.status);
    }
    // What needs a key is refused, and says when to try again.
    let issuer = json!({
        "name": "api", "kind": "http_api_key", "environment": "test",
        "config": {"base_url": "http://127.0.0.1:9"}, "admin": {"token": "secret"}
    });
    let with_key = administrator.with("idempotency-key", "once");
    let refused = with_key
        .post("/api/v1/issuers", &issuer)
        .await
        .expect_problem(503, "sealed");
    assert!(refused.header("retry-after").is_some());

    run(&app, &["unseal"]);
    app.anonymous().get("/readyz").await.expect_status(200);
    let audit = administrator
        .get("/api/v1/audit?action=root")
        .await
        .expect_status(200);
    for action in ["root.seal", "root.unseal"] {
        assert!(audit.body.contains(action), "{}", audit.body);
    }
}

#[tokio::test]
async fn a_root_in_shares_is_unsealed_by_several_people_after_a_restart() {
    let app = TestApp::start();
    let administrator = app.bootstrap();
    let beside = "root_key_beside_database";
    let findings = administrator
        .get("/api/v1/findings")
        .await
        .expect_status(200)
        .body;
    assert!(findings.contains(beside), "{findings}");
    let migrate = [
        "root",
        "migrate",
        "--to",
        "shares",
        "--threshold",
        "2",
        "--shares",
        "3",
        "--reason",
        "people",
    ];
    let said = run(&app, &migrate);
    let shares: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("rota-share-1."))
        .collect();
    assert_eq!(shares.len(), 3, "{said}");
    let status: Value = serde_json::from_str(&run(&app, &["root", "status", "--json"])).unwrap();
    let id = status["migration"]["id"].as_str().unwrap();
    for share in &shares[..2] {
        let file = app.folder().join("share");
        std::fs::write(&file, share).unwrap();
        run(
            &app,
            &["root", "give-share", "--migration", id, "--share", "share"],
        );
    }
    let said = run(&app, &["root", "finalise", "--migration", id]);
    assert!(said.contains("3 shares"), "{said}");
    let findings = administrator
        .get("/api/v1/findings")
        .await
        .expect_status(200)
        .body;
    assert!(
        !findings.contains(beside),
        "the key file is the root no more: {findings}"
    );
    std::fs::remove_file(app.folder().join("root.key")).unwrap();

    let tokens = ["ben", "cleo"].map(|name| json!({"name": name, "role": "operator"}));
    let mut people = Vec::new();
    for token in &tokens {
        let made = administrator
            .post("/api/v1/tokens", token)
            .await
            .expect_status(201);
        people.push(made.text("/token").to_owned());
    }
    let (_, folder) = app.stop();
    let app = TestApp::start_in(folder, &[]);
    app.anonymous().get("/readyz").await.expect_problem(503, "sealed");
    let (ben, cleo) = (app.holder_of(&people[0]), app.holder_of(&people[1]));
    let first = ben
        .post("/api/v1/unseal", &json!({"share": shares[0]}))
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&first["sealed"], &first["gathering"]["given"][0]["by"]),
        (&json!(true), &json!("token:ben"))
    );
    ben.post("/api/v1/unseal", &json!({"share": shares[2]}))
        .await
        .expect_problem(409, "same_person");
    let mistyped = shares[2].replace("rota-share-1.", "rota-share-1.0");
    let wrong = cleo
        .post("/api/v1/unseal", &json!({"share": mistyped}))
        .await
        .expect_problem(422, "invalid");
    assert_eq!(wrong.text("/errors/0/pointer"), "/share");
    assert!(!wrong.body.contains(shares[2]), "{}", wrong.body);
    cleo.post("/api/v1/unseal", &json!({"share": shares[2]}))
        .await
        .expect_status(200);
    app.anonymous().get("/readyz").await.expect_status(200);
    for share in &shares {
        assert!(!app.log().contains(share), "shares are not logged");
    }
}

#[tokio::test]
async fn a_passphrase_is_typed_to_unseal_and_none_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::start_in(folder, &[("ROTA_ROOT_PASSPHRASE", "correct horse battery")]);
    run(&app, &["seal", "--reason", "drill"]);
    let output = app.run(&["unseal"]);
    assert!(
        !output.status.success(),
        "it was wiped when it had opened the keys: {}",
        words(&output)
    );
    let administrator = app.bootstrap();
    let unseal = |passphrase: &str| json!({"passphrase": passphrase});
    let wrong = administrator
        .post("/api/v1/unseal", &unseal("incorrect"))
        .await
        .expect_problem(422, "invalid");
    assert_eq!(wrong.text("/errors/0/pointer"), "/passphrase");
    administrator
        .post("/api/v1/unseal", &unseal("correct horse battery"))
        .await
        .expect_status(200);
    app.anonymous().get("/readyz").await.expect_status(200);
    let (_, folder) = app.stop();
    let app = TestApp::start_in(folder, &[("ROTA_ROOT", "passphrase")]);
    app.anonymous().get("/readyz").await.expect_problem(503, "sealed");
    let typed = unseal("correct horse battery");
    app.bootstrap()
        .post("/api/v1/unseal", &typed)
        .await
        .expect_status(200);
}

#[tokio::test]
async fn a_migration_between_two_key_files_is_prepared_verified_and_finalised() {
    let app = TestApp::start_with(&[("ROTA_NEXT_ROOT_KEY_FILE", "next.key")]);
    let begin = json!({"to": "next", "reason": "yearly"});
    let begun = app
        .bootstrap()
        .post("/api/v1/root/migrations", &begin)
        .await
        .expect_status(201);
    let id = begun.text("/migration/id").to_owned();
    let step = |name: &str| format!("/api/v1/root/migrations/{id}/{name}");
    let administrator = app.bootstrap();
    administrator
        .post(&step("finalise"), &json!({}))
        .await
        .expect_problem(409, "not_verified");
    administrator
        .post(&step("verify"), &json!({}))
        .await
        .expect_status(200);
    let (_, folder) = app.stop();

    // Prepared: it starts under the next one alone, too.
    let app = TestApp::start_in(folder, &[("ROTA_ROOT_KEY_FILE", "next.key")]);
    app.bootstrap()
        .post(&step("finalise"), &json!({}))
        .await
        .expect_status(200);
    let (_, folder) = app.stop();
    let app = TestApp::start_in(folder, &[("ROTA_ROOT_KEY_FILE", "next.key")]);
    app.anonymous().get("/readyz").await.expect_status(200);
    let folder = app.stop().1;
    let app = TestApp::start();
    let output = app.run_in(folder.path(), &["serve"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "the last root opens nothing any more"
    );
    assert!(words(&output).contains("wrong root key"), "{}", words(&output));
}

#[test]
fn a_credential_of_systemd_is_a_root_and_wrong_settings_are_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rota-root-key"), [7; 32]).unwrap();
    let directory = folder.path().to_str().unwrap().to_owned();
    let variables = [
        ("ROTA_ROOT", "systemd"),
        ("CREDENTIALS_DIRECTORY", directory.as_str()),
    ];
    let app = TestApp::start_with(&variables);
    let status = run(&app, &["root", "status"]);
    assert!(status.contains("Open"), "{status}");
    let check = |variables: &[(&str, &str)], expected: &str| {
        let output = app.run_with(tempfile::tempdir().unwrap().path(), variables, &["serve"]);
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        assert!(words(&output).contains(expected), "{}", words(&output));
    };
    check(&[("ROTA_ROOT", "systemd")], "CREDENTIALS_DIRECTORY");
    check(
        &[("ROTA_ROOT", "shares"), ("ROTA_ROOT_KEY_FILE", "k")],
        "both set",
    );
    check(&[("ROTA_NEXT_ROOT", "file")], "ROTA_NEXT_ROOT_KEY_FILE");
    let output = app.run_with(
        tempfile::tempdir().unwrap().path(),
        &[("ROTA_ROOT", "shares")],
        &["serve"],
    );
    assert!(words(&output).contains("rota root migrate"), "{}", words(&output));
}
