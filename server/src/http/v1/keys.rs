//! Keys of the keyring: made, looked at, rotated, suspended, revoked, destroyed.

use api::key::{
    AlgorithmUse, ApproveDestruction, ClearKeyAlarm, CreateKey, ForbidAlgorithms, Key, PlanDestruction,
    RotateKey, UpdateKey, UpdateKeyVersion,
};
use api::{Page, PageQuery};
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use engine::Name;
use engine::key::{Destruction, VersionMove};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::{created, page_of, tagged};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{IfMatch, Json, NamePath, Query};
use crate::http::problem::{ApiError, ApiResult};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(rotate))
        .routes(routes!(clear_alarm))
        .routes(routes!(move_version))
        .routes(routes!(plan_destruction, cancel_destruction))
        .routes(routes!(approve_destruction))
        .routes(routes!(algorithms, forbid_algorithms))
}

/// A key and the number of one of its versions. What names nothing is 404.
#[derive(Debug)]
pub(super) struct VersionPath {
    pub(super) name: Name,
    pub(super) number: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        let (name, number) = path.map_err(|_| ApiError::no_route())?.0;
        let name = Name::parse(&name).map_err(|_| ApiError::no_route())?;
        let number = number.parse().map_err(|_| ApiError::no_route())?;
        Ok(Self { name, number })
    }
}

/// Every key, by name
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", params(PageQuery),
    responses((status = 200, body = Page<Key>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Key>>> {
    let keys = state.services.keys_view(&actor).await?;
    let keys = keys.into_iter().map(Key::from).collect();
    Ok(Json(page_of(
        keys,
        query.cursor.as_deref(),
        query.limit,
        |key| key.name.clone(),
    )?))
}

/// Makes a key; its first version is active at once
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", request_body = CreateKey,
    responses((status = 201, body = Key)), security(("bearer" = ["operator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateKey>,
) -> ApiResult<Response> {
    let made = state.services.create_key(&actor, body.into()).await?;
    let location = format!("/api/v1/keys/{}", made.key.name);
    Ok(created(&location, Key::from(made)))
}

/// One key with its versions, their uses and what needs them
#[utoipa::path(get, path = "/api/v1/keys/{name}", tag = "keys", params(("name" = String, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Response> {
    let view = state.services.key_view(&actor, &name).await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Changes a key's description and policy; what is absent stays
#[utoipa::path(patch, path = "/api/v1/keys/{name}", tag = "keys", request_body = UpdateKey,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Key)), security(("bearer" = ["operator"])))]
async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
    Json(body): Json<UpdateKey>,
) -> ApiResult<Response> {
    let view = state
        .services
        .update_key(&actor, &name, body.into(), revision)
        .await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Takes out a key of which no version that was used is left
#[utoipa::path(delete, path = "/api/v1/keys/{name}", tag = "keys",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204)), security(("bearer" = ["administrator"])))]
async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
) -> ApiResult<StatusCode> {
    state.services.delete_key(&actor, &name, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a new version take over; answers when it is active everywhere
#[utoipa::path(post, path = "/api/v1/keys/{name}/rotate", tag = "keys", request_body = RotateKey,
    params(("name" = String, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["operator"])))]
async fn rotate(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<RotateKey>,
) -> ApiResult<Response> {
    let view = state
        .services
        .rotate_key(&actor, &name, &body.reason, body.confirm)
        .await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Says that a person has looked at data that did not open: the key may be rotated again
#[utoipa::path(post, path = "/api/v1/keys/{name}/clear-alarm", tag = "keys", request_body = ClearKeyAlarm,
    params(("name" = String, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["administrator"])))]
async fn clear_alarm(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<ClearKeyAlarm>,
) -> ApiResult<Response> {
    let view = state
        .services
        .clear_key_alarm(&actor, &name, &body.reason)
        .await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Moves a version to another state; answers when this replica obeys
#[utoipa::path(patch, path = "/api/v1/keys/{name}/versions/{number}", tag = "keys",
    request_body = UpdateKeyVersion, params(("name" = String, Path), ("number" = u32, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["operator"])))]
async fn move_version(
    State(state): State<AppState>,
    Caller(actor): Caller,
    VersionPath { name, number }: VersionPath,
    Json(body): Json<UpdateKeyVersion>,
) -> ApiResult<Response> {
    let asked = VersionMove {
        state: body.state.into(),
        reason: body.reason,
    };
    let view = state
        .services
        .move_key_version(&actor, &name, number, &asked)
        .await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Asks for the destruction of a version: it happens at its time if a second person approves, and can be taken back
#[utoipa::path(post, path = "/api/v1/keys/{name}/versions/{number}/destruction", tag = "keys",
    request_body = PlanDestruction, params(("name" = String, Path), ("number" = u32, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["administrator"])))]
