//! A real HTTP service that makes, tests and revokes keys.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Json, Router};
use engine::catalog::Strategy;
use serde_json::{Value, json};

use crate::fixture::{Fixture, values};

pub(crate) const ADMIN_TOKEN: &str = r#"adm"in\ {{key}} %41 töken"#;

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) secret: String,
}

type Fixed = (StatusCode, Vec<(&'static str, String)>, String);

#[derive(Default)]
struct Inner {
    keys: Vec<Key>,
    made: u32,
    urls: Vec<String>,
    /// When set, this is the answer to everything.
    answer: Option<Fixed>,
    too_powerful: bool,
}

/// The service, while it is held.
#[derive(Clone)]
pub(crate) struct KeyService {
    inner: Arc<Mutex<Inner>>,
    pub(crate) port: u16,
}

impl KeyService {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            inner: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let router = Router::new()
            .route("/v1/keys", post(create).get(list))
            .route("/v1/keys/{id}", delete(revoke))
            .route("/v1/orders", get(orders))
            .route("/v1/admin", get(admin_only))
            .fallback(any(|| async { StatusCode::NOT_FOUND }))
            .layer(axum::middleware::from_fn_with_state(service.clone(), watch))
            .with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        service
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.inner.lock().unwrap().keys.clone()
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.inner.lock().unwrap().urls.clone()
    }

    /// From now on everything is answered like this.
    pub(crate) fn answer(&self, status: u16, headers: Vec<(&'static str, String)>, body: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        self.inner.lock().unwrap().answer = Some((status, headers, body.to_owned()));
    }

    pub(crate) fn behave(&self) {
        self.inner.lock().unwrap().answer = None;
    }

    pub(crate) fn let_keys_do_anything(&self) {
        self.inner.lock().unwrap().too_powerful = true;
    }

    pub(crate) fn insert(&self, id: &str, label: &str, secret: &str) {
        self.inner.lock().unwrap().keys.push(Key {
            id: id.to_owned(),
            label: label.to_owned(),
            secret: secret.to_owned(),
        });
    }

    /// Everything one wants of it. `supplied`: Rota makes the key; else the service does.
    pub(crate) fn config(port: u16, supplied: bool) -> Value {
        let mut config = json!({
            "base_url": format!("http://127.0.0.1:{port}/v1"),
            "allow_private_network": true,
            "create": {
                "method": "POST", "path": "/keys", "headers": {"Authorization": "Bearer {{admin_token}}"},
                "body": {"label": "{{label}}"}, "expect_status": 201, "id_pointer": "/data/id",
            },
            "test": {"method": "GET", "path": "/orders", "headers": {"X-Api-Key": "{{key}}"}},
            "forbidden": {"method": "GET", "path": "/admin", "headers": {"X-Api-Key": "{{key}}"}},
            "revoke": {
                "method": "DELETE", "path": "/keys/{{key_id}}", "headers": {"Authorization": "Bearer {{admin_token}}"},
            },
            "list": {
                "method": "GET", "path": "/keys", "headers": {"Authorization": "Bearer {{admin_token}}"},
                "items_pointer": "/items", "id_pointer": "/id", "label_pointer": "/label",
            },
        });
        if supplied {
            config["create"]["body"]["key"] = json!("{{key}}");
        } else {
            config["create"]["secret_pointer"] = json!("/data/secret");
        }
        config
    }

    pub(crate) fn fixture(&self, supplied: bool) -> Fixture {
        Self::fixture_of(&Self::config(self.port, supplied))
    }

    pub(crate) fn fixture_of(config: &Value) -> Fixture {
        Fixture::new(
            "http_api_key",
            Strategy::Dual,
            config,
            &json!({}),
            values(&[("token", ADMIN_TOKEN)]),
        )
    }
}

async fn watch(
    State(service): State<KeyService>,
    uri: Uri,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let answer = {
        let mut inner = service.inner.lock().unwrap();
        inner.urls.push(uri.to_string());
        inner.answer.clone()
    };
    match answer {
        Some((status, headers, body)) => {
            let mut response = (status, body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        None => next.run(request).await,
    }
}

fn is_admin(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|value| value.as_bytes() == format!("Bearer {ADMIN_TOKEN}").as_bytes())
}

fn knows_key(service: &KeyService, headers: &HeaderMap) -> bool {
    let key = headers
        .get("x-api-key")
        .map(|value| value.as_bytes().to_vec())
        .unwrap_or_default();
    service.keys().iter().any(|known| known.secret.as_bytes() == key)
}

async fn create(State(service): State<KeyService>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !is_admin(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut inner = service.inner.lock().unwrap();
    inner.made += 1;
    let made = inner.made;
    let key = Key {
        // What a path must not take at its word.
        id: format!("id {made}/../x?y#z%41ü"),
        label: body["label"].as_str().unwrap().to_owned(),
        secret: body["key"]
            .as_str()
            .map_or_else(|| format!("made by the service {made}"), str::to_owned),
    };
    let mut data = json!({"id": key.id});
    if body["key"].is_null() {
        data["secret"] = json!(key.secret);
    }
    inner.keys.push(key);
    (StatusCode::CREATED, Json(json!({ "data": data }))).into_response()
}

async fn list(State(service): State<KeyService>, headers: HeaderMap) -> Response {
    if !is_admin(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let items: Vec<Value> = service
        .keys()
        .iter()
        .map(|key| json!({"id": key.id, "label": key.label}))
        .collect();
    Json(json!({ "items": items })).into_response()
}

async fn revoke(State(service): State<KeyService>, headers: HeaderMap, Path(id): Path<String>) -> StatusCode {
    if !is_admin(&headers) {
        return StatusCode::UNAUTHORIZED;
    }
    let mut inner = service.inner.lock().unwrap();
    let before = inner.keys.len();
    inner.keys.retain(|key| key.id != id);
    if inner.keys.len() < before {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}

async fn orders(State(service): State<KeyService>, headers: HeaderMap) -> StatusCode {
    if knows_key(&service, &headers) {
        StatusCode::OK
    } else {
        StatusCode::UNAUTHORIZED
    }
}

async fn admin_only(State(service): State<KeyService>, headers: HeaderMap) -> StatusCode {
    let too_powerful = service.inner.lock().unwrap().too_powerful;
    if knows_key(&service, &headers) && too_powerful {
        StatusCode::OK
    } else {
        StatusCode::FORBIDDEN
    }
}
