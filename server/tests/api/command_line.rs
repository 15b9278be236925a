//! The command line: what it refuses, and what it prints.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::TestApp;

#[tokio::test]
async fn the_audit_is_verified_beside_a_running_server_and_from_a_file() {
    let app = TestApp::start();
    app.bootstrap()
        .post("/api/v1/freezes", &json!({"reason": "test"}))
        .await
        .expect_status(201);
    let output = app.run(&["audit", "verify"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let entries = app
        .bootstrap()
        .get("/api/v1/audit?limit=500")
        .await
        .expect_status(200)
        .json();
    let mut lines: Vec<String> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.reverse();
    let file = app.folder().join("audit.jsonl");
    let name = file.to_str().unwrap();
    std::fs::write(&file, lines.join("\n")).unwrap();
    assert!(app.run(&["audit", "verify", "--file", name]).status.success());

    let last = lines.last_mut().unwrap();
    *last = last.replace("freeze", "breeze");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = app.run(&["audit", "verify", "--file", name]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains(&format!("entry {}", lines.len())), "{words}");
}

#[test]
fn a_second_server_on_the_same_database_is_refused() {
    let app = TestApp::start();
    let output = app.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("another Rota"), "{words}");
    let output = app.run(&["migrate"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_missing_root_key_beside_sealed_data_creates_nothing() {
    let app = TestApp::start();
    let (code, folder) = app.stop();
    assert_eq!(code, Some(0));
    let key = folder.path().join("root.key");
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let app = TestApp::start_with(&[]);
    let refused = app.run_in(folder.path(), &["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("Nothing was created"), "{words}");
    assert!(!key.exists());

    std::fs::write(&key, vec![7; kept.len()]).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(
        app.run_in(folder.path(), &["serve"]).status.code(),
        Some(1),
        "another key"
    );
    std::fs::write(&key, kept).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = app.run_in(folder.path(), &["serve"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("chmod 600"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (code, _folder) = TestApp::start_in(folder, &[]).stop();
    assert_eq!(code, Some(0));
}

#[test]
fn wrong_settings_are_refused_with_a_sentence_and_code_2() {
    let app = TestApp::start();
    let folder = tempfile::tempdir().unwrap();
    for (variable, value, words) in [
        ("ROTA_LISTEN", "0.0.0.0:3000", "ROTA_TLS_CERT"),
        ("ROTA_BOOTSTRAP_TOKEN", "short", "at least 32"),
        ("ROTA_PUBLIC_URL", "ftp://rota.example.com", "https://"),
        ("ROTA_BOOTSTRAP_TOKEN_FILE", "/nonexistent", "both set"),
    ] {
        let output = app.run_with(folder.path(), &[(variable, value)], &["serve"]);
        assert_eq!(output.status.code(), Some(2), "{variable}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(words), "{variable}: {said}");
        assert!(
            !said.contains(value) || variable != "ROTA_BOOTSTRAP_TOKEN",
            "a secret is repeated: {said}"
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is made by a refused start"
    );
}

#[test]
fn a_passphrase_opens_what_it_sealed_and_another_does_not() {
    let right = [("ROTA_ROOT_PASSPHRASE", "correct horse battery staple")];
    let app = TestApp::start_with(&right);
    assert!(!app.folder().join("root.key").exists());
    let (_, folder) = app.stop();
    let app = TestApp::start();
    let wrong = [("ROTA_ROOT_PASSPHRASE", "incorrect horse battery staple")];
    let refused = app.run_with(folder.path(), &wrong, &["serve"]);
    assert_eq!(refused.status.code(), Some(1));
    let (code, _folder) = TestApp::start_in(folder, &right).stop();
    assert_eq!(code, Some(0));
}
