//! Accounts of people.

use api::account::{Account, CreateAccount, UpdateAccount};
use api::{Page, PageQuery};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::access::{AccountUpdate, NewAccount};
use keyring::SecretText;
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
        .routes(routes!(update))
}

/// Everyone who may sign in
#[utoipa::path(get, path = "/api/v1/accounts", tag = "access", params(PageQuery),
    responses((status = 200, body = Page<Account>)), security(("bearer" = ["administrator"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Account>>> {
    let accounts: Vec<Account> = state
        .services
        .accounts(&actor)
        .await?
        .into_iter()
        .map(Into::into)
        .collect();
    Ok(Json(page_of(
        accounts,
        query.cursor.as_deref(),
        query.limit,
        |account| account.name.clone(),
    )?))
}

/// Makes an account
#[utoipa::path(post, path = "/api/v1/accounts", tag = "access", request_body = CreateAccount,
    responses((status = 201, body = Account)), security(("bearer" = ["administrator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateAccount>,
) -> ApiResult<Response> {
    let new = parsed(body);
    let account = state.services.create_account(&actor, new).await?;
    let location = format!("/api/v1/accounts/{}", account.name);
    Ok(created(&location, Account::from(account)))
}

/// Changes an account; what is absent stays
#[utoipa::path(patch, path = "/api/v1/accounts/{name}", tag = "access", params(("name" = String, Path)),
    request_body = UpdateAccount, responses((status = 200, body = Account)),
    security(("bearer" = ["administrator"])))]
async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
    Json(body): Json<UpdateAccount>,
) -> ApiResult<Response> {
    let update = changes(body);
    let account = state
        .services
        .update_account(&actor, &name, update, revision)
        .await?;
    Ok(tagged(StatusCode::OK, account.revision, Account::from(account)))
}

/// What the service takes, from what the wire and the forms bring.
pub(crate) fn parsed(body: CreateAccount) -> NewAccount {
    NewAccount {
        display_name: body.display_name.unwrap_or_default(),
        name: body.name,
        role: body.role.into(),
        password: body
            .password
            .map(|password| SecretText::new(password.expose_secret().to_owned())),
    }
}

/// The same for a change.
pub(crate) fn changes(body: UpdateAccount) -> AccountUpdate {
    AccountUpdate {
        display_name: None,
        role: body.role.map(Into::into),
        password: body
            .password
            .map(|password| SecretText::new(password.expose_secret().to_owned())),
        disabled: body.disabled,
    }
}
