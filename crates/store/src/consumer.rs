//! Consumers.

use engine::Name;
use engine::catalog::Consumer;
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, taken};

pub(crate) async fn find(pool: &AnyPool, name: &Name) -> Result<Option<Consumer>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from consumer where name = $1")
        .bind(name.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("consumer"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Consumer>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from consumer order by name")
        .fetch_all(pool)
        .await
        .map_err(reading("consumer"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, consumer: &Consumer) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into consumer (id, name, service, environment, created_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict do nothing",
    )
    .bind(consumer.id.as_str())
    .bind(consumer.name.as_str())
    .bind(consumer.service.as_str())
    .bind(consumer.environment.as_str())
    .bind(consumer.created_at.as_micros())
    .bind(to_body(consumer)?)
    .bind(consumer.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("consumer", &consumer.name))
    }
}

pub(crate) async fn update(connection: &mut AnyConnection, consumer: &Consumer) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update consumer set service = $3, environment = $4, body = $5, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(consumer.id.as_str())
    .bind(consumer.revision)
    .bind(consumer.service.as_str())
    .bind(consumer.environment.as_str())
    .bind(to_body(consumer)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "consumer", &consumer.name)
}

pub(crate) async fn delete(connection: &mut AnyConnection, consumer: &Consumer) -> Result<(), WriteError> {
    let result = sqlx::query(r"delete from consumer where id = $1 and revision = $2")
        .bind(consumer.id.as_str())
        .bind(consumer.revision)
        .execute(connection)
        .await?;
    expect_one_row(&result, "consumer", &consumer.name)
}
