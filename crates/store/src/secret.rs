//! Sealed values, each at its place.

use engine::id::CredentialId;
use engine::ports::{SecretRef, StoreError};
use sqlx::{AnyConnection, AnyPool, Row};

use crate::failure::{WriteError, reading};

/// (table, row, field, sealed).
pub(crate) type PlacedSecret = (String, String, String, Vec<u8>);

pub(crate) async fn find(pool: &AnyPool, at: &SecretRef) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query(r"select sealed from secret where table_name = $1 and row_key = $2 and field = $3")
        .bind(at.table)
        .bind(at.row.as_str())
        .bind(at.field)
        .fetch_optional(pool)
        .await
        .and_then(|row| row.map(|row| row.try_get("sealed")).transpose())
        .map_err(reading("secret"))
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<PlacedSecret>, StoreError> {
    let read = |row: &sqlx::any::AnyRow| {
        Ok((
            row.try_get("table_name")?,
            row.try_get("row_key")?,
            row.try_get("field")?,
            row.try_get("sealed")?,
        ))
    };
    sqlx::query(r"select table_name, row_key, field, sealed from secret order by table_name, row_key, field")
        .fetch_all(pool)
        .await
        .and_then(|rows| rows.iter().map(read).collect())
        .map_err(reading("secret"))
}

pub(crate) async fn rows(pool: &AnyPool, table: &str, field: &str) -> Result<Vec<String>, StoreError> {
    sqlx::query(r"select row_key from secret where table_name = $1 and field = $2 order by row_key")
        .bind(table)
        .bind(field)
        .fetch_all(pool)
        .await
        .and_then(|rows| rows.iter().map(|row| row.try_get("row_key")).collect())
        .map_err(reading("secret"))
}

pub(crate) async fn put(
    connection: &mut AnyConnection,
    at: &SecretRef,
    sealed: &[u8],
) -> Result<(), WriteError> {
    sqlx::query(
        r"insert into secret (table_name, row_key, field, sealed) values ($1, $2, $3, $4)
          on conflict (table_name, row_key, field) do update set sealed = excluded.sealed",
    )
    .bind(at.table)
    .bind(at.row.as_str())
    .bind(at.field)
    .bind(sealed)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn shred(connection: &mut AnyConnection, at: &SecretRef) -> Result<(), WriteError> {
    sqlx::query(r"delete from secret where table_name = $1 and row_key = $2 and field = $3")
        .bind(at.table)
        .bind(at.row.as_str())
        .bind(at.field)
        .execute(connection)
        .await?;
    Ok(())
}

/// The sealed values of every version of a credential.
pub(crate) async fn shred_versions_of(
    connection: &mut AnyConnection,
    credential: &CredentialId,
) -> Result<(), WriteError> {
    sqlx::query(
        r"delete from secret where table_name = 'version' and substr(row_key, 1, length($1) + 1) = $1 || '/'",
    )
    .bind(credential.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// A place and what should stand there before and after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement<'a> {
    pub(crate) table: &'a str,
    pub(crate) row: &'a str,
    pub(crate) field: &'a str,
    pub(crate) before: &'a [u8],
    pub(crate) after: &'a [u8],
}

pub(crate) async fn replace(pool: &AnyPool, replacement: Replacement<'_>) -> Result<bool, StoreError> {
    let result = sqlx::query(
        r"update secret set sealed = $5
          where table_name = $1 and row_key = $2 and field = $3 and sealed = $4",
    )
    .bind(replacement.table)
    .bind(replacement.row)
    .bind(replacement.field)
    .bind(replacement.before)
    .bind(replacement.after)
    .execute(pool)
    .await
    .map_err(reading("secret"))?;
    Ok(result.rows_affected() == 1)
}
