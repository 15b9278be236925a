//! The audit chain.

use api::Page;
use api::audit::{AuditCheckpoint, AuditEntry, AuditQuery};
use axum::extract::State;
use engine::ports::AuditFilter;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::page_size;
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, Query};
use crate::http::problem::{ApiError, ApiResult};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(checkpoint))
}

/// Entries, newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = Page<AuditEntry>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    let size = page_size(query.limit)?;
    let before = query.cursor.map(|cursor| cursor.parse()).transpose();
    let filter = AuditFilter {
        actor: query.actor,
        action: query.action,
        object: query.object,
        before: before.map_err(|_| ApiError::malformed("the cursor is not one of ours"))?,
        limit: u32::try_from(size).unwrap_or(u32::MAX),
        ..AuditFilter::default()
    };
    let entries = state.services.audit(&actor, filter).await?;
    let last = entries
        .last()
        .filter(|entry| entries.len() == size && entry.sequence > 1);
    let next_cursor = last.map(|entry| entry.sequence.to_string());
    Ok(Json(Page {
        items: entries.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Where the chain ends: kept elsewhere, it proves later that nothing before it was changed
#[utoipa::path(get, path = "/api/v1/audit/checkpoint", tag = "audit",
    responses((status = 200, body = AuditCheckpoint)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn checkpoint(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> ApiResult<Json<AuditCheckpoint>> {
    let head = state.services.audit_checkpoint(&actor).await?;
    Ok(Json(AuditCheckpoint {
        sequence: u64::try_from(head.sequence).unwrap_or(0),
        hash: head.hash.0,
        at: state.services.clock.now().into(),
    }))
}
