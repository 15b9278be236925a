//! An API like many: accounts, up to two keys each, 401 for a key it does not know, 403 for one without permission.
//!
//! `POST /admin/keys`, `GET /admin/keys`, `DELETE /admin/keys/{id}` with the administrator's token;
//! `GET /whoami` and `GET /orders` with a key; `POST /control/sabotage` with the control token.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::key_store::{Key, KeyError, KeyStore};
use crate::program::{ProgramError, announce};
use crate::sabotage::{Sabotage, SabotageRequest};

/// What the API is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Settings {
    /// `127.0.0.1:0` for a free port.
    pub listen: String,
    pub keys_file: PathBuf,
    pub admin_token: String,
    pub control_token: String,
}

#[derive(Debug)]
struct Orders {
    settings: Settings,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    keys: KeyStore,
    sabotage: Sabotage,
    /// Instances seen with a key that is the newest of two: (key, instance).
    users: HashSet<(String, String)>,
    served: u64,
}

type Shared = State<Arc<Orders>>;

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until the future is dropped.
///
/// # Errors
/// When the port or the file of keys cannot be had.
pub async fn serve(settings: Settings) -> Result<(), ProgramError> {
    let listener = TcpListener::bind(&settings.listen).await?;
    let keys = KeyStore::open(&settings.keys_file)?;
    let inner = Inner {
        keys,
        sabotage: Sabotage::None,
        users: HashSet::new(),
        served: 0,
    };
    let orders = Arc::new(Orders {
        settings,
        inner: Mutex::new(inner),
    });
    let router = Router::new()
        .route("/admin/keys", post(create_key).get(list_keys))
        .route("/admin/keys/{id}", delete(revoke_key))
        .route("/whoami", get(who_am_i))
        .route("/orders", get(list_orders))
        .route("/control/sabotage", post(sabotage))
        .with_state(orders);
    announce(listener.local_addr()?).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

type Reply = (StatusCode, Json<Value>);

fn reply(status: StatusCode, body: Value) -> Reply {
    (status, Json(body))
}

fn refused(status: StatusCode, why: &str) -> Reply {
    reply(status, json!({ "error": why }))
}

fn bearer(headers: &HeaderMap) -> &str {
    let value = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or_default()
}

#[derive(Deserialize)]
struct NewKey {
    /// What the caller calls the key; what stands before its last mark names the account.
    label: String,
    key: String,
}

impl NewKey {
    fn account(&self) -> &str {
        self.label
            .rsplit_once(|mark: char| !mark.is_alphanumeric())
            .map_or(self.label.as_str(), |(account, _)| account)
    }
}

async fn create_key(State(orders): Shared, headers: HeaderMap, Json(new): Json<NewKey>) -> Reply {
    if bearer(&headers) != orders.settings.admin_token {
        return refused(
            StatusCode::UNAUTHORIZED,
            "the administrator's token is not this one",
        );
    }
    match orders.lock().keys.insert(new.account(), &new.label, &new.key) {
        Ok(key) => reply(StatusCode::CREATED, json!({ "id": key.id, "label": key.label })),
        Err(error @ KeyError::TooMany(_)) => refused(StatusCode::CONFLICT, &error.to_string()),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn list_keys(State(orders): Shared, headers: HeaderMap) -> Reply {
    if bearer(&headers) != orders.settings.admin_token {
        return refused(
            StatusCode::UNAUTHORIZED,
            "the administrator's token is not this one",
        );
    }
    let inner = orders.lock();
    let keys: Vec<Value> = inner
        .keys
        .all()
        .map(|key| json!({ "id": key.id, "label": key.label }))
        .collect();
    reply(StatusCode::OK, json!({ "keys": keys }))
}

async fn revoke_key(State(orders): Shared, headers: HeaderMap, Path(id): Path<String>) -> Reply {
    if bearer(&headers) != orders.settings.admin_token {
        return refused(
            StatusCode::UNAUTHORIZED,
            "the administrator's token is not this one",
        );
    }
    match orders.lock().keys.remove(&id) {
        Ok(true) => reply(StatusCode::OK, json!({ "revoked": id })),
        Ok(false) => refused(StatusCode::NOT_FOUND, "there is no such key"),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn who_am_i(State(orders): Shared, headers: HeaderMap) -> Reply {
    match orders.lock().keys.find(bearer(&headers)) {
        Some(key) => reply(StatusCode::OK, json!({ "account": key.account })),
        None => refused(StatusCode::UNAUTHORIZED, "this key is not known here"),
    }
}

async fn list_orders(State(orders): Shared, headers: HeaderMap) -> Reply {
    let instance = headers
        .get("x-instance")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut inner = orders.lock();
    let Some(key) = inner.keys.find(bearer(&headers)).cloned() else {
        return refused(StatusCode::UNAUTHORIZED, "this key is not known here");
    };
    inner.served += 1;
    if inner.breaks(&key, instance) {
        return refused(StatusCode::FORBIDDEN, "this key may not read orders");
    }
    reply(
        StatusCode::OK,
        json!({ "orders": [{ "id": inner.served, "item": "a lamp" }] }),
    )
}

impl Inner {
    /// Whether the ordered sabotage strikes this use.
    fn breaks(&mut self, key: &Key, instance: &str) -> bool {
        if !self.keys.is_newest_of_two(key) {
            return false;
        }
        self.users.insert((key.id.clone(), instance.to_owned()));
        match self.sabotage {
            Sabotage::None | Sabotage::WrongKey => false,
            Sabotage::LostPermission => true,
            Sabotage::SlowFailure => {
                let users = self
                    .users
                    .iter()
                    .filter(|(user_key, _)| *user_key == key.id)
                    .count();
                users > 1 && self.served.is_multiple_of(2)
            }
        }
    }
}

async fn sabotage(State(orders): Shared, headers: HeaderMap, Json(request): Json<SabotageRequest>) -> Reply {
    if bearer(&headers) != orders.settings.control_token {
        return refused(StatusCode::UNAUTHORIZED, "the control token is not this one");
    }
    orders.lock().sabotage = request.kind;
    reply(StatusCode::OK, json!({ "sabotage": request.kind }))
}
