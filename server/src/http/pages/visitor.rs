//! The signed-in person behind a request, and the replies that they get.

use std::sync::Arc;

use app::form::{FormState, ShownOnce};
use app::reader::SharedReader;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use engine::access::Actor;
use engine::{Name, Services};

use super::canvas::{Canvas, Extras};
use super::reader::PageReader;
use super::refused::Refused;
use crate::auth::Identity;
use crate::http::AppState;

/// Somebody who is signed in. Taking it is the first argument of every page; who is not is sent to sign in.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) state: AppState,
    pub(super) actor: Actor,
    canvas: Canvas,
}

/// How a POST that was not refused is answered.
#[derive(Clone, Debug)]
pub(super) enum Done {
    /// 303: the browser asks for that page, so that loading it again repeats nothing.
    SeeOther(String),
    /// 201 with a secret on the page that was posted to. Never redirected, never kept.
    Once(ShownOnce),
    /// 200: nothing was changed, and this was found.
    Found(FormState),
}

/// What comes of a POST.
pub(super) type Outcome = Result<Done, Refused>;

impl Done {
    /// To a page of ours.
    #[expect(clippy::unnecessary_wraps, reason = "it ends every handler of a form")]
    pub(super) fn see(address: impl Into<String>) -> Outcome {
        Ok(Self::SeeOther(address.into()))
    }
}

impl Visitor {
    pub(super) fn services(&self) -> &Services {
        &self.state.services
    }

    /// A name in the address. What is no name names nothing.
    ///
    /// # Errors
    /// The page at this address, which says that there is nothing.
    pub(super) fn named(&self, text: &str) -> Result<Name, Refused> {
        Name::parse(text).map_err(|_| Refused::missing())
    }

    /// The same person before another page of ours, for a form that has no page of its own.
    pub(super) fn before(mut self, address: &str) -> Self {
        if let Ok(uri) = address.parse() {
            self.canvas.uri = uri;
        }
        self
    }

    /// The page at this address.
    pub(super) async fn show(self) -> Response {
        self.draw(Extras::default(), StatusCode::OK).await
    }

    /// The answer to a form.
    pub(super) async fn reply(self, outcome: Outcome) -> Response {
        match outcome {
            Ok(Done::SeeOther(address)) => Redirect::to(&address).into_response(),
            Ok(Done::Once(once)) => {
                let extras = Extras {
                    once: Some(once),
                    ..Extras::default()
                };
                self.draw(extras, StatusCode::CREATED).await
            }
            Ok(Done::Found(state)) => {
                let extras = Extras {
                    form: Some(state),
                    ..Extras::default()
                };
                self.draw(extras, StatusCode::OK).await
            }
            Err(refused) => {
                let (status, retry_after) = (refused.status, refused.retry_after);
                let extras = Extras {
                    form: Some(refused.state),
                    ..Extras::default()
                };
                let mut response = self.draw(extras, status).await;
                if let Some(wait) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, wait);
                }
                response
            }
        }
    }

    async fn draw(self, extras: Extras, status: StatusCode) -> Response {
        let environment = self.canvas.environment.clone();
        let reader: SharedReader = Arc::new(PageReader::new(self.state, self.actor, environment));
        self.canvas.draw(Some(reader), extras, status).await
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let identity = Identity::from_request_parts(parts, state).await;
        let identity = identity.map_err(IntoResponse::into_response)?;
        let canvas = match Canvas::from_request_parts(parts, state).await {
            Ok(canvas) => canvas,
            Err(never) => match never {},
        };
        // Tokens are for the API: a page holds forms, and what a form does counts as a person's act.
        if identity.account.is_none() {
            return Err(to_sign_in(&parts.method, &canvas));
        }
        Ok(Self {
            state: state.clone(),
            actor: identity.actor,
            canvas,
        })
    }
}

/// 303, with the way back to the page that was asked for. What was typed into a form is gone: it may hold secrets.
fn to_sign_in(method: &Method, canvas: &Canvas) -> Response {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let next = match canvas.uri.path_and_query() {
        Some(whole) if reads => whole.as_str(),
        _ => canvas.uri.path(),
    };
    let address = if next == "/" {
        "/sign-in".to_owned()
    } else {
        format!("/sign-in?next={}", app::words::segment(next))
    };
    Redirect::to(&address).into_response()
}
