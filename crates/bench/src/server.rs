//! The program that is measured, as its users start it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::{Client, Secret};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// The token of the bootstrap administrator.
pub const BOOTSTRAP_TOKEN: &str = "bench-bootstrap-token-0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a SQLite database in a folder of its own; killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    folder: TempDir,
    pub url: String,
    pub http: reqwest::Client,
}

/// The workspace, where cargo runs and builds.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The release build, unless `ROTA_BENCH_SERVER` names another program.
fn program() -> PathBuf {
    std::env::var_os("ROTA_BENCH_SERVER")
        .map_or_else(|| workspace().join("target/release/rota"), PathBuf::from)
}

impl Server {
    /// Starts it on a fresh database and waits until it serves.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same with further variables.
    pub async fn start_with(variables: &[(&str, &str)]) -> Result<Self> {
        Self::start_in(tempfile::tempdir()?, variables).await
    }

    /// The same in a folder that may hold a database already.
    pub async fn start_in(folder: TempDir, variables: &[(&str, &str)]) -> Result<Self> {
        let program = program();
        let mut process = command(folder.path())
            .envs(variables.iter().copied())
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!(
                    "{} does not start; build it with `cargo build --release -p server`",
                    program.display()
                )
            })?;
        let url = tokio::time::timeout(PATIENCE, address(&mut process, folder.path()))
            .await
            .context("the server did not say where it serves")??;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            process,
            folder,
            url,
            http,
        })
    }

    /// Kills it without warning; gives the folder for another start.
    pub async fn kill(mut self) -> Result<TempDir> {
        self.process.kill().await?;
        Ok(self.folder)
    }

    /// Its process.
    pub fn pid(&self) -> Result<u32> {
        self.process.id().context("the server runs")
    }

    /// Where it listens: host and port.
    pub fn address(&self) -> String {
        self.url.trim_start_matches("http://").to_owned()
    }

    /// Where its database is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The bootstrap administrator.
    pub fn admin(&self) -> Result<Client> {
        Ok(Client::new(&self.url, &Secret::new(BOOTSTRAP_TOKEN))?)
    }

    /// What `/metrics` says now.
    pub async fn scrape(&self) -> Result<String> {
        let response = self.http.get(format!("{}/metrics", self.url)).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }

    /// Runs another command of the program on the same database; gives what it prints.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = command(self.folder.path()).args(arguments).output().await?;
        if !output.status.success() {
            bail!(
                "rota {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("ROTA_LISTEN", "127.0.0.1:0")
        .env("ROTA_LOG", "warn,server=info")
        .env("ROTA_BOOTSTRAP_TOKEN", BOOTSTRAP_TOKEN)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The address from the log, which goes on into a file.
async fn address(process: &mut Child, folder: &Path) -> Result<String> {
    let log = process.stderr.take().context("the server has a log")?;
    let mut file = tokio::fs::File::create(folder.join("server.log")).await?;
    let mut lines = BufReader::new(log).lines();
    let mut so_far = String::new();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once("server.address=") {
            let address = rest.split(' ').next().unwrap_or_default().to_owned();
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    let _disk_full = file.write_all(format!("{line}\n").as_bytes()).await;
                }
            });
            return Ok(format!("http://{address}"));
        }
        so_far.push_str(&line);
        so_far.push('\n');
    }
    bail!("the server ended: {so_far}")
}
