//! Jobs that move sealed values to another key version: start, watch, command, turn.

use api::reencryption::{
    Reason, Reencryption, ReencryptionCommand, ReencryptionQuery, StartReencryption, TuneReencryption,
};
use api::{Page, Problem};
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use engine::access::Actor;
use engine::change::Topic;
use engine::id::JobId;
use engine::ports::JobFilter;
use engine::reencryption::service::{JobCommand, NewJob};
use engine::{Name, Refusal};
use futures::Stream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::{created, page_size};
use crate::announcements::Subscription;
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, Query};
use crate::http::problem::{ApiError, ApiResult};

/// A job is shown at most this often; batches come faster than anybody reads.
const SHOWN_EVERY: std::time::Duration = std::time::Duration::from_millis(500);
/// And at least this often: its rate and its time left change without a batch.
const SHOWN_AT_LEAST: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(show, tune))
        .routes(routes!(events))
        .routes(routes!(command))
}

/// Starts a job over a target
#[utoipa::path(post, path = "/api/v1/reencryptions", tag = "reencryption", request_body = StartReencryption,
    responses((status = 201, body = Reencryption), (status = 409, body = Problem)),
    security(("bearer" = ["operator"])))]
async fn start(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<StartReencryption>,
) -> ApiResult<Response> {
    let new = NewJob {
        target: body.target,
        key: body.key,
        mode: body.mode.into(),
        from: body.from,
        tuning: body.tuning.into(),
        reason: body.reason,
    };
    let job = state.services.start_reencryption(&actor, new).await?;
    let view = state.services.reencryption_view(&actor, &job.id).await?;
    let location = format!("/api/v1/reencryptions/{}", job.id);
    Ok(created(&location, Reencryption::from(view)))
}

/// Jobs, newest first
#[utoipa::path(get, path = "/api/v1/reencryptions", tag = "reencryption", params(ReencryptionQuery),
    responses((status = 200, body = Page<Reencryption>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ReencryptionQuery>,
) -> ApiResult<Json<Page<Reencryption>>> {
    let size = page_size(query.limit)?;
    let target = match &query.target {
        None => None,
        Some(text) => {
            let name = Name::parse(text).map_err(|_| Refusal::not_found("target", text.as_str()))?;
            Some(state.services.target_view(&actor, &name).await?.target.id)
        }
    };
    let before = query.cursor.as_deref().map(JobId::parse).transpose();
    let filter = JobFilter {
        target,
        state: query.state,
        before: before.map_err(|_| ApiError::malformed("the cursor is not one of ours"))?,
        limit: u32::try_from(size + 1).unwrap_or(u32::MAX),
    };
    let views = state.services.reencryptions_view(&actor, &filter).await?;
    let has_more = views.len() > size;
    let items: Vec<Reencryption> = views.into_iter().take(size).map(Into::into).collect();
    let next_cursor = items.last().filter(|_| has_more).map(|job| job.id.clone());
    Ok(Json(Page { items, next_cursor }))
}

/// One job with its progress and the records that could not be moved
#[utoipa::path(get, path = "/api/v1/reencryptions/{id}", tag = "reencryption", params(("id" = String, Path)),
    responses((status = 200, body = Reencryption)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Reencryption>> {
    let view = state.services.reencryption_view(&actor, &job_id(&id)?).await?;
    Ok(Json(view.into()))
}

/// Turns batch size, concurrency, rate or breaker while the job runs
#[utoipa::path(patch, path = "/api/v1/reencryptions/{id}", tag = "reencryption", request_body = TuneReencryption,
    params(("id" = String, Path)), responses((status = 200, body = Reencryption)),
    security(("bearer" = ["operator"])))]
async fn tune(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<TuneReencryption>,
) -> ApiResult<Json<Reencryption>> {
    let id = job_id(&id)?;
    state.services.tune_reencryption(&actor, &id, body.into()).await?;
    let view = state.services.reencryption_view(&actor, &id).await?;
    Ok(Json(view.into()))
}

/// Tells a job what to do: pause, resume or cancel
#[utoipa::path(post, path = "/api/v1/reencryptions/{id}/{command}", tag = "reencryption", request_body = Reason,
    params(("id" = String, Path), ("command" = inline(ReencryptionCommand), Path)),
    responses((status = 200, body = Reencryption)), security(("bearer" = ["operator"])))]
async fn command(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path((id, command)): Path<(String, String)>,
    Json(body): Json<Reason>,
) -> ApiResult<Json<Reencryption>> {
    let command = [JobCommand::Pause, JobCommand::Resume, JobCommand::Cancel]
        .into_iter()
        .find(|known| known.label() == command)
        .ok_or_else(ApiError::no_route)?;
    let id = job_id(&id)?;
    state
        .services
        .command_reencryption(&actor, &id, command, &body.reason)
        .await?;
    let view = state.services.reencryption_view(&actor, &id).await?;
    Ok(Json(view.into()))
}

/// The same as it happens: server-sent events `state`, each with the whole job
#[utoipa::path(get, path = "/api/v1/reencryptions/{id}/events", tag = "reencryption", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String)),
    security(("bearer" = ["viewer"]), ("session" = [])))]
async fn events(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let id = job_id(&id)?;
    state.services.reencryption_view(&actor, &id).await?;
    let events = futures::StreamExt::map(Watch::begin(state, actor, id).events(), |job| {
        let data = serde_json::to_string(&job).unwrap_or_default();
        Ok::<_, std::convert::Infallible>(Event::default().event("state").data(data))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn job_id(text: &str) -> Result<JobId, Refusal> {
    JobId::parse(text).map_err(|_| Refusal::not_found("re-encryption", text))
}

/// Watches one job.
struct Watch {
    state: AppState,
    actor: Actor,
    id: JobId,
    changes: Subscription,
    has_shown: bool,
    has_ended: bool,
}

impl Watch {
    /// Subscribes; what happens from now on is not lost.
    fn begin(state: AppState, actor: Actor, id: JobId) -> Self {
        let changes = state.announcements.subscribe(Topic::Reencryption(id.clone()));
        Self {
            state,
            actor,
            id,
            changes,
            has_shown: false,
            has_ended: false,
        }
    }

    /// The job whenever it changes, until it is over, the server stops or the database is away.
    fn events(self) -> impl Stream<Item = Reencryption> {
        futures::stream::unfold(self, |mut watch| async move {
            if watch.has_ended {
                return None;
            }
            if watch.has_shown {
                tokio::select! {
                    () = watch.state.shutdown.cancelled() => return None,
                    () = tokio::time::sleep(SHOWN_AT_LEAST) => {}
                    () = async {
                        tokio::time::sleep(SHOWN_EVERY).await;
                        watch.changes.changed().await;
                    } => {}
                }
            }
            let view = watch
                .state
                .services
                .reencryption_view(&watch.actor, &watch.id)
                .await
                .ok()?;
            watch.has_shown = true;
            watch.has_ended = view.job.state.is_terminal();
            Some((view.into(), watch))
        })
    }
}
