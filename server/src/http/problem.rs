//! Errors as RFC 9457 problem details. The one place where a refusal becomes a status.

use api::problem::{CONTENT_TYPE, Problem, code};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Refusal;
use engine::ports::StoreError;

/// How long to wait before a try again when the database or an issuer is away.
const UNAVAILABLE_RETRY_SECONDS: u64 = 5;

/// What a handler answers when it does not do what was asked.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    retry_after_seconds: Option<u64>,
}

/// The reply of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A problem of a stable code.
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        let problem = Problem::new(status.as_u16(), code, title).with_detail(detail);
        Self {
            problem: Box::new(problem),
            retry_after_seconds: None,
        }
    }

    /// 400: not even understood.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            code::MALFORMED,
            "The request is malformed",
            detail,
        )
    }

    /// 404: no such address.
    pub fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            code::NOT_FOUND,
            "Not found",
            "there is nothing at this address; /api/openapi.json lists what there is",
        )
    }

    /// 429: too often.
    pub fn too_many(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut error = Self::new(status, code::TOO_MANY_REQUESTS, "Too many requests", detail);
        error.retry_after_seconds = Some(retry_after_seconds.max(1));
        error
    }

    /// 500: a mistake of ours. The cause is logged here and not shown.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error.cause = %cause, "a request failed for a reason that should not exist");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code::INTERNAL,
            "Rota made a mistake",
            "the cause is in the server's log, under the correlation id of this reply",
        )
    }

    /// With the wait after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The same with one wrong part of the request.
    #[must_use]
    pub fn with_error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        *self.problem = (*self.problem).clone().with_error(pointer, detail);
        self
    }

    /// Its code and what happened, for one item of many.
    pub fn into_words(self) -> (String, String) {
        let Problem {
            code,
            title,
            detail,
            errors,
            ..
        } = *self.problem;
        let first = errors.into_iter().next().map(|error| error.detail);
        (code, first.or(detail).unwrap_or(title))
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Unauthenticated => Self::new(
                StatusCode::UNAUTHORIZED,
                code::UNAUTHENTICATED,
                "Not signed in",
                "send `Authorization: Bearer` with a valid token",
            ),
            Refusal::NotBound { .. } => {
                Self::new(StatusCode::FORBIDDEN, code::NOT_BOUND, "Not bound", detail)
            }
            Refusal::NoVersionYet(_) => {
                let status = StatusCode::NOT_FOUND;
                Self::new(status, code::NO_VERSION_YET, "No version yet", detail)
            }
            Refusal::RotationInProgress { rotation, .. } => {
                let (status, title) = (StatusCode::CONFLICT, "A rotation is in progress");
                let mut error = Self::new(status, code::ROTATION_IN_PROGRESS, title, detail);
                *error.problem = (*error.problem)
                    .clone()
                    .with_extension("rotation", rotation.as_str());
                error
            }
            Refusal::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, code::FORBIDDEN, "Not allowed", detail),
            Refusal::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, code::NOT_FOUND, "Not found", detail)
            }
            Refusal::Conflict { code, detail } => {
                let title = if code == code::NAME_TAKEN {
                    "The name is taken"
                } else {
                    "Not possible now"
                };
                Self::new(StatusCode::CONFLICT, code, title, detail)
            }
            Refusal::DoesNotOpen { .. } => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Self::new(status, code::CIPHERTEXT_INVALID, "It does not open", detail)
            }
            Refusal::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                code::STALE,
                "Changed meanwhile",
                detail,
            ),
            Refusal::Rules(rules) => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                let title = "A rule is broken";
                rules
                    .into_iter()
                    .fold(Self::new(status, code::INVALID, title, detail), |error, rule| {
                        error.with_error(rule.pointer, rule.detail)
                    })
            }
            Refusal::Sealed(_) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, code::SEALED, "Sealed", detail).retry_after(UNAVAILABLE_RETRY_SECONDS)
            }
            Refusal::Unavailable(_) => unavailable(detail),
            Refusal::Store(cause) => {
                tracing::error!(error.cause = %cause, "the database did not answer a request");
                unavailable(detail)
            }
        }
    }
}

fn unavailable(detail: String) -> ApiError {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    ApiError::new(status, code::UNAVAILABLE, "Not available now", detail)
        .retry_after(UNAVAILABLE_RETRY_SECONDS)
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Refusal::from(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"rota\""),
            );
        }
        response
    }
}
