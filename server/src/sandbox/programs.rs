//! The child processes.

use std::path::Path;

use engine::Name;
use engine::access::Actor;
use sandbox::child::{Child, ControlClient};
use sandbox::program::Program;
use sandbox::{Sabotage, SpawnError, database_service, orders_api, service};

use super::SandboxError;
use super::database::Database;
use super::entries::{DATABASE_CREDENTIAL, ENVIRONMENT, ORDERS_CREDENTIAL};
use crate::http::AppState;

/// Each has five instances: twenty in all.
pub const SERVICES: [&str; 4] = ["checkout", "billing", "shipping", "reports"];
const INSTANCES: u32 = 5;
const CALLS_PER_SECOND: u32 = 10;
/// The consumer of the database credential.
pub const DATABASE_SERVICE: &str = "ledger";

/// All of them. The order of the fields is the order in which they end: users before what they use.
#[derive(Debug)]
pub struct Programs {
    database_service: Option<Child>,
    services: Vec<Child>,
    orders_api: Child,
    database: Option<Database>,
    /// Made anew at each start, never stored.
    control_token: String,
    pub admin_token: String,
}

impl Programs {
    /// The API first: nothing can be issued without it.
    pub async fn start_orders_api(state: &AppState, folder: &Path) -> Result<Self, SandboxError> {
        let token = || {
            let mut bytes = [0; 32];
            state.services.randomness.fill(&mut bytes);
            hex::encode(bytes)
        };
        let (admin_token, control_token) = (token(), token());
        let settings = orders_api::Settings {
            listen: "127.0.0.1:0".to_owned(),
            keys_file: folder.join("orders-keys.json"),
            admin_token: admin_token.clone(),
            control_token: control_token.clone(),
        };
        let orders_api = Child::spawn("orders-api", &Program::OrdersApi(settings)).await?;
        Ok(Self {
            database_service: None,
            services: Vec::new(),
            orders_api,
            database: None,
            control_token,
            admin_token,
        })
    }

    /// Where the orders API answers.
    pub fn orders_url(&self) -> &str {
        &self.orders_api.base_url
    }

    /// The four services, each with its own consumer token.
    pub async fn start_services(
        &mut self,
        state: &AppState,
        actor: &Actor,
        server_url: &str,
    ) -> Result<(), SandboxError> {
        for name in SERVICES {
            let settings = service::Settings {
                name: name.to_owned(),
                instances: INSTANCES,
                calls_per_second: CALLS_PER_SECOND,
                rota_url: server_url.to_owned(),
                consumer_token: consumer_token(state, actor, name).await?,
                credential: ORDERS_CREDENTIAL.to_owned(),
                orders_url: self.orders_url().to_owned(),
                control_token: self.control_token.clone(),
            };
            self.services
                .push(Child::spawn(name, &Program::Service(settings)).await?);
        }
        Ok(())
    }

    /// The service that logs in to PostgreSQL.
    pub async fn start_database_service(
        &mut self,
        state: &AppState,
        actor: &Actor,
        server_url: &str,
    ) -> Result<(), SandboxError> {
        let settings = database_service::Settings {
            name: DATABASE_SERVICE.to_owned(),
            instances: INSTANCES,
            logins_per_second: 2,
            rota_url: server_url.to_owned(),
            consumer_token: consumer_token(state, actor, DATABASE_SERVICE).await?,
            credential: DATABASE_CREDENTIAL.to_owned(),
        };
        self.database_service =
            Some(Child::spawn(DATABASE_SERVICE, &Program::DatabaseService(settings)).await?);
        Ok(())
    }

    /// The database lives as long as the programs that use it.
    pub fn keep(&mut self, database: Database) {
        self.database = Some(database);
    }

    /// Tells every program.
    pub async fn sabotage(&self, client: &ControlClient, kind: Sabotage) -> Result<(), SpawnError> {
        self.orders_api
            .sabotage(client, &self.control_token, kind)
            .await?;
        for service in &self.services {
            service.sabotage(client, &self.control_token, kind).await?;
        }
        Ok(())
    }
}

/// A fresh token of a sandbox consumer, which is made where it is missing. Tokens of earlier starts are revoked: they
/// were only ever in the memory of programs that have ended.
async fn consumer_token(state: &AppState, actor: &Actor, name: &str) -> Result<String, SandboxError> {
    let services = &state.services;
    let consumer = Name::parse(name).map_err(|error| SandboxError::Refused(error.to_string()))?;
    if services
        .store
        .consumer(&consumer)
        .await
        .map_err(engine::Refusal::from)?
        .is_none()
    {
        let created = services
            .create_consumer(
                actor,
                engine::catalog::service::consumer::NewConsumer {
                    name: name.to_owned(),
                    service: name.to_owned(),
                    environment: ENVIRONMENT.to_owned(),
                    labels: std::collections::BTreeMap::new(),
                    sandbox: true,
                },
            )
            .await?;
        return Ok(created.token.secret.expose_text().to_owned());
    }
    let now = services.clock.now();
    let tokens = services.store.tokens().await.map_err(engine::Refusal::from)?;
    for token in tokens.iter().filter(|token| token.is_valid(now)) {
        if matches!(&token.owner, engine::access::TokenOwner::Consumer { name } if *name == consumer) {
            services.revoke_token(actor, &token.id).await?;
        }
    }
    let issued = services.add_consumer_token(actor, &consumer, None).await?;
    Ok(issued.secret.expose_text().to_owned())
}
