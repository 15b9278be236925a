//! Issuers: the systems that accept a credential.

use api::issuer::{CreateIssuer, Issuer, IssuerTest, UpdateIssuer};
use api::secret::SecretMap;
use api::{Page, PageQuery};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::access::Actor;
use engine::catalog::service::{IssuerUpdate, NewIssuer};
use engine::ports::Values;
use keyring::SecretText;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::findings;
use super::reply::{created, page_of, tagged};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{IfMatch, Json, NamePath, Query};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(test_new))
        .routes(routes!(show, update, delete))
        .routes(routes!(test))
}

/// Every issuer, by name
#[utoipa::path(get, path = "/api/v1/issuers", tag = "catalog", params(PageQuery),
    responses((status = 200, body = Page<Issuer>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Issuer>>> {
    let issuers = state.services.issuers(&actor).await?;
    let page = page_of(issuers, query.cursor.as_deref(), query.limit, |issuer| {
        issuer.name.to_string()
    })?;
    let mut items = Vec::new();
    for issuer in page.items {
        items.push(on_the_wire(&state, &actor, issuer).await?);
    }
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// Adds an issuer after signing in to it
#[utoipa::path(post, path = "/api/v1/issuers", tag = "catalog", request_body = CreateIssuer,
    responses((status = 201, body = Issuer)), security(("bearer" = ["administrator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateIssuer>,
) -> ApiResult<Response> {
    let issuer = state.services.create_issuer(&actor, parsed(body)).await?;
    let location = format!("/api/v1/issuers/{}", issuer.name);
    Ok(created(&location, on_the_wire(&state, &actor, issuer).await?))
}

/// Tries an issuer without saving it
#[utoipa::path(post, path = "/api/v1/issuers/test", tag = "catalog", request_body = CreateIssuer,
    responses((status = 200, body = IssuerTest)), security(("bearer" = ["administrator"])))]
async fn test_new(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateIssuer>,
) -> ApiResult<Json<IssuerTest>> {
    Ok(Json(
        state
            .services
            .test_new_issuer(&actor, &parsed(body))
            .await?
            .into(),
    ))
}

/// One issuer
#[utoipa::path(get, path = "/api/v1/issuers/{name}", tag = "catalog", params(("name" = String, Path)),
    responses((status = 200, body = Issuer)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Response> {
    let issuer = state.services.issuer(&actor, &name).await?;
    Ok(tagged(
        StatusCode::OK,
        issuer.revision,
        on_the_wire(&state, &actor, issuer).await?,
    ))
}

/// Changes an issuer; what is absent stays
#[utoipa::path(patch, path = "/api/v1/issuers/{name}", tag = "catalog", request_body = UpdateIssuer,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Issuer)), security(("bearer" = ["administrator"])))]
async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
    Json(body): Json<UpdateIssuer>,
) -> ApiResult<Response> {
    let update = changes(body);
    let issuer = state
        .services
        .update_issuer(&actor, &name, update, revision)
        .await?;
    Ok(tagged(
        StatusCode::OK,
        issuer.revision,
        on_the_wire(&state, &actor, issuer).await?,
    ))
}

/// Takes out an issuer that issues nothing
#[utoipa::path(delete, path = "/api/v1/issuers/{name}", tag = "catalog",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204)), security(("bearer" = ["administrator"])))]
async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
) -> ApiResult<StatusCode> {
    state.services.delete_issuer(&actor, &name, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs in to an issuer as its administrator and says what it found
#[utoipa::path(post, path = "/api/v1/issuers/{name}/test", tag = "catalog", params(("name" = String, Path)),
    responses((status = 200, body = IssuerTest)), security(("bearer" = ["operator"])))]
async fn test(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Json<IssuerTest>> {
    Ok(Json(state.services.test_issuer(&actor, &name).await?.into()))
}

async fn on_the_wire(state: &AppState, actor: &Actor, issuer: engine::catalog::Issuer) -> ApiResult<Issuer> {
    let credentials = state.services.store.credentials().await?;
    let issued = credentials
        .iter()
        .filter(|credential| credential.issuer == issuer.name)
        .count();
    actor.require(engine::access::Role::Viewer)?;
    let findings = findings::of_issuer(&issuer);
    Ok(Issuer::from_parts(issuer, issued, findings))
}

/// The same for a change.
pub(crate) fn changes(body: UpdateIssuer) -> IssuerUpdate {
    IssuerUpdate {
        environment: body.environment,
        config: body.config,
        admin: body.admin.map(|admin| secret_values(&admin)),
        override_reason: body.override_reason,
    }
}

/// What the service takes, from what the wire and the forms bring.
pub(crate) fn parsed(body: CreateIssuer) -> NewIssuer {
    NewIssuer {
        admin: secret_values(&body.admin),
        name: body.name,
        kind: body.kind,
        environment: body.environment,
        config: body.config,
        override_reason: body.override_reason,
        sandbox: false,
    }
}

/// Secrets as they came in, in the type that the engine keeps them in.
pub(crate) fn secret_values(secrets: &SecretMap) -> Values {
    secrets.iter().fold(Values::new(), |values, (name, secret)| {
        values.with(name, SecretText::new(secret.expose_secret().to_owned()))
    })
}
