//! A SQLite file that was not closed in order is looked at as a whole before anybody uses it: a disk that lost part of
//! a write must be found at once, and not by the row that is missed a year later (R2).
//!
//! SQLite's own checks see its pages; whether their contents are whole, the JSON bodies and the audit chain tell. Sealed
//! values tell by themselves when they are opened.

use std::io;
use std::path::Path;

use engine::audit::service::{AuditVerification, verify_stored};
use futures::TryStreamExt;
use serde::de::IgnoredAny;
use sqlx::{AnyPool, Row};

use crate::database::{Database, OpenError};
use crate::file_lock::FileLock;

/// The shortest file that is a database.
const SHORTEST: u64 = 512;
/// What the lock file says while the database is in use, or after its user was killed.
const IN_USE: &str = "in use\n";

/// Refuses a file that lost its beginning: SQLite would take it for a new database and begin anew.
pub(crate) fn check_beginning(path: &Path, lock: &FileLock) -> Result<(), OpenError> {
    let was_used = !lock.read().is_empty();
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    if was_used && path.exists() && length < SHORTEST {
        return Err(OpenError::Damaged(format!(
            "the file has {length} bytes, though a database was in it"
        )));
    }
    Ok(())
}

/// Whether the last user let go in order, and nothing changed since.
pub(crate) fn was_closed(path: &Path, lock: &FileLock) -> bool {
    let wal = {
        let mut name = path.as_os_str().to_owned();
        name.push("-wal");
        std::path::PathBuf::from(name)
    };
    let has_wal = std::fs::metadata(wal).is_ok_and(|file| file.len() > 0);
    !has_wal && closed_mark(path).is_ok_and(|mark| lock.read() == mark)
}

/// Says that it is in use.
pub(crate) fn mark_in_use(lock: &FileLock) -> io::Result<()> {
    lock.write(IN_USE)
}

/// Says that it was closed in order. Without this mark the next start looks at everything, so a failure is harmless.
pub(crate) fn mark_closed(path: &Path, lock: &FileLock) {
    let marked = closed_mark(path).and_then(|mark| lock.write(&mark));
    if let Err(error) = marked {
        tracing::debug!(error.cause = %error, "the database could not be marked as closed");
    }
}

fn closed_mark(path: &Path) -> io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path)?;
    Ok(format!(
        "closed {} {} {}\n",
        file.len(),
        file.mtime(),
        file.mtime_nsec()
    ))
}

/// What SQLite itself can see, before anything is read or written.
pub(crate) async fn check_pages(pool: &AnyPool) -> Result<(), OpenError> {
    let damaged = |error: sqlx::Error| OpenError::Damaged(error.to_string());
    let rows = sqlx::query(r"pragma integrity_check(3)")
        .fetch_all(pool)
        .await
        .map_err(damaged)?;
    let mut said = Vec::new();
    for row in rows {
        said.push(row.try_get::<String, _>(0).map_err(damaged)?);
    }
    if said != ["ok"] {
        return Err(OpenError::Damaged(said.join("; ")));
    }
    let orphans = sqlx::query(r"select count(*) as number from pragma_foreign_key_check")
        .fetch_one(pool)
        .await
        .and_then(|row| row.try_get::<i64, _>("number"))
        .map_err(damaged)?;
    if orphans > 0 {
        return Err(OpenError::Damaged(format!(
            "{orphans} rows refer to rows that are gone"
        )));
    }
    Ok(())
}

/// What stands in the rows: every body is JSON, and the audit chain is whole.
pub(crate) async fn check_contents(database: &Database) -> Result<(), OpenError> {
    let damaged = |error: &dyn std::fmt::Display| OpenError::Damaged(error.to_string());
    let mut snapshot = database.snapshot().await.map_err(|error| damaged(&error))?;
    for table in snapshot.tables().to_vec() {
        let body = table.columns.iter().position(|(name, _)| name == "body");
        let mut rows = snapshot.rows(&table);
        while let Some(row) = rows.try_next().await.map_err(|error| damaged(&error))? {
            if let Some(engine::recovery::Cell::Text(text)) = body.and_then(|body| row.get(body))
                && serde_json::from_str::<IgnoredAny>(text).is_err()
            {
                return Err(OpenError::Damaged(format!(
                    "a row of `{}` is no JSON any more",
                    table.name
                )));
            }
        }
    }
    drop(snapshot);
    match verify_stored(database, None)
        .await
        .map_err(|error| damaged(&error))?
    {
        AuditVerification::Whole { .. } => Ok(()),
        AuditVerification::Broken(broken) => {
            Err(OpenError::Damaged(format!("the audit is broken: {broken}")))
        }
    }
}
