//! One PostgreSQL server process and its folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::process::{Identity, Log, Program, Server, choose_identity, free_port, lend};

/// The superuser of every test cluster, and its password over TCP.
pub(crate) const SUPERUSER: &str = "postgres";
pub(crate) const PASSWORD: &str = "only-for-tests";

/// Its fast shutdown: ends sessions, loses nothing.
const POSTGRES: Program = Program {
    name: "postgres",
    package: "postgresql",
    ready: "ready to accept connections",
    stop_with: "INT",
};

/// A folder with a data directory in it, and at most one server running on it.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    identity: Option<Identity>,
    folder: TempDir,
    pub(crate) port: u16,
    settings: Vec<String>,
    server: Mutex<Option<Server>>,
    log: Log,
}

impl Cluster {
    /// Makes a data directory and starts a server on it.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let programs = find_programs();
        let folder = tempfile::Builder::new()
            .prefix("rota-postgres-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder for PostgreSQL: {error}"));
        let identity = choose_identity(folder.path(), &["postgres", "nobody"]);
        lend(folder.path(), identity);
        let cluster = Self {
            programs,
            identity,
            folder,
            port: free_port(),
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            server: Mutex::new(None),
            log: Log::default(),
        };
        cluster.create_data_directory();
        cluster.start_server();
        cluster
    }

    /// The folder of the data directory, the socket and the log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server wrote so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts the server again after [`Self::stop_server`], on the same port and data.
    pub(crate) fn start_server(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            *server = Some(Server::spawn(
                POSTGRES,
                self.server_command(),
                Arc::clone(&self.log),
            ));
        }
    }

    /// Stops the server at once; the data stays.
    pub(crate) fn stop_server(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(server);
    }

    /// Runs SQL as the superuser over the socket; gives what it printed, unaligned and without headers.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args([
                "--set",
                "ON_ERROR_STOP=1",
                "--username",
                SUPERUSER,
                "--dbname",
                database,
            ])
            .arg("--host")
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string(), "--command", sql])
            .output()
            .unwrap_or_else(|error| panic!("psql does not start: {error}; install postgresql-client"));
        assert!(
            output.status.success(),
            "psql refused `{sql}`: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn create_data_directory(&self) {
        let password_file = self.folder.path().join("password");
        std::fs::write(&password_file, PASSWORD)
            .unwrap_or_else(|error| panic!("cannot write the password file: {error}"));
        let output = self
            .command("initdb")
            .arg("--pgdata")
            .arg(self.data_directory())
            .arg("--pwfile")
            .arg(&password_file)
            .args([
                "--username",
                SUPERUSER,
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
            ])
            .args([
                "--auth-local",
                "trust",
                "--auth-host",
                "scram-sha-256",
                "--no-sync",
            ])
            .output()
            .unwrap_or_else(|error| panic!("initdb does not start: {error}"));
        assert!(
            output.status.success(),
            "initdb failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn server_command(&self) -> Command {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data_directory());
        command.arg("-k").arg(self.folder.path());
        command.arg("-p").arg(self.port.to_string());
        let defaults = [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=200",
            "shared_buffers=32MB",
        ];
        for setting in defaults
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.arg("-c").arg(setting);
        }
        command
    }

    fn data_directory(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of PostgreSQL, under a user it accepts, which ends when the thread that started it does.
    fn command(&self, program: &str) -> Command {
        let mut command = POSTGRES.command(&self.programs.join(program), self.identity, self.folder.path());
        command.env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_server();
    }
}

/// The newest PostgreSQL from Debian's packages, else what is on the PATH.
fn find_programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, programs): &(u32, PathBuf)| programs.join("postgres").exists())
        .collect();
    versions.sort();
    if let Some((_, programs)) = versions.pop() {
        return programs;
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
        .unwrap_or_else(|| panic!("PostgreSQL 15 or newer is missing: apt-get install postgresql"))
}
