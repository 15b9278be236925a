//! Rotations: begin, watch, command.

use api::rotation::{CommandRequest, RotationCommand, RotationQuery};
use api::{Page, Rotation, StartRotation};
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use engine::Refusal;
use engine::id::RotationId;
use engine::rotation::command::{Command, Resolution};
use engine::rotation::{NewRotation, Trigger};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::{created, page_size};
use super::rotation_view::{self, Watch};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, NamePath, Query};
use crate::http::problem::{ApiError, ApiResult};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(events))
        .routes(routes!(command))
}

/// Begins a rotation
#[utoipa::path(post, path = "/api/v1/credentials/{name}/rotations", tag = "rotations", request_body = StartRotation,
    params(("name" = String, Path)), responses((status = 201, body = Rotation)),
    security(("bearer" = ["operator"])))]
async fn start(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(credential): NamePath,
    Json(body): Json<StartRotation>,
) -> ApiResult<Response> {
    let new = NewRotation {
        credential,
        reason: body.reason,
        emergency: body.emergency,
        trigger: Trigger::Person,
    };
    let rotation = state.services.start_rotation(&actor, new).await?;
    let location = format!("/api/v1/rotations/{}", rotation.id);
    Ok(created(
        &location,
        rotation_view::show(&state, &actor, &rotation).await?,
    ))
}

/// Rotations, newest first
#[utoipa::path(get, path = "/api/v1/rotations", tag = "rotations", params(RotationQuery),
    responses((status = 200, body = Page<Rotation>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<RotationQuery>,
) -> ApiResult<Json<Page<Rotation>>> {
    let size = page_size(query.limit)?;
    Ok(Json(rotation_view::list(&state, &actor, &query, size).await?))
}

/// One rotation with its steps and its fleet
#[utoipa::path(get, path = "/api/v1/rotations/{id}", tag = "rotations", params(("id" = String, Path)),
    responses((status = 200, body = Rotation)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Rotation>> {
    let rotation = rotation_view::find(&state, &actor, &id).await?;
    Ok(Json(rotation_view::show(&state, &actor, &rotation).await?))
}

/// The same as it happens: server-sent events `step`, `signal` and `state`
#[utoipa::path(get, path = "/api/v1/rotations/{id}/events", tag = "rotations", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String)),
    security(("bearer" = ["viewer"]), ("session" = [])))]
async fn events(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let rotation = rotation_view::find(&state, &actor, &id).await?;
    let stream = Watch::begin(state, actor, rotation.id).events();
    let events = futures::StreamExt::map(stream, |event| {
        let data = event.data().unwrap_or_default();
        Ok::<_, std::convert::Infallible>(Event::default().event(event.name()).data(data))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Tells a rotation what to do: approve, reject, pause, resume, rollback, promote, cancel, retry, resolve or retire_now
#[utoipa::path(post, path = "/api/v1/rotations/{id}/{command}", tag = "rotations", request_body = CommandRequest,
    params(("id" = String, Path), ("command" = RotationCommand, Path)),
    responses((status = 200, body = Rotation)), security(("bearer" = ["operator"])))]
async fn command(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path((id, command)): Path<(String, String)>,
    Json(body): Json<CommandRequest>,
) -> ApiResult<Json<Rotation>> {
    let command = parse(&command, body.outcome.as_deref())?;
    let id = RotationId::parse(&id).map_err(|_| Refusal::not_found("rotation", id))?;
    let rotation = state
        .services
        .command_rotation(&actor, &id, command, &body.reason)
        .await?;
    Ok(Json(rotation_view::show(&state, &actor, &rotation).await?))
}

fn parse(command: &str, outcome: Option<&str>) -> ApiResult<Command> {
    let command: RotationCommand = command.parse().map_err(|_| ApiError::no_route())?;
    Ok(command_of(command, outcome)?)
}

/// The engine's command for the wire's.
///
/// # Errors
/// `resolve` without a known outcome.
pub(crate) fn command_of(command: RotationCommand, outcome: Option<&str>) -> Result<Command, Refusal> {
    Ok(match command {
        RotationCommand::Approve => Command::Approve,
        RotationCommand::Reject => Command::Reject,
        RotationCommand::Pause => Command::Pause,
        RotationCommand::Resume => Command::Resume,
        RotationCommand::Rollback => Command::Rollback,
        RotationCommand::Promote => Command::Promote,
        RotationCommand::Cancel => Command::Cancel,
        RotationCommand::Retry => Command::Retry,
        RotationCommand::RetireNow => Command::RetireNow,
        RotationCommand::Resolve => Command::Resolve(match outcome {
            Some("completed") => Resolution::Completed,
            Some("rolled_back") => Resolution::RolledBack,
            Some("cancelled") => Resolution::Cancelled,
            _ => {
                let detail = "say how it ended: completed, rolled_back or cancelled";
                return Err(Refusal::rule("/outcome", detail));
            }
        }),
    })
}
