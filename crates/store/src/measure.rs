//! The figures of each day: measurements, replaced and never audited.

use engine::Timestamp;
use engine::measure::Measure;
use engine::ports::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::dialect::Backend;
use crate::document::damaged;
use crate::failure::reading;

/// What stands in the column for all environments together: no environment's name is empty.
const ALL: &str = "";

pub(crate) async fn list(pool: &AnyPool, since: Timestamp) -> Result<Vec<Measure>, StoreError> {
    sqlx::query(r"select day, environment, body from measure where day >= $1 order by day, environment")
        .bind(since.as_micros())
        .fetch_all(pool)
        .await
        .map_err(reading("measure"))?
        .iter()
        .map(read)
        .collect()
}

fn read(row: &AnyRow) -> Result<Measure, StoreError> {
    let body: String = row.try_get("body").map_err(reading("measure"))?;
    serde_json::from_str(&body).map_err(|error| {
        let day: i64 = row.try_get("day").unwrap_or_default();
        damaged("measure", &day.to_string(), error.to_string())
    })
}

/// Stores all or none. In a fixed order, so that two replicas never wait for each other.
pub(crate) async fn put(pool: &AnyPool, backend: Backend, measures: &[Measure]) -> Result<(), StoreError> {
    if measures.is_empty() {
        return Ok(());
    }
    let mut ordered: Vec<&Measure> = measures.iter().collect();
    ordered.sort_by_key(|measure| (measure.day, measure.environment.as_ref()));
    let mut transaction = pool
        .begin_with(backend.begin())
        .await
        .map_err(reading("measure"))?;
    for measure in ordered {
        put_one(&mut transaction, measure).await?;
    }
    transaction.commit().await.map_err(reading("measure"))
}

async fn put_one(connection: &mut AnyConnection, measure: &Measure) -> Result<(), StoreError> {
    let day = measure.day.as_micros();
    let body = serde_json::to_string(measure)
        .map_err(|error| damaged("measure", &day.to_string(), error.to_string()))?;
    sqlx::query(
        r"insert into measure (day, environment, body) values ($1, $2, $3)
          on conflict (day, environment) do update set body = excluded.body",
    )
    .bind(day)
    .bind(
        measure
            .environment
            .as_ref()
            .map_or(ALL, |environment| environment.as_str()),
    )
    .bind(body)
    .execute(connection)
    .await
    .map_err(reading("measure"))?;
    Ok(())
}
