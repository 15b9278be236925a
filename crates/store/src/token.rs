//! Bearer tokens, found by their hash.

use engine::Timestamp;
use engine::access::{Token, TokenHash};
use engine::id::TokenId;
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading};

pub(crate) async fn find(pool: &AnyPool, id: &TokenId) -> Result<Option<Token>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from token where id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("token"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn find_by_hash(pool: &AnyPool, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from token where hash = $1")
        .bind(hash.0.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("token"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Token>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from token order by id")
        .fetch_all(pool)
        .await
        .map_err(reading("token"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, token: &Token) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into token (id, hash, created_at, expires_at, revoked_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict do nothing",
    )
    .bind(token.id.as_str())
    .bind(token.hash.0.as_str())
    .bind(token.created_at.as_micros())
    .bind(token.expires_at.map(Timestamp::as_micros))
    .bind(token.revoked_at.map(Timestamp::as_micros))
    .bind(to_body(token)?)
    .bind(token.revision)
    .execute(connection)
    .await?;
    expect_one_row(&result, "token", &token.id)
}

pub(crate) async fn update(connection: &mut AnyConnection, token: &Token) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update token set expires_at = $3, revoked_at = $4, body = $5, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(token.id.as_str())
    .bind(token.revision)
    .bind(token.expires_at.map(Timestamp::as_micros))
    .bind(token.revoked_at.map(Timestamp::as_micros))
    .bind(to_body(token)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "token", &token.id)
}
