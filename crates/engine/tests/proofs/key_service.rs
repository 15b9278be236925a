//! A real HTTP service of two keys per account: it makes, tests, lists and revokes them.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const ADMIN_TOKEN: &str = "the-administrators-own-token";
/// No account has room for more.
const KEYS_PER_ACCOUNT: usize = 2;

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) secret: String,
}

#[derive(Default)]
struct Inner {
    keys: Vec<Key>,
    made: u32,
}

/// The service, while it is held.
#[derive(Clone)]
pub(crate) struct KeyService {
    inner: Arc<Mutex<Inner>>,
    pub(crate) port: u16,
}

impl KeyService {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            inner: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let router = Router::new()
            .route("/v1/{account}/keys", post(create).get(list))
            .route("/v1/{account}/keys/{id}", delete(revoke))
            .route("/v1/orders", get(orders))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        service
    }

    /// The keys of an account that work now.
    pub(crate) fn keys(&self, account: &str) -> Vec<Key> {
        let inner = self.inner.lock().unwrap();
        let keys = inner.keys.iter().filter(|key| key.account == account);
        keys.cloned().collect()
    }

    /// How an issuer names it. `supplied`: Rota makes the key; else the service does.
    pub(crate) fn config(&self, supplied: bool) -> Value {
        let admin = json!({"Authorization": "Bearer {{admin_token}}"});
        let mut config = json!({
            "base_url": format!("http://127.0.0.1:{}/v1", self.port),
            "allow_private_network": true,
            "create": {
                "method": "POST", "path": "/{{variables.account}}/keys", "headers": admin,
                "body": {"label": "{{label}}"}, "expect_status": 201, "id_pointer": "/id",
            },
            "test": {"method": "GET", "path": "/orders", "headers": {"X-Api-Key": "{{key}}"}},
            "revoke": {"method": "DELETE", "path": "/{{variables.account}}/keys/{{key_id}}", "headers": admin},
            "list": {
                "method": "GET", "path": "/{{variables.account}}/keys", "headers": admin,
                "items_pointer": "/items", "id_pointer": "/id", "label_pointer": "/label",
            },
        });
        if supplied {
            config["create"]["body"]["key"] = json!("{{key}}");
        } else {
            config["create"]["secret_pointer"] = json!("/secret");
        }
        config
    }

    /// Calls the service with a key over a connection of its own.
    pub(crate) async fn accepts(&self, key: &str) -> bool {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = format!(
            "GET /v1/orders HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        match answer.split(' ').nth(1) {
            Some("200") => true,
            Some("401") => false,
            other => panic!("the service answered {other:?}"),
        }
    }
}

fn is_admin(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|value| value.as_bytes() == format!("Bearer {ADMIN_TOKEN}").as_bytes())
}

async fn create(
    State(service): State<KeyService>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !is_admin(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if service.keys(&account).len() >= KEYS_PER_ACCOUNT {
        return StatusCode::CONFLICT.into_response();
    }
    let mut inner = service.inner.lock().unwrap();
    inner.made += 1;
    let made = inner.made;
    let key = Key {
        account,
        id: format!("key-{made}"),
        label: body["label"].as_str().unwrap().to_owned(),
        secret: body["key"]
            .as_str()
            .map_or_else(|| format!("made-by-the-service-{made}"), str::to_owned),
    };
    let mut answer = json!({"id": key.id});
    if body["key"].is_null() {
        answer["secret"] = json!(key.secret);
    }
    inner.keys.push(key);
    (StatusCode::CREATED, Json(answer)).into_response()
}

async fn list(
    State(service): State<KeyService>,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_admin(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let keys = service.keys(&account);
    let items: Vec<Value> = keys
        .iter()
        .map(|key| json!({"id": key.id, "label": key.label}))
        .collect();
    Json(json!({ "items": items })).into_response()
}

async fn revoke(
    State(service): State<KeyService>,
    Path((account, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> StatusCode {
    if !is_admin(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    let mut inner = service.inner.lock().unwrap();
    let before = inner.keys.len();
    inner.keys.retain(|key| key.account != account || key.id != id);
    if inner.keys.len() < before {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn orders(State(service): State<KeyService>, headers: HeaderMap) -> StatusCode {
    let key = headers.get("x-api-key").map(|value| value.as_bytes().to_vec());
    let inner = service.inner.lock().unwrap();
    if inner
        .keys
        .iter()
        .any(|known| Some(known.secret.as_bytes()) == key.as_deref())
    {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}
