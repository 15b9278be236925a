//! A server with a key and targets, and jobs over them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::key::{BatchItem, BatchReply, Encrypted, Key};
use api::reencryption::{Reencryption, ReencryptionMode, ReencryptionState, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::rows::{PostgresRows, SqliteRows};
use crate::load::Connection;
use crate::server::{BOOTSTRAP_TOKEN, Server};

pub(super) const KEY: &str = "moved";
const BATCH: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOGIN: &str = "mover_first";
const PASSWORD: &str = "only-for-this-bench";

/// Speaks with one server, each time on a connection of its own: the server closes those that wait for long.
#[derive(Debug)]
pub(super) struct Mover {
    address: String,
}

impl Mover {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            address: server.address(),
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let mut connection = Connection::open(&self.address).await?;
        connection.post_json(path, BOOTSTRAP_TOKEN, body).await
    }

    pub(super) async fn create_key(&self) -> Result<()> {
        let body = json!({"name": KEY, "algorithm": "aes256-gcm"});
        self.post::<Key>("/api/v1/keys", &body).await.map(|_| ())
    }

    /// So many values of so many bytes, sealed.
    pub(super) async fn sealed(&self, rows: usize, bytes: usize) -> Result<Vec<Vec<u8>>> {
        let plaintext = STANDARD.encode(vec![0x5a; bytes]);
        let mut sealed = Vec::with_capacity(rows);
        while sealed.len() < rows {
            let items = BATCH.min(rows - sealed.len());
            let batch = vec![json!({"plaintext": plaintext}); items];
            let path = format!("/api/v1/keys/{KEY}/encrypt");
            let reply: BatchReply<Encrypted> = self.post(&path, &json!({"batch": batch})).await?;
            for item in reply.items {
                match item {
                    BatchItem::Done(done) => sealed.push(STANDARD.decode(done.ciphertext)?),
                    BatchItem::Failed { error } => anyhow::bail!(error.detail),
                }
            }
        }
        Ok(sealed)
    }

    pub(super) async fn register_sqlite(&self, rows: &SqliteRows) -> Result<String> {
        let config = json!({"file": rows.file, "table": "records", "column": "sealed"});
        self.register(json!({"name": "in-sqlite", "kind": "sqlite", "key": KEY, "config": config}))
            .await
    }

    /// With a login of the catalog, which may read the table and write its column.
    pub(super) async fn register_postgres(&self, rows: &PostgresRows) -> Result<String> {
        let server = &rows.server;
        server.execute("create role mover nologin");
        server.execute(&format!(
            "create role {LOGIN} login password '{PASSWORD}' in role mover"
        ));
        server.execute("grant select (id, sealed), update (sealed) on records to mover");
        let mut config = json!({
            "host": server.host(), "port": server.port(), "database": server.database(), "sslmode": "disable"
        });
        let issuer = json!({
            "name": "application-db", "kind": "postgresql", "environment": "bench", "config": config,
            "admin": {"username": server.username(), "password": server.password()}
        });
        self.post::<Value>("/api/v1/issuers", &issuer).await?;
        let credential = json!({
            "name": "mover", "kind": "database_password", "issuer": "application-db", "owner_team": "bench",
            "purpose": "measuring", "sensitivity": "low", "environment": "bench", "strategy": "alternating",
            "config": {"role": "mover"}, "consumers": [], "policy": {},
            "initial": {"username": LOGIN, "password": PASSWORD}
        });
        self.post::<Value>("/api/v1/credentials", &credential).await?;
        config["table"] = json!("records");
        config["column"] = json!("sealed");
        let target = json!({
            "name": "in-postgresql", "kind": "postgresql", "key": KEY, "config": config, "credential": "mover"
        });
        self.register(target).await
    }

    async fn register(&self, target: Value) -> Result<String> {
        let made: Target = self.post("/api/v1/targets", &target).await?;
        Ok(made.name)
    }

    /// Rotates the key and moves every record of a target to its new version, as fast as it goes; gives the time from
    /// asking for it to the job's end, which it reaches when a whole pass found nothing left to move.
    pub(super) async fn job(&self, target: &str, mode: ReencryptionMode, rows: usize) -> Result<Duration> {
        let body = json!({"reason": "measuring", "confirm": true});
        let path = format!("/api/v1/keys/{KEY}/rotate");
        let mut connection = Connection::open(&self.address).await?;
        let _rotated: Key = connection.post_json(&path, BOOTSTRAP_TOKEN, &body).await?;
        let start = json!({
            "target": target, "mode": mode, "reason": "measuring", "tuning": {"rate": 0}
        });
        let began = Instant::now();
        let started: Reencryption = connection
            .post_json("/api/v1/reencryptions", BOOTSTRAP_TOKEN, &start)
            .await?;
        let path = format!("/api/v1/reencryptions/{}", started.id);
        while began.elapsed() < PATIENCE {
            let job: Reencryption = connection.get_json(&path, BOOTSTRAP_TOKEN).await?;
            match job.state {
                ReencryptionState::Completed => {
                    let counts = job.counts;
                    ensure!(
                        counts.moved == rows as u64 && counts.unreadable == 0 && counts.left == 0,
                        "the job moved not exactly {rows} records: {counts:?}"
                    );
                    return Ok(began.elapsed());
                }
                ReencryptionState::Failed | ReencryptionState::Cancelled | ReencryptionState::Paused => {
                    anyhow::bail!("the job stands at {:?}: {:?}", job.state, job.why)
                }
                ReencryptionState::Planned | ReencryptionState::Running => {}
            }
            // It has no events to wait for; this many looks cost nothing.
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Err(anyhow::anyhow!("the job did not end")).context(target.to_owned())
    }
}
