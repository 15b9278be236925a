//! Sealing, unsealing, and the root of trust.

use api::root::{BeginMigration, GiveShare, MigrationCommand, MigrationTarget, RootStatus, Seal, Unseal};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::Refusal;
use engine::access::{Actor, Role};
use engine::seal::{Key, MigrationTarget as Target, NewShares};
use keyring::SecretText;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, OptionalJson};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(root))
        .routes(routes!(seal))
        .routes(routes!(unseal))
        .routes(routes!(begin))
        .routes(routes!(give_share))
        .routes(routes!(command))
}

/// The root of trust: sealed or open, shares given, a migration under way
#[utoipa::path(get, path = "/api/v1/root", tag = "root",
    responses((status = 200, body = RootStatus)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn root(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Json<RootStatus>> {
    Ok(Json(status(&state, &actor).await?))
}

/// Wipes every key from memory, on this server; what needs none goes on
#[utoipa::path(post, path = "/api/v1/seal", tag = "root", request_body = Seal,
    responses((status = 200, body = RootStatus)), security(("bearer" = ["administrator"])))]
async fn seal(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<Seal>,
) -> ApiResult<Json<RootStatus>> {
    state.services.seal(&actor, &body.reason).await?;
    Ok(Json(status(&state, &actor).await?))
}

/// Opens the keys again: by the configured root, by a passphrase, or with one share more
#[utoipa::path(post, path = "/api/v1/unseal", tag = "root", request_body = Unseal,
    responses((status = 200, description = "Open, or still waiting for shares: see `sealed`", body = RootStatus)),
    security(("bearer" = ["operator"])))]
async fn unseal(
    State(state): State<AppState>,
    Caller(actor): Caller,
    OptionalJson(body): OptionalJson<Unseal>,
) -> ApiResult<Json<RootStatus>> {
    state.services.unseal(&actor, key(body)?).await?;
    Ok(Json(status(&state, &actor).await?))
}

/// Begins a migration to another root of trust, or to new shares
#[utoipa::path(post, path = "/api/v1/root/migrations", tag = "root", request_body = BeginMigration,
    responses((status = 201, body = RootStatus)), security(("bearer" = ["administrator"])))]
async fn begin(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<BeginMigration>,
) -> ApiResult<Response> {
    let new_shares = state
        .services
        .begin_root_migration(&actor, target(&body)?, &body.reason)
        .await?;
    let reply = with_shares(status(&state, &actor).await?, new_shares);
    Ok((StatusCode::CREATED, Json(reply)).into_response())
}

/// Gives a share: of the root that is left, then of the next one as proof
#[utoipa::path(post, path = "/api/v1/root/migrations/{id}/shares", tag = "root", request_body = GiveShare,
    params(("id" = String, Path)), responses((status = 200, body = RootStatus)), security(("bearer" = ["operator"])))]
async fn give_share(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<GiveShare>,
) -> ApiResult<Json<RootStatus>> {
    let share = text(&body.share);
    let new_shares = state.services.give_migration_share(&actor, &id, &share).await?;
    Ok(Json(with_shares(status(&state, &actor).await?, new_shares)))
}

/// `verify`, `finalise` or `cancel` a migration
#[utoipa::path(post, path = "/api/v1/root/migrations/{id}/{command}", tag = "root", request_body = MigrationCommand,
    params(("id" = String, Path), ("command" = String, Path)),
    responses((status = 200, body = RootStatus)), security(("bearer" = ["operator"])))]
async fn command(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path((id, command)): Path<(String, String)>,
    OptionalJson(body): OptionalJson<MigrationCommand>,
) -> ApiResult<Json<RootStatus>> {
    actor.require(Role::Operator)?;
    carry_out(&state, &actor, &id, &command, &body.reason).await?;
    Ok(Json(status(&state, &actor).await?))
}

/// One command on a migration under way.
///
/// # Errors
/// There is no such command, or as the service says.
pub(crate) async fn carry_out(
    state: &AppState,
    actor: &Actor,
    id: &str,
    command: &str,
    reason: &str,
) -> Result<(), Refusal> {
    match command {
        "verify" => state.services.verify_root_migration(actor, id).await,
        "finalise" => state.services.finalise_root_migration(actor, id).await,
        "cancel" => state.services.cancel_root_migration(actor, id, reason).await,
        other => Err(Refusal::not_found("command", other)),
    }
}

/// The status with what only this process knows.
///
/// # Errors
/// Not a viewer, database away.
pub(crate) async fn status(state: &AppState, actor: &Actor) -> Result<RootStatus, Refusal> {
    let mut status = RootStatus::from(state.services.root_status(actor).await?);
    status.grace_seconds = state.root_grace.as_secs();
    status.memory.clone_from(&state.memory);
    Ok(status)
}

/// The status with new shares, to be given out from this reply.
pub(crate) fn with_shares(mut status: RootStatus, new_shares: NewShares) -> RootStatus {
    let lines = new_shares.into_iter();
    status.new_shares = lines.map(|line| api::Secret::new(line.expose_text())).collect();
    status
}

/// Where a migration shall go.
///
/// # Errors
/// Shares without their numbers.
pub(crate) fn target(body: &BeginMigration) -> Result<Target, Refusal> {
    match (body.to, body.threshold, body.shares) {
        (MigrationTarget::Next, None, None) => Ok(Target::Configured),
        (MigrationTarget::Next, ..) => {
            Err(Refusal::rule("/to", "threshold and shares go with `shares` only"))
        }
        (MigrationTarget::Shares, Some(threshold), Some(shares)) => Ok(Target::Shares { threshold, shares }),
        (MigrationTarget::Shares, None, _) => Err(Refusal::rule("/threshold", "say how many shares open it")),
        (MigrationTarget::Shares, _, None) => Err(Refusal::rule("/shares", "say how many shares to make")),
    }
}

/// What was brought to unseal.
///
/// # Errors
/// A share and a passphrase at once.
pub(crate) fn key(body: Unseal) -> Result<Key, Refusal> {
    match (body.share, body.passphrase) {
        (None, None) => Ok(Key::Configured),
        (Some(share), None) => Ok(Key::Share(text(&share))),
        (None, Some(passphrase)) => Ok(Key::Passphrase(text(&passphrase))),
        (Some(_), Some(_)) => Err(Refusal::rule(
            "/passphrase",
            "give a share or a passphrase, not both",
        )),
    }
}

fn text(secret: &api::Secret) -> SecretText {
    SecretText::new(secret.expose_secret().to_owned())
}
