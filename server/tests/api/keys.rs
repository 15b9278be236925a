//! Keys by the front door: made, used, rotated, suspended and revoked.

use serde_json::{Value, json};

use crate::harness::{Actor, Reply, TestApp};

pub(crate) const PLAIN: &str = "aHVudGVyMg==";

pub(crate) async fn key(actor: &Actor, name: &str) -> Reply {
    actor
        .post("/api/v1/keys", &json!({"name": name, "algorithm": "aes256-gcm"}))
        .await
        .expect_status(201)
}

pub(crate) async fn operation(actor: &Actor, name: &str, operation: &str, body: Value) -> Reply {
    actor
        .post(&format!("/api/v1/keys/{name}/{operation}"), &body)
        .await
}

pub(crate) async fn encrypt(actor: &Actor, name: &str) -> (String, u64) {
    let reply = operation(actor, name, "encrypt", json!({"plaintext": PLAIN}))
        .await
        .expect_status(200)
        .json();
    (
        reply["ciphertext"].as_str().unwrap().to_owned(),
        reply["version"].as_u64().unwrap(),
    )
}

pub(crate) async fn decrypt(actor: &Actor, name: &str, ciphertext: &str) -> Reply {
    operation(actor, name, "decrypt", json!({"ciphertext": ciphertext})).await
}

pub(crate) async fn rotate(actor: &Actor, name: &str) -> Reply {
    operation(actor, name, "rotate", json!({"reason": "test", "confirm": true})).await
}

pub(crate) async fn move_to(actor: &Actor, name: &str, number: u64, state: &str) -> Reply {
    actor
        .patch(
            &format!("/api/v1/keys/{name}/versions/{number}"),
            &json!({"state": state, "reason": "test"}),
        )
        .await
}

