//! Issuers.

use engine::Name;
use engine::catalog::Issuer;
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, taken};

pub(crate) async fn find(pool: &AnyPool, name: &Name) -> Result<Option<Issuer>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from issuer where name = $1")
        .bind(name.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("issuer"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Issuer>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from issuer order by name")
        .fetch_all(pool)
        .await
        .map_err(reading("issuer"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, issuer: &Issuer) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into issuer (id, name, kind, environment, created_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict do nothing",
    )
    .bind(issuer.id.as_str())
    .bind(issuer.name.as_str())
    .bind(issuer.kind.as_str())
    .bind(issuer.environment.as_str())
    .bind(issuer.created_at.as_micros())
    .bind(to_body(issuer)?)
    .bind(issuer.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("issuer", &issuer.name))
    }
}

pub(crate) async fn update(connection: &mut AnyConnection, issuer: &Issuer) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update issuer set kind = $3, environment = $4, body = $5, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(issuer.id.as_str())
    .bind(issuer.revision)
    .bind(issuer.kind.as_str())
    .bind(issuer.environment.as_str())
    .bind(to_body(issuer)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "issuer", &issuer.name)
}

/// Only while no credential names it.
pub(crate) async fn delete(connection: &mut AnyConnection, issuer: &Issuer) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"delete from issuer
          where id = $1 and revision = $2 and not exists (select 1 from credential where credential.issuer = $3)",
    )
    .bind(issuer.id.as_str())
    .bind(issuer.revision)
    .bind(issuer.name.as_str())
    .execute(connection)
    .await?;
    expect_one_row(&result, "issuer", &issuer.name)
}
