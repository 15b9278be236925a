//! What a core of the process shows (R20): taken by root with gdb's gcore, as somebody would who took over the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keyring::{KeyId, KeyVersion, RootKey, SecretBytes};
use serde_json::json;

use crate::harness::{BOOTSTRAP_TOKEN, TestApp};

/// The bytes of a core of this process. A missing gdb fails the test: `make test` installs it.
fn core_of(app: &TestApp, name: &str) -> Vec<u8> {
    let file = app.folder().join(name);
    let output = Command::new("gcore")
        .args(["-a", "-o", file.to_str().unwrap(), &app.process().to_string()])
        .output()
        .expect("gcore of Debian's package gdb");
    let core = app.folder().join(format!("{name}.{}", app.process()));
    let bytes = std::fs::read(&core).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    std::fs::remove_file(&core).unwrap();
    assert!(bytes.len() > 1_000_000, "a whole core");
    bytes
}

const PAGE: usize = 4_096;
const EMPTY: [u8; PAGE] = [0; PAGE];

/// How often each of these bytes stands in a core. One pass: a core has hundreds of megabytes.
fn found<'name>(core: &[u8], secrets: &'name BTreeMap<String, Vec<u8>>) -> BTreeMap<&'name str, usize> {
    let mut may_begin = vec![false; 1 << 16];
    let begins = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    for secret in secrets.values() {
        may_begin[begins(secret)] = true;
    }
    let zero_begins = may_begin[..256].contains(&true);
    let mut counts = BTreeMap::new();
    for (number, page) in core.chunks(PAGE).enumerate() {
        // Most of a core was never touched.
        if page == &EMPTY[..page.len()] && !zero_begins {
            continue;
        }
        for at in number * PAGE..(number * PAGE + page.len()).min(core.len() - 1) {
            if !may_begin[begins(&core[at..])] {
                continue;
            }
            for (name, _) in secrets
                .iter()
                .filter(|(_, secret)| core[at..].starts_with(secret))
            {
                *counts.entry(name.as_str()).or_default() += 1;
            }
        }
    }
    counts
}

/// The root key and every wrapping key, as the files and the store have them.
async fn keys_of(app: &TestApp) -> BTreeMap<String, Vec<u8>> {
    let root_key = std::fs::read(app.folder().join("root.key")).unwrap();
    let mut keys = BTreeMap::from([("root key".to_owned(), root_key.clone())]);
    let root_key = RootKey::from_bytes(&SecretBytes::new(root_key)).unwrap();
    let url = format!("sqlite://{}?mode=ro", app.folder().join("rota.db").display());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let wrapped: Vec<(String, Vec<u8>)> =
        sqlx::query_as("select key, value from setting where key like 'wrapping_key.%version.%'")
            .fetch_all(&pool)
            .await
            .unwrap();
    for (setting, wrapped) in wrapped {
        let class = setting
            .strip_prefix("wrapping_key.class.")
            .and_then(|rest| rest.split('.').next());
        let id = class.map_or("rota.store".to_owned(), |class| format!("rota.class.{class}"));
        let key = root_key.open_wrapping_key(&KeyId::parse(&id).unwrap(), KeyVersion::FIRST, &wrapped);
        keys.insert(setting, key.unwrap().expose_bytes().to_vec());
    }
    pool.close().await;
    assert_eq!(keys.len(), 6, "the root key and five wrapping keys");
    keys
}

fn status_of(app: &TestApp, field: &str) -> String {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(app.process().to_string()).join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap_or_default().trim().to_owned()
}

#[tokio::test]
async fn a_core_shows_no_key_after_sealing_and_nothing_of_requests_that_are_over() {
    let app = TestApp::start_closing();
    let rotated = app.with_credential().await;
    let mut plain = BTreeMap::from([
        (
            "the bootstrap token".to_owned(),
            BOOTSTRAP_TOKEN.as_bytes().to_vec(),
        ),
        (
            "the issuer's password".to_owned(),
            rotated.postgres.password().as_bytes().to_vec(),
        ),
    ]);
    // Every connection closes behind its request.
    for number in 0..50 {
        let name = format!("program-{number}");
        let made = app
            .bootstrap()
            .post("/api/v1/tokens", &json!({"name": name, "role": "viewer"}))
            .await;
        let token = made.expect_status(201).text("/token").to_owned();
        app.holder_of(&token)
            .get("/api/v1/whoami")
            .await
            .expect_status(200);
        plain.insert(format!("token {number}"), token.into_bytes());
    }
    let fetched = rotated
        .consumer
        .get("/api/v1/delivery/orders-app")
        .await
        .expect_status(200);
    plain.insert(
        "a delivered password".to_owned(),
        fetched.text("/values/password").as_bytes().to_vec(),
    );
    let keys = keys_of(&app).await;

    // The bound of R20 itself: one second after the last request nothing of any of them may be left.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let core = core_of(&app, "loaded");
    assert!(
        !found(&core, &keys).is_empty(),
        "the keys are in memory while it serves, so the search finds what is there"
    );
    assert_eq!(
        found(&core, &plain),
        BTreeMap::new(),
        "of {} secrets",
        plain.len()
    );
    drop(core);

    app.bootstrap()
        .post("/api/v1/seal", &json!({"reason": "drill"}))
        .await
        .expect_status(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let core = core_of(&app, "sealed");
    assert_eq!(found(&core, &keys), BTreeMap::new(), "of {} keys", keys.len());
    assert_eq!(found(&core, &plain), BTreeMap::new());

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", app.process())).unwrap();
    let core_limit = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core_limit.split_whitespace().nth(4), Some("0"), "{core_limit}");
    assert_ne!(status_of(&app, "VmLck:"), "0 kB", "pages are locked");
    let environment = std::fs::read(format!("/proc/{}/environ", app.process())).unwrap();
    assert!(
        !environment
            .windows(BOOTSTRAP_TOKEN.len())
            .any(|window| window == BOOTSTRAP_TOKEN.as_bytes())
    );
}
