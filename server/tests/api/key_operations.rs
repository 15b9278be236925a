//! What programs do with keys: contexts, batches, and how each operation is told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::keys::{PLAIN, decrypt, encrypt, key, operation};

#[tokio::test]
async fn a_ciphertext_opens_in_its_context_and_nowhere_else() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    key(&actor, "other").await;
    let sealed = operation(
        &actor,
        "orders",
        "encrypt",
        json!({"plaintext": PLAIN, "context": "row 7"}),
    )
    .await
    .expect_status(200);
    let ciphertext = sealed.text("/ciphertext").to_owned();
    let with = |context: Value| json!({"ciphertext": ciphertext, "context": context});
    operation(&actor, "orders", "decrypt", with(json!("row 7")))
        .await
        .expect_status(200);
    for wrong in [json!("row 8"), json!(""), Value::Null] {
        operation(&actor, "orders", "decrypt", with(wrong))
            .await
            .expect_problem(422, "ciphertext_invalid");
    }
    operation(&actor, "other", "decrypt", with(json!("row 7")))
        .await
        .expect_problem(422, "ciphertext_invalid");
    let bytes = STANDARD.decode(&ciphertext).unwrap();
    let mut wrong = vec![
        String::new(),
        "AAEC".to_owned(),
        "no base64".to_owned(),
        ciphertext.trim_end_matches('=').to_owned() + "\n",
    ];
    for position in [0, 4, 10, 60, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        wrong.push(STANDARD.encode(changed));
    }
    wrong.push(STANDARD.encode(&bytes[..bytes.len() - 1]));
    for ciphertext in wrong {
        let reply = operation(
            &actor,
            "orders",
            "decrypt",
            json!({"ciphertext": ciphertext, "context": "row 7"}),
        )
        .await;
        reply.expect_problem(422, "ciphertext_invalid");
        operation(
            &actor,
            "orders",
            "rewrap",
            json!({"ciphertext": ciphertext.get(1..).unwrap_or("x")}),
        )
        .await
        .expect_problem(422, "ciphertext_invalid");
    }
    operation(&actor, "orders", "encrypt", json!({"plaintext": "not base64"}))
        .await
        .expect_problem(422, "invalid");
    operation(&actor, "orders", "encrypt", json!({}))
        .await
        .expect_problem(422, "invalid");
    for path in ["encrypt", "data-key"] {
        operation(
            &actor,
            "absent",
            path,
            json!({"plaintext": PLAIN})
                .as_object()
                .filter(|_| path == "encrypt")
                .map_or(json!({}), |body| json!(body)),
        )
        .await
        .expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_an_error_for_each_item_that_fails() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let sealed = operation(
        &actor,
        "orders",
        "encrypt",
        json!({"batch": [{"plaintext": "AA=="}, {"plaintext": "?"}, {"plaintext": "AQ==", "context": "c"}]}),
    )
    .await
    .expect_status(200)
    .json();
    assert_eq!(sealed["items"][1]["error"]["code"], "invalid");
    let of = |index: usize| sealed["items"][index]["ciphertext"].clone();
    let opened = operation(
        &actor,
        "orders",
        "decrypt",
        json!({"batch": [{"ciphertext": of(2), "context": "c"}, {"ciphertext": of(2)}, {"ciphertext": of(0)}]}),
    )
    .await
    .expect_status(200)
    .json();
    assert_eq!(opened["items"][0]["plaintext"], "AQ==");
    assert_eq!(opened["items"][1]["error"]["code"], "ciphertext_invalid");
    assert_eq!(opened["items"][2]["plaintext"], "AA==");
    let rewrapped = operation(
        &actor,
        "orders",
        "rewrap",
        json!({"batch": [{"ciphertext": "x"}, {"ciphertext": of(0)}]}),
    )
    .await
    .expect_status(200)
    .json();
    assert_eq!(rewrapped["items"][0]["error"]["code"], "ciphertext_invalid");
    assert_eq!(rewrapped["items"][1]["version"], 1);
    let keys = operation(
        &actor,
        "orders",
        "data-key",
        json!({"batch": [{}, {"context": "c", "wrapped_only": true}]}),
    )
    .await
    .expect_status(200)
    .json();
    assert_eq!(
        STANDARD
            .decode(keys["items"][0]["plaintext"].as_str().unwrap())
            .unwrap()
            .len(),
        32
    );
    assert!(keys["items"][1].get("plaintext").is_none());
    let opened = operation(
        &actor,
        "orders",
        "decrypt",
        json!({"ciphertext": keys["items"][1]["ciphertext"], "context": "c"}),
    )
    .await
    .expect_status(200);
    assert_eq!(STANDARD.decode(opened.text("/plaintext")).unwrap().len(), 32);
    let too_many = json!({"batch": vec![json!({"plaintext": ""}); 1_001]});
    operation(&actor, "orders", "encrypt", too_many)
        .await
        .expect_problem(422, "invalid");
    operation(&actor, "orders", "encrypt", json!({"plaintext": "", "batch": []}))
        .await
        .expect_problem(422, "invalid");
    let empty = operation(&actor, "orders", "encrypt", json!({"batch": []}))
        .await
        .expect_status(200);
    assert_eq!(empty.json(), json!({"items": []}));
}

#[tokio::test]
async fn each_operation_stands_in_the_audit_and_in_the_metrics() {
    let app = TestApp::start();
    let actor = app.bootstrap();
    key(&actor, "orders").await;
    let (ciphertext, _) = encrypt(&actor, "orders").await;
    decrypt(&actor, "orders", &ciphertext).await.expect_status(200);
    decrypt(&actor, "orders", "AAEC").await.expect_status(422);
    let entries = actor
        .get("/api/v1/audit?object=key/orders")
        .await
        .expect_status(200)
        .json();
    let told: Vec<(&str, &str, &str)> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["action"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
                entry["detail"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("key.decrypt", "refused", "ciphertext_invalid"),
            ("key.decrypt", "ok", "version 1"),
            ("key.encrypt", "ok", "version 1"),
            ("key.create", "ok", "aes256-gcm, medium"),
        ]
    );
    assert!(!entries.to_string().contains(PLAIN));
    let metrics = actor.get("/metrics").await.expect_status(200).body;
    for series in [
        r#"rota_key_operations_total{key="orders",operation="encrypt",outcome="ok",version="1"} 1"#,
        r#"rota_key_operations_total{key="orders",operation="decrypt",outcome="ok",version="1"} 1"#,
        r#"rota_key_operations_total{key="orders",operation="decrypt",outcome="ciphertext_invalid",version="none"} 1"#,
    ] {
        assert!(metrics.contains(series), "{series}\n{metrics}");
    }
}
