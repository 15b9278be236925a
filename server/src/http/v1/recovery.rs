//! Backups and how this installation would come back.

use api::{Recovery, Rehearsal};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::created;
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::Json;
use crate::http::problem::{ApiError, ApiResult};
use crate::recovery;

const ID: HeaderName = HeaderName::from_static("x-rota-backup");
const SHA256: HeaderName = HeaderName::from_static("x-rota-backup-sha256");
const PIECE: usize = 64 * 1024;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(make_backup))
        .routes(routes!(export_tombstones))
        .routes(routes!(rehearse))
        .routes(routes!(probe))
}

/// The last backups and rehearsals, and the restore this database came from
#[utoipa::path(get, path = "/api/v1/recovery", tag = "recovery",
    responses((status = 200, body = Recovery)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Json<Recovery>> {
    let view = state.services.recovery_view(&actor).await?;
    Ok(Json(Recovery::from_view(view, state.services.clock.now())))
}

/// Rehearses a restore now: a backup is made, restored elsewhere and read. The result stands under recovery
#[utoipa::path(post, path = "/api/v1/recovery/rehearsals", tag = "recovery",
    responses((status = 201, body = Rehearsal)), security(("bearer" = ["administrator"])))]
async fn rehearse(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Response> {
    let rehearsal = state.services.start_rehearsal(&actor, "asked for").await?;
    let body = Rehearsal::from_parts(rehearsal.clone(), state.services.clock.now());
    state
        .tasks
        .spawn(crate::workers::rehearsal::carry_out(state.clone(), rehearsal));
    Ok(created("/api/v1/recovery", body))
}

/// Tries every credential at its issuer again, after a restore
#[utoipa::path(post, path = "/api/v1/recovery/probes", tag = "recovery",
    responses((status = 200, body = Recovery)), security(("bearer" = ["operator"])))]
async fn probe(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Json<Recovery>> {
    state.services.probe_restored(&actor).await?;
    let view = state.services.recovery_view(&actor).await?;
    Ok(Json(Recovery::from_view(view, state.services.clock.now())))
}

/// Makes a backup and sends it: the whole database, sealed. It opens with the root key alone
#[utoipa::path(post, path = "/api/v1/backups", tag = "recovery",
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        headers(("x-rota-backup" = String, description = "The id of the backup"),
                ("x-rota-backup-sha256" = String, description = "SHA-256 of all bytes, as hex")))),
    security(("bearer" = ["administrator"])))]
async fn make_backup(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Response> {
    // On a task of its own: a client that hangs up does not leave a backup that is audited and not complete.
    let task = {
        let state = state.clone();
        async move { recovery::spooled_backup(&state, &actor).await }
    };
    let made = tokio::spawn(task)
        .await
        .map_err(|error| ApiError::internal(&error))??;
    let backup = made.backup;
    let name = format!("attachment; filename=\"rota-{}.backup\"", backup.id);
    let mut response = pieces(made.file).into_response();
    let headers = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, backup.bytes.to_string()),
        (header::CONTENT_DISPOSITION, name),
        (ID, backup.id.to_string()),
        (SHA256, backup.sha256),
    ] {
        let value = HeaderValue::from_str(&value).map_err(|error| ApiError::internal(&error))?;
        headers.insert(header, value);
    }
    Ok(response)
}

/// Which key versions are destroyed, sealed into a small file: `rota restore --tombstones` keeps them dead
#[utoipa::path(post, path = "/api/v1/recovery/tombstones", tag = "recovery",
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream",
        headers(("x-rota-backup-sha256" = String, description = "SHA-256 of all bytes, as hex")))),
    security(("bearer" = ["administrator"])))]
async fn export_tombstones(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Response> {
    let exported = recovery::export_tombstones(&state.services, &state.database, &actor).await?;
    let mut response = Body::from(exported.bytes).into_response();
    let headers = response.headers_mut();
    for (header, value) in [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"rota.tombstones\"".to_owned(),
        ),
        (SHA256, exported.sha256),
    ] {
        let value = HeaderValue::from_str(&value).map_err(|error| ApiError::internal(&error))?;
        headers.insert(header, value);
    }
    Ok(response)
}

/// A file, a piece at a time.
fn pieces(file: File) -> Body {
    Body::from_stream(futures::stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await?;
        piece.truncate(length);
        let piece = (length > 0).then(|| (Bytes::from(piece), file));
        Ok::<_, std::io::Error>(piece)
    }))
}
