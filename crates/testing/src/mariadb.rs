//! A MariaDB server of its own.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::process::{Identity, Log, Program, Server, choose_identity, free_port, lend};

const MARIADB: Program = Program {
    name: "mariadbd",
    package: "mariadb-server",
    ready: "ready for connections",
    stop_with: "TERM",
};
const DATABASE: &str = "application";
const USERNAME: &str = "owner";
const PASSWORD: &str = "only-for-tests";

/// A running server with a fresh, empty database; stopped and removed when dropped.
#[derive(Debug)]
pub struct MariaDb {
    identity: Option<Identity>,
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    server: Mutex<Option<Server>>,
    log: Log,
}

impl MariaDb {
    /// A server with settings such as `sql_mode=ANSI_QUOTES` besides the usual.
    ///
    /// # Panics
    /// When `mariadbd` is missing or does not become ready.
    pub fn start(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("rota-mariadb-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder for MariaDB: {error}"));
        let identity = choose_identity(folder.path(), &["mysql", "nobody"]);
        lend(folder.path(), identity);
        let server = Self {
            identity,
            folder,
            port: free_port(),
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            server: Mutex::new(None),
            log: Log::default(),
        };
        server.create_data_directory();
        server.start_again();
        server.execute_in(
            "mysql",
            &format!(
                "create database {DATABASE} character set utf8mb4; \
                 create user '{USERNAME}'@'%' identified by '{PASSWORD}'; \
                 grant all on *.* to '{USERNAME}'@'%'"
            ),
        );
        server
    }

    /// Where it listens.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of the database.
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// An account that may do everything.
    pub fn username(&self) -> &'static str {
        USERNAME
    }

    /// Its password.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The folder with `data/`, which belongs to the server's user.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server wrote so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs SQL by another route than the tested one; gives the rows, a tabulator between columns.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn execute(&self, sql: &str) -> String {
        self.execute_in(DATABASE, sql)
    }

    /// Stops the server in an orderly way.
    pub fn stop(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(server);
    }

    /// Brings it back after [`Self::stop`], on the same port with the same data.
    pub fn start_again(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            *server = Some(Server::spawn(
                MARIADB,
                self.server_command(),
                Arc::clone(&self.log),
            ));
        }
    }

    fn execute_in(&self, database: &str, sql: &str) -> String {
        let output = Command::new("mariadb")
            .args([
                "--no-defaults",
                "--user=root",
                "--batch",
                "--skip-column-names",
                "--binary-mode",
            ])
            .args(["--default-character-set=utf8mb4", "--socket"])
            .arg(self.socket())
            .args(["--database", database, "--execute", sql])
            .output()
            .unwrap_or_else(|error| panic!("mariadb does not start: {error}; install mariadb-client"));
        assert!(
            output.status.success(),
            "mariadb refused `{sql}`: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn create_data_directory(&self) {
        let output = self
            .command(Path::new("mariadb-install-db"))
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg(format!("--datadir={}", self.folder.path().join("data").display()))
            .output()
            .unwrap_or_else(|error| {
                panic!("mariadb-install-db does not start: {error}; install mariadb-server")
            });
        assert!(
            output.status.success(),
            "mariadb-install-db failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Servers that share a folder for temporary files remove each other's when they start.
    fn command(&self, program: &Path) -> Command {
        let mut command = MARIADB.command(program, self.identity, self.folder.path());
        command.env("TMPDIR", self.folder.path());
        command
    }

    fn server_command(&self) -> Command {
        let folder = self.folder.path();
        // Debian has it where only root's PATH leads.
        let debian = Path::new("/usr/sbin/mariadbd");
        let program = if debian.exists() {
            debian
        } else {
            Path::new("mariadbd")
        };
        let mut command = self.command(program);
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", folder.join("data").display()))
            .arg(format!("--socket={}", self.socket()))
            .arg(format!("--pid-file={}", folder.join("pid").display()))
            .arg(format!("--port={}", self.port))
            .args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=0",
            ])
            .args(["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M"])
            .args(self.settings.iter().map(|setting| format!("--{setting}")));
        command
    }

    fn socket(&self) -> String {
        self.folder.path().join("socket").display().to_string()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.stop();
    }
}
