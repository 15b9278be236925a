//! `/healthz`, `/readyz` and `/metrics`.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use engine::Refusal;
use engine::access::{ActorKind, Role, TokenScope};

use super::AppState;
use super::problem::{ApiError, ApiResult};
use crate::auth::Identity;
use crate::auth::client_address::{PeerAddress, is_forwarded};

/// The process runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The process serves: its database answers and its keys are in memory.
pub async fn readyz(State(state): State<AppState>) -> ApiResult<&'static str> {
    if state.shutdown.is_cancelled() {
        return Err(Refusal::Unavailable("Rota is stopping".to_owned()).into());
    }
    state.services.store.audit_head().await?;
    state.services.sealer.require_open()?;
    Ok("ready\n")
}

/// Prometheus asks.
pub async fn metrics(State(state): State<AppState>, request: Request) -> ApiResult<Response> {
    if !is_open(&state, &request) {
        let identity = request.extensions().get::<Identity>();
        let identity =
            identity.ok_or_else(|| ApiError::internal(&"/metrics stands outside of `identify`"))?;
        if identity.actor.kind == ActorKind::Anonymous {
            return Err(Refusal::Unauthenticated.into());
        }
        if identity.scope != Some(TokenScope::Metrics) {
            identity.actor.require(Role::Viewer)?;
        }
    }
    let text = state.metrics.scrape(&state.services).await?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response())
}

/// Open to programs on this machine, as long as no proxy could stand in between and make everyone look local.
fn is_open(state: &AppState, request: &Request) -> bool {
    if state.metrics_open {
        return true;
    }
    let peer = request.extensions().get::<PeerAddress>();
    let is_local = peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    is_local && state.trusted_proxies.is_empty() && !is_forwarded(request.headers())
}
