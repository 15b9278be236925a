//! One moment of the whole database, read row by row.

use engine::audit::{ChainHead, EntryHash};
use engine::ports::StoreError;
use engine::recovery::{Cell, Tombstones};
use futures::StreamExt;
use futures::stream::BoxStream;
use sqlx::{Any, AnyConnection, Row, Transaction};

use crate::database::Database;
use crate::document::damaged;
use crate::key;
use crate::shape::{self, TableShape};

/// A reading transaction: whatever is written meanwhile is not in it. Dropping it ends it.
#[derive(Debug)]
pub struct Snapshot {
    transaction: Transaction<'static, Any>,
    tables: Vec<TableShape>,
    migration: i64,
    audit: ChainHead,
}

impl Database {
    /// The whole database as it is now. Writers are not held up.
    ///
    /// # Errors
    /// When the database is away, or holds what no backup can.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let begun = async {
            let backend = self.backend();
            let mut transaction = self.readers().begin_with(backend.begin_snapshot()).await?;
            for setting in backend.settings_of_long_transaction() {
                sqlx::query(setting).execute(&mut *transaction).await?;
            }
            let tables = shape::list(&mut transaction, backend).await?;
            let migration = newest_migration(&mut transaction).await?;
            let audit = audit_head(&mut transaction).await?;
            Ok::<_, sqlx::Error>(Snapshot {
                transaction,
                tables,
                migration,
                audit,
            })
        };
        begun.await.map_err(unavailable("the database"))
    }
}

impl Snapshot {
    /// Every table that belongs into a backup; those that others refer to come first.
    pub fn tables(&self) -> &[TableShape] {
        &self.tables
    }

    /// The newest migration that was applied.
    pub fn migration(&self) -> i64 {
        self.migration
    }

    /// Where the audit chain ends.
    pub fn audit(&self) -> &ChainHead {
        &self.audit
    }

    /// Every setting, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn settings(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let rows = sqlx::query(r"select key, value from setting order by key")
            .fetch_all(&mut *self.transaction)
            .await;
        let read = rows.and_then(|rows| {
            rows.iter()
                .map(|row| Ok((row.try_get("key")?, row.try_get("value")?)))
                .collect()
        });
        read.map_err(unavailable("setting"))
    }

    /// Every key version that is destroyed, by its row or by a setting.
    ///
    /// # Errors
    /// When the database is away, or holds what does not read.
    pub async fn tombstones(&mut self, settings: &[(String, Vec<u8>)]) -> Result<Tombstones, StoreError> {
        let (keys, versions) = key::destroyed(&mut self.transaction).await?;
        Tombstones::gather(&keys, &versions, settings)
            .map_err(|error| damaged("setting", "tombstone", error.to_string()))
    }

    /// The rows of a table in the order of its primary key, a few at a time in memory.
    pub fn rows<'a>(&'a mut self, table: &'a TableShape) -> BoxStream<'a, Result<Vec<Cell>, StoreError>> {
        rows(&mut self.transaction, table)
    }
}

pub(crate) fn rows<'a>(
    connection: &'a mut AnyConnection,
    table: &'a TableShape,
) -> BoxStream<'a, Result<Vec<Cell>, StoreError>> {
    sqlx::query(table.select())
        .fetch(connection)
        .map(|row| {
            row.and_then(|row| table.cells(&row))
                .map_err(unavailable(&table.name))
        })
        .boxed()
}

async fn newest_migration(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    sqlx::query(r"select max(number) as number from migration")
        .fetch_one(connection)
        .await?
        .try_get("number")
}

async fn audit_head(connection: &mut AnyConnection) -> Result<ChainHead, sqlx::Error> {
    let row = sqlx::query(r"select sequence, hash from audit_head where id = 1")
        .fetch_one(connection)
        .await?;
    Ok(ChainHead {
        sequence: row.try_get("sequence")?,
        hash: EntryHash(row.try_get("hash")?),
    })
}

/// Damage and an outage alike: no backup.
pub(crate) fn unavailable(what: &str) -> impl Fn(sqlx::Error) -> StoreError {
    let what = what.to_owned();
    move |error| StoreError::Unavailable(format!("{what} cannot be read: {error}"))
}
