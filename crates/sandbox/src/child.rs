//! A child process of our own binary, with an empty environment.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};

use crate::program::{Program, Ready};
use crate::sabotage::{Sabotage, SabotageRequest};

/// The hidden subcommand under which our binary is a sandbox program.
pub const SUBCOMMAND: &str = "sandbox-program";

/// A running program. Dropping it ends the process: its standard input closes, and it is killed for good measure.
#[derive(Debug)]
pub struct Child {
    /// What it is, for logs.
    pub name: String,
    /// Where it listens, `http://127.0.0.1:port`.
    pub base_url: String,
    process: tokio::process::Child,
    _input: ChildStdin,
}

/// Why a child did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The process.
    #[error("the sandbox program `{name}` did not start: {detail}")]
    Process {
        /// Which one.
        name: String,
        /// Why.
        detail: String,
    },
    /// The control call.
    #[error("the sandbox program `{name}` did not take the order: {detail}")]
    Control {
        /// Which one.
        name: String,
        /// Why.
        detail: String,
    },
}

/// Speaks to the control ports of children.
#[derive(Clone, Debug)]
pub struct ControlClient(reqwest::Client);

impl ControlClient {
    /// With a short patience, and never redirected.
    ///
    /// # Errors
    /// When no connection could ever be made.
    pub fn new() -> Result<Self, SpawnError> {
        let client = reqwest::Client::builder()
            .timeout(std::time::Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build();
        client.map(Self).map_err(|error| SpawnError::Control {
            name: "control".to_owned(),
            detail: error.to_string(),
        })
    }
}

impl Child {
    /// Starts a program and waits until it listens.
    ///
    /// # Errors
    /// When the process ends or says nothing.
    pub async fn spawn(name: &str, program: &Program) -> Result<Self, SpawnError> {
        let failed = |detail: String| SpawnError::Process {
            name: name.to_owned(),
            detail,
        };
        let binary = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut process = Command::new(binary)
            .arg(SUBCOMMAND)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut input = process
            .stdin
            .take()
            .ok_or_else(|| failed("it has no standard input".to_owned()))?;
        let output = process
            .stdout
            .take()
            .ok_or_else(|| failed("it has no standard output".to_owned()))?;
        let mut settings = serde_json::to_vec(program).map_err(|error| failed(error.to_string()))?;
        settings.push(b'\n');
        input
            .write_all(&settings)
            .await
            .map_err(|error| failed(error.to_string()))?;
        input.flush().await.map_err(|error| failed(error.to_string()))?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let ready: Ready =
            serde_json::from_str(&line).map_err(|_| failed("it ended before it was ready".to_owned()))?;
        Ok(Self {
            name: name.to_owned(),
            base_url: format!("http://{}", ready.address),
            process,
            _input: input,
        })
    }

    /// Orders a sabotage, or its end.
    ///
    /// # Errors
    /// When the program does not answer.
    pub async fn sabotage(
        &self,
        client: &ControlClient,
        token: &str,
        kind: Sabotage,
    ) -> Result<(), SpawnError> {
        let failed = |detail: String| SpawnError::Control {
            name: self.name.clone(),
            detail,
        };
        let request = client
            .0
            .post(format!("{}/control/sabotage", self.base_url))
            .bearer_auth(token)
            .json(&SabotageRequest { kind });
        let response = request
            .send()
            .await
            .map_err(|error| failed(error.without_url().to_string()))?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(failed(response.status().to_string()))
        }
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}
