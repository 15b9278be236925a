//! The body of a form.

use app::forms::{Form, Posted, Values};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::refused::Refused;

/// What a form sent.
#[derive(Debug)]
pub(super) struct Sent(pub Posted);

impl Sent {
    /// Which of a page's forms it was.
    pub(super) fn action(&self) -> &str {
        self.0.action()
    }

    /// The form, and what was typed into it, without secrets.
    ///
    /// # Errors
    /// Never for the app's forms, whose fields are texts with defaults.
    pub(super) fn read<F: Form + DeserializeOwned>(self) -> Result<(F, Values), Refused> {
        let form: F = self
            .0
            .read()
            .map_err(|error| Refused::problem(Values::new(), &error.to_string()))?;
        let values = form.values();
        Ok((form, values))
    }
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state).await;
        body.map(|body| Self(Posted::parse(&body)))
            .map_err(IntoResponse::into_response)
    }
}
