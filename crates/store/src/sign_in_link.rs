//! One-time sign-in links, found by their hash.

use engine::access::{SignInLink, TokenHash};
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading};

pub(crate) async fn find_by_hash(pool: &AnyPool, hash: &TokenHash) -> Result<Option<SignInLink>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from sign_in_link where hash = $1")
        .bind(hash.0.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("sign_in_link"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn insert(connection: &mut AnyConnection, link: &SignInLink) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into sign_in_link (id, account, hash, expires_at, body, revision)
          values ($1, $2, $3, $4, $5, $6)
          on conflict do nothing",
    )
    .bind(link.id.as_str())
    .bind(link.account.as_str())
    .bind(link.hash.0.as_str())
    .bind(link.expires_at.as_micros())
    .bind(to_body(link)?)
    .bind(link.revision)
    .execute(connection)
    .await?;
    expect_one_row(&result, "sign-in link", &link.id)
}

/// Using a link is this compare-and-swap: the second one is stale.
pub(crate) async fn update(connection: &mut AnyConnection, link: &SignInLink) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update sign_in_link set expires_at = $3, body = $4, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(link.id.as_str())
    .bind(link.revision)
    .bind(link.expires_at.as_micros())
    .bind(to_body(link)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "sign-in link", &link.id)
}
