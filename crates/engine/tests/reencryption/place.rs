//! A table on a real server, as an application sees it.

use std::path::PathBuf;

use engine::catalog::{NewCredential, NewIssuer, PolicyInput, Sensitivity, Strategy};
use engine::ports::Values;
use engine::reencryption::Encoding;
use engine::reencryption::service::NewTarget;
use keyring::SecretText;
use serde_json::json;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use testing::Postgres;

use crate::house::{House, administrator};

/// `orders (id, tenant, sealed)` in one database or the other.
pub(crate) enum Place {
    Postgres { server: Postgres, pool: PgPool },
    Sqlite { file: PathBuf, pool: SqlitePool },
}

impl Place {
    pub(crate) async fn postgres() -> Self {
        let server = Postgres::start();
        let pool = PgPool::connect(&server.url()).await.unwrap();
        sqlx::query("create table orders (id bigint primary key, tenant text not null, sealed bytea)")
            .execute(&pool)
            .await
            .unwrap();
        Self::Postgres { server, pool }
    }

    pub(crate) async fn sqlite(house: &House) -> Self {
        let file = house.folder.path().join("application.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .busy_timeout(std::time::Duration::from_secs(30));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        sqlx::query("create table orders (id integer primary key, tenant text not null, sealed blob)")
            .execute(&pool)
            .await
            .unwrap();
        Self::Sqlite { file, pool }
    }

    pub(crate) async fn insert(&self, id: i64, tenant: &str, sealed: &[u8]) {
        let statement = "insert into orders (id, tenant, sealed) values ($1, $2, $3)";
        match self {
            Self::Postgres { pool, .. } => {
                let query = sqlx::query(statement).bind(id).bind(tenant).bind(sealed);
                query.execute(pool).await.unwrap();
            }
            Self::Sqlite { pool, .. } => {
                let query = sqlx::query(statement).bind(id).bind(tenant).bind(sealed);
                query.execute(pool).await.unwrap();
            }
        }
    }

    pub(crate) async fn update(&self, id: i64, sealed: &[u8]) {
        let statement = "update orders set sealed = $2 where id = $1";
        match self {
            Self::Postgres { pool, .. } => {
                let query = sqlx::query(statement).bind(id).bind(sealed);
                query.execute(pool).await.unwrap();
            }
            Self::Sqlite { pool, .. } => {
                let query = sqlx::query(statement).bind(id).bind(sealed);
                query.execute(pool).await.unwrap();
            }
        }
    }

    pub(crate) async fn all(&self) -> Vec<(i64, String, Vec<u8>)> {
        let statement = "select id, tenant, sealed from orders order by id";
        match self {
            Self::Postgres { pool, .. } => sqlx::query_as(statement).fetch_all(pool).await.unwrap(),
            Self::Sqlite { pool, .. } => sqlx::query_as(statement).fetch_all(pool).await.unwrap(),
        }
    }

    /// Registers it as target `orders` with values of the key.
    pub(crate) async fn register(&self, house: &House) {
        let (kind, config, credential) = match self {
            Self::Postgres { server, .. } => {
                let credential = house.credential_of(server).await;
                let config = json!({
                    "host": server.host(), "port": server.port(), "database": server.database(),
                    "sslmode": "disable", "table": "orders", "column": "sealed"
                });
                ("postgresql", config, Some(credential))
            }
            Self::Sqlite { file, .. } => {
                let config = json!({"file": file, "table": "orders", "column": "sealed"});
                ("sqlite", config, None)
            }
        };
        let new = NewTarget {
            name: "orders".to_owned(),
            kind: kind.to_owned(),
            key: "orders-key".to_owned(),
            config,
            credential,
            encoding: Encoding::Raw,
            context: "{tenant}/{id}".to_owned(),
            require_shadow: false,
        };
        house.services.create_target(&administrator(), new).await.unwrap();
    }
}

const PASSWORD: &str = "only-for-this-test";

impl House {
    /// A credential of the catalog that may read the table and write its column, and nothing else.
    pub(crate) async fn credential_of(&self, server: &Postgres) -> String {
        server.execute("create role mover nologin");
        server.execute(&format!(
            "create role mover_first login password '{PASSWORD}' in role mover"
        ));
        server.execute("grant select (id, tenant, sealed), update (sealed) on orders to mover");
        let issuer = NewIssuer {
            name: "main-db".to_owned(),
            kind: "postgresql".to_owned(),
            environment: "test".to_owned(),
            config: json!({
                "host": server.host(), "port": server.port(), "database": server.database(), "sslmode": "disable"
            }),
            admin: login(server.username(), server.password()),
            override_reason: None,
            sandbox: false,
        };
        self.services
            .create_issuer(&administrator(), issuer)
            .await
            .unwrap();
        let credential = NewCredential {
            name: "orders-mover".to_owned(),
            kind: "database_password".to_owned(),
            issuer: "main-db".to_owned(),
            owner_team: Some("orders".to_owned()),
            backup_contact: None,
            purpose: "moves the orders' data to other key versions".to_owned(),
            sensitivity: Sensitivity::High,
            environment: "test".to_owned(),
            strategy: Strategy::Alternating,
            config: json!({"role": "mover"}),
            consumers: Vec::new(),
            tags: Vec::new(),
            review_every: None,
            policy: PolicyInput::default(),
            age_thresholds: None,
            initial: Some(login("mover_first", PASSWORD)),
            override_reason: None,
            sandbox: false,
        };
        self.services
            .create_credential(&administrator(), credential)
            .await
            .unwrap();
        "orders-mover".to_owned()
    }
}

fn login(username: &str, password: &str) -> Values {
    Values::new()
        .with("username", SecretText::new(username.to_owned()))
        .with("password", SecretText::new(password.to_owned()))
}
