//! Credentials.

use engine::Name;
use engine::catalog::Credential;
use engine::id::CredentialId;
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::dialect::Backend;
use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, stale, taken};

pub(crate) async fn find(pool: &AnyPool, name: &Name) -> Result<Option<Credential>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from credential where name = $1")
        .bind(name.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("credential"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn find_by_id(pool: &AnyPool, id: &CredentialId) -> Result<Option<Credential>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from credential where id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("credential"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Credential>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from credential order by name")
        .fetch_all(pool)
        .await
        .map_err(reading("credential"))?;
    read_all(&rows)
}

fn current_version(credential: &Credential) -> Option<i64> {
    credential.current.map(|number| i64::from(number.0))
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    credential: &Credential,
) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into credential (id, name, issuer, environment, current_version, created_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7, $8)
          on conflict do nothing",
    )
    .bind(credential.id.as_str())
    .bind(credential.name.as_str())
    .bind(credential.issuer.as_str())
    .bind(credential.environment.as_str())
    .bind(current_version(credential))
    .bind(credential.created_at.as_micros())
    .bind(to_body(credential)?)
    .bind(credential.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("credential", &credential.name))
    }
}

pub(crate) async fn update(
    connection: &mut AnyConnection,
    credential: &Credential,
) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update credential
          set issuer = $3, environment = $4, current_version = $5, body = $6, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(credential.id.as_str())
    .bind(credential.revision)
    .bind(credential.issuer.as_str())
    .bind(credential.environment.as_str())
    .bind(current_version(credential))
    .bind(to_body(credential)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "credential", &credential.name)
}

pub(crate) async fn delete(
    connection: &mut AnyConnection,
    credential: &Credential,
) -> Result<(), WriteError> {
    let result = sqlx::query(r"delete from credential where id = $1 and revision = $2")
        .bind(credential.id.as_str())
        .bind(credential.revision)
        .execute(connection)
        .await?;
    expect_one_row(&result, "credential", &credential.name)
}

/// Refuses what belongs to a credential that is gone, and keeps it from going until the transaction ends.
pub(crate) async fn expect_present(
    connection: &mut AnyConnection,
    backend: Backend,
    id: &CredentialId,
) -> Result<(), WriteError> {
    let row = sqlx::query(backend.hold_credential())
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    if row.is_some() {
        Ok(())
    } else {
        Err(stale("credential", id))
    }
}
