//! Which address leads where, and what every request passes through.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;

use super::AppState;
use super::correlation::Correlated;
use super::problem::ApiError;
use super::v1::openapi;
use super::{headers, health, idempotency, pages, static_files, strict_path, v1};
use crate::auth::{identify, same_origin, session};

/// The routes that answer whoever asks; a test keeps this list.
pub const OPEN_ROUTES: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/api/openapi.json"];

/// The document of the API as it is served.
pub fn document() -> OpenApi {
    openapi::complete(v1::routes().split_for_parts().1)
}

/// Everything that is served. Layers run from the last to the first; they are few, because for each request axum clones
/// all that lies inside of one.
pub fn router(state: &AppState) -> Router {
    let (api, _) = v1::routes().split_for_parts();
    let document = document();
    let sessions = session::layer(
        session::Sessions::new(state.database.clone(), state.services.clock.clone()),
        state.is_https(),
    );
    let api = api
        .layer(from_fn_with_state(state.clone(), idempotency::replay))
        .method_not_allowed_fallback(method_not_allowed);
    Router::new()
        .merge(api)
        .route(
            "/api/openapi.json",
            get(move || std::future::ready(openapi::reply(&document))),
        )
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .merge(pages::routes())
        .fallback(not_found)
        .layer(from_fn_with_state(state.clone(), admit))
        .layer(sessions)
        .layer(from_fn_with_state(state.clone(), receive))
        .with_state(state.clone())
}

/// The outermost: a request gets its id and its nonce, the reply its headers.
async fn receive(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let correlated = Correlated::begin(&state, &mut request);
    let secured = headers::begin(&state, &mut request);
    let reply = async {
        let mut response = match strict_path::refuse_tricks(&request) {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        };
        headers::secure(&state, secured, &mut response);
        response
    };
    correlated.answer(reply).await
}

/// Inside of sessions: where a request comes from, and who is asking.
async fn admit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if let Err(error) = same_origin::require_same_origin(&state, &request) {
        return error.into_response();
    }
    match identify(&state, request).await {
        Ok(request) => count(&state, request, next).await,
        Err(error) => error.into_response(),
    }
}

/// Embedded files, then nothing: a page for people, a problem for programs.
async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    if let Some(file) = static_files::find(&request) {
        return file;
    }
    if request.uri().path().starts_with("/api") {
        return ApiError::no_route().into_response();
    }
    pages::missing(&state, request).await
}

async fn method_not_allowed() -> Response {
    ApiError::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        api::problem::code::METHOD_NOT_ALLOWED,
        "Not that method",
        "this address is there, but not for this method; /api/openapi.json lists them",
    )
    .into_response()
}

/// Counts requests by route. How long a waiting poll or an event stream takes says nothing about us.
async fn count(state: &AppState, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<axum::extract::MatchedPath>();
    let route = pattern
        .map_or("none", axum::extract::MatchedPath::as_str)
        .to_owned();
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PATCH" | "DELETE" | "PUT" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let waits =
        route.ends_with("/events") || request.uri().query().is_some_and(|query| query.contains("wait="));
    let started = tokio::time::Instant::now();
    let response = next.run(request).await;
    let elapsed = (!waits).then(|| started.elapsed());
    state
        .metrics
        .request_answered(&method, &route, response.status().as_u16(), elapsed);
    response
}
