//! Freezes. The word is reserved in PostgreSQL, so the table's name stands in quotes.

use engine::Timestamp;
use engine::freeze::Freeze;
use engine::id::FreezeId;
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading};

pub(crate) async fn find(pool: &AnyPool, id: &FreezeId) -> Result<Option<Freeze>, StoreError> {
    let row = sqlx::query(r#"select id, body, revision from "freeze" where id = $1"#)
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("freeze"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list_on(pool: &AnyPool, now: Timestamp) -> Result<Vec<Freeze>, StoreError> {
    let rows = sqlx::query(
        r#"select id, body, revision from "freeze"
           where ended_at is null and (until is null or until > $1)
           order by id"#,
    )
    .bind(now.as_micros())
    .fetch_all(pool)
    .await
    .map_err(reading("freeze"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, freeze: &Freeze) -> Result<(), WriteError> {
    let result = sqlx::query(
        r#"insert into "freeze" (id, environment, created_at, until, ended_at, body, revision)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict do nothing"#,
    )
    .bind(freeze.id.as_str())
    .bind(freeze.environment.as_ref().map(engine::Name::as_str))
    .bind(freeze.created_at.as_micros())
    .bind(freeze.until.map(Timestamp::as_micros))
    .bind(freeze.ended_at.map(Timestamp::as_micros))
    .bind(to_body(freeze)?)
    .bind(freeze.revision)
    .execute(connection)
    .await?;
    expect_one_row(&result, "freeze", &freeze.id)
}

pub(crate) async fn update(connection: &mut AnyConnection, freeze: &Freeze) -> Result<(), WriteError> {
    let result = sqlx::query(
        r#"update "freeze" set environment = $3, until = $4, ended_at = $5, body = $6, revision = revision + 1
           where id = $1 and revision = $2"#,
    )
    .bind(freeze.id.as_str())
    .bind(freeze.revision)
    .bind(freeze.environment.as_ref().map(engine::Name::as_str))
    .bind(freeze.until.map(Timestamp::as_micros))
    .bind(freeze.ended_at.map(Timestamp::as_micros))
    .bind(to_body(freeze)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "freeze", &freeze.id)
}
