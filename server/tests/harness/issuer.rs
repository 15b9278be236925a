//! A real PostgreSQL as an issuer, with a credential on it.

use serde_json::{Value, json};
use testing::Postgres;

use super::{Actor, TestApp};

/// A credential whose first version is current, with the consumer that may fetch it.
pub(crate) struct Rotated {
    pub(crate) postgres: Postgres,
    pub(crate) credential: String,
    /// The role that both logins belong to.
    pub(crate) role: String,
    /// The consumer as its instance `orders-1`.
    pub(crate) consumer: Actor,
}

impl TestApp {
    /// Adds an issuer, a consumer and a credential, and waits for the first version.
    pub(crate) async fn with_credential(&self) -> Rotated {
        let postgres = Postgres::start();
        // Roles belong to the whole server, which other tests use too.
        let role = format!("app_{}", postgres.database());
        postgres.execute(&format!("create role {role} nologin"));
        let administrator = self.bootstrap();
        let issuer = json!({
            "name": "orders-db", "kind": "postgresql", "environment": "test",
            "config": {"host": postgres.host(), "port": postgres.port(), "database": postgres.database(), "sslmode": "disable"},
            "admin": {"username": postgres.username(), "password": postgres.password()}
        });
        administrator
            .post("/api/v1/issuers", &issuer)
            .await
            .expect_status(201);
        let consumer = self.consumer("orders").await.with("x-rota-instance", "orders-1");
        let credential = json!({
            "name": "orders-app", "kind": "database_password", "issuer": "orders-db", "owner_team": "orders",
            "purpose": "reads and writes orders", "sensitivity": "high", "environment": "test",
            "strategy": "alternating", "config": {"role": role}, "consumers": ["orders"],
            "policy": {"max_age": "P30D", "grace": "PT1S", "soak": "PT0S", "waves": [100], "evidence": "acks_and_probe"}
        });
        administrator
            .post("/api/v1/credentials", &credential)
            .await
            .expect_status(201);
        let rotations = administrator
            .get("/api/v1/rotations?credential=orders-app")
            .await
            .expect_status(200);
        self.ended(rotations.text("/items/0/id"), "completed").await;
        Rotated {
            postgres,
            credential: "orders-app".to_owned(),
            role,
            consumer,
        }
    }

    /// Follows a rotation's events to its end, which must be this one; gives the rotation.
    pub(crate) async fn ended(&self, id: &str, state: &str) -> Value {
        let administrator = self.bootstrap();
        let events = administrator
            .get(&format!("/api/v1/rotations/{id}/events"))
            .await
            .expect_status(200);
        let rotation = administrator
            .get(&format!("/api/v1/rotations/{id}"))
            .await
            .expect_status(200)
            .json();
        assert_eq!(
            rotation["state"],
            state,
            "{rotation:#}\n{}\n{}",
            events.body,
            self.log()
        );
        rotation
    }

    /// Begins a rotation; gives its id.
    pub(crate) async fn rotate(&self, credential: &str) -> String {
        let path = format!("/api/v1/credentials/{credential}/rotations");
        let started = self
            .bootstrap()
            .post(&path, &json!({"reason": "test"}))
            .await
            .expect_status(201);
        started.text("/id").to_owned()
    }
}
