//! What is kept of backups that were made.

use engine::ports::StoreError;
use engine::recovery::Backup;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::document::{parse_body, to_body};
use crate::failure::{WriteError, expect_one_row, reading};

pub(crate) async fn list(pool: &AnyPool, limit: u32) -> Result<Vec<Backup>, StoreError> {
    let rows = sqlx::query(r"select id, body from backup order by made_at desc, id desc limit $1")
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(reading("backup"))?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Backup, StoreError> {
    let id: String = row.try_get("id").map_err(reading("backup"))?;
    let body: String = row.try_get("body").map_err(reading("backup"))?;
    parse_body("backup", &id, &body)
}

pub(crate) async fn insert(connection: &mut AnyConnection, backup: &Backup) -> Result<(), WriteError> {
    let result =
        sqlx::query(r"insert into backup (id, made_at, body) values ($1, $2, $3) on conflict do nothing")
            .bind(backup.id.as_str())
            .bind(backup.made_at.as_micros())
            .bind(to_body(backup)?)
            .execute(connection)
            .await?;
    expect_one_row(&result, "backup", &backup.id)
}
