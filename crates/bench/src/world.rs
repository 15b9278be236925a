//! A server with its issuer, its credentials and their consumers.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::client::Client;
use api::rotation::{RotationEvent, RotationQuery, RotationState};
use api::{CreateConsumer, CreateCredential, Rotation, Secret, StartRotation};
use serde_json::{Value, json};

use crate::orders::Orders;
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(120);

/// Everything a section needs.
#[derive(Debug)]
pub struct World {
    pub server: Server,
    pub orders: Orders,
    pub admin: Client,
    pub credentials: Vec<BenchCredential>,
}

/// A credential with a consumer of its own.
#[derive(Debug)]
pub struct BenchCredential {
    pub name: String,
    token: String,
}

impl BenchCredential {
    /// The token of its consumer.
    pub fn token(&self) -> Secret {
        Secret::new(self.token.clone())
    }
}

impl World {
    /// So many credentials under one policy, each with its first version in use.
    pub async fn start(credentials: usize, policy: Value) -> Result<Self> {
        let server = Server::start().await?;
        let orders = Orders::start().await?;
        let admin = server.admin()?;
        admin
            .create_issuer(&serde_json::from_value(orders.issuer())?)
            .await?;
        let mut world = Self {
            server,
            orders,
            admin,
            credentials: Vec::new(),
        };
        for number in 1..=credentials {
            let made = world.create(&format!("key-{number:02}"), &policy).await?;
            world.credentials.push(made);
        }
        for credential in &world.credentials {
            let query = RotationQuery {
                credential: Some(credential.name.clone()),
                ..RotationQuery::default()
            };
            let first = world.admin.rotations(&query).await?.items.into_iter().next();
            let first = first.with_context(|| format!("{} has a first rotation", credential.name))?;
            world.until(&first.id, &[RotationState::Completed]).await?;
        }
        Ok(world)
    }

    async fn create(&self, name: &str, policy: &Value) -> Result<BenchCredential> {
        let consumer: CreateConsumer =
            serde_json::from_value(json!({"name": name, "service": name, "environment": "bench"}))?;
        let token = self.admin.create_consumer(&consumer).await?.token;
        let credential: CreateCredential = serde_json::from_value(json!({
            "name": name, "kind": "api_key", "issuer": "orders-api", "owner_team": "bench", "purpose": "measuring",
            "sensitivity": "low", "environment": "bench", "strategy": "dual", "config": {}, "consumers": [name], "policy": policy,
        }))?;
        self.admin.create_credential(&credential).await?;
        Ok(BenchCredential {
            name: name.to_owned(),
            token: token.expose_secret().to_owned(),
        })
    }

    /// Begins a rotation; gives its id.
    pub async fn rotate(&self, credential: &str) -> Result<String> {
        let start = StartRotation {
            reason: "measuring".to_owned(),
            emergency: false,
        };
        Ok(self.admin.start_rotation(credential, &start).await?.id)
    }

    /// Follows a rotation's events until it stands in one of these states. Another end is an error.
    pub async fn until(&self, id: &str, states: &[RotationState]) -> Result<Rotation> {
        match tokio::time::timeout(PATIENCE, self.follow(id, states)).await {
            Ok(reached) => reached,
            Err(_) => {
                let rotation = self.admin.rotation(id).await?;
                if states.contains(&rotation.state) {
                    return Ok(rotation);
                }
                bail!(
                    "{states:?} was waited for; it stands in {:?}: {:?}",
                    rotation.state,
                    rotation.hold
                )
            }
        }
    }

    async fn follow(&self, id: &str, states: &[RotationState]) -> Result<Rotation> {
        loop {
            let mut events = self.admin.rotation_events(id).await?;
            while let Ok(Some(event)) = events.next().await {
                let RotationEvent::State(rotation) = event else {
                    continue;
                };
                if states.contains(&rotation.state) {
                    return Ok(*rotation);
                }
                if rotation.state.is_terminal() || rotation.state == RotationState::NeedsOperator {
                    bail!(
                        "{states:?} was waited for and {:?} came: {:?} {:?}",
                        rotation.state,
                        rotation.reason_for_rollback,
                        rotation.problem
                    );
                }
            }
        }
    }
}
