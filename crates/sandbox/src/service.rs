//! A service with several instances, each an ordinary consumer: it fetches its key from Rota, calls the orders API
//! with it, and reports how it went.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agent::{Agent, Config, Handle, Lease, Outcome};
use api::Secret;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::program::{ProgramError, announce};
use crate::sabotage::{Sabotage, SabotageRequest};

/// What a service is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    pub name: String,
    pub instances: u32,
    pub calls_per_second: u32,
    /// Where Rota answers.
    pub rota_url: String,
    /// The consumer's own token.
    pub consumer_token: String,
    pub credential: String,
    /// Where the orders API answers.
    pub orders_url: String,
    pub control_token: String,
}

/// Shared by the instances of one service.
#[derive(Debug)]
struct Behaviour {
    control_token: String,
    mangles_new_keys: AtomicBool,
}

/// Runs all instances and the control port until the future is dropped.
///
/// # Errors
/// When the port cannot be had or the agent does not start.
pub async fn serve(settings: Settings) -> Result<(), ProgramError> {
    let behaviour = Arc::new(Behaviour {
        control_token: settings.control_token.clone(),
        mangles_new_keys: AtomicBool::new(false),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .route("/control/sabotage", post(sabotage))
        .with_state(Arc::clone(&behaviour));
    let mut tasks = JoinSet::new();
    let client = client()?;
    for number in 1..=settings.instances {
        let instance = Instance::start(&settings, number, &client, &behaviour)?;
        tasks.spawn(instance.work());
    }
    announce(address).await?;
    axum::serve(listener, router).await?;
    tasks.shutdown().await;
    Ok(())
}

fn client() -> Result<reqwest::Client, ProgramError> {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| ProgramError::Io(std::io::Error::other(error)))
}

/// One running copy.
struct Instance {
    name: String,
    pause: Duration,
    orders_url: String,
    client: reqwest::Client,
    handle: Handle,
    behaviour: Arc<Behaviour>,
    _agent: Agent,
}

impl Instance {
    fn start(
        settings: &Settings,
        number: u32,
        client: &reqwest::Client,
        behaviour: &Arc<Behaviour>,
    ) -> Result<Self, ProgramError> {
        let name = format!("{}-{number}", settings.name);
        let token = Secret::new(settings.consumer_token.clone());
        let agent = Agent::start(Config::new(
            &settings.rota_url,
            token,
            &name,
            [&settings.credential],
        ))?;
        let handle = agent.credential(&settings.credential)?;
        Ok(Self {
            name,
            pause: Duration::from_secs(1) / settings.calls_per_second.max(1),
            orders_url: format!("{}/orders", settings.orders_url),
            client: client.clone(),
            handle,
            behaviour: Arc::clone(behaviour),
            _agent: agent,
        })
    }

    async fn work(mut self) {
        while self.handle.ready().await.is_ok() {
            let mut ticks = tokio::time::interval(self.pause);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while self.handle.current().is_ok() {
                ticks.tick().await;
                let this = &self;
                if self
                    .handle
                    .run(|lease| async move { (this.call(&lease).await, ()) })
                    .await
                    .is_err()
                {
                    break;
                }
            }
        }
    }

    async fn call(&self, lease: &Lease) -> Outcome {
        let Some(key) = lease.expose("key") else {
            return Outcome::failed();
        };
        let mangled = self.behaviour.mangles_new_keys.load(Ordering::Relaxed)
            && self
                .handle
                .previous()
                .is_some_and(|previous| previous.version() < lease.version());
        let request = self.client.get(&self.orders_url).header("x-instance", &self.name);
        let request = if mangled {
            request.bearer_auth("not the key")
        } else {
            request.bearer_auth(&*key)
        };
        match request.send().await {
            Ok(response) => Outcome::http(response.status().as_u16()),
            Err(_) => Outcome::failed(),
        }
    }
}

async fn sabotage(
    State(behaviour): State<Arc<Behaviour>>,
    headers: HeaderMap,
    Json(request): Json<SabotageRequest>,
) -> StatusCode {
    let value = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if value.strip_prefix("Bearer ") != Some(&behaviour.control_token) {
        return StatusCode::UNAUTHORIZED;
    }
    behaviour
        .mangles_new_keys
        .store(request.kind == Sabotage::WrongKey, Ordering::Relaxed);
    StatusCode::OK
}
