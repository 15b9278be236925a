//! A fresh database on a real PostgreSQL.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::cluster::{Cluster, PASSWORD, SUPERUSER};

/// Lives as long as any test of this process holds a database on it.
static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// A fresh, empty database. The server is stopped when the last one is dropped.
#[derive(Debug)]
pub struct Postgres {
    cluster: Arc<Cluster>,
    database: String,
}

impl Postgres {
    /// A fresh database on the one server that the tests of this process share.
    pub fn start() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = shared.upgrade().unwrap_or_else(|| {
            let cluster = Arc::new(Cluster::start(&[]));
            *shared = Arc::downgrade(&cluster);
            cluster
        });
        drop(shared);
        Self::on(cluster)
    }

    /// A fresh database on a server of its own, with settings such as `log_statement=all`: for tests that stop it,
    /// or change what all its databases share (roles, pg_hba.conf).
    pub fn start_alone(settings: &[&str]) -> Self {
        Self::on(Arc::new(Cluster::start(settings)))
    }

    fn on(cluster: Arc<Cluster>) -> Self {
        let database = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        cluster.execute("postgres", &format!("create database {database}"));
        Self { cluster, database }
    }

    /// `postgres://…`: this database over TCP as the superuser.
    pub fn url(&self) -> String {
        let (host, port, database) = (self.host(), self.port(), self.database());
        format!("postgres://{SUPERUSER}:{PASSWORD}@{host}:{port}/{database}")
    }

    /// `postgres://…`: this database over TCP as somebody else.
    pub fn url_as(&self, username: &str, password: &str) -> String {
        let (host, port, database) = (self.host(), self.port(), self.database());
        format!("postgres://{username}:{password}@{host}:{port}/{database}")
    }

    /// Where it listens.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.cluster.port
    }

    /// The name of this database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The superuser's name.
    pub fn username(&self) -> &'static str {
        SUPERUSER
    }

    /// The superuser's password (SCRAM over TCP).
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The folder with `data/` (pg_hba.conf is there) and the socket.
    pub fn folder(&self) -> &Path {
        self.cluster.folder()
    }

    /// Runs SQL as the superuser by another route than the tested one; gives the rows, `|` between columns.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn execute(&self, sql: &str) -> String {
        self.cluster.execute(&self.database, sql)
    }

    /// What the server logged so far; complete once it is stopped. See `log_statement=all`.
    pub fn log(&self) -> String {
        self.cluster.log()
    }

    /// Stops the server as an outage would: only on one that was started alone.
    pub fn stop(&self) {
        self.cluster.stop_server();
    }

    /// Brings it back after [`Self::stop`], on the same port with the same data.
    pub fn start_again(&self) {
        self.cluster.start_server();
    }
}
