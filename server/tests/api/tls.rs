//! TLS by our own server: who trusts the authority gets in, the cookie is for https only, plain HTTP gets nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use reqwest::Certificate;
use reqwest::header::{ORIGIN, SET_COOKIE, STRICT_TRANSPORT_SECURITY};
use reqwest::redirect::Policy;

use crate::harness::TestApp;

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    assert!(made.status.success(), "openssl {arguments}: {made:?}");
}

/// `ours.pem` signs `server.crt`, for 127.0.0.1; `server.key` is its key, `other.key` is not.
fn make_certificates(folder: &Path) {
    fs::write(folder.join("extensions"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for line in [
        format!(
            "req -x509 {key} -days 2 -subj /CN=ours -keyout ours.key -out ours.pem \
             -addext basicConstraints=critical,CA:TRUE"
        ),
        format!("req {key} -subj /CN=server -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile extensions \
         -out server.crt"
            .to_owned(),
        "genpkey -algorithm ed25519 -out other.key".to_owned(),
    ] {
        openssl(folder, &line);
    }
}

fn client(authority: Option<&Path>) -> reqwest::Client {
    let mut builder = reqwest::Client::builder().redirect(Policy::none()).no_proxy();
    if let Some(authority) = authority {
        let certificate = Certificate::from_pem(&fs::read(authority).unwrap()).unwrap();
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().unwrap()
}

#[tokio::test]
async fn pages_and_programs_are_served_by_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let app = TestApp::start_with(&[
        ("ROTA_TLS_CERT", &path("server.crt")),
        ("ROTA_TLS_KEY", &path("server.key")),
    ]);
    let url = app.url.replace("http://", "https://");
    let trusting = client(Some(&folder.path().join("ours.pem")));

    let health = trusting.get(format!("{url}/healthz")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let strict = health.headers()[STRICT_TRANSPORT_SECURITY].to_str().unwrap();
    assert!(strict.starts_with("max-age="), "{strict}");

    let refused = client(None).get(format!("{url}/healthz")).send().await;
    assert!(refused.unwrap_err().is_connect(), "nobody vouches for it");
    let plain = client(None).get(format!("{}/healthz", app.url)).send().await;
    assert!(plain.is_err(), "plain HTTP was answered: {plain:?}");

    let link = app.run(&["admin", "sign-in-link"]);
    let link = String::from_utf8(link.stdout).unwrap();
    assert!(link.starts_with(&url), "{link}");
    let signed_in = trusting
        .post(link.trim())
        .header(ORIGIN, &url)
        .form(&[("", "")])
        .send()
        .await
        .unwrap();
    assert_eq!(signed_in.status(), 303);
    let cookie = signed_in.headers()[SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-rota=") && cookie.contains("Secure"),
        "{}",
        cookie.split_once('=').map_or("", |(_, attributes)| attributes)
    );
}

#[tokio::test]
async fn a_key_of_another_certificate_is_told_before_anything_listens() {
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let app = TestApp::start();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (certificate, key, says) in [
        ("server.crt", "other.key", "cannot be used together"),
        ("extensions", "server.key", "ROTA_TLS_CERT"),
        ("server.crt", "absent.key", "ROTA_TLS_KEY"),
    ] {
        let variables = [("ROTA_TLS_CERT", path(certificate)), ("ROTA_TLS_KEY", path(key))];
        let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
        let output = app.run_with(folder.path(), &variables, &["serve"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && said.contains(says),
            "{certificate} {key}: {said}"
        );
    }
}
