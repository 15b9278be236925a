//! The sandbox: real programs beside the server, and catalog entries that use them.
//!
//! `programs` starts the child processes, `entries` says what stands in the catalog, `database` lends a PostgreSQL
//! where one is installed. Everything is done through the same services as everybody else's.

mod database;
mod entries;
mod programs;

use std::path::PathBuf;

use engine::access::Actor;
use engine::rule::Refusal;
use sandbox::child::ControlClient;
use sandbox::{Sabotage, SpawnError};

use crate::http::AppState;
use programs::Programs;

/// A running sandbox; dropping it ends its programs.
#[derive(Debug)]
pub struct Sandbox {
    programs: Programs,
    client: ControlClient,
}

/// Why the sandbox did not come up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A program.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The catalog.
    #[error("the sandbox's entries could not be made: {0}")]
    Refused(String),
    /// A folder.
    #[error("the sandbox's folder: {0}")]
    Io(#[from] std::io::Error),
}

impl From<Refusal> for SandboxError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rules(broken) => Self::Refused(
                broken
                    .iter()
                    .map(|rule| format!("{}: {}", rule.pointer, rule.detail))
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// Starts the programs, makes the entries that are missing, and starts their first rotations.
///
/// # Errors
/// When a program or an entry cannot be had; what was begun is taken up at the next start.
pub async fn start(state: &AppState, folder: PathBuf, server_url: &str) -> Result<Sandbox, SandboxError> {
    std::fs::create_dir_all(&folder)?;
    let actor = Actor::system("sandbox");
    let client = ControlClient::new()?;
    let mut programs = Programs::start_orders_api(state, &folder).await?;
    entries::prepare_orders(state, &actor, &programs).await?;
    programs.start_services(state, &actor, server_url).await?;
    match database::start(&folder).await {
        Ok(Some(database)) => {
            entries::prepare_database(state, &actor, &database).await?;
            programs.start_database_service(state, &actor, server_url).await?;
            programs.keep(database);
        }
        Ok(None) => {
            tracing::info!("no PostgreSQL on this machine, so the sandbox has no database credential")
        }
        Err(error) => tracing::warn!(error.cause = %error, "the sandbox's PostgreSQL did not start"),
    }
    Ok(Sandbox { programs, client })
}

impl Sandbox {
    /// Orders a sabotage of every program, or its end. Rota itself is told nothing.
    ///
    /// # Errors
    /// When a program does not answer.
    pub async fn sabotage(&self, kind: Sabotage) -> Result<(), SpawnError> {
        self.programs.sabotage(&self.client, kind).await
    }
}
