//! Roots of trust in machines of their own: a PKCS#11 token, and AWS KMS.

use std::time::Duration;

use serde_json::{Value, json};
use testing::{Moto, SoftHsm};

use crate::harness::TestApp;

/// Asks until it is so; what is waited for is the server's own doing.
async fn until_ready(app: &TestApp, status: u16) {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let answered = async {
        loop {
            ticks.tick().await;
            if app.anonymous().get("/readyz").await.status.as_u16() == status {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), answered).await;
    assert!(waited.is_ok(), "{status} was waited for: {}", app.log());
}

async fn root_of(app: &TestApp) -> Value {
    app.bootstrap()
        .get("/api/v1/root")
        .await
        .expect_status(200)
        .json()
}

struct TokenSettings {
    configuration: String,
    module: String,
}

impl TokenSettings {
    fn of(hsm: &SoftHsm) -> Self {
        Self {
            configuration: hsm.configuration().display().to_string(),
            module: hsm.module().display().to_string(),
        }
    }

    fn variables<'a>(&'a self, pin: &'a str) -> Vec<(&'static str, &'a str)> {
        vec![
            ("SOFTHSM2_CONF", &self.configuration),
            ("ROTA_ROOT", "pkcs11"),
            ("ROTA_PKCS11_MODULE", &self.module),
            ("ROTA_PKCS11_TOKEN", SoftHsm::TOKEN),
            ("ROTA_PKCS11_PIN", pin),
        ]
    }
}

#[tokio::test]
async fn a_token_wraps_the_keys_and_its_own_key_never_leaves_it() {
    let hsm = SoftHsm::start();
    let settings = TokenSettings::of(&hsm);
    let app = TestApp::start_with(&settings.variables(SoftHsm::PIN));
    let root = root_of(&app).await;
    assert_eq!((&root["kind"], &root["remote"]), (&json!("pkcs11"), &json!(true)));
    assert!(root["root"].as_str().unwrap().contains("token rota"), "{root}");
    assert!(!app.folder().join("root.key").exists());
    let metrics = app.bootstrap().get("/metrics").await.body;
    assert!(
        metrics.contains(r#"rota_root_operations_total{kind="pkcs11",operation="wrap",outcome="ok"} 5"#),
        "{metrics}"
    );
    app.bootstrap()
        .post("/api/v1/seal", &json!({"reason": "drill"}))
        .await
        .expect_status(200);
    app.bootstrap()
        .post("/api/v1/unseal", &json!({}))
        .await
        .expect_status(200);
    let (_, folder) = app.stop();

    // A wrong PIN is told, and not tried until the token is locked.
    let other = TestApp::start();
    let output = other.run_with(folder.path(), &settings.variables("000000"), &["serve"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains("PIN"), "{words}");

    // Without its token it starts sealed, and opens by itself when the token is back.
    hsm.plug(false);
    let app = TestApp::start_in(folder, &settings.variables(SoftHsm::PIN));
    app.anonymous().get("/readyz").await.expect_problem(503, "sealed");
    hsm.plug(true);
    until_ready(&app, 200).await;
}

#[tokio::test]
async fn a_key_file_is_left_for_a_token() {
    let hsm = SoftHsm::start();
    let settings = TokenSettings::of(&hsm);
    let next = settings
        .variables(SoftHsm::PIN)
        .into_iter()
        .map(|(name, value)| match name {
            "ROTA_ROOT" => ("ROTA_NEXT_ROOT", value),
            "ROTA_PKCS11_MODULE" => ("ROTA_NEXT_PKCS11_MODULE", value),
            "ROTA_PKCS11_TOKEN" => ("ROTA_NEXT_PKCS11_TOKEN", value),
            "ROTA_PKCS11_PIN" => ("ROTA_NEXT_PKCS11_PIN", value),
            other => (other, value),
        });
    let app = TestApp::start_with(&next.collect::<Vec<_>>());
    let administrator = app.bootstrap();
    let begin = json!({"to": "next", "reason": "an HSM"});
    let begun = administrator
        .post("/api/v1/root/migrations", &begin)
        .await
        .expect_status(201);
    let id = begun.text("/migration/id");
    for step in ["verify", "finalise"] {
        let path = format!("/api/v1/root/migrations/{id}/{step}");
        administrator.post(&path, &json!({})).await.expect_status(200);
    }
    assert_eq!(root_of(&app).await["kind"], "pkcs11");
    let (_, folder) = app.stop();
    std::fs::remove_file(folder.path().join("root.key")).unwrap();
    let app = TestApp::start_in(folder, &settings.variables(SoftHsm::PIN));
    app.anonymous().get("/readyz").await.expect_status(200);
}

#[tokio::test]
async fn keys_outlive_a_silent_kms_for_the_grace_then_it_is_refused_fast_and_comes_back() {
    let moto = Moto::start();
    let made = moto.ask("kms", "TrentService.CreateKey", "{}");
    let body: Value = serde_json::from_str(made.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let key = body["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let endpoint = moto.url();
    let variables = [
        ("ROTA_ROOT", "aws-kms"),
        ("ROTA_KMS_KEY", key.as_str()),
        ("ROTA_KMS_REGION", "us-east-1"),
        ("ROTA_KMS_ENDPOINT", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test-secret"),
        ("ROTA_ROOT_GRACE", "PT3S"),
    ];
    let app = TestApp::start_with(&variables);
    assert_eq!(root_of(&app).await["kind"], "aws-kms");
    until_ready(&app, 200).await;
    moto.set_silent(true);
    app.anonymous().get("/readyz").await.expect_status(200);
    until_ready(&app, 503).await;
    let asked = app.anonymous();
    tokio::time::timeout(Duration::from_secs(1), asked.get("/readyz"))
        .await
        .expect("refused at once, without asking KMS")
        .expect_problem(503, "sealed");
    let metrics = app.bootstrap().get("/metrics").await.body;
    assert!(metrics.contains(r#"outcome="away""#), "{metrics}");
    moto.set_silent(false);
    until_ready(&app, 200).await;
    let (_, folder) = app.stop();
    let other = moto.ask("kms", "TrentService.CreateKey", "{}");
    let body: Value = serde_json::from_str(other.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let other = body["KeyMetadata"]["Arn"].as_str().unwrap();
    let mut wrong = variables;
    wrong[1].1 = other;
    let app = TestApp::start();
    let output = app.run_with(folder.path(), &wrong, &["serve"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("sealed under"));
}
