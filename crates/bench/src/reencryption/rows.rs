//! Tables of sealed values, in SQLite and in PostgreSQL, and what the databases do with them by themselves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};
use testing::Postgres;
use tokio::time::Instant;

/// Rows of one transaction, as one would do it by hand.
const BATCH: usize = 500;

/// A SQLite file with `records (id, sealed)`, and `fresh` with other values of the same lengths.
#[derive(Debug)]
pub(super) struct SqliteRows {
    pub(super) file: PathBuf,
    pool: SqlitePool,
    rows: usize,
}

impl SqliteRows {
    pub(super) async fn fill(folder: &Path, values: &[Vec<u8>]) -> Result<Self> {
        let file = folder.join("application.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePool::connect_with(options).await?;
        for table in ["records", "fresh"] {
            let create = format!("create table {table} (id integer primary key, sealed blob not null)");
            sqlx::query(&create).execute(&pool).await?;
            let mut transaction = pool.begin().await?;
            let insert = format!("insert into {table} (id, sealed) values ($1, $2)");
            for (id, value) in (0_i64..).zip(values) {
                let query = sqlx::query(&insert).bind(id).bind(value.as_slice());
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        let rows = values.len();
        Ok(Self { file, pool, rows })
    }

    /// The same update by SQLite alone, the new values being there already: rows a second.
    pub(super) async fn update(&self) -> Result<f64> {
        let began = Instant::now();
        for first in (0..self.rows).step_by(BATCH) {
            let (first, last) = (i64::try_from(first)?, i64::try_from(first + BATCH - 1)?);
            let update = "update records set sealed = fresh.sealed from fresh
                           where fresh.id = records.id and records.id between $1 and $2";
            sqlx::query(update)
                .bind(first)
                .bind(last)
                .execute(&self.pool)
                .await?;
        }
        Ok(per_second(self.rows, began))
    }

    /// The same by a program that has the new values: one prepared statement, row by row.
    pub(super) async fn update_by_values(&self) -> Result<f64> {
        let fresh: Vec<(i64, Vec<u8>)> = sqlx::query_as("select id, sealed from fresh order by id")
            .fetch_all(&self.pool)
            .await?;
        let began = Instant::now();
        for rows in fresh.chunks(BATCH) {
            let mut transaction = self.pool.begin().await?;
            for (id, sealed) in rows {
                let update = sqlx::query("update records set sealed = $2 where id = $1");
                let update = update.bind(id).bind(sealed.as_slice());
                update.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        Ok(per_second(self.rows, began))
    }
}

/// The same in PostgreSQL, and `pgcrypto` with values of its own.
#[derive(Debug)]
pub(super) struct PostgresRows {
    pub(super) server: Postgres,
    pool: PgPool,
    rows: usize,
}

/// What pgcrypto may be told; the key is random, so stretching it (`s2k-mode=3`, the default) adds nothing.
pub(super) const PGCRYPTO: [(&str, &str); 3] = [
    (
        "pgp_sym, its key stretched as by default",
        "pgp_sym_encrypt_bytea(pgp_sym_decrypt_bytea(sealed, 'old'), 'old', 'cipher-algo=aes256, compress-algo=0')",
    ),
    (
        "pgp_sym, s2k-mode=1",
        "pgp_sym_encrypt_bytea(pgp_sym_decrypt_bytea(sealed, 'old'), 'old', 'cipher-algo=aes256, compress-algo=0, s2k-mode=1')",
    ),
    (
        "raw AES-CBC, not authenticated",
        "encrypt_iv(decrypt_iv(sealed, decode(repeat('01', 32), 'hex'), decode(repeat('02', 16), 'hex'), 'aes'), \
         decode(repeat('01', 32), 'hex'), decode(repeat('02', 16), 'hex'), 'aes')",
    ),
];

impl PostgresRows {
    pub(super) async fn fill(values: &[Vec<u8>], plain_bytes: usize) -> Result<Self> {
        let server = Postgres::start_alone(&["shared_buffers=256MB", "fsync=on", "full_page_writes=on"]);
        let pool = PgPool::connect(&server.url()).await?;
        for table in ["records", "fresh"] {
            let create = format!("create table {table} (id bigint primary key, sealed bytea not null)");
            sqlx::query(&create).execute(&pool).await?;
            let insert = format!(
                "insert into {table} (id, sealed) select id, sealed from unnest($1::bigint[], $2::bytea[]) as new (id, sealed)"
            );
            for (place, values) in values.chunks(BATCH).enumerate() {
                let first = i64::try_from(place * BATCH)?;
                let ids: Vec<i64> = (first..).take(values.len()).collect();
                sqlx::query(&insert).bind(ids).bind(values).execute(&pool).await?;
            }
        }
        sqlx::query("create extension pgcrypto").execute(&pool).await?;
        for (place, (_, expression)) in PGCRYPTO.iter().enumerate() {
            // Sealed once by the outer half of the expression.
            let first = expression.replacen("pgp_sym_decrypt_bytea(sealed, 'old')", "plain", 1).replacen(
                "decrypt_iv(sealed, decode(repeat('01', 32), 'hex'), decode(repeat('02', 16), 'hex'), 'aes')",
                "plain",
                1,
            );
            let create = format!(
                "create table crypto_{place} as select id, {first} as sealed
                   from (select id, decode(repeat('5a', {plain_bytes}), 'hex') as plain from records where id < {}) as plain",
                crypto_rows(place, values.len())
            );
            sqlx::query(&create).execute(&pool).await?;
        }
        let rows = values.len();
        Ok(Self { server, pool, rows })
    }

    /// The same update by PostgreSQL alone in one statement, the new values being there already: rows a second.
    pub(super) async fn update(&self) -> Result<f64> {
        let update = "update records set sealed = fresh.sealed from fresh where fresh.id = records.id";
        self.timed(update, self.rows).await
    }

    /// pgcrypto opens and seals every value in one statement: rows a second.
    pub(super) async fn pgcrypto(&self, place: usize) -> Result<f64> {
        let expression = PGCRYPTO.get(place).map_or("sealed", |(_, expression)| expression);
        let rows = crypto_rows(place, self.rows);
        self.timed(&format!("update crypto_{place} set sealed = {expression}"), rows)
            .await
    }

    async fn timed(&self, update: &str, rows: usize) -> Result<f64> {
        let began = Instant::now();
        sqlx::query(update).execute(&self.pool).await?;
        Ok(per_second(rows, began))
    }
}

/// A stretched key takes milliseconds for each row: a few rows tell as much.
fn crypto_rows(place: usize, rows: usize) -> usize {
    if place == 0 { rows.div_ceil(50) } else { rows }
}

fn per_second(rows: usize, began: Instant) -> f64 {
    rows as f64 / began.elapsed().as_secs_f64()
}
