//! Sign-in sessions of people. The browser's id is known here only as a hash.

use engine::Timestamp;
use engine::id::AccountId;
use engine::ports::StoreError;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::document::damaged;
use crate::failure::reading;

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of the session's id, in hex.
    pub id_hash: String,
    /// Whose it is, once somebody signed in.
    pub account: Option<AccountId>,
    /// What the session layer keeps, as JSON. Holds no secret.
    pub body: String,
    pub expires_at: Timestamp,
}

impl Database {
    /// Stores a new session; false when the id is taken and another must be drawn.
    pub async fn create_session(&self, session: &StoredSession) -> Result<bool, StoreError> {
        insert(self.writers(), session).await
    }

    /// Stores a session, new or known.
    pub async fn save_session(&self, session: &StoredSession) -> Result<(), StoreError> {
        put(self.writers(), session).await
    }

    /// The session of that hash, unless it has run out.
    pub async fn load_session(
        &self,
        id_hash: &str,
        now: Timestamp,
    ) -> Result<Option<StoredSession>, StoreError> {
        find(self.readers(), id_hash, now).await
    }

    /// Ends a session; one that is gone already is success.
    pub async fn delete_session(&self, id_hash: &str) -> Result<(), StoreError> {
        delete(self.writers(), id_hash).await
    }

    /// Ends every session of an account.
    pub async fn delete_sessions_of(&self, account: &AccountId) -> Result<(), StoreError> {
        delete_of(self.writers(), account).await
    }

    /// Forgets sessions that have run out; gives how many.
    pub async fn delete_expired_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        delete_expired(self.writers(), now).await
    }
}

struct SessionRow {
    id_hash: String,
    account: Option<String>,
    body: String,
    expires_at: i64,
}

impl SessionRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id_hash: row.try_get("id_hash")?,
            account: row.try_get("account")?,
            body: row.try_get("body")?,
            expires_at: row.try_get("expires_at")?,
        })
    }
}

impl TryFrom<SessionRow> for StoredSession {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let account = row
            .account
            .map(|account| AccountId::parse(&account))
            .transpose()
            .map_err(|error| damaged("session", &row.id_hash, error.to_string()))?;
        Ok(Self {
            id_hash: row.id_hash,
            account,
            body: row.body,
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}

async fn find(pool: &AnyPool, id_hash: &str, now: Timestamp) -> Result<Option<StoredSession>, StoreError> {
    sqlx::query(
        r"select id_hash, account, body, expires_at from session where id_hash = $1 and expires_at > $2",
    )
    .bind(id_hash)
    .bind(now.as_micros())
    .fetch_optional(pool)
    .await
    .map_err(reading("session"))?
    .map(|row| SessionRow::read(&row).map_err(reading("session"))?.try_into())
    .transpose()
}

async fn insert(pool: &AnyPool, session: &StoredSession) -> Result<bool, StoreError> {
    let result = sqlx::query(
        r"insert into session (id_hash, account, body, expires_at) values ($1, $2, $3, $4)
          on conflict do nothing",
    )
    .bind(session.id_hash.as_str())
    .bind(session.account.as_ref().map(AccountId::as_str))
    .bind(session.body.as_str())
    .bind(session.expires_at.as_micros())
    .execute(pool)
    .await
    .map_err(reading("session"))?;
    Ok(result.rows_affected() == 1)
}

async fn put(pool: &AnyPool, session: &StoredSession) -> Result<(), StoreError> {
    sqlx::query(
        r"insert into session (id_hash, account, body, expires_at) values ($1, $2, $3, $4)
          on conflict (id_hash) do update
          set account = excluded.account, body = excluded.body, expires_at = excluded.expires_at",
    )
    .bind(session.id_hash.as_str())
    .bind(session.account.as_ref().map(AccountId::as_str))
    .bind(session.body.as_str())
    .bind(session.expires_at.as_micros())
    .execute(pool)
    .await
    .map_err(reading("session"))?;
    Ok(())
}

async fn delete(pool: &AnyPool, id_hash: &str) -> Result<(), StoreError> {
    sqlx::query(r"delete from session where id_hash = $1")
        .bind(id_hash)
        .execute(pool)
        .await
        .map_err(reading("session"))?;
    Ok(())
}

async fn delete_of(pool: &AnyPool, account: &AccountId) -> Result<(), StoreError> {
    sqlx::query(r"delete from session where account = $1")
        .bind(account.as_str())
        .execute(pool)
        .await
        .map_err(reading("session"))?;
    Ok(())
}

async fn delete_expired(pool: &AnyPool, now: Timestamp) -> Result<u64, StoreError> {
    let result = sqlx::query(r"delete from session where expires_at <= $1")
        .bind(now.as_micros())
        .execute(pool)
        .await
        .map_err(reading("session"))?;
    Ok(result.rows_affected())
}
