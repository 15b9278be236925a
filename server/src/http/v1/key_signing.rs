//! Keys that sign or authenticate, their public halves, and keys in and out.

use api::Page;
use api::key::{
    ExportKey, ExportedKey, Hmac, ImportKey, Key, KeyImport, Message, PublicKey, SignRequest, Signed,
    Verification, VerifyItem, VerifyRequest,
};
use axum::extract::{Path, State};
use axum::response::Response;
use engine::Refusal;
use engine::id::KeyImportId;
use engine::key::{Tagged, Verified, Verify};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::key_operations::{Asked, answer, one_or_many};
use super::reply::created;
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, NamePath};
use crate::http::problem::{ApiError, ApiResult};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sign))
        .routes(routes!(hmac))
        .routes(routes!(verify))
        .routes(routes!(public_keys))
        .routes(routes!(begin_import))
        .routes(routes!(import))
        .routes(routes!(export))
}

/// Signs by the active version
#[utoipa::path(post, path = "/api/v1/keys/{name}/sign", tag = "key operations",
    request_body = SignRequest, params(("name" = String, Path)),
    responses((status = 200, description = "One signature, or `items` for a batch", body = Signed)),
    security(("bearer" = ["operator"])))]
async fn sign(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<SignRequest>,
) -> ApiResult<Response> {
    let asked = one_or_many(body.message, body.batch, false, "/message")?;
    let results = state.services.sign(&actor, &name, &messages(&asked)).await?;
    answer(asked.is_one(), results, |done: Tagged| Signed {
        signature: done.tag,
        raw: done.raw,
        version: done.version,
    })
}

/// Makes a message authentication code by the active version
#[utoipa::path(post, path = "/api/v1/keys/{name}/hmac", tag = "key operations",
    request_body = SignRequest, params(("name" = String, Path)),
    responses((status = 200, description = "One code, or `items` for a batch", body = Hmac)),
    security(("bearer" = ["operator"])))]
async fn hmac(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<SignRequest>,
) -> ApiResult<Response> {
    let asked = one_or_many(body.message, body.batch, false, "/message")?;
    let results = state.services.mac(&actor, &name, &messages(&asked)).await?;
    answer(asked.is_one(), results, |done: Tagged| Hmac {
        hmac: done.tag,
        raw: done.raw,
        version: done.version,
    })
}

/// Whether a signature or code fits its message
#[utoipa::path(post, path = "/api/v1/keys/{name}/verify", tag = "key operations",
    request_body = VerifyRequest, params(("name" = String, Path)),
    responses((status = 200, description = "One answer, or `items` for a batch", body = Verification)),
    security(("bearer" = ["operator"])))]
async fn verify(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<VerifyRequest>,
) -> ApiResult<Response> {
    let one = body.message.map(|message| VerifyItem {
        message,
        signature: body.signature,
        hmac: body.hmac,
    });
    let asked = one_or_many(one, body.batch, false, "/message")?;
    let given: Vec<&VerifyItem> = match &asked {
        Asked::One(item) => vec![item],
        Asked::Many(batch) => batch.iter().collect(),
    };
    let items = given
        .into_iter()
        .map(|item| match (&item.signature, &item.hmac) {
            (Some(tag), None) | (None, Some(tag)) => Ok(Verify {
                message: item.message.expose_secret(),
                tag,
            }),
            _ => Err(Refusal::rule("/signature", "send either a signature or an hmac").into()),
        })
        .collect::<ApiResult<Vec<Verify<'_>>>>()?;
    let results = state.services.verify(&actor, &name, &items).await?;
    answer(asked.is_one(), results, |done: Verified| match done {
        Verified::By(version) => Verification {
            valid: true,
            version: Some(version),
        },
        Verified::No => Verification {
            valid: false,
            version: None,
        },
    })
}

/// The public keys of a key that signs, newest first
#[utoipa::path(get, path = "/api/v1/keys/{name}/public-keys", tag = "keys", params(("name" = String, Path)),
    responses((status = 200, body = Page<PublicKey>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn public_keys(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Json<Page<PublicKey>>> {
    let keys = state.services.public_keys(&actor, &name).await?;
    Ok(Json(Page {
        items: keys.into_iter().map(Into::into).collect(),
        next_cursor: None,
    }))
}

/// Makes a key pair under which one key is wrapped that is to be imported
#[utoipa::path(post, path = "/api/v1/key-imports", tag = "keys",
    responses((status = 201, body = KeyImport)), security(("bearer" = ["administrator"])))]
async fn begin_import(State(state): State<AppState>, Caller(actor): Caller) -> ApiResult<Response> {
    let import = state.services.begin_key_import(&actor).await?;
    let location = format!("/api/v1/key-imports/{}", import.id);
    Ok(created(&location, KeyImport::from(import)))
}

/// Makes a key of what was wrapped under the import's key pair, which is used up
#[utoipa::path(post, path = "/api/v1/key-imports/{id}", tag = "keys", request_body = ImportKey,
    params(("id" = String, Path)),
    responses((status = 201, body = Key)), security(("bearer" = ["administrator"])))]
async fn import(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Json(body): Json<ImportKey>,
) -> ApiResult<Response> {
    let id = KeyImportId::parse(&id).map_err(|_| ApiError::no_route())?;
    let made = state
        .services
        .import_key(&actor, &id, body.key.into(), &body.wrapped)
        .await?;
    let location = format!("/api/v1/keys/{}", made.key.name);
    Ok(created(&location, Key::from(made)))
}

/// Wraps a version of an exportable key for whoever holds the private half of a public key
#[utoipa::path(post, path = "/api/v1/keys/{name}/export", tag = "keys", request_body = ExportKey,
    params(("name" = String, Path)),
    responses((status = 200, body = ExportedKey)), security(("bearer" = ["administrator"])))]
async fn export(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<ExportKey>,
) -> ApiResult<Json<ExportedKey>> {
    let exported = state
        .services
        .export_key(&actor, &name, body.version, &body.public_key, &body.reason)
        .await?;
    Ok(Json(exported.into()))
}

fn messages(asked: &Asked<api::Secret, Message>) -> Vec<&str> {
    match asked {
        Asked::One(message) => vec![message.expose_secret()],
        Asked::Many(batch) => batch.iter().map(|item| item.message.expose_secret()).collect(),
    }
}
