//! The API that the keys are for: two keys an account, real HTTP. It can be told to refuse the newest key of two.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const ADMIN_TOKEN: &str = "bench-orders-admin";
const KEYS_PER_ACCOUNT: usize = 2;

/// The running API; ends when dropped.
#[derive(Debug)]
pub struct Orders {
    pub url: String,
    shared: Arc<Mutex<Accounts>>,
    _task: JoinSet<()>,
}

/// What goes wrong with a credential's newest key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It lacks a permission: 403 to whoever uses it.
    Everybody,
    /// 403 to one instance, as behind a proxy with a stale list of keys.
    Instance(String),
}

#[derive(Debug, Default)]
struct Accounts {
    /// By the key itself.
    keys: HashMap<String, Key>,
    made: u64,
    /// By credential.
    faults: HashMap<String, Fault>,
}

#[derive(Debug)]
struct Key {
    account: String,
    label: String,
    number: u64,
}

type Shared = State<Arc<Mutex<Accounts>>>;
type Reply = (StatusCode, Json<Value>);

impl Orders {
    /// Serves on a free port.
    pub async fn start() -> Result<Self> {
        let shared = Arc::new(Mutex::new(Accounts::default()));
        let router = Router::new()
            .route("/admin/keys", post(create_key).get(list_keys))
            .route("/admin/keys/{id}", delete(revoke_key))
            .route("/whoami", get(who_am_i))
            .route("/orders", get(list_orders))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self {
            url,
            shared,
            _task: task,
        })
    }

    /// From now on this goes wrong; None ends it.
    pub fn set_fault(&self, credential: &str, fault: Option<Fault>) {
        let mut accounts = lock(&self.shared);
        match fault {
            Some(fault) => drop(accounts.faults.insert(credential.to_owned(), fault)),
            None => drop(accounts.faults.remove(credential)),
        }
    }

    /// How Rota is told to use it.
    pub fn issuer(&self) -> Value {
        let admin = json!({"authorization": "Bearer {{admin_token}}"});
        json!({
            "name": "orders-api", "kind": "http_api_key", "environment": "bench", "admin": {"token": ADMIN_TOKEN},
            "config": {
                "base_url": self.url,
                "allow_private_network": true,
                "create": {
                    "method": "POST", "path": "/admin/keys", "headers": admin, "expect_status": [201],
                    "id_pointer": "/id", "body": {"label": "{{label}}", "key": "{{key}}"},
                },
                "test": {"method": "GET", "path": "/whoami", "headers": {"authorization": "Bearer {{key}}"}},
                "revoke": {"method": "DELETE", "path": "/admin/keys/{{key_id}}", "headers": admin},
                "list": {
                    "method": "GET", "path": "/admin/keys", "headers": admin,
                    "items_pointer": "/keys", "id_pointer": "/id", "label_pointer": "/label",
                },
            },
        })
    }
}

impl Accounts {
    fn is_newest_of_two(&self, key: &Key) -> bool {
        let same = self.keys.values().filter(|other| other.account == key.account);
        let (count, newest) = same.fold((0, 0), |(count, newest), other| {
            (count + 1, other.number.max(newest))
        });
        count > 1 && newest == key.number
    }

    fn breaks(&self, key: &Key, credential: &str, instance: &str) -> bool {
        let strikes = match self.faults.get(credential) {
            None => false,
            Some(Fault::Everybody) => true,
            Some(Fault::Instance(struck)) => struck == instance,
        };
        strikes && self.is_newest_of_two(key)
    }
}

fn lock(accounts: &Mutex<Accounts>) -> MutexGuard<'_, Accounts> {
    accounts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply(status: StatusCode, body: Value) -> Reply {
    (status, Json(body))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn bearer(headers: &HeaderMap) -> &str {
    header(headers, "authorization")
        .strip_prefix("Bearer ")
        .unwrap_or_default()
}

fn refuse_stranger(headers: &HeaderMap) -> Result<(), Reply> {
    if bearer(headers) == ADMIN_TOKEN {
        return Ok(());
    }
    Err(reply(
        StatusCode::UNAUTHORIZED,
        json!({"error": "this is not the administrator's token"}),
    ))
}

#[derive(Deserialize)]
struct NewKey {
    label: String,
    key: String,
}

async fn create_key(
    State(shared): Shared,
    headers: HeaderMap,
    Json(new): Json<NewKey>,
) -> Result<Reply, Reply> {
    refuse_stranger(&headers)?;
    let mut accounts = lock(&shared);
    // The label ends with the version; what stands before it is the same for both keys.
    let account = new
        .label
        .rsplit_once('-')
        .map_or(new.label.as_str(), |(account, _)| account)
        .to_owned();
    if accounts
        .keys
        .values()
        .filter(|key| key.account == account)
        .count()
        >= KEYS_PER_ACCOUNT
    {
        return Err(reply(
            StatusCode::CONFLICT,
            json!({"error": "the account has two keys already"}),
        ));
    }
    accounts.made += 1;
    let number = accounts.made;
    accounts.keys.insert(
        new.key,
        Key {
            account,
            label: new.label,
            number,
        },
    );
    Ok(reply(StatusCode::CREATED, json!({"id": number.to_string()})))
}

async fn list_keys(State(shared): Shared, headers: HeaderMap) -> Result<Reply, Reply> {
    refuse_stranger(&headers)?;
    let accounts = lock(&shared);
    let keys: Vec<Value> = accounts
        .keys
        .values()
        .map(|key| json!({"id": key.number.to_string(), "label": key.label}))
        .collect();
    Ok(reply(StatusCode::OK, json!({"keys": keys})))
}

async fn revoke_key(
    State(shared): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Reply, Reply> {
    refuse_stranger(&headers)?;
    let mut accounts = lock(&shared);
    let before = accounts.keys.len();
    accounts.keys.retain(|_, key| key.number.to_string() != id);
    if accounts.keys.len() == before {
        return Err(reply(
            StatusCode::NOT_FOUND,
            json!({"error": "there is no such key"}),
        ));
    }
    Ok(reply(StatusCode::OK, json!({"revoked": id})))
}

async fn who_am_i(State(shared): Shared, headers: HeaderMap) -> Reply {
    match lock(&shared).keys.get(bearer(&headers)) {
        Some(key) => reply(StatusCode::OK, json!({"account": key.account})),
        None => reply(
            StatusCode::UNAUTHORIZED,
            json!({"error": "this key is not known here"}),
        ),
    }
}

async fn list_orders(State(shared): Shared, headers: HeaderMap) -> Reply {
    let accounts = lock(&shared);
    let Some(key) = accounts.keys.get(bearer(&headers)) else {
        return reply(
            StatusCode::UNAUTHORIZED,
            json!({"error": "this key is not known here"}),
        );
    };
    if accounts.breaks(
        key,
        header(&headers, "x-credential"),
        header(&headers, "x-instance"),
    ) {
        return reply(
            StatusCode::FORBIDDEN,
            json!({"error": "this key may not read orders"}),
        );
    }
    reply(StatusCode::OK, json!({"orders": [{"id": 1, "item": "a lamp"}]}))
}
