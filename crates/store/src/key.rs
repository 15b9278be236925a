//! Keys and their versions. What is counted of a version stands in columns that no change touches. The words are
//! reserved in SQL, so the table's name stands in quotes.

use engine::id::KeyId;
use engine::key::{Key, KeyVersion};
use engine::ports::{KeyUsage, StoreError};
use engine::{Name, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::dialect::Backend;
use crate::document::{damaged, parse_body, read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, taken};

pub(crate) async fn find(pool: &AnyPool, name: &Name) -> Result<Option<Key>, StoreError> {
    let row = sqlx::query(r#"select id, body, revision from "key" where name = $1"#)
        .bind(name.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("key"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn find_by_id(pool: &AnyPool, id: &KeyId) -> Result<Option<Key>, StoreError> {
    let row = sqlx::query(r#"select id, body, revision from "key" where id = $1"#)
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("key"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Key>, StoreError> {
    let rows = sqlx::query(r#"select id, body, revision from "key" order by name"#)
        .fetch_all(pool)
        .await
        .map_err(reading("key"))?;
    read_all(&rows)
}

/// A document has these words only where there is something to tell. A tag that is called so is no harm: whoever asks
/// reads the document.
pub(crate) async fn list_of_note(pool: &AnyPool) -> Result<Vec<Key>, StoreError> {
    let rows = sqlx::query(
        r#"select id, body, revision from "key"
           where body like '%"postponed_since":%' or body like '%"undrained":%'
           order by name"#,
    )
    .fetch_all(pool)
    .await
    .map_err(reading("key"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, key: &Key) -> Result<(), WriteError> {
    let result = sqlx::query(
        r#"insert into "key" (id, name, environment, created_at, body, revision)
           values ($1, $2, $3, $4, $5, $6)
           on conflict do nothing"#,
    )
    .bind(key.id.as_str())
    .bind(key.name.as_str())
    .bind(key.environment.as_ref().map(Name::as_str))
    .bind(key.created_at.as_micros())
    .bind(to_body(key)?)
    .bind(key.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("key", &key.name))
    }
}

pub(crate) async fn update(connection: &mut AnyConnection, key: &Key) -> Result<(), WriteError> {
    let result = sqlx::query(
        r#"update "key" set environment = $3, body = $4, revision = revision + 1 where id = $1 and revision = $2"#,
    )
    .bind(key.id.as_str())
    .bind(key.revision)
    .bind(key.environment.as_ref().map(Name::as_str))
    .bind(to_body(key)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "key", &key.id)
}

pub(crate) async fn delete(connection: &mut AnyConnection, key: &Key) -> Result<(), WriteError> {
    sqlx::query(r"delete from key_version where key = $1")
        .bind(key.id.as_str())
        .execute(&mut *connection)
        .await?;
    let result = sqlx::query(r#"delete from "key" where id = $1 and revision = $2"#)
        .bind(key.id.as_str())
        .bind(key.revision)
        .execute(connection)
        .await?;
    expect_one_row(&result, "key", &key.id)
}

struct VersionRow {
    key: String,
    number: i64,
    reserved: i64,
    uses: i64,
    opened_at: Option<i64>,
    body: String,
}

impl VersionRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            key: row.try_get("key")?,
            number: row.try_get("number")?,
            reserved: row.try_get("reserved")?,
            uses: row.try_get("uses")?,
            opened_at: row.try_get("opened_at")?,
            body: row.try_get("body")?,
        })
    }
}

impl TryFrom<VersionRow> for KeyVersion {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self, StoreError> {
        let place = format!("{}/{}", row.key, row.number);
        let mut version: Self = parse_body("key_version", &place, &row.body)?;
        if version.key.as_str() != row.key || i64::from(version.number) != row.number {
            return Err(damaged("key_version", &place, "the body is that of another row"));
        }
        version.reserved = u64::try_from(row.reserved).unwrap_or(u64::MAX);
        version.uses = u64::try_from(row.uses).unwrap_or(0);
        version.opened_at = row.opened_at.map(Timestamp::from_micros);
        Ok(version)
    }
}

fn read_versions(rows: &[AnyRow]) -> Result<Vec<KeyVersion>, StoreError> {
    rows.iter()
        .map(|row| VersionRow::read(row).map_err(reading("key_version"))?.try_into())
        .collect()
}

pub(crate) async fn versions(pool: &AnyPool, key: &KeyId) -> Result<Vec<KeyVersion>, StoreError> {
    let rows = sqlx::query(
        r"select key, number, reserved, uses, opened_at, body from key_version where key = $1 order by number",
    )
    .bind(key.as_str())
    .fetch_all(pool)
    .await
    .map_err(reading("key_version"))?;
    read_versions(&rows)
}

pub(crate) async fn all_versions(pool: &AnyPool) -> Result<Vec<KeyVersion>, StoreError> {
    let rows = sqlx::query(
        r"select key, number, reserved, uses, opened_at, body from key_version order by key, number",
    )
    .fetch_all(pool)
    .await
    .map_err(reading("key_version"))?;
    read_versions(&rows)
}

/// As [`list_of_note`], of versions.
pub(crate) async fn versions_to_destroy(pool: &AnyPool) -> Result<Vec<KeyVersion>, StoreError> {
    let rows = sqlx::query(
        r#"select key, number, reserved, uses, opened_at, body from key_version
           where body like '%"destruction":%'
           order by key, number"#,
    )
    .fetch_all(pool)
    .await
    .map_err(reading("key_version"))?;
    read_versions(&rows)
}

/// Every key, and the versions that are destroyed.
pub(crate) async fn destroyed(
    connection: &mut AnyConnection,
) -> Result<(Vec<Key>, Vec<KeyVersion>), StoreError> {
    let keys = sqlx::query(r#"select id, body, revision from "key" order by name"#)
        .fetch_all(&mut *connection)
        .await
        .map_err(reading("key"))?;
    let versions = sqlx::query(
        r"select key, number, reserved, uses, opened_at, body from key_version
          where state = 'destroyed' order by key, number",
    )
    .fetch_all(connection)
    .await
    .map_err(reading("key_version"))?;
    Ok((read_all(&keys)?, read_versions(&versions)?))
}

pub(crate) async fn put_version(
    connection: &mut AnyConnection,
    version: &KeyVersion,
) -> Result<(), WriteError> {
    sqlx::query(
        r"insert into key_version (key, number, state, created_at, body)
          values ($1, $2, $3, $4, $5)
          on conflict (key, number) do update set state = excluded.state, body = excluded.body",
    )
    .bind(version.key.as_str())
    .bind(i64::from(version.number))
    .bind(version.state.name())
    .bind(version.created_at.as_micros())
    .bind(to_body(version)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Number and sealed bytes of every version that has material. The rows of a key stand together, between `id/` and
/// the character after the slash.
pub(crate) async fn materials(pool: &AnyPool, key: &KeyId) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let rows = sqlx::query(
        r"select row_key, sealed from secret
          where table_name = 'key_version' and row_key > $1 and row_key < $2 and field = 'material'",
    )
    .bind(format!("{key}/"))
    .bind(format!("{key}0"))
    .fetch_all(pool)
    .await
    .map_err(reading("secret"))?;
    rows.iter()
        .map(|row| {
            let place: String = row.try_get("row_key").map_err(reading("secret"))?;
            let sealed: Vec<u8> = row.try_get("sealed").map_err(reading("secret"))?;
            let number = place.rsplit('/').next().and_then(|number| number.parse().ok());
            let number =
                number.ok_or_else(|| damaged("secret", &place, "the row names no version of a key"))?;
            Ok((number, sealed))
        })
        .collect()
}

pub(crate) async fn reserve_uses(
    pool: &AnyPool,
    key: &KeyId,
    number: u32,
    count: u64,
    limit: u64,
) -> Result<bool, StoreError> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let result = sqlx::query(
        r"update key_version set reserved = reserved + $3
          where key = $1 and number = $2 and reserved <= $4 - $3",
    )
    .bind(key.as_str())
    .bind(i64::from(number))
    .bind(whole(count))
    .bind(whole(limit))
    .execute(pool)
    .await
    .map_err(reading("key_version"))?;
    Ok(result.rows_affected() == 1)
}

pub(crate) async fn add_usage(
    pool: &AnyPool,
    backend: Backend,
    usage: &[KeyUsage],
) -> Result<(), StoreError> {
    let mut transaction = pool
        .begin_with(backend.begin())
        .await
        .map_err(reading("key_version"))?;
    for one in usage {
        sqlx::query(
            r"update key_version
              set uses = uses + $3,
                  opened_at = case when opened_at is null or opened_at < $4 then $4 else opened_at end
              where key = $1 and number = $2",
        )
        .bind(one.key.as_str())
        .bind(i64::from(one.number))
        .bind(i64::try_from(one.uses).unwrap_or(i64::MAX))
        .bind(one.opened_at.map(Timestamp::as_micros))
        .execute(&mut *transaction)
        .await
        .map_err(reading("key_version"))?;
    }
    transaction.commit().await.map_err(reading("key_version"))
}
