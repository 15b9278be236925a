//! Driver leases: one driver per rotation, fenced by a token that only rises.

use engine::Timestamp;
use engine::change::Fence;
use engine::id::RotationId;
use engine::ports::StoreError;
use sqlx::{AnyPool, Row};

use crate::failure::reading;

pub(crate) async fn take(
    pool: &AnyPool,
    rotation: &RotationId,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Fence>, StoreError> {
    let token: Option<i64> = sqlx::query(
        r"insert into lease (rotation, holder, token, until) values ($1, $2, 1, $4)
          on conflict (rotation) do update
          set token = case when lease.holder = excluded.holder then lease.token else lease.token + 1 end,
              holder = excluded.holder,
              until = excluded.until
          where lease.holder = excluded.holder or lease.until <= $3
          returning token",
    )
    .bind(rotation.as_str())
    .bind(holder)
    .bind(now.as_micros())
    .bind(until.as_micros())
    .fetch_optional(pool)
    .await
    .and_then(|row| row.map(|row| row.try_get("token")).transpose())
    .map_err(reading("lease"))?;
    Ok(token.map(|token| Fence {
        rotation: rotation.clone(),
        token,
    }))
}

/// Ends every lease: for the only server of a SQLite file, whose predecessors are all dead. Tokens stay.
pub(crate) async fn end_all(pool: &AnyPool) -> Result<(), StoreError> {
    sqlx::query(r"update lease set until = 0")
        .execute(pool)
        .await
        .map_err(reading("lease"))?;
    Ok(())
}
