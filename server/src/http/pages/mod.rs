//! Pages for people. Signing in and out is here; the other pages are routed beside it.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use engine::access::SignInError;
use keyring::SecretText;
use serde::Deserialize;
use tower_sessions::Session;

use super::AppState;
use super::problem::ApiError;
use crate::auth::sign_in::{self, NotSignedIn};
use crate::auth::{Identity, session};

/// Every page.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(home))
        .route("/sign-in", get(sign_in_page).post(sign_in_by_password))
        .route("/sign-in/link", get(link_page).post(sign_in_by_link))
        .route("/sign-out", post(sign_out))
}

/// There is nothing at this address.
pub fn missing() -> Response {
    (StatusCode::NOT_FOUND, document("Not found", "<p>There is nothing at this address.</p>")).into_response()
}

async fn home(identity: Identity) -> Response {
    if identity.account.is_none() {
        return Redirect::to("/sign-in").into_response();
    }
    document("Rota", "<form method=\"post\" action=\"/sign-out\"><button>Sign out</button></form>").into_response()
}

/// What the sign-in form sends.
#[derive(Debug, Deserialize)]
struct SignInForm {
    name: String,
    password: SecretText,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LinkQuery {
    token: Option<SecretText>,
}

async fn sign_in_page() -> Html<String> {
    document("Sign in", FORM)
}

async fn sign_in_by_password(
    State(state): State<AppState>,
    session: Session,
    identity: Identity,
    form: Result<axum::Form<SignInForm>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(axum::Form(form)) = form else {
        return ApiError::malformed("send name and password as a form").into_response();
    };
    let signed_in = sign_in::by_password(&state, &session, &identity, form.name, form.password).await;
    answer(signed_in.map(|_| ()), sign_in::local_target(form.next.as_deref()), FORM)
}

async fn link_page() -> Html<String> {
    document("Sign in by link", "<form method=\"post\"><button>Sign in</button></form>")
}

async fn sign_in_by_link(
    State(state): State<AppState>,
    session: Session,
    identity: Identity,
    Query(query): Query<LinkQuery>,
) -> Response {
    let token = query.token.unwrap_or_else(|| SecretText::new(String::new()));
    let signed_in = sign_in::by_link(&state, &session, &identity, &token).await;
    answer(signed_in.map(|_| ()), "/", "<p><a href=\"/sign-in\">Sign in with a password</a></p>")
}

async fn sign_out(session: Session) -> Response {
    match session::end(&session).await {
        Ok(()) => Redirect::to("/sign-in").into_response(),
        Err(error) => error.into_response(),
    }
}

const FORM: &str = "<form method=\"post\" action=\"/sign-in\"><label>Name <input name=\"name\" autocomplete=\"username\"></label> \
     <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\"></label> \
     <button>Sign in</button></form>";

/// The status of a sign-in that was refused, and the wait before the next try.
pub fn refused_status(error: &SignInError) -> (StatusCode, Option<u64>) {
    match error {
        SignInError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, None),
        SignInError::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
        SignInError::Refused(engine::Refusal::NotFound { .. }) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        SignInError::Refused(_) => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
    }
}

fn answer(signed_in: Result<(), NotSignedIn>, target: &str, form: &str) -> Response {
    match signed_in {
        Ok(()) => Redirect::to(target).into_response(),
        Err(NotSignedIn::Failed(error)) => error.into_response(),
        Err(NotSignedIn::Refused(error)) => {
            let (status, wait) = refused_status(&error);
            let body = document("Sign in", &format!("<p role=\"alert\">{}</p>{form}", escaped(&error.to_string())));
            let mut response = (status, body).into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, wait.into());
            }
            response
        }
    }
}

fn document(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Rota</title></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
