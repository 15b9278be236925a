//! Outcomes by the minute: measurements, added to and never audited.

use engine::catalog::VersionNumber;
use engine::id::CredentialId;
use engine::ports::{OutcomeBucket, StoreError};
use engine::{Name, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::dialect::Backend;
use crate::document::damaged;
use crate::failure::reading;

struct OutcomeRow {
    version: i64,
    consumer: String,
    minute: i64,
    good: i64,
    refused: i64,
    errors: i64,
}

impl OutcomeRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            version: row.try_get("version")?,
            consumer: row.try_get("consumer")?,
            minute: row.try_get("minute")?,
            good: row.try_get("good")?,
            refused: row.try_get("refused")?,
            errors: row.try_get("errors")?,
        })
    }

    fn into_bucket(self, credential: &CredentialId) -> Result<OutcomeBucket, StoreError> {
        let key = format!("{credential}/{}/{}/{}", self.minute, self.version, self.consumer);
        let version =
            u32::try_from(self.version).map_err(|error| damaged("outcome", &key, error.to_string()))?;
        let consumer =
            Name::parse(&self.consumer).map_err(|error| damaged("outcome", &key, error.to_string()))?;
        Ok(OutcomeBucket {
            credential: credential.clone(),
            version: VersionNumber(version),
            consumer,
            minute: Timestamp::from_micros(self.minute),
            good: self.good,
            refused: self.refused,
            errors: self.errors,
        })
    }
}

pub(crate) async fn list(
    pool: &AnyPool,
    credential: &CredentialId,
    since: Timestamp,
) -> Result<Vec<OutcomeBucket>, StoreError> {
    sqlx::query(
        r"select version, consumer, minute, good, refused, errors from outcome
          where credential = $1 and minute >= $2
          order by minute, version, consumer",
    )
    .bind(credential.as_str())
    .bind(since.as_micros())
    .fetch_all(pool)
    .await
    .map_err(reading("outcome"))?
    .iter()
    .map(|row| {
        OutcomeRow::read(row)
            .map_err(reading("outcome"))?
            .into_bucket(credential)
    })
    .collect()
}

/// Adds all or none. In a fixed order, so that two replicas never wait for each other.
pub(crate) async fn add(
    pool: &AnyPool,
    backend: Backend,
    buckets: &[OutcomeBucket],
) -> Result<(), StoreError> {
    if buckets.is_empty() {
        return Ok(());
    }
    let mut ordered: Vec<&OutcomeBucket> = buckets.iter().collect();
    ordered.sort_by_key(|bucket| {
        (
            &bucket.credential,
            bucket.minute,
            bucket.version,
            &bucket.consumer,
        )
    });
    let mut transaction = pool
        .begin_with(backend.begin())
        .await
        .map_err(reading("outcome"))?;
    for bucket in ordered {
        add_one(&mut transaction, bucket)
            .await
            .map_err(reading("outcome"))?;
    }
    transaction.commit().await.map_err(reading("outcome"))
}

async fn add_one(connection: &mut AnyConnection, bucket: &OutcomeBucket) -> Result<(), sqlx::Error> {
    sqlx::query(
        r"insert into outcome (credential, version, consumer, minute, good, refused, errors)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict (credential, minute, version, consumer) do update
          set good = outcome.good + excluded.good,
              refused = outcome.refused + excluded.refused,
              errors = outcome.errors + excluded.errors",
    )
    .bind(bucket.credential.as_str())
    .bind(i64::from(bucket.version.0))
    .bind(bucket.consumer.as_str())
    .bind(bucket.minute.as_micros())
    .bind(bucket.good)
    .bind(bucket.refused)
    .bind(bucket.errors)
    .execute(connection)
    .await?;
    Ok(())
}
