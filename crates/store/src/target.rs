//! Targets of re-encryption, and registered copies.

use engine::Name;
use engine::id::TargetId;
use engine::ports::StoreError;
use engine::reencryption::{ApplicationBackup, Target};
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, taken};

pub(crate) async fn find(pool: &AnyPool, name: &Name) -> Result<Option<Target>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from target where name = $1")
        .bind(name.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("target"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn find_by_id(pool: &AnyPool, id: &TargetId) -> Result<Option<Target>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from target where id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("target"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Target>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from target order by name")
        .fetch_all(pool)
        .await
        .map_err(reading("target"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, target: &Target) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into target (id, name, kind, key, created_at, body, revision)
          values ($1, $2, $3, $4, $5, $6, $7)
          on conflict do nothing",
    )
    .bind(target.id.as_str())
    .bind(target.name.as_str())
    .bind(target.kind.as_str())
    .bind(target.key.as_str())
    .bind(target.created_at.as_micros())
    .bind(to_body(target)?)
    .bind(target.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("target", &target.name))
    }
}

pub(crate) async fn update(connection: &mut AnyConnection, target: &Target) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"update target set key = $3, body = $4, revision = revision + 1 where id = $1 and revision = $2",
    )
    .bind(target.id.as_str())
    .bind(target.revision)
    .bind(target.key.as_str())
    .bind(to_body(target)?)
    .execute(connection)
    .await?;
    expect_one_row(&result, "target", &target.name)
}

/// Only while no job of it is under way.
pub(crate) async fn delete(connection: &mut AnyConnection, target: &Target) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"delete from target
          where id = $1 and revision = $2
            and not exists (select 1 from reencryption where reencryption.target = $1 and finished = 0)",
    )
    .bind(target.id.as_str())
    .bind(target.revision)
    .execute(connection)
    .await?;
    expect_one_row(&result, "target", &target.name)
}

pub(crate) async fn list_backups(pool: &AnyPool) -> Result<Vec<ApplicationBackup>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from application_backup order by name")
        .fetch_all(pool)
        .await
        .map_err(reading("application_backup"))?;
    read_all(&rows)
}

pub(crate) async fn insert_backup(
    connection: &mut AnyConnection,
    backup: &ApplicationBackup,
) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into application_backup (id, name, key, created_at, body, revision)
          values ($1, $2, $3, $4, $5, $6)
          on conflict do nothing",
    )
    .bind(backup.id.as_str())
    .bind(backup.name.as_str())
    .bind(backup.key.as_str())
    .bind(backup.created_at.as_micros())
    .bind(to_body(backup)?)
    .bind(backup.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("application_backup", &backup.name))
    }
}

pub(crate) async fn delete_backup(
    connection: &mut AnyConnection,
    backup: &ApplicationBackup,
) -> Result<(), WriteError> {
    let result = sqlx::query(r"delete from application_backup where id = $1 and revision = $2")
        .bind(backup.id.as_str())
        .bind(backup.revision)
        .execute(connection)
        .await?;
    expect_one_row(&result, "application_backup", &backup.name)
}
