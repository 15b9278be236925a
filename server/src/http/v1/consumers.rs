//! Consumers: the programs that use credentials.

use api::consumer::{Consumer, ConsumerCreated, CreateConsumer, UpdateConsumer};
use api::token::{CreateConsumerToken, Token, TokenCreated};
use api::{Page, PageQuery, Secret};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::access::{Actor, Role, TokenOwner};
use engine::catalog::service::{ConsumerUpdate, NewConsumer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::{created, page_of, tagged};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{IfMatch, Json, NamePath, OptionalJson, Query};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(add_token, revoke_older_tokens))
}

/// Every consumer, by name
#[utoipa::path(get, path = "/api/v1/consumers", tag = "catalog", params(PageQuery),
    responses((status = 200, body = Page<Consumer>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Consumer>>> {
    let consumers = state.services.consumers(&actor).await?;
    let page = page_of(consumers, query.cursor.as_deref(), query.limit, |consumer| {
        consumer.name.to_string()
    })?;
    let surroundings = Surroundings::read(&state, &actor).await?;
    let items = page
        .items
        .into_iter()
        .map(|consumer| surroundings.place(consumer))
        .collect();
    Ok(Json(Page {
        items,
        next_cursor: page.next_cursor,
    }))
}

/// Adds a consumer; its first token is shown in this reply and never again
#[utoipa::path(post, path = "/api/v1/consumers", tag = "catalog", request_body = CreateConsumer,
    responses((status = 201, body = ConsumerCreated)), security(("bearer" = ["operator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateConsumer>,
) -> ApiResult<Response> {
    let new = parsed(body);
    let made = state.services.create_consumer(&actor, new).await?;
    let location = format!("/api/v1/consumers/{}", made.consumer.name);
    let token = Secret::new(made.token.secret.expose_text());
    let tokens = vec![Token::from(made.token.token)];
    let consumer = Consumer::from_parts(made.consumer, Vec::new(), tokens, &[]);
    Ok(created(&location, ConsumerCreated { consumer, token }))
}

/// One consumer with its tokens and instances
#[utoipa::path(get, path = "/api/v1/consumers/{name}", tag = "catalog", params(("name" = String, Path)),
    responses((status = 200, body = Consumer)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Response> {
    let consumer = state.services.consumer(&actor, &name).await?;
    let surroundings = Surroundings::read(&state, &actor).await?;
    Ok(tagged(
        StatusCode::OK,
        consumer.revision,
        surroundings.place(consumer),
    ))
}

/// Changes a consumer; what is absent stays
#[utoipa::path(patch, path = "/api/v1/consumers/{name}", tag = "catalog", request_body = UpdateConsumer,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Consumer)), security(("bearer" = ["operator"])))]
async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
    Json(body): Json<UpdateConsumer>,
) -> ApiResult<Response> {
    let update = changes(body);
    let consumer = state
        .services
        .update_consumer(&actor, &name, update, revision)
        .await?;
    let surroundings = Surroundings::read(&state, &actor).await?;
    Ok(tagged(
        StatusCode::OK,
        consumer.revision,
        surroundings.place(consumer),
    ))
}

/// Takes out a consumer that is bound to nothing, and revokes its tokens
#[utoipa::path(delete, path = "/api/v1/consumers/{name}", tag = "catalog",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204)), security(("bearer" = ["operator"])))]
async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
) -> ApiResult<StatusCode> {
    state.services.delete_consumer(&actor, &name, revision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a token; two may be valid at once
#[utoipa::path(post, path = "/api/v1/consumers/{name}/tokens", tag = "catalog",
    request_body = Option<CreateConsumerToken>, params(("name" = String, Path)),
    responses((status = 201, body = TokenCreated)), security(("bearer" = ["operator"])))]
async fn add_token(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    OptionalJson(body): OptionalJson<CreateConsumerToken>,
) -> ApiResult<Response> {
    let lifetime = body.expires_after.map(Into::into);
    let issued = state.services.add_consumer_token(&actor, &name, lifetime).await?;
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

/// Revokes every token of the consumer but the newest
#[utoipa::path(delete, path = "/api/v1/consumers/{name}/tokens", tag = "catalog", params(("name" = String, Path)),
    responses((status = 204)), security(("bearer" = ["operator"])))]
async fn revoke_older_tokens(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<StatusCode> {
    state.services.revoke_older_consumer_tokens(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the service takes, from what the wire and the forms bring.
pub(crate) fn parsed(body: CreateConsumer) -> NewConsumer {
    NewConsumer {
        name: body.name,
        service: body.service,
        environment: body.environment,
        labels: body.labels,
        sandbox: false,
    }
}

/// The same for a change.
pub(crate) fn changes(body: UpdateConsumer) -> ConsumerUpdate {
    ConsumerUpdate {
        service: body.service,
        environment: body.environment,
        labels: body.labels,
    }
}

/// What stands around consumers, read once for a whole list.
struct Surroundings {
    credentials: Vec<engine::catalog::Credential>,
    tokens: Vec<engine::access::Token>,
    instances: Vec<engine::delivery::InstanceView>,
}

impl Surroundings {
    async fn read(state: &AppState, actor: &Actor) -> ApiResult<Self> {
        actor.require(Role::Viewer)?;
        let services = &state.services;
        let instances = services.store.all_instances().await?;
        Ok(Self {
            credentials: services.store.credentials().await?,
            tokens: services.consumer_tokens(actor).await?,
            instances: services.live.view(&instances, services.clock.now()),
        })
    }

    fn place(&self, consumer: engine::catalog::Consumer) -> Consumer {
        let name = &consumer.name;
        let bound = self
            .credentials
            .iter()
            .filter(|credential| credential.consumers.contains(name));
        let bound = bound.map(|credential| credential.name.to_string()).collect();
        let owned = self
            .tokens
            .iter()
            .filter(|token| matches!(&token.owner, TokenOwner::Consumer { name: owner } if owner == name));
        let tokens = owned.cloned().map(Token::from).collect();
        let instances: Vec<_> = self
            .instances
            .iter()
            .filter(|view| view.stored.consumer == *name)
            .cloned()
            .collect();
        Consumer::from_parts(consumer, bound, tokens, &instances)
    }
}
