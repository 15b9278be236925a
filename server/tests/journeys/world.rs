//! A server, an issuer, a consumer and a credential, all real.

use std::time::Duration;

use api::client::Client;
use api::rotation::RotationEvent;
use api::{Rotation, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::Postgres;

use crate::fleet::Fleet;
use crate::harness::{Actor, BOOTSTRAP_TOKEN, TestApp};

/// Longer than anything here takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(90);

/// The credential of most tests.
pub const CREDENTIAL: &str = "orders-app";
/// Its consumer.
pub const CONSUMER: &str = "orders";

pub struct World {
    pub app: TestApp,
    pub postgres: Postgres,
    pub consumer_token: String,
}

/// What a test wants to differ.
pub struct Wish {
    pub strategy: &'static str,
    pub policy: Value,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            strategy: "alternating",
            policy: quick_policy(),
        }
    }
}

/// Seconds instead of days, so that a whole rotation fits into a test.
pub fn quick_policy() -> Value {
    json!({"max_age": "P30D", "grace": "PT1S", "soak": "PT1S", "waves": [25, 100], "approvals": 0})
}

impl World {
    /// Everything up to a credential with its first version in use.
    pub async fn start(wish: Wish) -> Self {
        let world = Self::without_credential().await;
        world.create_credential(&wish).await;
        world
    }

    /// A server, an issuer with a role, and a consumer.
    pub async fn without_credential() -> Self {
        Self::on(TestApp::start()).await
    }

    /// The same on a server that runs already.
    pub async fn on(app: TestApp) -> Self {
        let postgres = Postgres::start_alone(&["log_statement=all", "log_min_duration_statement=0"]);
        postgres.execute("create role app_role nologin");
        postgres.execute("create role rota_admin login createrole password 'admin-password'");
        postgres.execute("grant pg_signal_backend to rota_admin");
        postgres.execute("grant app_role to rota_admin with admin option");
        postgres.execute("create table orders (id bigint); grant select on orders to app_role");
        let issuer = json!({
            "name": "db", "kind": "postgresql", "environment": "test",
            "config": {"host": postgres.host(), "port": postgres.port(), "database": postgres.database(), "sslmode": "disable"},
            "admin": {"username": "rota_admin", "password": "admin-password"},
        });
        app.bootstrap()
            .post("/api/v1/issuers", &issuer)
            .await
            .expect_status(201);
        let body = json!({"name": CONSUMER, "service": CONSUMER, "environment": "test", "labels": {}});
        let made = app
            .bootstrap()
            .post("/api/v1/consumers", &body)
            .await
            .expect_status(201);
        let consumer_token = made.text("/token").to_owned();
        Self {
            app,
            postgres,
            consumer_token,
        }
    }

    /// Makes the credential and waits for its first version.
    pub async fn create_credential(&self, wish: &Wish) {
        let in_place = wish.strategy == "in_place";
        if in_place {
            self.postgres
                .execute("create role app_login login password 'first'; grant app_role to app_login");
            self.postgres
                .execute("grant app_login to rota_admin with admin option");
        }
        let mut body = json!({
            "name": CREDENTIAL, "kind": "database_password", "issuer": "db", "owner_team": "orders",
            "backup_contact": "orders@example.com", "purpose": "test", "sensitivity": "high", "environment": "test",
            "strategy": wish.strategy, "consumers": [CONSUMER], "policy": wish.policy,
            "config": {"role": if in_place { "app_login" } else { "app_role" }, "probe": "select count(*) from orders"},
        });
        if in_place {
            body["initial"] = json!({"username": "app_login", "password": "first"});
        }
        self.admin()
            .post("/api/v1/credentials", &body)
            .await
            .expect_status(201);
        if !in_place {
            let list = self
                .admin()
                .get("/api/v1/rotations")
                .await
                .expect_status(200)
                .json();
            let first = list["items"][0]["id"]
                .as_str()
                .expect("the first rotation")
                .to_owned();
            self.until(&first, &["completed"]).await;
        }
    }

    pub fn admin(&self) -> Actor {
        self.app.bootstrap()
    }

    pub fn client(&self) -> Client {
        Client::new(&self.app.url, &Secret::new(BOOTSTRAP_TOKEN.to_owned())).expect("a client")
    }

    /// Presses "Rotate now".
    pub async fn rotate(&self) -> String {
        let body = json!({"reason": "a test"});
        let path = format!("/api/v1/credentials/{CREDENTIAL}/rotations");
        self.admin()
            .post(&path, &body)
            .await
            .expect_status(201)
            .text("/id")
            .to_owned()
    }

    pub async fn rotation(&self, id: &str) -> Rotation {
        self.client().rotation(id).await.expect("the rotation")
    }

    /// Follows the rotation's events until it stands in one of these states.
    pub async fn until(&self, id: &str, states: &[&str]) -> Rotation {
        self.until_true(id, &states.join(" or "), |rotation| {
            let state = serde_json::to_value(rotation.state).unwrap_or_default();
            states.iter().any(|wanted| state == *wanted)
        })
        .await
    }

    /// Follows the rotation's events until `is_so`.
    pub async fn until_true(&self, id: &str, what: &str, is_so: impl Fn(&Rotation) -> bool) -> Rotation {
        let client = self.client();
        let follow = async {
            loop {
                let mut events = client.rotation_events(id).await.expect("events");
                while let Ok(Some(event)) = events.next().await {
                    if let RotationEvent::State(rotation) = event
                        && is_so(&rotation)
                    {
                        return *rotation;
                    }
                    // Holds and retries are told as steps: look at the whole.
                    let rotation = client.rotation(id).await.expect("the rotation");
                    if is_so(&rotation) {
                        return rotation;
                    }
                }
            }
        };
        match tokio::time::timeout(PATIENCE, follow).await {
            Ok(rotation) => rotation,
            Err(_) => panic!(
                "{what} was waited for: {:#?}\n{}",
                self.rotation(id).await,
                self.app.log()
            ),
        }
    }

    /// Says something to a rotation.
    pub async fn command(&self, id: &str, command: &str) -> crate::harness::Reply {
        self.admin()
            .post(
                &format!("/api/v1/rotations/{id}/{command}"),
                &json!({"reason": "a test"}),
            )
            .await
    }

    /// Instances that log in to PostgreSQL with what they are handed.
    pub fn fleet(&self, instances: usize) -> Fleet {
        Fleet::start(&self.app.url, &self.consumer_token, instances)
    }

    /// The current version's number.
    pub async fn current_version(&self) -> u64 {
        let credential = self
            .admin()
            .get(&format!("/api/v1/credentials/{CREDENTIAL}"))
            .await
            .expect_status(200)
            .json();
        credential["current_version"].as_u64().expect("a current version")
    }

    /// Whether a login works, by the route that consumers take.
    pub async fn logs_in(&self, username: &str, password: &str) -> bool {
        let url = self.postgres.url_as(&encoded(username), &encoded(password));
        sqlx::Connection::close(
            match <sqlx::PgConnection as sqlx::Connection>::connect(&url).await {
                Ok(connection) => connection,
                Err(_) => return false,
            },
        )
        .await
        .is_ok()
    }

    /// The audit's own verdict, by the command that an auditor runs.
    pub fn verify_audit(folder: &TempDir, app: &TestApp) {
        let verified = app.run_in(folder.path(), &["audit", "verify"]);
        assert!(
            verified.status.success(),
            "{}",
            String::from_utf8_lossy(&verified.stderr)
        );
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
