//! Jobs of re-encryption and the ranges of their present pass.

use engine::Timestamp;
use engine::id::{JobId, TargetId};
use engine::ports::{JobFilter, StoreError};
use engine::reencryption::{Job, Range, RangeLease};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::document::{parse_body, read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, stale, taken};

pub(crate) async fn find(pool: &AnyPool, id: &JobId) -> Result<Option<Job>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from reencryption where id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("reencryption"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
    let rows = sqlx::query(
        r"select id, body, revision from reencryption
          where ($1 is null or target = $1) and ($2 is null or state = $2) and ($3 is null or id < $3)
          order by id desc
          limit $4",
    )
    .bind(filter.target.as_ref().map(TargetId::as_str))
    .bind(filter.state.as_deref())
    .bind(filter.before.as_ref().map(JobId::as_str))
    .bind(i64::from(filter.limit))
    .fetch_all(pool)
    .await
    .map_err(reading("reencryption"))?;
    read_all(&rows)
}

pub(crate) async fn list_under_way(pool: &AnyPool) -> Result<Vec<Job>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from reencryption where finished = 0 order by id")
        .fetch_all(pool)
        .await
        .map_err(reading("reencryption"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, job: &Job) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into reencryption
            (id, target, key, mode, state, finished, created_at, finished_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
          on conflict do nothing",
    )
    .bind(job.id.as_str())
    .bind(job.target.as_str())
    .bind(job.key.as_str())
    .bind(job.mode.label())
    .bind(job.state.label())
    .bind(i64::from(job.state.is_terminal()))
    .bind(job.created_at.as_micros())
    .bind(job.finished_at.map(Timestamp::as_micros))
    .bind(to_body(job)?)
    .bind(job.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("reencryption", &job.target_name))
    }
}

pub(crate) async fn update(connection: &mut AnyConnection, job: &Job) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update reencryption
          set state = $3, finished = $4, finished_at = $5, body = $6, revision = revision + 1
          where id = $1 and revision = $2",
    )
    .bind(job.id.as_str())
    .bind(job.revision)
    .bind(job.state.label())
    .bind(i64::from(job.state.is_terminal()))
    .bind(job.finished_at.map(Timestamp::as_micros))
    .bind(to_body(job)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "reencryption", &job.id)
}

struct RangeRow {
    holder: Option<String>,
    token: i64,
    until: i64,
    body: String,
}

impl RangeRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            holder: row.try_get("holder")?,
            token: row.try_get("token")?,
            until: row.try_get("until")?,
            body: row.try_get("body")?,
        })
    }

    fn into_range(self, job: &JobId) -> Result<Range, StoreError> {
        let mut range: Range = parse_body("reencryption_range", job.as_str(), &self.body)?;
        range.lease = RangeLease {
            holder: self.holder,
            token: self.token,
            until: Timestamp::from_micros(self.until),
        };
        Ok(range)
    }
}

pub(crate) async fn list_ranges(pool: &AnyPool, job: &JobId) -> Result<Vec<Range>, StoreError> {
    sqlx::query(
        r"select holder, token, until, body from reencryption_range where job = $1 order by pass, number",
    )
    .bind(job.as_str())
    .fetch_all(pool)
    .await
    .map_err(reading("reencryption_range"))?
    .iter()
    .map(|row| {
        RangeRow::read(row)
            .map_err(reading("reencryption_range"))?
            .into_range(job)
    })
    .collect()
}

/// All ranges of a job make way for these. Their tokens rise, so that nobody who held one still does.
pub(crate) async fn replace_ranges(
    connection: &mut AnyConnection,
    job: &JobId,
    ranges: &[Range],
) -> Result<(), WriteError> {
    sqlx::query(r"delete from reencryption_range where job = $1")
        .bind(job.as_str())
        .execute(&mut *connection)
        .await?;
    for range in ranges {
        sqlx::query(
            r"insert into reencryption_range (job, pass, number, finished, holder, token, until, body)
              values ($1, $2, $3, $4, null, $5, 0, $6)",
        )
        .bind(job.as_str())
        .bind(i64::from(range.pass))
        .bind(i64::from(range.number))
        .bind(i64::from(range.is_finished))
        .bind(range.lease.token + 1)
        .bind(to_body(range)?)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Only under the token; a finished range needs no lease any more.
pub(crate) async fn advance_range(
    connection: &mut AnyConnection,
    range: &Range,
    token: i64,
) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update reencryption_range set finished = $5, body = $6
          where job = $1 and pass = $2 and number = $3 and token = $4",
    )
    .bind(range.job.as_str())
    .bind(i64::from(range.pass))
    .bind(i64::from(range.number))
    .bind(token)
    .bind(i64::from(range.is_finished))
    .bind(to_body(range)?)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(stale("reencryption_range", &range.job))
    }
}

/// Which range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeKey<'a> {
    pub(crate) job: &'a JobId,
    pub(crate) pass: u32,
    pub(crate) number: u32,
}

pub(crate) async fn take_range(
    pool: &AnyPool,
    range: RangeKey<'_>,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<i64>, StoreError> {
    sqlx::query(
        r"update reencryption_range
          set token = case when holder = $4 then token else token + 1 end, holder = $4, until = $6
          where job = $1 and pass = $2 and number = $3 and finished = 0 and (holder = $4 or until <= $5)
          returning token",
    )
    .bind(range.job.as_str())
    .bind(i64::from(range.pass))
    .bind(i64::from(range.number))
    .bind(holder)
    .bind(now.as_micros())
    .bind(until.as_micros())
    .fetch_optional(pool)
    .await
    .and_then(|row| row.map(|row| row.try_get("token")).transpose())
    .map_err(reading("reencryption_range"))
}

pub(crate) async fn release_range(pool: &AnyPool, range: RangeKey<'_>, token: i64) -> Result<(), StoreError> {
    sqlx::query(
        r"update reencryption_range set until = 0, holder = null
          where job = $1 and pass = $2 and number = $3 and token = $4",
    )
    .bind(range.job.as_str())
    .bind(i64::from(range.pass))
    .bind(i64::from(range.number))
    .bind(token)
    .execute(pool)
    .await
    .map_err(reading("reencryption_range"))?;
    Ok(())
}

pub(crate) async fn count_under_work(pool: &AnyPool, job: &JobId, now: Timestamp) -> Result<u32, StoreError> {
    let count: i64 = sqlx::query(
        r"select cast(count(*) as bigint) as under_work from reencryption_range
          where job = $1 and finished = 0 and until > $2",
    )
    .bind(job.as_str())
    .bind(now.as_micros())
    .fetch_one(pool)
    .await
    .and_then(|row| row.try_get("under_work"))
    .map_err(reading("reencryption_range"))?;
    Ok(u32::try_from(count).unwrap_or(0))
}

/// Ends every lease: for the only server of a SQLite file, whose predecessors are all dead. Tokens stay.
pub(crate) async fn end_all_leases(pool: &AnyPool) -> Result<(), StoreError> {
    sqlx::query(r"update reencryption_range set until = 0, holder = null")
        .execute(pool)
        .await
        .map_err(reading("reencryption_range"))?;
    Ok(())
}
