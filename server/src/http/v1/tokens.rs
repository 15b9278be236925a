//! Tokens of programs.

use api::token::{CreateToken, Token, TokenCreated};
use api::{Page, PageQuery, Secret};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use engine::Refusal;
use engine::access::NewToken;
use engine::id::TokenId;
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
        .routes(routes!(revoke))
}

/// The valid tokens of programs, never the tokens themselves
#[utoipa::path(get, path = "/api/v1/tokens", tag = "access", params(PageQuery),
    responses((status = 200, body = Page<Token>)), security(("bearer" = ["administrator"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Token>>> {
    let tokens: Vec<Token> = state
        .services
        .program_tokens(&actor)
        .await?
        .into_iter()
        .map(Into::into)
        .collect();
    Ok(Json(page_of(
        tokens,
        query.cursor.as_deref(),
        query.limit,
        |token| token.id.clone(),
    )?))
}

/// Makes a token, shown in this reply and never again
#[utoipa::path(post, path = "/api/v1/tokens", tag = "access", request_body = CreateToken,
    responses((status = 201, body = TokenCreated)), security(("bearer" = ["administrator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateToken>,
) -> ApiResult<Response> {
    let new = parsed(body);
    let issued = state.services.create_token(&actor, new).await?;
    let location = format!("/api/v1/tokens/{}", issued.token.id);
    let token = Secret::new(issued.secret.expose_text());
    Ok(created(
        &location,
        TokenCreated {
            details: issued.token.into(),
            token,
        },
    ))
}

/// Revokes a token at once
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "access", params(("id" = String, Path)),
    responses((status = 204)), security(("bearer" = ["operator"])))]
async fn revoke(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = TokenId::parse(&id).map_err(|_| Refusal::not_found("token", id))?;
    state.services.revoke_token(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the service takes, from what the wire and the forms bring.
pub(crate) fn parsed(body: CreateToken) -> NewToken {
    NewToken {
        name: body.name,
        role: body.role.into(),
        scope: body.scope.into(),
        expires_after: body.expires_after.map(Into::into),
    }
}
