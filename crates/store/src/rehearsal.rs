//! Rehearsals of a restore.

use engine::ports::StoreError;
use engine::recovery::Rehearsal;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, to_body};
use crate::failure::{WriteError, expect_one_row, reading};

pub(crate) async fn list(pool: &AnyPool, limit: u32) -> Result<Vec<Rehearsal>, StoreError> {
    let rows =
        sqlx::query(r"select id, body, revision from rehearsal order by started_at desc, id desc limit $1")
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
            .map_err(reading("rehearsal"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, rehearsal: &Rehearsal) -> Result<(), WriteError> {
    let previous = rehearsal
        .previous
        .as_ref()
        .map_or("", |previous| previous.as_str());
    let result = sqlx::query(
        r"insert into rehearsal (id, previous, started_at, body, revision) values ($1, $2, $3, $4, $5)
          on conflict do nothing",
    )
    .bind(rehearsal.id.as_str())
    .bind(previous)
    .bind(rehearsal.started_at.as_micros())
    .bind(to_body(rehearsal)?)
    .bind(rehearsal.revision)
    .execute(connection)
    .await?;
    expect_one_row(&result, "rehearsal", &rehearsal.id)
}

pub(crate) async fn update(connection: &mut AnyConnection, rehearsal: &Rehearsal) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update rehearsal set body = $3, revision = revision + 1 where id = $1 and revision = $2",
    )
    .bind(rehearsal.id.as_str())
    .bind(rehearsal.revision)
    .bind(to_body(rehearsal)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "rehearsal", &rehearsal.id)
}
