//! Sessions of people: tower-sessions over our own table, where ids stand only as hashes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::id::AccountId;
use engine::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Database, StoredSession};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Error as StoreFailure;
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

use crate::http::problem::ApiError;

/// A session ends when nothing came for this long …
pub const IDLE: Duration = Duration::from_secs(12 * 3_600);
/// … and in any case after this.
pub const ABSOLUTE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// A session in use is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
const KEY: &str = "signed_in";

/// Who signed in, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedIn {
    pub account: AccountId,
    /// The account's `session_epoch` at that moment; raising it ends the session.
    pub epoch: i64,
    pub at: Timestamp,
    pub seen_at: Timestamp,
}

impl SignedIn {
    /// Neither too old nor unused for too long.
    fn is_valid(&self, now: Timestamp) -> bool {
        now.since(self.at) < ABSOLUTE && now.since(self.seen_at) < IDLE
    }
}

/// Sessions in our table. The browser's id never reaches it: only its SHA-256 does.
#[derive(Clone)]
pub struct Sessions {
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
}

impl Sessions {
    /// Over an open database.
    pub fn new(database: Arc<Database>, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sessions")
    }
}

fn id_hash(id: &Id) -> String {
    hex::encode(Sha256::digest(id.0.to_be_bytes()))
}

fn stored(record: &Record) -> Result<StoredSession, StoreFailure> {
    let account = record
        .data
        .get(KEY)
        .and_then(|value| SignedIn::deserialize(value).ok());
    let body =
        serde_json::to_string(&record.data).map_err(|error| StoreFailure::Encode(error.to_string()))?;
    let micros = record.expiry_date.unix_timestamp_nanos() / 1_000;
    Ok(StoredSession {
        id_hash: id_hash(&record.id),
        account: account.map(|signed_in| signed_in.account),
        body,
        expires_at: Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX)),
    })
}

fn away(error: &engine::ports::StoreError) -> StoreFailure {
    StoreFailure::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<(), StoreFailure> {
        while !self
            .database
            .create_session(&stored(record)?)
            .await
            .map_err(|error| away(&error))?
        {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<(), StoreFailure> {
        self.database
            .save_session(&stored(record)?)
            .await
            .map_err(|error| away(&error))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>, StoreFailure> {
        let now = self.clock.now();
        let found = self
            .database
            .load_session(&id_hash(id), now)
            .await
            .map_err(|error| away(&error))?;
        let Some(found) = found else {
            return Ok(None);
        };
        let decode = |problem: String| StoreFailure::Decode(problem);
        let nanos = i128::from(found.expires_at.as_micros()) * 1_000;
        Ok(Some(Record {
            id: *id,
            data: serde_json::from_str(&found.body).map_err(|error| decode(error.to_string()))?,
            expiry_date: time::OffsetDateTime::from_unix_timestamp_nanos(nanos)
                .map_err(|error| decode(error.to_string()))?,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<(), StoreFailure> {
        self.database
            .delete_session(&id_hash(id))
            .await
            .map_err(|error| away(&error))
    }
}

/// The layer that reads and sets the cookie. Over https its name pins it to this host and path.
pub fn layer<Store: SessionStore + Clone>(store: Store, https: bool) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(store)
        .with_name(if https { "__Host-rota" } else { "rota" })
        .with_secure(https)
        .with_http_only(true)
        // Lax, so that a link in a mail opens a page for whoever is signed in; changes are checked for their origin.
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(
            time::Duration::try_from(IDLE).unwrap_or(time::Duration::HOUR),
        ))
}

/// Starts a session under a fresh id, so that an id planted beforehand is worth nothing.
///
/// # Errors
/// When the session cannot be stored.
pub async fn begin(
    session: &Session,
    account: AccountId,
    epoch: i64,
    clock: &dyn Clock,
) -> Result<(), ApiError> {
    let now = clock.now();
    session.clear().await;
    session.cycle_id().await.map_err(|error| unavailable(&error))?;
    let signed_in = SignedIn {
        account,
        epoch,
        at: now,
        seen_at: now,
    };
    session
        .insert(KEY, signed_in)
        .await
        .map_err(|error| unavailable(&error))?;
    session.save().await.map_err(|error| unavailable(&error))
}

/// Ends the session, here and in the table.
///
/// # Errors
/// When the table cannot be reached.
pub async fn end(session: &Session) -> Result<(), ApiError> {
    session.flush().await.map_err(|error| unavailable(&error))
}

/// Who is signed in, if the session still counts.
///
/// # Errors
/// When the table cannot be reached.
pub async fn signed_in(session: &Session, clock: &dyn Clock) -> Result<Option<SignedIn>, ApiError> {
    let stored = session
        .get::<SignedIn>(KEY)
        .await
        .map_err(|error| unavailable(&error))?;
    let now = clock.now();
    let Some(mut signed_in) = stored.filter(|signed_in| signed_in.is_valid(now)) else {
        return Ok(None);
    };
    if now.since(signed_in.seen_at) >= TOUCH_EVERY {
        signed_in.seen_at = now;
        session
            .insert(KEY, signed_in.clone())
            .await
            .map_err(|error| unavailable(&error))?;
    }
    Ok(Some(signed_in))
}

fn unavailable(error: &tower_sessions::session::Error) -> ApiError {
    tracing::error!(error.cause = %error, "a session could not be read or written");
    engine::Refusal::Unavailable("the database is away; try again in a moment".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_idling_and_by_age() {
        let start = Timestamp::from_micros(1_000_000_000);
        let clock = crate::host::SystemClock;
        let account = AccountId::generate(&clock, &crate::host::OsRandomness);
        let signed_in = |seen_at| SignedIn {
            account: account.clone(),
            epoch: 0,
            at: start,
            seen_at,
        };
        assert!(signed_in(start).is_valid(start.after(IDLE - Duration::from_secs(1))));
        assert!(!signed_in(start).is_valid(start.after(IDLE)));
        let late = start.after(ABSOLUTE - Duration::from_secs(1));
        assert!(signed_in(late).is_valid(late));
        assert!(!signed_in(start.after(ABSOLUTE)).is_valid(start.after(ABSOLUTE)));
    }
}
