//! Accounts of people.

use engine::Name;
use engine::access::Account;
use engine::id::AccountId;
use engine::ports::StoreError;
use sqlx::{AnyConnection, AnyPool};

use crate::document::{read_all, read_optional, to_body};
use crate::failure::{WriteError, expect_one_row, reading, taken};

pub(crate) async fn find(pool: &AnyPool, id: &AccountId) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from account where id = $1")
        .bind(id.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("account"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn find_by_name(pool: &AnyPool, name: &Name) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query(r"select id, body, revision from account where name = $1")
        .bind(name.as_str())
        .fetch_optional(pool)
        .await
        .map_err(reading("account"))?;
    read_optional(row.as_ref())
}

pub(crate) async fn list(pool: &AnyPool) -> Result<Vec<Account>, StoreError> {
    let rows = sqlx::query(r"select id, body, revision from account order by name")
        .fetch_all(pool)
        .await
        .map_err(reading("account"))?;
    read_all(&rows)
}

pub(crate) async fn insert(connection: &mut AnyConnection, account: &Account) -> Result<(), WriteError> {
    let result = sqlx::query(
        r"insert into account (id, name, created_at, body, revision) values ($1, $2, $3, $4, $5)
          on conflict do nothing",
    )
    .bind(account.id.as_str())
    .bind(account.name.as_str())
    .bind(account.created_at.as_micros())
    .bind(to_body(account)?)
    .bind(account.revision)
    .execute(connection)
    .await?;
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(taken("account", &account.name))
    }
}

pub(crate) async fn update(connection: &mut AnyConnection, account: &Account) -> Result<(), WriteError> {
    let result =
        sqlx::query(r"update account set body = $3, revision = revision + 1 where id = $1 and revision = $2")
            .bind(account.id.as_str())
            .bind(account.revision)
            .bind(to_body(account)?)
            .execute(connection)
            .await?;
    expect_one_row(&result, "account", &account.name)
}
