//! Opening, closing and asking whether it is there.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use engine::audit::AuditDraft;
use engine::ports::{Announcer, Store, StoreError};
use engine::{Change, CommitError};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Row};
use tokio::task::JoinHandle;

use crate::announce::Announcing;
use crate::dialect::Backend;
use crate::file_lock::{FileLock, FileLockError, open_private};
use crate::group::{self, Senders, Writer};
use crate::listener::{self, Watch};
use crate::migration::{self, MigrationError};
use crate::{job, lease, record, replica, soundness, sqlite_path};

/// An outage of PostgreSQL is said after this long; SQLite's one writer may make others wait longer.
const POSTGRES_TIMEOUT: Duration = Duration::from_secs(3);
const SQLITE_TIMEOUT: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(2);
const OLDEST_POSTGRES: i64 = 150_000;

/// What may be chosen when opening.
#[derive(Clone, Debug)]
pub struct Options {
    /// How this process signs what it tells other replicas; empty means that its own notices are told twice, which is
    /// harmless.
    pub replica: String,
    /// Connections for reading; PostgreSQL writes over the same pool.
    pub connections: u32,
    /// When the audit entry of a data operation counts as written.
    pub audit_durability: AuditDurability,
    /// What a replica remembers counts for so long after it was last known to be complete (KEY-8). A replica that is
    /// silent for longer is not waited for.
    pub view_bound: Duration,
}

/// When [`Store::record`] answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditDurability {
    /// The entry is written: it outlives the process.
    #[default]
    Written,
    /// The entry is fsynced: it outlives the power.
    Fsynced,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            replica: String::new(),
            connections: 8,
            audit_durability: AuditDurability::default(),
            view_bound: engine::view::USUAL_BOUND,
        }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no database that we know.
    #[error(
        "`{0}` is not a database that Rota can use: give `sqlite:rota.db` or `postgres://user@host/database`"
    )]
    Url(String),
    /// Another server has it.
    #[error(
        "another Rota is using this database (it holds `{}`); stop it first, or use PostgreSQL for several replicas",
        .0.display()
    )]
    InUse(PathBuf),
    /// A file cannot be made or read.
    #[error("`{}` cannot be opened: {}", .0.display(), .1)]
    File(PathBuf, #[source] io::Error),
    /// The tables do not fit this program.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// Part of a write was lost.
    #[error("the database is damaged: {0}; nothing was written to it. Restore a backup (`rota restore`)")]
    Damaged(String),
    /// Older than what is tested.
    #[error("PostgreSQL {0} is too old: Rota needs 15 or newer")]
    TooOld(String),
    /// The database does not answer, or refuses us.
    #[error("the database cannot be opened: {0}")]
    Database(String),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.to_string())
    }
}

/// An open database: every port of the engine, and what only the server keeps (sessions, idempotent replies).
#[derive(Debug)]
pub struct Database {
    backend: Backend,
    /// How this replica signs what it tells others.
    replica: String,
    readers: AnyPool,
    /// On SQLite the one connection that writes; on PostgreSQL the same pool as `readers`.
    writers: AnyPool,
    senders: RwLock<Option<Senders>>,
    options: Options,
    writer: Mutex<Option<JoinHandle<()>>>,
    watchers: Mutex<Vec<JoinHandle<()>>>,
    file_lock: Mutex<Option<Arc<FileLock>>>,
    /// On SQLite.
    file: Option<PathBuf>,
}

impl Database {
    /// Opens a database, makes it when it is a SQLite file that is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`]; a second server on one SQLite file is [`OpenError::InUse`].
    pub async fn open(
        url: &str,
        announcer: Arc<dyn Announcer>,
        options: Options,
    ) -> Result<Arc<Self>, OpenError> {
        sqlx::any::install_default_drivers();
        let announcing = Announcing {
            announcer,
            replica: options.replica.clone(),
        };
        match Backend::of_url(url) {
            Some(Backend::Sqlite) => Self::open_sqlite(url, announcing, &options).await,
            Some(Backend::Postgres) => Self::open_postgres(url, announcing, &options).await,
            None => Err(OpenError::Url(without_password(url))),
        }
    }

    async fn open_sqlite(
        url: &str,
        announcing: Announcing,
        options: &Options,
    ) -> Result<Arc<Self>, OpenError> {
        let path = sqlite_path::of_url(url).ok_or_else(|| OpenError::Url(url.to_owned()))?;
        let file_lock = lock_file(&path)?;
        soundness::check_beginning(&path, &file_lock)?;
        let was_closed = soundness::was_closed(&path, &file_lock);
        // Made by us, so that nobody else may read it; SQLite gives its companions the same mode.
        open_private(&path).map_err(|error| OpenError::File(path.clone(), error))?;
        let url = sqlite_path::to_url(&path).ok_or_else(|| OpenError::Url(url.to_owned()))?;
        let writers = connect(Backend::Sqlite, &url, 1).await?;
        if !was_closed {
            soundness::check_pages(&writers).await?;
        }
        migration::migrate(&writers, Backend::Sqlite).await?;
        soundness::mark_in_use(&file_lock).map_err(|error| OpenError::File(path.clone(), error))?;
        lease::end_all(&writers).await?;
        job::end_all_leases(&writers).await?;
        let readers = connect(Backend::Sqlite, &url, options.connections.max(1)).await?;
        let file_lock = Some(Arc::new(file_lock));
        let mut database = Self::start(Backend::Sqlite, readers, writers, announcing, file_lock, options);
        database.file = Some(path);
        if !was_closed {
            soundness::check_contents(&database).await?;
        }
        Ok(Arc::new(database))
    }

