//! Pages for people: the app's route table, mounted, and the forms that are posted to it.
//!
//! `canvas` draws, `visitor` is the signed-in person and how they are answered, `reader` gives the pages their facts; the
//! other files are the forms, one per noun: who is asking, parse, one service call, reply.

mod canvas;
mod consumers;
mod credentials;
mod issuers;
mod keys;
mod reader;
mod recovery;
mod reencryptions;
mod refused;
mod root;
mod rotations;
mod sandbox;
mod sent;
mod settings;
mod sign_in;
mod visitor;

use app::app::App;
use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::canvas::{Canvas, Extras};
use self::visitor::Visitor;
use super::AppState;

/// Every page: GET as the app's route table says, POST as the forms need it.
pub fn routes() -> Router<AppState> {
    let mut router = Router::new()
        .merge(sign_in::routes())
        .merge(consumers::routes())
        .merge(credentials::routes())
        .merge(issuers::routes())
        .merge(keys::routes())
        .merge(reencryptions::routes())
        .merge(recovery::routes())
        .merge(root::routes())
        .merge(rotations::routes())
        .merge(sandbox::routes())
        .merge(settings::routes());
    // Listing the routes also starts the executor that drawing needs.
    for listing in leptos_axum::generate_route_list(App) {
        let path = listing.path();
        if !path.starts_with(sign_in::PATH) {
            router = router.route(path, get(Visitor::show));
        }
    }
    router
}

/// The addresses of every page that only a signed-in person sees, as axum writes them.
pub fn addresses() -> Vec<String> {
    leptos_axum::generate_route_list(App)
        .iter()
        .map(|listing| listing.path().to_owned())
        .filter(|path| !path.starts_with(sign_in::PATH))
        .collect()
}

/// There is nothing at this address: within the frame for those who are signed in.
pub async fn missing(state: &AppState, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(canvas) = Canvas::from_request_parts(&mut parts, state).await;
    match Visitor::from_request_parts(&mut parts, state).await {
        Ok(visitor) => visitor.show().await,
        Err(_) => canvas.draw(None, Extras::default(), StatusCode::NOT_FOUND).await,
    }
}
