//! Values under names: the root key's check value, wrapped wrapping keys, settings.

use engine::ports::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::failure::{WriteError, expect_one_row, reading};

pub(crate) async fn find(pool: &AnyPool, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query(r"select value from setting where key = $1")
        .bind(key)
        .fetch_optional(pool)
        .await
        .and_then(|row| row.map(|row| row.try_get("value")).transpose())
        .map_err(reading("setting"))
}

pub(crate) async fn list(pool: &AnyPool, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let read = |row: &AnyRow| Ok((row.try_get("key")?, row.try_get("value")?));
    sqlx::query(r"select key, value from setting where substr(key, 1, length($1)) = $1 order by key")
        .bind(prefix)
        .fetch_all(pool)
        .await
        .and_then(|rows| rows.iter().map(read).collect())
        .map_err(reading("setting"))
}

pub(crate) async fn put(connection: &mut AnyConnection, key: &str, value: &[u8]) -> Result<(), WriteError> {
    sqlx::query(
        r"insert into setting (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
    )
    .bind(key)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

/// The first one wins; the others are stale and read what stands there.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    key: &str,
    value: &[u8],
) -> Result<(), WriteError> {
    let result = sqlx::query(r"insert into setting (key, value) values ($1, $2) on conflict do nothing")
        .bind(key)
        .bind(value)
        .execute(connection)
        .await?;
    expect_one_row(&result, "setting", &key)
}

/// Compare and swap. The row stays locked until the transaction ends, so two of these follow each other.
pub(crate) async fn replace(
    connection: &mut AnyConnection,
    key: &str,
    before: &[u8],
    after: &[u8],
) -> Result<(), WriteError> {
    let result = sqlx::query(r"update setting set value = $3 where key = $1 and value = $2")
        .bind(key)
        .bind(before)
        .bind(after)
        .execute(connection)
        .await?;
    expect_one_row(&result, "setting", &key)
}
