//! Signing in and out.

use app::form::FormState;
use app::forms::{SignInForm, Values};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use engine::access::SignInError;
use keyring::SecretText;
use serde::Deserialize;
use tower_sessions::Session;

use super::canvas::{Canvas, Extras};
use super::sent::Sent;
use crate::auth::sign_in::{self, NotSignedIn};
use crate::auth::{Identity, session};
use crate::http::AppState;

/// Where the pages begin that answer whoever asks.
pub(super) const PATH: &str = "/sign-in";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(PATH, get(show).post(by_password))
        .route("/sign-in/link", get(show).post(by_link))
        .route("/sign-out", post(sign_out))
}

#[derive(Debug, Deserialize)]
struct LinkQuery {
    token: Option<SecretText>,
}

async fn show(canvas: Canvas) -> Response {
    canvas.draw(None, Extras::default(), StatusCode::OK).await
}

async fn by_password(
    State(state): State<AppState>,
    session: Session,
    identity: Identity,
    canvas: Canvas,
    sent: Sent,
) -> Response {
    let (form, values) = match sent.read::<SignInForm>() {
        Ok(read) => read,
        Err(refused) => return refuse(canvas, refused.state, (refused.status, None)).await,
    };
    let target = sign_in::local_target(Some(&form.next)).to_owned();
    let asked = match form.to_request() {
        Ok(asked) => asked,
        Err(errors) => {
            let mut state = errors.state(values);
            state.problem = None;
            return refuse(canvas, state, (StatusCode::UNPROCESSABLE_ENTITY, None)).await;
        }
    };
    let password = SecretText::new(asked.password.expose_secret().to_owned());
    let signed_in = sign_in::by_password(&state, &session, &identity, asked.name, password).await;
    answer(canvas, signed_in.map(|_| ()), &target, values).await
}

async fn by_link(
    State(state): State<AppState>,
    session: Session,
    identity: Identity,
    canvas: Canvas,
    Query(query): Query<LinkQuery>,
) -> Response {
    let token = query.token.unwrap_or_else(|| SecretText::new(String::new()));
    let signed_in = sign_in::by_link(&state, &session, &identity, &token).await;
    answer(canvas, signed_in.map(|_| ()), "/", Values::new()).await
}

async fn sign_out(session: Session) -> Response {
    match session::end(&session).await {
        Ok(()) => Redirect::to(PATH).into_response(),
        Err(error) => error.into_response(),
    }
}

/// The status of a sign-in that was refused, and the wait before the next try.
pub(super) fn refused_status(error: &SignInError) -> (StatusCode, Option<u64>) {
    match error {
        SignInError::Wrong => (StatusCode::UNPROCESSABLE_ENTITY, None),
        SignInError::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
        SignInError::Refused(engine::Refusal::NotFound { .. }) => (StatusCode::UNPROCESSABLE_ENTITY, None),
        SignInError::Refused(_) => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
    }
}

async fn answer(
    canvas: Canvas,
    signed_in: Result<(), NotSignedIn>,
    target: &str,
    values: Values,
) -> Response {
    match signed_in {
        Ok(()) => Redirect::to(target).into_response(),
        Err(NotSignedIn::Failed(error)) => error.into_response(),
        Err(NotSignedIn::Refused(error)) => {
            let state = FormState {
                values,
                problem: Some(app::words::sentence_case(&error.to_string())),
                ..FormState::default()
            };
            refuse(canvas, state, refused_status(&error)).await
        }
    }
}

/// The same page again, with the name as it was typed.
async fn refuse(canvas: Canvas, state: FormState, (status, wait): (StatusCode, Option<u64>)) -> Response {
    let extras = Extras {
        form: Some(state),
        ..Extras::default()
    };
    let mut response = canvas.draw(None, extras, status).await;
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    response
}