pub(crate) fn states(key: &Value) -> Vec<&str> {
    let versions = key["versions"].as_array().unwrap().iter();
    versions
        .map(|version| version["state"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_key_encrypts_decrypts_rotates_and_rewraps() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    let made = key(&actor, "orders").await;
    assert_eq!(made.header("location"), Some("/api/v1/keys/orders"));
    assert_eq!(states(&made.json()), ["active"]);
    assert_eq!(made.json()["versions"][0]["number"], 1);
    actor
        .post(
            "/api/v1/keys",
            &json!({"name": "orders", "algorithm": "aes256-gcm"}),
        )
        .await
        .expect_problem(409, "name_taken");

    let (old, version) = encrypt(&actor, "orders").await;
    let (again, _) = encrypt(&actor, "orders").await;
    assert_eq!(version, 1);
    assert_ne!(old, again, "the same plaintext twice is two ciphertexts");
    let opened = decrypt(&actor, "orders", &old).await.expect_status(200).json();
    assert_eq!(opened, json!({"plaintext": PLAIN, "version": 1}));

    // It was used, so it is not drained by being replaced.
    let plain = json!({"reason": "yearly"});
    let rotated = operation(&actor, "orders", "rotate", plain.clone())
        .await
        .expect_status(200)
        .json();
    assert_eq!(states(&rotated), ["deprecated", "active"]);
    operation(&actor, "orders", "rotate", plain)
        .await
        .expect_problem(409, "not_drained");
    operation(&actor, "orders", "rotate", json!({"reason": ""}))
        .await
        .expect_problem(422, "invalid");

    let opened = decrypt(&actor, "orders", &old).await.expect_status(200).json();
    assert_eq!(
        (opened["version"].clone(), opened["rewrap_recommended"].clone()),
        (json!(1), json!(true))
    );
    let rewrapped = opened["ciphertext"].as_str().unwrap();
    let opened = decrypt(&actor, "orders", rewrapped)
        .await
        .expect_status(200)
        .json();
    assert_eq!(opened, json!({"plaintext": PLAIN, "version": 2}));
    let moved = operation(&actor, "orders", "rewrap", json!({"ciphertext": old}))
        .await
        .expect_status(200)
        .json();
    assert_eq!(moved["version"], 2);
    let opened = decrypt(&actor, "orders", moved["ciphertext"].as_str().unwrap())
        .await
        .expect_status(200);
    assert_eq!(opened.text("/plaintext"), PLAIN);

    let seen = actor.get("/api/v1/keys/orders").await.expect_status(200).json();
    assert_eq!(seen["versions"][0]["uses"], 2, "{seen:#}");
    assert_eq!(seen["versions"][1]["uses"], 2, "{seen:#}");
    assert_eq!(seen["active_version"], 2);
    let list = actor.get("/api/v1/keys").await.expect_status(200).json();
    assert_eq!(list["items"][0]["name"], "orders");
}

#[tokio::test]
async fn the_state_of_a_version_decides_what_it_does() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let (first, _) = encrypt(&actor, "orders").await;

    // Suspended: nothing, until it comes back.
    move_to(&actor, "orders", 1, "suspended").await.expect_status(200);
    for (name, body) in [
        ("encrypt", json!({"plaintext": PLAIN})),
        ("decrypt", json!({"ciphertext": first})),
        ("rewrap", json!({"ciphertext": first})),
        ("data-key", json!({})),
    ] {
        operation(&actor, "orders", name, body)
            .await
            .expect_problem(409, "key_version_unusable");
    }
    move_to(&actor, "orders", 1, "active").await.expect_status(200);
    decrypt(&actor, "orders", &first).await.expect_status(200);

    // Revoked: a successor seals in the same moment, and the version opens nothing, until that is taken back.
    let moved = move_to(&actor, "orders", 1, "revoked")
        .await
        .expect_status(200)
        .json();
    assert_eq!(states(&moved), ["revoked", "active"]);
    assert_eq!(encrypt(&actor, "orders").await.1, 2);
    decrypt(&actor, "orders", &first)
        .await
        .expect_problem(409, "key_version_unusable");
    operation(&actor, "orders", "rewrap", json!({"ciphertext": first}))
        .await
        .expect_problem(409, "key_version_unusable");
    move_to(&actor, "orders", 1, "active")
        .await
        .expect_problem(409, "illegal_move");
    move_to(&actor, "orders", 1, "deprecated")
        .await
        .expect_status(200);
    decrypt(&actor, "orders", &first).await.expect_status(200);

    // What was just opened is still needed; revoked first, it is given up.
    move_to(&actor, "orders", 1, "destroyed")
        .await
        .expect_problem(409, "in_use");
    move_to(&actor, "orders", 2, "destroyed")
        .await
        .expect_problem(409, "illegal_move");
    let operator = app.program("operator").await;
    move_to(&actor, "orders", 1, "revoked").await.expect_status(200);
    move_to(&operator, "orders", 1, "destroyed")
        .await
        .expect_problem(403, "forbidden");
    move_to(&actor, "orders", 1, "destroyed")
        .await
        .expect_problem(409, "needs_approval");
    move_to(&actor, "orders", 9, "revoked")
        .await
        .expect_problem(404, "not_found");

    // A version that was never used: nothing can be missed, and asking twice is no mistake.
    key(&actor, "unused").await;
    rotate(&actor, "unused").await.expect_status(200);
    for _ in 0..2 {
        let moved = move_to(&actor, "unused", 1, "destroyed")
            .await
            .expect_status(200)
            .json();
        assert_eq!(states(&moved), ["destroyed", "active"]);
        assert!(moved["versions"][0]["destroyed_at"].is_string());
    }
    move_to(&actor, "unused", 1, "deprecated")
        .await
        .expect_problem(409, "illegal_move");
}

#[tokio::test]
async fn only_those_whom_the_policy_names_use_a_key() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    let shop = app.consumer("shop").await;
    let operator = app.program("operator").await;
    let viewer = app.program("viewer").await;
    let body = json!({"name": "orders", "algorithm": "aes256-gcm", "callers": ["shop"]});
    actor.post("/api/v1/keys", &body).await.expect_status(201);
    key(&actor, "open").await;
    encrypt(&shop, "orders").await;
    for (stranger, name) in [
        (&operator, "orders"),
        (&viewer, "orders"),
        (&shop, "open"),
        (&viewer, "open"),
        (&shop, "absent"),
    ] {
        operation(stranger, name, "encrypt", json!({"plaintext": PLAIN}))
            .await
            .expect_problem(403, "forbidden");
    }
    let changed = actor
        .patch(
            "/api/v1/keys/orders",
            &json!({"callers": ["test-operator"], "rotate_every": null}),
        )
        .await
        .expect_status(200)
        .json();
    assert!(changed.get("rotate_every").is_none());
    encrypt(&operator, "orders").await;
    operation(&shop, "orders", "encrypt", json!({"plaintext": PLAIN}))
        .await
        .expect_problem(403, "forbidden");
    actor
        .patch(
            "/api/v1/keys/orders",
            &json!({"exportable": true, "grace": "P300000D"}),
        )
        .await
        .expect_problem(422, "invalid");
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_although_tokens_are_remembered() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let made = actor
        .post("/api/v1/tokens", &json!({"name": "shop", "role": "operator"}))
        .await
        .expect_status(201);
    let shop = app.holder_of(made.text("/token"));
    encrypt(&shop, "orders").await;
    encrypt(&shop, "orders").await;
    actor
        .delete(&format!("/api/v1/tokens/{}", made.text("/id")))
        .await;
    operation(&shop, "orders", "encrypt", json!({"plaintext": PLAIN}))
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_clients_that_rotate_one_key_at_once_lose_nothing() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let actor = actor.clone();
        clients.spawn(async move {
            let mut sealed = Vec::new();
            for _ in 0..5 {
                sealed.push(encrypt(&actor, "orders").await);
                rotate(&actor, "orders").await.expect_status(200);
                sealed.push(encrypt(&actor, "orders").await);
            }
            sealed
        });
    }
    let sealed: Vec<_> = clients.join_all().await.into_iter().flatten().collect();
    assert_eq!(sealed.len(), 320);
    for (ciphertext, version) in &sealed {
        let opened = decrypt(&actor, "orders", ciphertext)
            .await
            .expect_status(200)
            .json();
        assert_eq!(
            (&opened["plaintext"], opened["version"].as_u64()),
            (&json!(PLAIN), Some(*version))
        );
    }
    let seen = actor.get("/api/v1/keys/orders").await.expect_status(200).json();
    let numbers: Vec<u64> = seen["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(
        states(&seen).iter().filter(|state| **state == "active").count(),
        1
    );
    app.run(&["audit", "verify"]);
}

#[tokio::test]
async fn what_was_encrypted_and_counted_survives_a_kill() {
    let mut app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let (ciphertext, _) = encrypt(&actor, "orders").await;
    let head = actor
        .get("/api/v1/audit/checkpoint")
        .await
        .expect_status(200)
        .json();
    let folder = app.kill();
    let app = TestApp::start_in(folder, &[]);
    let actor = app.bootstrap();
    let opened = decrypt(&actor, "orders", &ciphertext).await.expect_status(200);
    assert_eq!(opened.text("/plaintext"), PLAIN);
    let after = actor
        .get("/api/v1/audit/checkpoint")
        .await
        .expect_status(200)
        .json();
    assert!(
        after["sequence"].as_i64() > head["sequence"].as_i64(),
        "entries written before the kill are there"
    );
    let (_, version) = encrypt(&actor, "orders").await;
    assert_eq!(version, 1);
}
