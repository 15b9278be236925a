//! Targets of re-encryption, what is found there, and copies that applications keep.

use api::reencryption::{
    ApplicationBackup, CensusHistory, CensusQuery, CreateTarget, Reencryption, RegisterApplicationBackup,
    ScanTarget, Target, UpdateTarget,
};
use api::{Page, PageQuery};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::reencryption::service::NewJob;
use engine::reencryption::{Mode, NewApplicationBackup};
use engine::{Name, Refusal, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::{created, page_of, tagged};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{IfMatch, Json, NamePath, Query};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(scan))
        .routes(routes!(census))
        .routes(routes!(list_backups, register_backup))
        .routes(routes!(remove_backup))
}

/// Places where callers keep sealed values
#[utoipa::path(get, path = "/api/v1/targets", tag = "reencryption", params(PageQuery),
    responses((status = 200, body = Page<Target>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Target>>> {
    let targets = state.services.targets_view(&actor).await?;
    let targets: Vec<Target> = targets.into_iter().map(Into::into).collect();
    Ok(Json(page_of(
        targets,
        query.cursor.as_deref(),
        query.limit,
        |target| target.name.clone(),
    )?))
}

/// Registers a target, once it has been seen to be there
#[utoipa::path(post, path = "/api/v1/targets", tag = "reencryption", request_body = CreateTarget,
    responses((status = 201, body = Target)), security(("bearer" = ["administrator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateTarget>,
) -> ApiResult<Response> {
    let target = state.services.create_target(&actor, body.into()).await?;
    let view = state.services.target_view(&actor, &target.name).await?;
    let location = format!("/api/v1/targets/{}", target.name);
    Ok(created(&location, Target::from(view)))
}

/// One target with its latest census
#[utoipa::path(get, path = "/api/v1/targets/{name}", tag = "reencryption", params(("name" = String, Path)),
    responses((status = 200, body = Target)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Response> {
    let view = state.services.target_view(&actor, &name).await?;
    Ok(tagged(StatusCode::OK, view.target.revision, Target::from(view)))
}

/// Changes a target
#[utoipa::path(patch, path = "/api/v1/targets/{name}", tag = "reencryption", request_body = UpdateTarget,
    params(("name" = String, Path)), responses((status = 200, body = Target)),
    security(("bearer" = ["administrator"])))]
async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
    Json(body): Json<UpdateTarget>,
) -> ApiResult<Response> {
    let target = state
        .services
        .update_target(&actor, &name, body.into(), revision)
        .await?;
    let view = state.services.target_view(&actor, &target.name).await?;
    Ok(tagged(StatusCode::OK, view.target.revision, Target::from(view)))
}

/// Takes a target off the list; its data stays as it is
#[utoipa::path(delete, path = "/api/v1/targets/{name}", tag = "reencryption", params(("name" = String, Path)),
    responses((status = 204)), security(("bearer" = ["administrator"])))]
async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
) -> ApiResult<StatusCode> {
    state
        .services
        .delete_target(&actor, &name, None, revision)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counts what is in a target, by key version: starts a job of mode `scan`
#[utoipa::path(post, path = "/api/v1/targets/{name}/scan", tag = "reencryption", request_body = ScanTarget,
    params(("name" = String, Path)), responses((status = 201, body = Reencryption)),
    security(("bearer" = ["operator"])))]
async fn scan(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<ScanTarget>,
) -> ApiResult<Response> {
    let new = NewJob {
        target: name.to_string(),
        key: None,
        mode: Mode::Scan,
        from: None,
        tuning: body.tuning.into(),
        reason: body.reason,
    };
    let job = state.services.start_reencryption(&actor, new).await?;
    let view = state.services.reencryption_view(&actor, &job.id).await?;
    let location = format!("/api/v1/reencryptions/{}", job.id);
    Ok(created(&location, Reencryption::from(view)))
}

/// How much is under each key version, per target, over time
#[utoipa::path(get, path = "/api/v1/census", tag = "reencryption", params(CensusQuery),
    responses((status = 200, body = CensusHistory)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn census(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<CensusQuery>,
) -> ApiResult<Json<CensusHistory>> {
    let target = query
        .target
        .as_deref()
        .map(|name| known_name("target", name))
        .transpose()?;
    let key = query
        .key
        .as_deref()
        .map(|name| known_name("key", name))
        .transpose()?;
    let since = query.since.map_or(Timestamp::default(), Into::into);
    let view = state
        .services
        .census_view(&actor, target.as_ref(), key.as_ref(), since)
        .await?;
    Ok(Json(view.into()))
}

/// A text that is no name names nothing.
fn known_name(kind: &'static str, text: &str) -> Result<Name, Refusal> {
    Name::parse(text).map_err(|_| Refusal::not_found(kind, text))
}

/// Copies that applications keep of their data, with the key versions they need
#[utoipa::path(get, path = "/api/v1/application-backups", tag = "reencryption", params(PageQuery),
    responses((status = 200, body = Page<ApplicationBackup>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list_backups(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<ApplicationBackup>>> {
    let backups = state.services.application_backups(&actor).await?;
    let backups: Vec<ApplicationBackup> = backups.into_iter().map(Into::into).collect();
    Ok(Json(page_of(
        backups,
        query.cursor.as_deref(),
        query.limit,
        |backup| backup.name.clone(),
    )?))
}

/// Registers a copy: no version that it needs is destroyed while it is kept
#[utoipa::path(post, path = "/api/v1/application-backups", tag = "reencryption",
    request_body = RegisterApplicationBackup, responses((status = 201, body = ApplicationBackup)),
    security(("bearer" = ["operator"])))]
async fn register_backup(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<RegisterApplicationBackup>,
) -> ApiResult<Response> {
    let target = body
        .target
        .as_deref()
        .map(|name| rule_name("/target", name))
        .transpose()?;
    let key = body
        .key
        .as_deref()
        .map(|name| rule_name("/key", name))
        .transpose()?;
    let new = NewApplicationBackup {
        name: body.name,
        kind: body.kind.into(),
        target,
        key,
        versions: body.versions,
        taken_at: body.taken_at.map(Into::into),
        until: body.until.map(Into::into),
        escrow: body.escrow,
        note: body.note,
    };
    let backup = state.services.register_application_backup(&actor, new).await?;
    let location = format!("/api/v1/application-backups/{}", backup.name);
    Ok(created(&location, ApplicationBackup::from(backup)))
}

/// Takes a copy off the list: it is gone, or needs its versions no longer
#[utoipa::path(delete, path = "/api/v1/application-backups/{name}", tag = "reencryption",
    params(("name" = String, Path)), responses((status = 204)), security(("bearer" = ["operator"])))]
async fn remove_backup(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<StatusCode> {
    state.services.remove_application_backup(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn rule_name(pointer: &str, text: &str) -> Result<Name, Refusal> {
    Name::parse(text).map_err(|error| Refusal::rule(pointer, error.to_string()))
}
