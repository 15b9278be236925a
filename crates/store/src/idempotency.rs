//! Replies to requests with an `Idempotency-Key`, by token and path. The first request reserves the key, acts,
//! then stores its sealed reply; a repetition is given that reply.

use engine::Timestamp;
use engine::ports::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::failure::reading;

/// Which request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey<'a> {
    /// The id of the token that asks.
    pub token: &'a str,
    pub path: &'a str,
    /// What the header says.
    pub key: &'a str,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It is ours: act, then [`Database::finish_idempotent`], or [`Database::release_idempotent`] when nothing was
    /// done.
    Ours,
    /// The first request is still being answered.
    InProgress,
    /// The sealed reply of the first request.
    Replied(Vec<u8>),
    /// The key was used with another body.
    OtherBody,
}

impl Database {
    /// Reserves a key for a body. A reservation without a reply that was made before `abandoned_before` belongs to a
    /// process that died, and is taken over.
    pub async fn reserve_idempotent(
        &self,
        at: IdempotencyKey<'_>,
        body_hash: &str,
        now: Timestamp,
        abandoned_before: Timestamp,
    ) -> Result<Reservation, StoreError> {
        if reserve(self.writers(), at, body_hash, now, abandoned_before).await? {
            return Ok(Reservation::Ours);
        }
        let Some(stored) = find(self.writers(), at).await? else {
            // Released between our two looks: whoever asks again gets it.
            return Ok(Reservation::InProgress);
        };
        Ok(match stored {
            IdempotencyRow { body_hash: other, .. } if other != body_hash => Reservation::OtherBody,
            IdempotencyRow {
                reply: Some(reply), ..
            } => Reservation::Replied(reply),
            IdempotencyRow { reply: None, .. } => Reservation::InProgress,
        })
    }

    /// Stores the sealed reply under a key that was reserved.
    pub async fn finish_idempotent(
        &self,
        at: IdempotencyKey<'_>,
        sealed_reply: &[u8],
    ) -> Result<(), StoreError> {
        finish(self.writers(), at, sealed_reply).await
    }

    /// Gives a reserved key back, since nothing was done.
    pub async fn release_idempotent(&self, at: IdempotencyKey<'_>) -> Result<(), StoreError> {
        release(self.writers(), at).await
    }

    /// Forgets replies to requests made before a time; gives how many.
    pub async fn delete_idempotent_before(&self, time: Timestamp) -> Result<u64, StoreError> {
        delete_before(self.writers(), time).await
    }
}

struct IdempotencyRow {
    body_hash: String,
    reply: Option<Vec<u8>>,
}

impl IdempotencyRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            body_hash: row.try_get("body_hash")?,
            reply: row.try_get("reply")?,
        })
    }
}

async fn reserve(
    pool: &AnyPool,
    at: IdempotencyKey<'_>,
    body_hash: &str,
    now: Timestamp,
    abandoned_before: Timestamp,
) -> Result<bool, StoreError> {
    let result = sqlx::query(
        r"insert into idempotency (token, path, key, body_hash, reply, created_at)
          values ($1, $2, $3, $4, null, $5)
          on conflict (token, path, key) do update set created_at = excluded.created_at
          where idempotency.reply is null
            and idempotency.body_hash = excluded.body_hash
            and idempotency.created_at < $6",
    )
    .bind(at.token)
    .bind(at.path)
    .bind(at.key)
    .bind(body_hash)
    .bind(now.as_micros())
    .bind(abandoned_before.as_micros())
    .execute(pool)
    .await
    .map_err(reading("idempotency"))?;
    Ok(result.rows_affected() == 1)
}

async fn find(pool: &AnyPool, at: IdempotencyKey<'_>) -> Result<Option<IdempotencyRow>, StoreError> {
    sqlx::query(r"select body_hash, reply from idempotency where token = $1 and path = $2 and key = $3")
        .bind(at.token)
        .bind(at.path)
        .bind(at.key)
        .fetch_optional(pool)
        .await
        .and_then(|row| row.as_ref().map(IdempotencyRow::read).transpose())
        .map_err(reading("idempotency"))
}

async fn finish(pool: &AnyPool, at: IdempotencyKey<'_>, sealed_reply: &[u8]) -> Result<(), StoreError> {
    sqlx::query(r"update idempotency set reply = $4 where token = $1 and path = $2 and key = $3")
        .bind(at.token)
        .bind(at.path)
        .bind(at.key)
        .bind(sealed_reply)
        .execute(pool)
        .await
        .map_err(reading("idempotency"))?;
    Ok(())
}

async fn release(pool: &AnyPool, at: IdempotencyKey<'_>) -> Result<(), StoreError> {
    sqlx::query(r"delete from idempotency where token = $1 and path = $2 and key = $3 and reply is null")
        .bind(at.token)
        .bind(at.path)
        .bind(at.key)
        .execute(pool)
        .await
        .map_err(reading("idempotency"))?;
    Ok(())
}

async fn delete_before(pool: &AnyPool, time: Timestamp) -> Result<u64, StoreError> {
    let result = sqlx::query(r"delete from idempotency where created_at < $1")
        .bind(time.as_micros())
        .execute(pool)
        .await
        .map_err(reading("idempotency"))?;
    Ok(result.rows_affected())
}
