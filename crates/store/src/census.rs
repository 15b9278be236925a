//! Censuses: one for each whole pass over a target.

use engine::Timestamp;
use engine::id::TargetId;
use engine::ports::StoreError;
use engine::reencryption::Census;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::document::{parse_body, to_body};
use crate::failure::{WriteError, reading};

fn read(row: &AnyRow) -> Result<Census, StoreError> {
    let job: String = row.try_get("job").map_err(reading("census"))?;
    let body: String = row.try_get("body").map_err(reading("census"))?;
    parse_body("census", &job, &body)
}

pub(crate) async fn find_latest(pool: &AnyPool, target: &TargetId) -> Result<Option<Census>, StoreError> {
    let row = sqlx::query(
        r"select job, body from census where target = $1 order by finished_at desc, job desc limit 1",
    )
    .bind(target.as_str())
    .fetch_optional(pool)
    .await
    .map_err(reading("census"))?;
    row.as_ref().map(read).transpose()
}

pub(crate) async fn list(
    pool: &AnyPool,
    target: Option<&TargetId>,
    since: Timestamp,
) -> Result<Vec<Census>, StoreError> {
    sqlx::query(
        r"select job, body from census
          where ($1 is null or target = $1) and finished_at >= $2
          order by finished_at, job",
    )
    .bind(target.map(TargetId::as_str))
    .bind(since.as_micros())
    .fetch_all(pool)
    .await
    .map_err(reading("census"))?
    .iter()
    .map(read)
    .collect()
}

pub(crate) async fn put(connection: &mut AnyConnection, census: &Census) -> Result<(), WriteError> {
    sqlx::query(
        r"insert into census (job, target, started_at, finished_at, body) values ($1, $2, $3, $4, $5)
          on conflict (job) do update set started_at = excluded.started_at,
            finished_at = excluded.finished_at, body = excluded.body",
    )
    .bind(census.job.as_str())
    .bind(census.target.as_str())
    .bind(census.started_at.as_micros())
    .bind(census.finished_at.as_micros())
    .bind(to_body(census)?)
    .execute(connection)
    .await?;
    Ok(())
}
