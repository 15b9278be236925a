//! Versions of credentials; their sealed values stand in `secret`.

use engine::catalog::{Version, VersionState};
use engine::id::CredentialId;
use engine::ports::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::document::{damaged, parse_body, to_body};
use crate::failure::{WriteError, reading};

struct VersionRow {
    credential: String,
    number: i64,
    body: String,
}

impl VersionRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            credential: row.try_get("credential")?,
            number: row.try_get("number")?,
            body: row.try_get("body")?,
        })
    }
}

impl TryFrom<VersionRow> for Version {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self, StoreError> {
        let key = format!("{}/{}", row.credential, row.number);
        let version: Self = parse_body("version", &key, &row.body)?;
        if version.credential.as_str() != row.credential || i64::from(version.number.0) != row.number {
            return Err(damaged("version", &key, "the body is that of another row"));
        }
        Ok(version)
    }
}

fn read_all(rows: &[AnyRow]) -> Result<Vec<Version>, StoreError> {
    rows.iter()
        .map(|row| VersionRow::read(row).map_err(reading("version"))?.try_into())
        .collect()
}

pub(crate) async fn list(pool: &AnyPool, credential: &CredentialId) -> Result<Vec<Version>, StoreError> {
    let rows =
        sqlx::query(r"select credential, number, body from version where credential = $1 order by number")
            .bind(credential.as_str())
            .fetch_all(pool)
            .await
            .map_err(reading("version"))?;
    read_all(&rows)
}

pub(crate) async fn list_current(pool: &AnyPool) -> Result<Vec<Version>, StoreError> {
    let rows = sqlx::query(
        r"select version.credential, version.number, version.body
          from credential
          join version on version.credential = credential.id and version.number = credential.current_version
          order by credential.name",
    )
    .fetch_all(pool)
    .await
    .map_err(reading("version"))?;
    read_all(&rows)
}

fn label(state: VersionState) -> &'static str {
    match state {
        VersionState::Candidate => "candidate",
        VersionState::Current => "current",
        VersionState::Previous => "previous",
        VersionState::Retired => "retired",
        VersionState::Failed => "failed",
        VersionState::Destroyed => "destroyed",
    }
}

pub(crate) async fn put(connection: &mut AnyConnection, version: &Version) -> Result<(), WriteError> {
    sqlx::query(
        r"insert into version (credential, number, state, created_at, body)
          values ($1, $2, $3, $4, $5)
          on conflict (credential, number) do update set state = excluded.state, body = excluded.body",
    )
    .bind(version.credential.as_str())
    .bind(i64::from(version.number.0))
    .bind(label(version.state))
    .bind(version.created_at.as_micros())
    .bind(to_body(version)?)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn delete_of(
    connection: &mut AnyConnection,
    credential: &CredentialId,
) -> Result<(), WriteError> {
    sqlx::query(r"delete from version where credential = $1")
        .bind(credential.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
