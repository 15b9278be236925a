//! Freezes: scheduled rotations wait.

use api::{CreateFreeze, Freeze, Page, PageQuery};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use engine::Refusal;
use engine::freeze::NewFreeze;
use engine::id::FreezeId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::{created, page_of};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, Query};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(end))
}

/// The freezes that are on
#[utoipa::path(get, path = "/api/v1/freezes", tag = "freezes", params(PageQuery),
    responses((status = 200, body = Page<Freeze>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Freeze>>> {
    let freezes: Vec<Freeze> = state
        .services
        .freezes(&actor)
        .await?
        .into_iter()
        .map(Into::into)
        .collect();
    Ok(Json(page_of(
        freezes,
        query.cursor.as_deref(),
        query.limit,
        |freeze| freeze.id.clone(),
    )?))
}

/// Makes scheduled rotations wait, in one environment or in all
#[utoipa::path(post, path = "/api/v1/freezes", tag = "freezes", request_body = CreateFreeze,
    responses((status = 201, body = Freeze)), security(("bearer" = ["operator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateFreeze>,
) -> ApiResult<Response> {
    let new = parsed(body);
    let freeze = state.services.create_freeze(&actor, new).await?;
    let location = format!("/api/v1/freezes/{}", freeze.id);
    Ok(created(&location, Freeze::from(freeze)))
}

/// Ends a freeze
#[utoipa::path(delete, path = "/api/v1/freezes/{id}", tag = "freezes", params(("id" = String, Path)),
    responses((status = 204)), security(("bearer" = ["operator"])))]
async fn end(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = FreezeId::parse(&id).map_err(|_| Refusal::not_found("freeze", id))?;
    state.services.end_freeze(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the service takes, from what the wire and the forms bring.
pub(crate) fn parsed(body: CreateFreeze) -> NewFreeze {
    NewFreeze {
        environment: body.environment,
        reason: body.reason,
        until: body.until.map(Into::into),
    }
}