    async fn open_postgres(
        url: &str,
        announcing: Announcing,
        options: &Options,
    ) -> Result<Arc<Self>, OpenError> {
        let pool = connect(Backend::Postgres, url, options.connections.max(2)).await?;
        check_age(&pool).await?;
        migration::migrate(&pool, Backend::Postgres).await?;
        let listener = listener::connect(url).await?;
        let watch = Watch::begin(pool.clone(), announcing.clone()).await?;
        if !options.replica.is_empty() {
            // Known to the others before it reads anything that it remembers.
            replica::report(&pool, &options.replica, 0).await?;
        }
        let database = Self::start(Backend::Postgres, pool.clone(), pool, announcing, None, options);
        let watchers = vec![
            tokio::spawn(watch.clone().listen(url.to_owned(), listener)),
            tokio::spawn(watch.poll()),
        ];
        *lock(&database.watchers) = watchers;
        Ok(Arc::new(database))
    }

    fn start(
        backend: Backend,
        readers: AnyPool,
        writers: AnyPool,
        announcing: Announcing,
        file_lock: Option<Arc<FileLock>>,
        options: &Options,
    ) -> Self {
        let replica = announcing.replica.clone();
        let (writer, senders) = Writer::new(
            backend,
            writers.clone(),
            announcing,
            file_lock.clone(),
            options.audit_durability,
        );
        Self {
            backend,
            replica,
            readers,
            writers,
            senders: RwLock::new(Some(senders)),
            options: options.clone(),
            writer: Mutex::new(Some(tokio::spawn(writer.run()))),
            watchers: Mutex::default(),
            file_lock: Mutex::new(file_lock),
            file: None,
        }
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Asks the database for a sign of life, and does not wait long for it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it gives none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let asked = sqlx::query(r"select 1").execute(&self.readers);
        match tokio::time::timeout(PING_TIMEOUT, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(StoreError::Unavailable(error.to_string())),
            Err(_) => Err(StoreError::Unavailable(format!(
                "no answer within {} s",
                PING_TIMEOUT.as_secs()
            ))),
        }
    }

    /// Takes no more changes, finishes those that wait, and lets the database go.
    pub async fn close(&self) {
        drop(
            self.senders
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer {
            // A writer that panicked has nothing left to finish.
            writer.await.ok();
        }
        self.stop_watchers();
        if self.backend == Backend::Postgres && !self.options.replica.is_empty() {
            // Whoever is gone is not waited for; a row that stays is forgotten within the bound.
            replica::leave(&self.readers, &self.options.replica).await.ok();
        }
        self.readers.close().await;
        self.writers.close().await;
        let file_lock = lock(&self.file_lock).take();
        if let (Some(file), Some(file_lock)) = (&self.file, &file_lock) {
            soundness::mark_closed(file, file_lock);
        }
        drop(file_lock);
    }

    fn stop_watchers(&self) {
        for watcher in lock(&self.watchers).drain(..) {
            watcher.abort();
        }
    }

    pub(crate) fn replica(&self) -> &str {
        &self.replica
    }

    pub(crate) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    pub(crate) fn writers(&self) -> &AnyPool {
        &self.writers
    }

    /// How long what a replica remembers counts after a renewal.
    pub fn view_bound(&self) -> Duration {
        self.options.view_bound
    }

    fn senders(&self) -> Result<Senders, CommitError> {
        let senders = self.senders.read().unwrap_or_else(PoisonError::into_inner);
        senders.clone().ok_or_else(|| CommitError::Unavailable {
            detail: "the store is closed".to_owned(),
            outcome_unknown: false,
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop_watchers();
    }
}

#[async_trait]
impl Store for Database {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        group::submit(&self.senders()?.changes, change).await
    }

    async fn record(&self, draft: AuditDraft) -> Result<(), CommitError> {
        record::submit(&self.senders()?.entries, draft).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn lock_file(path: &Path) -> Result<FileLock, OpenError> {
    FileLock::take(path).map_err(|error| match error {
        FileLockError::Held(lock) => OpenError::InUse(lock),
        FileLockError::Io(lock, error) => OpenError::File(lock, error),
    })
}

pub(crate) async fn connect(backend: Backend, url: &str, connections: u32) -> Result<AnyPool, OpenError> {
    let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
    let timeout = match backend {
        Backend::Sqlite => SQLITE_TIMEOUT,
        Backend::Postgres => POSTGRES_TIMEOUT,
    };
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(timeout)
        // A file does not go away; a connection to a server may.
        .test_before_acquire(backend == Backend::Postgres)
        // A SQLite connection never goes bad, and closing the last one would cost a checkpoint.
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| Box::pin(async move { backend.prepare(connection).await }))
        .connect_with(options)
        .await?;
    Ok(pool)
}

pub(crate) async fn check_age(pool: &AnyPool) -> Result<(), OpenError> {
    let row = sqlx::query(
        r"select cast(current_setting('server_version_num') as bigint) as number,
                 current_setting('server_version') as name",
    )
    .fetch_one(pool)
    .await?;
    let (number, name): (i64, String) = (row.try_get("number")?, row.try_get("name")?);
    if number < OLDEST_POSTGRES {
        Err(OpenError::TooOld(name))
    } else {
        Ok(())
    }
}

/// A URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}
