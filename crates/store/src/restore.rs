//! A whole database made from a backup, in one step: everything of it is there, or nothing.
//!
//! On SQLite it grows in a file beside its place, `….restoring`, which gets its name when it is complete. On PostgreSQL
//! it is one transaction. Both refuse a place that holds anything.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use engine::audit::AuditDraft;
use engine::ports::StoreError;
use engine::recovery::{Cell, TableDigest, TableSummary};
use engine::{Change, Write};
use futures::TryStreamExt;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions, Transaction};

use crate::audit::Counted;
use crate::backup;
use crate::database::{OpenError, check_age, connect, lock_file};
use crate::dialect::Backend;
use crate::failure::WriteError;
use crate::file_lock::{FileLock, open_private};
use crate::migration::{self, MigrationError};
use crate::shape::{self, TableShape, bind};
use crate::{audit, commit, setting, sqlite_path};

/// Rows of one statement at most, and values: both databases take more.
const ROWS: usize = 64;
const VALUES: usize = 1_000;
/// Bytes that wait to be inserted at most.
const WAITING: usize = 1024 * 1024;

/// Why a database was not restored. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The place cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something is there.
    #[error("{0}; a restore never overwrites anything: move it away, or name an empty place")]
    NotEmpty(String),
    /// A newer Rota made the backup.
    #[error(
        "the backup was made by a newer Rota: its tables are those of migration {migration}, and this version knows up \
         to {newest}; restore it with the version that made it, or a newer one"
    )]
    Newer { migration: i64, newest: i64 },
    /// The backup and this program do not agree on the tables.
    #[error(
        "table `{0}` of the backup is not as migration {1} made it; the backup and this program do not fit together"
    )]
    Shape(String, i64),
    /// The database refused.
    #[error("the database cannot be restored: {0}")]
    Database(String),
    /// The new file cannot be put in its place.
    #[error("`{}` cannot be put in its place: {}", .0.display(), .1)]
    File(PathBuf, #[source] io::Error),
}

impl From<sqlx::Error> for RestoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<MigrationError> for RestoreError {
    fn from(error: MigrationError) -> Self {
        Self::Open(error.into())
    }
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.to_string())
    }
}

impl From<WriteError> for RestoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Database(error) => error.into(),
            WriteError::Refused(error) => Self::Database(error.to_string()),
        }
    }
}

/// Where the new database will be.
#[derive(Debug)]
enum Place {
    File { path: PathBuf, draft: Draft },
    Server,
}

/// A file that goes when it is dropped; the lock is held until then.
#[derive(Debug)]
struct Draft {
    path: PathBuf,
    _file_lock: FileLock,
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove_draft(&self.path);
    }
}

/// A database that is being made.
#[derive(Debug)]
pub struct Restoration {
    backend: Backend,
    migration: i64,
    // In this order: the transaction ends before its pool, and the file goes last.
    transaction: Transaction<'static, Any>,
    pool: AnyPool,
    tables: Vec<TableShape>,
    current: Option<usize>,
    waiting: Vec<Vec<Cell>>,
    waiting_bytes: usize,
    place: Place,
}

impl Restoration {
    /// An empty database with the tables of a migration, at a place that holds nothing.
    ///
    /// # Errors
    /// [`RestoreError`]; something is there, or the place cannot be opened.
    pub async fn begin(url: &str, migration: i64) -> Result<Self, RestoreError> {
        sqlx::any::install_default_drivers();
        let newest = migration::newest();
        if migration > newest {
            return Err(RestoreError::Newer { migration, newest });
        }
        let (backend, pool, place) = match Backend::of_url(url) {
            Some(Backend::Sqlite) => open_draft(url).await?,
            Some(Backend::Postgres) => {
                let pool = connect(Backend::Postgres, url, 1).await?;
                check_age(&pool).await?;
                (Backend::Postgres, pool, Place::Server)
            }
            None => return Err(OpenError::Url("what was given".to_owned()).into()),
        };
        let mut transaction = pool.begin_with(backend.begin()).await?;
        for setting in backend.settings_of_long_transaction() {
            sqlx::query(setting).execute(&mut *transaction).await?;
        }
        if let Some(hold) = backend.hold_migrations() {
            sqlx::query(hold).execute(&mut *transaction).await?;
        }
        let found = sqlx::query(backend.list_columns())
            .fetch_all(&mut *transaction)
            .await?;
        if !found.is_empty() {
            return Err(RestoreError::NotEmpty(
                "the database holds tables already".to_owned(),
            ));
        }
        migration::apply(&mut transaction, backend, migration).await?;
        let tables = shape::list(&mut transaction, backend).await?;
        // Rows that migrations insert come from the backup like all others.
        for table in tables.iter().rev() {
            sqlx::query(&table.delete()).execute(&mut *transaction).await?;
        }
        Ok(Self {
            backend,
            migration,
            transaction,
            pool,
            tables,
            current: None,
            waiting: Vec::new(),
            waiting_bytes: 0,
            place,
        })
    }

    /// The rows that follow belong to this table.
    ///
    /// # Errors
    /// When there is no such table with these columns.
    pub async fn table(&mut self, name: &str, columns: &[String]) -> Result<(), RestoreError> {
        self.flush().await?;
        let position = self.tables.iter().position(|table| table.name == name);
        let found =
            position.and_then(|position| Some((position, self.tables.get(position)?.with_columns(columns)?)));
        let Some((position, table)) = found else {
            return Err(RestoreError::Shape(name.to_owned(), self.migration));
        };
        // In the order of the backup, so that the same hash comes out.
        if let Some(place) = self.tables.get_mut(position) {
            *place = table;
        }
        self.current = Some(position);
        Ok(())
    }