async fn plan_destruction(
    State(state): State<AppState>,
    Caller(actor): Caller,
    VersionPath { name, number }: VersionPath,
    Json(body): Json<PlanDestruction>,
) -> ApiResult<Response> {
    let destruction = Destruction {
        at: body.at.map(Into::into),
        reason: body.reason,
    };
    let view = state
        .services
        .plan_destruction(&actor, &name, number, &destruction)
        .await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Approves a planned destruction; whoever asked for it cannot
#[utoipa::path(post, path = "/api/v1/keys/{name}/versions/{number}/destruction/approval", tag = "keys",
    request_body = ApproveDestruction, params(("name" = String, Path), ("number" = u32, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["operator"])))]
async fn approve_destruction(
    State(state): State<AppState>,
    Caller(actor): Caller,
    VersionPath { name, number }: VersionPath,
    Json(body): Json<ApproveDestruction>,
) -> ApiResult<Response> {
    let view = state
        .services
        .approve_destruction(&actor, &name, number, &body.reason)
        .await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Takes a planned destruction back
#[utoipa::path(delete, path = "/api/v1/keys/{name}/versions/{number}/destruction", tag = "keys",
    params(("name" = String, Path), ("number" = u32, Path)),
    responses((status = 200, body = Key)), security(("bearer" = ["operator"])))]
async fn cancel_destruction(
    State(state): State<AppState>,
    Caller(actor): Caller,
    VersionPath { name, number }: VersionPath,
) -> ApiResult<Response> {
    let view = state.services.cancel_destruction(&actor, &name, number).await?;
    Ok(tagged(StatusCode::OK, view.key.revision, Key::from(view)))
}

/// Every algorithm, whether it is forbidden, and which keys use it
#[utoipa::path(get, path = "/api/v1/algorithms", tag = "keys",
    responses((status = 200, body = Page<AlgorithmUse>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn algorithms(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> ApiResult<Json<Page<AlgorithmUse>>> {
    let algorithms = state.services.algorithms(&actor).await?;
    Ok(Json(whole(algorithms)))
}

/// Forbids new keys of some algorithms and allows all others; keys that there are go on, and are listed
#[utoipa::path(patch, path = "/api/v1/algorithms", tag = "keys", request_body = ForbidAlgorithms,
    responses((status = 200, body = Page<AlgorithmUse>)), security(("bearer" = ["administrator"])))]
async fn forbid_algorithms(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<ForbidAlgorithms>,
) -> ApiResult<Json<Page<AlgorithmUse>>> {
    let forbidden: Vec<_> = body.forbidden.into_iter().map(Into::into).collect();
    let algorithms = state
        .services
        .forbid_algorithms(&actor, &forbidden, &body.reason)
        .await?;
    Ok(Json(whole(algorithms)))
}

fn whole(algorithms: Vec<engine::key::update::AlgorithmUse>) -> Page<AlgorithmUse> {
    Page {
        items: algorithms.into_iter().map(Into::into).collect(),
        next_cursor: None,
    }
}
