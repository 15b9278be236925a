//! What programs do with a key: one value, or a batch answered in order.

use api::Secret;
use api::key::{
    BatchError, BatchItem, BatchReply, DataKey, DataKeyRequest, DecryptRequest, Decrypted, EncryptRequest,
    Encrypted, RewrapRequest,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Refusal;
use engine::key::operation::Results;
use engine::key::{self, Decrypt, Encrypt, MakeDataKey};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, NamePath, OptionalJson};
use crate::http::problem::{ApiError, ApiResult};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(encrypt))
        .routes(routes!(decrypt))
        .routes(routes!(rewrap))
        .routes(routes!(data_key))
}

/// Encrypts under the active version
#[utoipa::path(post, path = "/api/v1/keys/{name}/encrypt", tag = "key operations",
    request_body = EncryptRequest, params(("name" = String, Path)),
    responses((status = 200, description = "One ciphertext, or `items` for a batch", body = Encrypted)),
    security(("bearer" = ["operator"])))]
async fn encrypt(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<EncryptRequest>,
) -> ApiResult<Response> {
    let asked = one_or_many(body.plaintext, body.batch, body.context.is_some(), "/plaintext")?;
    let items: Vec<Encrypt<'_>> = match &asked {
        Asked::One(plaintext) => vec![Encrypt {
            plaintext: plaintext.expose_secret(),
            context: body.context.as_deref(),
        }],
        Asked::Many(batch) => batch
            .iter()
            .map(|item| Encrypt {
                plaintext: item.plaintext.expose_secret(),
                context: item.context.as_deref(),
            })
            .collect(),
    };
    let results = state.services.encrypt(&actor, &name, &items).await?;
    answer(asked.is_one(), results, encrypted)
}

/// Decrypts; a value whose version is going out of use comes with its rewrapped form
#[utoipa::path(post, path = "/api/v1/keys/{name}/decrypt", tag = "key operations",
    request_body = DecryptRequest, params(("name" = String, Path)),
    responses((status = 200, description = "One plaintext, or `items` for a batch", body = Decrypted)),
    security(("bearer" = ["operator"])))]
async fn decrypt(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<DecryptRequest>,
) -> ApiResult<Response> {
    let asked = one_or_many(body.ciphertext, body.batch, body.context.is_some(), "/ciphertext")?;
    let items: Vec<Decrypt<'_>> = match &asked {
        Asked::One(ciphertext) => vec![Decrypt {
            ciphertext,
            context: body.context.as_deref(),
        }],
        Asked::Many(batch) => batch
            .iter()
            .map(|item| Decrypt {
                ciphertext: &item.ciphertext,
                context: item.context.as_deref(),
            })
            .collect(),
    };
    let results = state.services.decrypt(&actor, &name, &items).await?;
    answer(asked.is_one(), results, |done: key::Decrypted| {
        let (ciphertext, ciphertext_version) = match done.rewrapped {
            Some(rewrapped) => (Some(rewrapped.ciphertext), Some(rewrapped.version)),
            None => (None, None),
        };
        Decrypted {
            plaintext: Secret::from(STANDARD.encode(done.plaintext.expose_bytes())),
            version: done.version,
            rewrap_recommended: ciphertext.is_some(),
            ciphertext,
            ciphertext_version,
        }
    })
}

/// Moves ciphertexts to the active version without opening them
#[utoipa::path(post, path = "/api/v1/keys/{name}/rewrap", tag = "key operations",
    request_body = RewrapRequest, params(("name" = String, Path)),
    responses((status = 200, description = "One ciphertext, or `items` for a batch", body = Encrypted)),
    security(("bearer" = ["operator"])))]
async fn rewrap(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Json(body): Json<RewrapRequest>,
) -> ApiResult<Response> {
    let asked = one_or_many(body.ciphertext, body.batch, false, "/ciphertext")?;
    let items: Vec<&str> = match &asked {
        Asked::One(ciphertext) => vec![ciphertext],
        Asked::Many(batch) => batch.iter().map(|item| item.ciphertext.as_str()).collect(),
    };
    let results = state.services.rewrap(&actor, &name, &items).await?;
    answer(asked.is_one(), results, encrypted)
}

/// Makes a data key, plain and wrapped; the wrapped form opens with decrypt
#[utoipa::path(post, path = "/api/v1/keys/{name}/data-key", tag = "key operations",
    request_body = Option<DataKeyRequest>, params(("name" = String, Path)),
    responses((status = 200, description = "One data key, or `items` for a batch", body = DataKey)),
    security(("bearer" = ["operator"])))]
async fn data_key(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    OptionalJson(body): OptionalJson<DataKeyRequest>,
) -> ApiResult<Response> {
    let is_one = body.batch.is_none();
    if !is_one && body.context.is_some() {
        return Err(context_beside_batch());
    }
    let items: Vec<MakeDataKey<'_>> = match &body.batch {
        None => vec![MakeDataKey {
            context: body.context.as_deref(),
            wrapped_only: body.wrapped_only,
        }],
        Some(batch) => batch
            .iter()
            .map(|item| MakeDataKey {
                context: item.context.as_deref(),
                wrapped_only: item.wrapped_only || body.wrapped_only,
            })
            .collect(),
    };
    let results = state.services.make_data_key(&actor, &name, &items).await?;
    answer(is_one, results, |made: key::MadeDataKey| DataKey {
        plaintext: made
            .plaintext
            .map(|plaintext| Secret::from(STANDARD.encode(plaintext.expose_bytes()))),
        ciphertext: made.sealed.ciphertext,
        version: made.sealed.version,
    })
}

fn encrypted(done: key::Encrypted) -> Encrypted {
    Encrypted {
        ciphertext: done.ciphertext,
        version: done.version,
    }
}

/// What a body holds: one value, or several.
pub(super) enum Asked<One, Item> {
    One(One),
    Many(Vec<Item>),
}

impl<One, Item> Asked<One, Item> {
    pub(super) fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }
}

/// Exactly one of the two forms.
pub(super) fn one_or_many<One, Item>(
    one: Option<One>,
    batch: Option<Vec<Item>>,
    has_context: bool,
    pointer: &str,
) -> ApiResult<Asked<One, Item>> {
    match (one, batch) {
        (Some(one), None) => Ok(Asked::One(one)),
        (None, Some(_)) if has_context => Err(context_beside_batch()),
        (None, Some(batch)) => Ok(Asked::Many(batch)),
        (Some(_), Some(_)) => {
            Err(Refusal::rule("/batch", "send one value or a batch of them, not both").into())
        }
        (None, None) => {
            let detail = "is missing; send one value here, or several in `batch`";
            Err(Refusal::rule(pointer, detail).into())
        }
    }
}

fn context_beside_batch() -> ApiError {
    Refusal::rule("/context", "in a batch each item has a context of its own").into()
}

/// One reply or one problem; for a batch an item each, in order.
pub(super) fn answer<T, Wire: Serialize>(
    is_one: bool,
    mut results: Results<T>,
    wire: impl Fn(T) -> Wire,
) -> ApiResult<Response> {
    if is_one {
        let result = results
            .pop()
            .ok_or_else(|| ApiError::internal(&"one value was asked for and none was answered"))?;
        return Ok(Json(wire(result?)).into_response());
    }
    let items = results
        .into_iter()
        .map(|result| match result {
            Ok(done) => BatchItem::Done(wire(done)),
            Err(refusal) => {
                let (code, detail) = ApiError::from(refusal).into_words();
                let error = BatchError { code, detail };
                BatchItem::Failed { error }
            }
        })
        .collect();
    Ok(Json(BatchReply { items }).into_response())
}
