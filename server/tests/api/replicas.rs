//! Three servers on one PostgreSQL: what one decides about a key or a token, all obey within a second (KEY-8, KEY-12).

use std::time::Duration;

use serde_json::{Value, json};
use testing::Postgres;
use tokio::time::Instant;

use crate::harness::{Actor, Reply, TestApp};

const PLAIN: &str = "aHVudGVyMg==";

struct Three {
    apps: Vec<TestApp>,
    _postgres: Postgres,
}

impl Three {
    fn start() -> Self {
        let postgres = Postgres::start();
        let url = postgres.url();
        let variables = [
            ("ROTA_DATABASE_URL", url.as_str()),
            ("ROTA_ROOT_PASSPHRASE", "three servers share one root"),
        ];
        let apps = (0..3).map(|_| TestApp::start_with(&variables)).collect();
        Self {
            apps,
            _postgres: postgres,
        }
    }

    fn actors(&self) -> Vec<Actor> {
        self.apps.iter().map(TestApp::bootstrap).collect()
    }
}

async fn encrypt(actor: &Actor) -> Reply {
    actor
        .post("/api/v1/keys/orders/encrypt", &json!({"plaintext": PLAIN}))
        .await
}

async fn decrypt(actor: &Actor, ciphertext: &Value) -> Reply {
    actor
        .post("/api/v1/keys/orders/decrypt", &json!({"ciphertext": ciphertext}))
        .await
}

async fn move_to(actor: &Actor, number: u32, state: &str) {
    let body = json!({"state": state, "reason": "test"});
    actor
        .patch(&format!("/api/v1/keys/orders/versions/{number}"), &body)
        .await
        .expect_status(200);
}

/// Asks until it answers so; gives how long that took.
async fn until<F, Asked>(status: u16, mut ask: F) -> Duration
where
    F: FnMut() -> Asked,
    Asked: Future<Output = Reply>,
{
    let began = Instant::now();
    loop {
        let reply = ask().await;
        if reply.status == status {
            return began.elapsed();
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "still {}: {}",
            reply.status,
            reply.body
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_decides_about_a_key_all_obey_within_a_second() {
    let three = Three::start();
    let actors = three.actors();
    let made = json!({"name": "orders", "algorithm": "aes256-gcm"});
    actors[0].post("/api/v1/keys", &made).await.expect_status(201);
    let mut sealed = Vec::new();
    for actor in &actors {
        sealed.push(encrypt(actor).await.expect_status(200).json()["ciphertext"].clone());
    }
    for actor in &actors {
        for ciphertext in &sealed {
            decrypt(actor, ciphertext).await.expect_status(200);
        }
    }
    let second = Duration::from_secs(1);

    move_to(&actors[0], 1, "suspended").await;
    encrypt(&actors[0])
        .await
        .expect_problem(409, "key_version_unusable");
    for actor in &actors[1..] {
        let took = until(409, || encrypt(actor)).await;
        assert!(took < second, "suspended, and obeyed after {took:?}");
        decrypt(actor, &sealed[0])
            .await
            .expect_problem(409, "key_version_unusable");
    }
    move_to(&actors[1], 1, "active").await;
    for actor in &actors {
        until(200, || encrypt(actor)).await;
    }

    // Active everywhere when it answers.
    let rotate = json!({"reason": "test", "confirm": true});
    actors[2]
        .post("/api/v1/keys/orders/rotate", &rotate)
        .await
        .expect_status(200);
    for actor in &actors {
        let reply = encrypt(actor).await.expect_status(200).json();
        // Heard of is read anew; at most the switch itself is still on its way.
        let ciphertext = reply["ciphertext"].clone();
        for other in &actors {
            decrypt(other, &ciphertext).await.expect_status(200);
        }
    }

    move_to(&actors[1], 1, "revoked").await;
    for actor in &actors {
        let took = until(409, || decrypt(actor, &sealed[0])).await;
        assert!(took < second, "revoked, and obeyed after {took:?}");
    }

    let token = json!({"name": "shop", "role": "operator"});
    let made = actors[0].post("/api/v1/tokens", &token).await.expect_status(201);
    let shops: Vec<Actor> = three
        .apps
        .iter()
        .map(|app| app.holder_of(made.text("/token")))
        .collect();
    for shop in &shops {
        encrypt(shop).await.expect_status(200);
    }
    let path = format!("/api/v1/tokens/{}", made.text("/id"));
    actors[0].delete(&path).await.expect_status(204);
    for shop in &shops {
        let took = until(401, || encrypt(shop)).await;
        assert!(took < second, "revoked, and obeyed after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_on_three_servers_at_once_lose_nothing() {
    let three = Three::start();
    let actors = three.actors();
    let made = json!({"name": "orders", "algorithm": "aes256-gcm"});
    actors[0].post("/api/v1/keys", &made).await.expect_status(201);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..12 {
        let actor = actors[client % 3].clone();
        clients.spawn(async move {
            let mut sealed = Vec::new();
            for _ in 0..4 {
                let rotate = json!({"reason": "test", "confirm": true});
                actor
                    .post("/api/v1/keys/orders/rotate", &rotate)
                    .await
                    .expect_status(200);
                for _ in 0..5 {
                    sealed.push(encrypt(&actor).await.expect_status(200).json()["ciphertext"].clone());
                }
            }
            sealed
        });
    }
    let sealed: Vec<Value> = clients.join_all().await.into_iter().flatten().collect();
    for (number, ciphertext) in sealed.iter().enumerate() {
        let opened = decrypt(&actors[number % 3], ciphertext).await.expect_status(200);
        assert_eq!(opened.text("/plaintext"), PLAIN);
    }
    let seen = actors[0]
        .get("/api/v1/keys/orders")
        .await
        .expect_status(200)
        .json();
    let versions = seen["versions"].as_array().unwrap();
    let active = versions
        .iter()
        .filter(|version| version["state"] == "active")
        .count();
    assert_eq!(active, 1, "{seen:#}");
    assert!(
        versions.iter().all(|version| version["state"] != "pre_active"),
        "{seen:#}"
    );
}
