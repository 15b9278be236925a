//! The servers that work on one PostgreSQL, and how far each has heard what the others did.
//!
//! Times are the database's own, so that clocks that differ do not matter. The table is unlogged: what it holds is
//! worth a second.

use std::time::Duration;

use engine::ports::StoreError;
use sqlx::{AnyPool, Row};

use crate::failure::reading;

/// Rows of servers that are long gone are taken out.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Says that this replica lives and has heard of every commit up to this one.
pub(crate) async fn report(pool: &AnyPool, replica: &str, commits: i64) -> Result<(), StoreError> {
    sqlx::query(
        r"insert into replica (id, seen_at, commits)
          values ($1, cast(extract(epoch from clock_timestamp()) * 1000000 as bigint), $2)
          on conflict (id) do update set seen_at = excluded.seen_at, commits = excluded.commits",
    )
    .bind(replica)
    .bind(commits)
    .execute(pool)
    .await
    .map_err(reading("replica"))?;
    Ok(())
}

/// Of the other replicas that were heard of within `window`: how many there are, and how many have not heard of
/// `commits` yet.
pub(crate) async fn others(
    pool: &AnyPool,
    replica: &str,
    window: Duration,
    commits: i64,
) -> Result<(i64, i64), StoreError> {
    sqlx::query(
        r"select count(*) as living, count(case when commits < $3 then 1 end) as behind
          from replica
          where id <> $1 and seen_at > cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) - $2",
    )
    .bind(replica)
    .bind(micros(window))
    .bind(commits)
    .fetch_one(pool)
    .await
    .and_then(|row| Ok((row.try_get("living")?, row.try_get("behind")?)))
    .map_err(reading("replica"))
}

/// Takes this replica out, and those that are long gone.
pub(crate) async fn leave(pool: &AnyPool, replica: &str) -> Result<(), StoreError> {
    sqlx::query(
        r"delete from replica
          where id = $1 or seen_at < cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) - $2",
    )
    .bind(replica)
    .bind(micros(FORGOTTEN_AFTER))
    .execute(pool)
    .await
    .map_err(reading("replica"))?;
    Ok(())
}
