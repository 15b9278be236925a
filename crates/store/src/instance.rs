//! Instances of consumers: what each was handed and acknowledged.

use engine::delivery::Instance;
use engine::id::CredentialId;
use engine::ports::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::document::{damaged, parse_body, to_body};
use crate::failure::{WriteError, reading};

struct InstanceRow {
    credential: String,
    consumer: String,
    instance: String,
    body: String,
}

impl InstanceRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            credential: row.try_get("credential")?,
            consumer: row.try_get("consumer")?,
            instance: row.try_get("instance")?,
            body: row.try_get("body")?,
        })
    }
}

impl TryFrom<InstanceRow> for Instance {
    type Error = StoreError;

    fn try_from(row: InstanceRow) -> Result<Self, StoreError> {
        let key = format!("{}/{}/{}", row.credential, row.consumer, row.instance);
        let instance: Self = parse_body("instance", &key, &row.body)?;
        let stands_here = instance.credential.as_str() == row.credential
            && instance.consumer.as_str() == row.consumer
            && instance.instance == row.instance;
        if !stands_here {
            return Err(damaged("instance", &key, "the body is that of another row"));
        }
        Ok(instance)
    }
}

fn read_all(rows: &[AnyRow]) -> Result<Vec<Instance>, StoreError> {
    rows.iter()
        .map(|row| InstanceRow::read(row).map_err(reading("instance"))?.try_into())
        .collect()
}

pub(crate) async fn list(pool: &AnyPool, credential: &CredentialId) -> Result<Vec<Instance>, StoreError> {
    let rows = sqlx::query(
        r"select credential, consumer, instance, body from instance
          where credential = $1 order by consumer, instance",
    )
    .bind(credential.as_str())
    .fetch_all(pool)
    .await
    .map_err(reading("instance"))?;
    read_all(&rows)
}

pub(crate) async fn list_all(pool: &AnyPool) -> Result<Vec<Instance>, StoreError> {
    let rows = sqlx::query(
        r"select credential, consumer, instance, body from instance order by credential, consumer, instance",
    )
    .fetch_all(pool)
    .await
    .map_err(reading("instance"))?;
    read_all(&rows)
}

pub(crate) async fn put(connection: &mut AnyConnection, instance: &Instance) -> Result<(), WriteError> {
    sqlx::query(
        r"insert into instance (credential, consumer, instance, first_seen_at, body)
          values ($1, $2, $3, $4, $5)
          on conflict (credential, consumer, instance) do update set body = excluded.body",
    )
    .bind(instance.credential.as_str())
    .bind(instance.consumer.as_str())
    .bind(instance.instance.as_str())
    .bind(instance.first_seen_at.as_micros())
    .bind(to_body(instance)?)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn delete_of(
    connection: &mut AnyConnection,
    credential: &CredentialId,
) -> Result<(), WriteError> {
    sqlx::query(r"delete from instance where credential = $1")
        .bind(credential.as_str())
        .execute(connection)
        .await?;
    Ok(())
}
