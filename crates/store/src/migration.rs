//! The tables, brought up to date step by step. Steps are only ever added; each is remembered with its checksum.

use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::dialect::Backend;

struct Migration {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($number:literal $name:literal)*) => {
        &[$(Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),*]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_first_tables"
    2 "0002_measure"
    3 "0003_backup"
    4 "0004_reencryption"
    5 "0005_keys"
    6 "0006_rehearsal"
};

impl Migration {
    fn text(&self, backend: Backend) -> &'static str {
        match backend {
            Backend::Sqlite => self.sqlite,
            Backend::Postgres => self.postgres,
        }
    }

    fn checksum(&self, backend: Backend) -> String {
        hex::encode(Sha256::digest(self.text(backend)))
    }
}

/// Why the tables could not be brought up to date. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer Rota was here.
    #[error(
        "the database was made by a newer Rota: it knows migration {number} (`{name}`), this one knows up to \
         {newest}; start the newer version, or restore the backup made before its upgrade"
    )]
    Newer {
        /// The unknown migration.
        number: i64,
        /// Its name.
        name: String,
        /// The highest number that this program knows.
        newest: i64,
    },
    /// A migration is not what it was when it was applied.
    #[error(
        "migration {number} (`{name}`) differs from the one that was applied to this database; use the program \
         that made it, or restore a backup"
    )]
    Changed {
        /// The migration.
        number: i64,
        /// Its name.
        name: String,
    },
    /// The database refused.
    #[error("the tables could not be brought up to date: {0}")]
    Database(#[from] sqlx::Error),
}

struct AppliedRow {
    number: i64,
    name: String,
    checksum: String,
}

impl AppliedRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            number: row.try_get("number")?,
            name: row.try_get("name")?,
            checksum: row.try_get("checksum")?,
        })
    }

    fn check(&self, backend: Backend) -> Result<(), MigrationError> {
        let name = self.name.clone();
        let Some(known) = MIGRATIONS
            .iter()
            .find(|migration| migration.number == self.number)
        else {
            return Err(MigrationError::Newer {
                number: self.number,
                name,
                newest: newest(),
            });
        };
        if known.checksum(backend) == self.checksum {
            Ok(())
        } else {
            Err(MigrationError::Changed {
                number: self.number,
                name,
            })
        }
    }
}

/// Applies what is missing, all in one transaction; servers that start at once do it one after the other.
pub(crate) async fn migrate(pool: &AnyPool, backend: Backend) -> Result<(), MigrationError> {
    let mut transaction = pool.begin_with(backend.begin()).await?;
    if let Some(hold) = backend.hold_migrations() {
        sqlx::query(hold).execute(&mut *transaction).await?;
    }
    apply(&mut transaction, backend, newest()).await?;
    transaction.commit().await?;
    Ok(())
}

/// The newest migration that this program knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// Applies what is missing up to a migration, in the caller's transaction.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    backend: Backend,
    up_to: i64,
) -> Result<(), MigrationError> {
    create_table(&mut *connection).await?;
    let applied = list_applied(&mut *connection).await?;
    for migration in &applied {
        migration.check(backend)?;
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.number <= up_to) {
        if applied.iter().any(|done| done.number == migration.number) {
            continue;
        }
        sqlx::raw_sql(migration.text(backend))
            .execute(&mut *connection)
            .await?;
        remember(&mut *connection, migration, backend).await?;
    }
    Ok(())
}

async fn create_table(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        r"create table if not exists migration (
            number bigint primary key not null,
            name text not null,
            checksum text not null
          )",
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn list_applied(connection: &mut AnyConnection) -> Result<Vec<AppliedRow>, sqlx::Error> {
    sqlx::query(r"select number, name, checksum from migration order by number")
        .fetch_all(connection)
        .await?
        .iter()
        .map(AppliedRow::read)
        .collect()
}

async fn remember(
    connection: &mut AnyConnection,
    migration: &Migration,
    backend: Backend,
) -> Result<(), sqlx::Error> {
    sqlx::query(r"insert into migration (number, name, checksum) values ($1, $2, $3)")
        .bind(migration.number)
        .bind(migration.name)
        .bind(migration.checksum(backend))
        .execute(connection)
        .await?;
    Ok(())
}
