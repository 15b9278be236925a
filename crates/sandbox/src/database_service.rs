//! A service that logs in to PostgreSQL with what Rota hands it, and reads.

use std::time::Duration;

use agent::{Agent, Config, Handle, Lease, Outcome};
use api::Secret;
use axum::Router;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::program::{ProgramError, announce};

/// What a database service is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    pub name: String,
    pub instances: u32,
    pub logins_per_second: u32,
    pub rota_url: String,
    pub consumer_token: String,
    pub credential: String,
}

/// Runs all instances until the future is dropped.
///
/// # Errors
/// When the agent does not start.
pub async fn serve(settings: Settings) -> Result<(), ProgramError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut tasks = JoinSet::new();
    for number in 1..=settings.instances {
        let token = Secret::new(settings.consumer_token.clone());
        let instance = format!("{}-{number}", settings.name);
        let agent = Agent::start(Config::new(
            &settings.rota_url,
            token,
            instance,
            [&settings.credential],
        ))?;
        let handle = agent.credential(&settings.credential)?;
        let pause = Duration::from_secs(1) / settings.logins_per_second.max(1);
        tasks.spawn(async move {
            work(handle, pause).await;
            agent.shutdown().await;
        });
    }
    announce(address).await?;
    // Nothing is served; the port only shows that the program runs.
    axum::serve(listener, Router::new()).await?;
    tasks.shutdown().await;
    Ok(())
}

async fn work(mut handle: Handle, pause: Duration) {
    while handle.ready().await.is_ok() {
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while handle.current().is_ok() {
            ticks.tick().await;
            if handle
                .run(async |lease| (log_in(&lease).await, ()))
                .await
                .is_err()
            {
                break;
            }
        }
    }
}

async fn log_in(lease: &Lease) -> Outcome {
    let Some(options) = options(lease) else {
        return Outcome::failed();
    };
    let read = async {
        let mut connection = options.connect().await?;
        sqlx::query("select count(*) from orders")
            .execute(&mut connection)
            .await?;
        connection.close().await
    };
    match read.await {
        Ok(()) => Outcome::accepted(),
        Err(error) => outcome_of(&error),
    }
}

/// 28xxx is a refused login, 42501 a missing permission; anything else says nothing about the credential.
fn outcome_of(error: &sqlx::Error) -> Outcome {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("28P01" | "28000") => Outcome::refused(),
        Some("42501") => Outcome::http(403),
        _ => Outcome::failed(),
    }
}

fn options(lease: &Lease) -> Option<PgConnectOptions> {
    let mode: PgSslMode = lease.expose("sslmode")?.parse().ok()?;
    Some(
        PgConnectOptions::new_without_pgpass()
            .host(&lease.expose("host")?)
            .port(lease.expose("port")?.parse().ok()?)
            .database(&lease.expose("database")?)
            .username(&lease.expose("username")?)
            .password(&lease.expose("password")?)
            .ssl_mode(mode)
            .disable_statement_logging(),
    )
}