    /// One more row of the table.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn row(&mut self, cells: Vec<Cell>) -> Result<(), RestoreError> {
        self.waiting_bytes += cells.iter().map(size).sum::<usize>();
        let columns = cells.len().max(1);
        self.waiting.push(cells);
        let full = self.waiting.len() >= ROWS.min(VALUES / columns).max(1);
        if full || self.waiting_bytes > WAITING {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), RestoreError> {
        let rows = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let Some(table) = self.current.and_then(|position| self.tables.get(position)) else {
            return Err(RestoreError::Database(
                "a row stands before the first table".to_owned(),
            ));
        };
        let misfit = || RestoreError::Shape(table.name.clone(), self.migration);
        let sql = table.insert(rows.len());
        let mut query = sqlx::query(&sql);
        for row in rows {
            if row.len() != table.columns.len() {
                return Err(misfit());
            }
            for (cell, (_, kind)) in row.into_iter().zip(&table.columns) {
                query = bind(query, *kind, cell).ok_or_else(misfit)?;
            }
        }
        query.execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// What now stands in the new database, read back: to be compared with what was written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_back(&mut self) -> Result<Vec<TableSummary>, RestoreError> {
        self.flush().await?;
        let mut summaries = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            let mut digest = TableDigest::new(&table.name);
            let mut rows = backup::rows(&mut self.transaction, table);
            while let Some(row) = rows.try_next().await? {
                digest.add(&row);
            }
            drop(rows);
            summaries.push(digest.summary());
        }
        Ok(summaries)
    }

    /// Makes further changes on top of what was restored; they are read back by nobody.
    ///
    /// # Errors
    /// When the database refuses one.
    pub async fn apply(&mut self, writes: Vec<Write>) -> Result<(), RestoreError> {
        self.flush().await?;
        let change = Change {
            writes,
            ..Change::default()
        };
        commit::apply(&mut self.transaction, self.backend, &change).await?;
        Ok(())
    }

    /// Puts settings and audit entries on top of what was restored.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add(
        &mut self,
        settings: Vec<(String, Vec<u8>)>,
        drafts: Vec<AuditDraft>,
    ) -> Result<(), RestoreError> {
        self.flush().await?;
        for (key, value) in settings {
            setting::put(&mut self.transaction, &key, &value).await?;
        }
        audit::append(&mut self.transaction, self.backend, drafts, Counted::Change).await?;
        Ok(())
    }

    /// Makes it the database of its place.
    ///
    /// # Errors
    /// When the database refuses, or somebody put something in the place meanwhile.
    pub async fn commit(mut self) -> Result<(), RestoreError> {
        self.flush().await?;
        let Self {
            transaction,
            pool,
            place,
            ..
        } = self;
        transaction.commit().await?;
        pool.close().await;
        match place {
            Place::Server => Ok(()),
            Place::File { path, draft } => put_in_place(&draft.path, &path),
        }
    }
}

/// Bytes that a cell takes, more or less.
fn size(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) => text.len(),
        Cell::Bytes(bytes) => bytes.len(),
        Cell::Null | Cell::Integer(_) | Cell::Real(_) => 8,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_draft(draft: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        // Mostly there is none.
        let _gone_already = fs::remove_file(beside(draft, suffix));
    }
}

/// The file that grows, with the lock of the place it is for.
async fn open_draft(url: &str) -> Result<(Backend, AnyPool, Place), RestoreError> {
    let path = sqlite_path::of_url(url).ok_or_else(|| OpenError::Url(url.to_owned()))?;
    // A database's companions would be taken for those of the new one.
    for suffix in ["", "-wal", "-journal"] {
        let taken = beside(&path, suffix);
        if taken.symlink_metadata().is_ok() {
            return Err(RestoreError::NotEmpty(format!(
                "`{}` is there already",
                taken.display()
            )));
        }
    }
    let file_lock = lock_file(&path)?;
    let draft = Draft {
        path: beside(&path, ".restoring"),
        _file_lock: file_lock,
    };
    // Whoever left it there is dead: we hold the lock.
    remove_draft(&draft.path);
    open_private(&draft.path).map_err(|error| OpenError::File(draft.path.clone(), error))?;
    let url = sqlite_path::to_url(&draft.path).ok_or_else(|| OpenError::Url(url.to_owned()))?;
    let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
    let pool = AnyPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Nobody sees the file before it is complete and synced, so nothing needs to be durable meanwhile.
                for setting in [
                    "pragma journal_mode = memory",
                    "pragma synchronous = off",
                    "pragma foreign_keys = on",
                ] {
                    sqlx::query(setting).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok((Backend::Sqlite, pool, Place::File { path, draft }))
}

/// Synced first, then linked: a name that is taken is refused by the kernel, and a crash leaves the place empty or
/// whole.
fn put_in_place(draft: &Path, path: &Path) -> Result<(), RestoreError> {
    let failed = |error| RestoreError::File(path.to_owned(), error);
    File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(RestoreError::NotEmpty(format!(
                "`{}` is there already",
                path.display()
            )));
        }
        other => other.map_err(failed)?,
    }
    remove_draft(draft);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}
