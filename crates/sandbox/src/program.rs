//! What a child process is told, on its standard input, and what it answers.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::{database_service, orders_api, service};

/// What a child is to be. It comes over standard input, so that no token stands in arguments or environment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "program", rename_all = "snake_case")]
pub enum Program {
    OrdersApi(orders_api::Settings),
    Service(service::Settings),
    DatabaseService(database_service::Settings),
}

/// The one line a child prints when it is ready.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Where it listens, `127.0.0.1:port`.
    pub address: String,
}

/// Why a child could not run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// Standard input held no settings.
    #[error("the sandbox program was started without its settings on standard input: {0}")]
    Settings(String),
    /// Port, file or socket.
    #[error("the sandbox program cannot run: {0}")]
    Io(#[from] std::io::Error),
    /// The agent would not start.
    #[error("the sandbox program has no agent: {0}")]
    Agent(#[from] agent::StartError),
    /// The agent knows no such credential.
    #[error("the sandbox program has no credential: {0}")]
    Credential(#[from] agent::UnknownCredential),
}

/// Runs the program that standard input describes, until standard input closes: a child never outlives its parent.
///
/// # Errors
/// When it cannot begin.
pub async fn run() -> Result<(), ProgramError> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = String::new();
    input.read_line(&mut line).await?;
    let program: Program =
        serde_json::from_str(&line).map_err(|error| ProgramError::Settings(error.to_string()))?;
    drop(line);
    let work = async {
        match program {
            Program::OrdersApi(settings) => orders_api::serve(settings).await,
            Program::Service(settings) => service::serve(settings).await,
            Program::DatabaseService(settings) => database_service::serve(settings).await,
        }
    };
    let parent_gone = async {
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).await
    };
    tokio::select! {
        result = work => result,
        _ = parent_gone => Ok(()),
    }
}

/// Says where the program listens.
pub(crate) async fn announce(address: std::net::SocketAddr) -> Result<(), ProgramError> {
    let line = serde_json::to_string(&Ready {
        address: address.to_string(),
    })
    .unwrap_or_default();
    let mut output = tokio::io::stdout();
    output.write_all(line.as_bytes()).await?;
    output.write_all(b"\n").await?;
    output.flush().await?;
    Ok(())
}
