//! `Idempotency-Key` on POST: the first reply is kept, sealed, for 24 hours, and a repetition is given that reply.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::access::ActorKind;
use engine::ports::SecretRef;
use engine::seal::SealError;
use keyring::SecretBytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{IdempotencyKey, Reservation};
use zeroize::Zeroize;

use api::problem::code;

use super::AppState;
use super::extract::read_body;
use super::problem::{ApiError, ApiResult};
use crate::auth::Identity;

/// How long a reply is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// A request without a reply after this was left by a process that died.
const ABANDONED: Duration = Duration::from_secs(120);
const LONGEST_KEY: usize = 255;
/// What they send is bytes, made anew each time.
const SEALED_FILES: [&str; 2] = ["/api/v1/backups", "/api/v1/recovery/tombstones"];
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A reply as it is kept. It may hold a new token, so it is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// Runs a POST once for each key.
pub async fn replay(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let has_key = request.headers().contains_key(HEADER);
    // A backup is made anew each time, and is no reply to be kept.
    let path = request.uri().path();
    let is_unkept = SEALED_FILES.contains(&path) || is_of_root(path) || is_key_operation(path);
    if is_unkept || *request.method() != Method::POST || !has_key {
        return next.run(request).await;
    }
    match Box::pin(once(&state, request, next)).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

/// Their replies may hold shares of the root key, which must not be kept under a key that the root opens; what they do
/// may be repeated anyway.
fn is_of_root(path: &str) -> bool {
    matches!(path, "/api/v1/seal" | "/api/v1/unseal") || path.starts_with("/api/v1/root/")
}

/// Operations on data change nothing, so repeating one is harmless, and keeping its reply would keep a plaintext.
fn is_key_operation(path: &str) -> bool {
    path.strip_prefix("/api/v1/keys/").is_some_and(|rest| {
        let (_, operation) = rest.split_once('/').unwrap_or_default();
        matches!(
            operation,
            "encrypt" | "decrypt" | "rewrap" | "data-key" | "sign" | "verify" | "hmac"
        )
    })
}

async fn once(state: &AppState, request: Request, next: Next) -> ApiResult<Response> {
    let key = key_of(request.headers())?;
    let path = request.uri().path().to_owned();
    let Some(identity) = request.extensions().get::<Identity>().cloned() else {
        return Err(ApiError::internal(&"idempotency stands outside of `identify`"));
    };
    // Nobody else's replies are within reach: the key stands under whoever asks.
    if identity.actor.kind == ActorKind::Anonymous {
        return Ok(next.run(request).await);
    }
    // A reply that cannot be kept must not be given: its repetition would do the work twice.
    state.services.sealer.require_open()?;
    let owner = identity.actor.label();
    let (parts, body) = request.into_parts();
    let instance = parts.headers.get(api::delivery::INSTANCE_HEADER).cloned();
    let body = read_body(Request::new(body)).await?;
    let mut hasher = Sha256::new();
    hasher.update(instance.as_ref().map_or(&[][..], HeaderValue::as_bytes));
    hasher.update([0]);
    hasher.update(&body);
    let body_hash = hex::encode(hasher.finalize());
    let at = IdempotencyKey {
        token: &owner,
        path: &path,
        key: &key,
    };
    let now = state.services.clock.now();
    let place = SecretRef {
        table: "idempotency",
        row: format!("{owner} {path} {key}"),
        field: "reply",
    };
    match state
        .database
        .reserve_idempotent(at, &body_hash, now, now.before(ABANDONED))
        .await?
    {
        Reservation::Ours => {}
        Reservation::Replied(sealed) => return replayed(state, &place, &sealed),
        Reservation::OtherBody => {
            return Err(ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                code::IDEMPOTENCY_KEY_REUSED,
                "The key was used for something else",
                "this Idempotency-Key came with another body before; use a fresh key for a new request",
            ));
        }
        Reservation::InProgress => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "idempotency_in_progress",
                "Still being answered",
                "the first request with this Idempotency-Key is still being answered; repeat it in a moment",
            )
            .retry_after(1));
        }
    }
    // On a task of its own: a client that hangs up must not leave a half-answered key behind.
    let task = keep(
        state.clone(),
        owner,
        path,
        key,
        place,
        next.run(Request::from_parts(parts, Body::from(body))),
    );
    tokio::spawn(task)
        .await
        .map_err(|error| ApiError::internal(&error))?
}

async fn keep(
    state: AppState,
    owner: String,
    path: String,
    key: String,
    place: SecretRef,
    reply: impl Future<Output = Response> + Send,
) -> ApiResult<Response> {
    let response = reply.await;
    let at = IdempotencyKey {
        token: &owner,
        path: &path,
        key: &key,
    };
    let status = response.status();
    let is_final = !status.is_server_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
        );
    if !is_final {
        state.database.release_idempotent(at).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| ApiError::internal(&error))?;
    let mut kept = Kept {
        status: parts.status.as_u16(),
        headers: kept_headers(&parts.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let plain = SecretBytes::new(serde_json::to_vec(&kept).map_err(|error| ApiError::internal(&error))?);
    kept.body.zeroize();
    match state.services.sealer.seal_bytes(&place, &plain) {
        Ok(sealed) => state.database.finish_idempotent(at, &sealed).await?,
        // What was done is done; only a repetition is not recognised.
        Err(error) => {
            tracing::error!(error.cause = %error, "a reply could not be sealed, so a repetition will not be recognised");
            state.database.release_idempotent(at).await?;
        }
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    [header::CONTENT_TYPE, header::LOCATION, header::ETAG]
        .into_iter()
        .filter_map(|name| Some((name.to_string(), headers.get(&name)?.to_str().ok()?.to_owned())))
        .collect()
}

fn replayed(state: &AppState, place: &SecretRef, sealed: &[u8]) -> ApiResult<Response> {
    let opened = state
        .services
        .sealer
        .open_bytes(place, sealed)
        .map_err(|error| match error {
            sealed @ SealError::Sealed(_) => engine::Refusal::from(sealed).into(),
            other => ApiError::internal(&other),
        })?;
    let kept: Kept =
        serde_json::from_slice(opened.expose_bytes()).map_err(|error| ApiError::internal(&error))?;
    let status = StatusCode::from_u16(kept.status).map_err(|error| ApiError::internal(&error))?;
    let mut response = (status, kept.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn key_of(headers: &HeaderMap) -> ApiResult<String> {
    let text = headers
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim();
    if text.is_empty() || text.len() > LONGEST_KEY {
        let detail = format!("Idempotency-Key must have 1 to {LONGEST_KEY} printable characters");
        return Err(ApiError::malformed(detail));
    }
    Ok(text.to_owned())
}
