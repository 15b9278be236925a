//! Rotations and their logs.

use engine::CommitError;
use engine::id::{CredentialId, RotationId};
use engine::ports::{RotationFilter, StoreError};
use engine::rotation::{RecordEvent, Rotation, RotationRecord};
use engine::{Timestamp, change::Fence};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::dialect::Backend;
use crate::document::{parse_body, read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, stale};

pub(crate) async fn find(pool: &AnyPool, id: &RotationId) -> Result<Option<Rotation>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from rotation where id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("rotation"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn find_in_flight(
    pool: &AnyPool,
    credential: &CredentialId,
) -> Result<Option<Rotation>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from rotation where credential = $1 and finished = 0")
        .bind(credential.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("rotation"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list_in_flight(pool: &AnyPool) -> Result<Vec<Rotation>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from rotation where finished = 0 order by id")
        .fetch_all(pool)
        .await
        .map_err(reading("rotation"))?;
    read_all(&rows)
}

pub(crate) async fn list(pool: &AnyPool, filter: &RotationFilter) -> Result<Vec<Rotation>, StoreError> {
    let rows = sqlx::query(
        r"select id, body, revision from rotation
          where ($1 is null or credential = $1)
            and ($2 is null or state = $2)
            and ($3 is null or created_at >= $3)
            and ($4 is null or id < $4)
          order by id desc
          limit $5",
    )
    .bind(filter.credential.as_ref().map(CredentialId::as_str))
    .bind(filter.state.as_deref())
    .bind(filter.since.map(Timestamp::as_micros))
    .bind(filter.before.as_ref().map(RotationId::as_str))
    .bind(i64::from(filter.limit))
    .fetch_all(pool)
    .await
    .map_err(reading("rotation"))?;
    read_all(&rows)
}

struct RecordRow {
    sequence: i64,
    at: i64,
    body: String,
}

impl RecordRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sequence: row.try_get("sequence")?,
            at: row.try_get("at")?,
            body: row.try_get("body")?,
        })
    }

    fn into_record(self, rotation: &RotationId) -> Result<RotationRecord, StoreError> {
        let key = format!("{rotation}/{}", self.sequence);
        Ok(RotationRecord {
            rotation: rotation.clone(),
            sequence: self.sequence,
            at: Timestamp::from_micros(self.at),
            event: parse_body("rotation_record", &key, &self.body)?,
        })
    }
}

pub(crate) async fn list_records(
    pool: &AnyPool,
    rotation: &RotationId,
    after: i64,
) -> Result<Vec<RotationRecord>, StoreError> {
    sqlx::query(
        r"select sequence, at, body from rotation_record where rotation = $1 and sequence > $2 order by sequence",
    )
    .bind(rotation.as_str())
    .bind(after)
    .fetch_all(pool)
    .await
    .map_err(reading("rotation_record"))?
    .iter()
    .map(|row| {
        RecordRow::read(row)
            .map_err(reading("rotation_record"))?
            .into_record(rotation)
    })
    .collect()
}

pub(crate) async fn insert(connection: &mut AnyConnection, rotation: &Rotation) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into rotation (id, credential, state, finished, created_at, finished_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7, $8)
          on conflict do nothing",
    )
    .bind(rotation.id.as_str())
    .bind(rotation.credential.as_str())
    .bind(rotation.label())
    .bind(i64::from(rotation.state.is_terminal()))
    .bind(rotation.created_at.as_micros())
    .bind(rotation.finished_at.map(Timestamp::as_micros))
    .bind(to_body(rotation)?)
    .bind(rotation.revision)
    .execute(&mut *connection)
    .await?;
    if result.rows_affected() == 1 {
        return Ok(());
    }
    match id_in_flight(connection, &rotation.credential).await? {
        Some(other) => Err(CommitError::RotationInProgress(other).into()),
        None => Err(stale("rotation", &rotation.id)),
    }
}

/// The one that is not terminal.
pub(crate) async fn id_in_flight(
    connection: &mut AnyConnection,
    credential: &CredentialId,
) -> Result<Option<RotationId>, WriteError> {
    let row = sqlx::query(r"select id from rotation where credential = $1 and finished = 0")
        .bind(credential.as_str())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let id: String = row.try_get("id")?;
    RotationId::parse(&id)
        .map(Some)
        .map_err(|error| WriteError::Database(sqlx::Error::Decode(error.into())))
}

pub(crate) async fn update(connection: &mut AnyConnection, rotation: &Rotation) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update rotation
          set state = $3, finished = $4, finished_at = $5, body = $6, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(rotation.id.as_str())
    .bind(rotation.revision)
    .bind(rotation.label())
    .bind(i64::from(rotation.state.is_terminal()))
    .bind(rotation.finished_at.map(Timestamp::as_micros))
    .bind(to_body(rotation)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "rotation", &rotation.id)
}

/// Refuses a driver whose lease somebody else has taken since.
pub(crate) async fn check_fence(
    connection: &mut AnyConnection,
    backend: Backend,
    fence: &Fence,
) -> Result<(), WriteError> {
    let row = sqlx::query(backend.hold_lease())
        .bind(fence.rotation.as_str())
        .fetch_optional(connection)
        .await?;
    let token: Option<i64> = row.map(|row| row.try_get("token")).transpose()?;
    if token == Some(fence.token) {
        Ok(())
    } else {
        Err(CommitError::Fenced(fence.rotation.clone()).into())
    }
}

pub(crate) async fn expect_revision(
    connection: &mut AnyConnection,
    backend: Backend,
    rotation: &RotationId,
    revision: i64,
) -> Result<(), WriteError> {
    let row = sqlx::query(backend.hold_rotation())
        .bind(rotation.as_str())
        .fetch_optional(connection)
        .await?;
    let stored: Option<i64> = row.map(|row| row.try_get("revision")).transpose()?;
    if stored == Some(revision) {
        Ok(())
    } else {
        Err(stale("rotation", rotation))
    }
}

pub(crate) async fn append_record(
    connection: &mut AnyConnection,
    rotation: &RotationId,
    at: Timestamp,
    event: &RecordEvent,
) -> Result<(), WriteError> {
    let sequence = next_record(&mut *connection, rotation).await?;
    sqlx::query(r"insert into rotation_record (rotation, sequence, at, body) values ($1, $2, $3, $4)")
        .bind(rotation.as_str())
        .bind(sequence)
        .bind(at.as_micros())
        .bind(to_body(event)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts under the rotation's row lock, so that two writers never give the same number.
async fn next_record(connection: &mut AnyConnection, rotation: &RotationId) -> Result<i64, WriteError> {
    let row =
        sqlx::query(r"update rotation set last_record = last_record + 1 where id = $1 returning last_record")
            .bind(rotation.as_str())
            .fetch_optional(connection)
            .await?;
    match row {
        Some(row) => Ok(row.try_get("last_record")?),
        None => Err(stale("rotation", rotation)),
    }
}
