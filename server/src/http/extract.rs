//! What handlers take from a request, refused as problems and not as plain text.

use axum::RequestExt;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Name;
use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use api::body::BodyError;
use api::problem::code;

use super::problem::ApiError;

/// The longest body that is read.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// So much of a body that is too large is thrown away before the answer.
const DRAINED: usize = 8 * BODY_LIMIT;

/// A JSON body, or a JSON reply.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

/// The query of the URL.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// A name in the path. What is no name names nothing, so it is 404.
#[derive(Debug)]
pub struct NamePath(pub Name);

/// `If-Match` with the revision it names; `*` and its absence name none.
#[derive(Clone, Copy, Debug)]
pub struct IfMatch(pub Option<i64>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        parse_json(&read_body(request).await?).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let typed = request.headers().contains_key(header::CONTENT_TYPE);
        let is_json = require_json(request.headers());
        let body = read_body(request).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        if typed {
            is_json?;
        }
        parse_json(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError::internal(&error).into_response(),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|query| Self(query.0))
            .map_err(|rejection| ApiError::malformed(rejection.body_text()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NamePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| ApiError::no_route())?.0;
        Name::parse(&text).map(Self).map_err(|invalid| {
            ApiError::new(
                StatusCode::NOT_FOUND,
                code::NOT_FOUND,
                "Not found",
                invalid.to_string(),
            )
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let revision = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        // A tag that we never gave matches nothing.
        Ok(Self(Some(
            revision.and_then(|number| number.parse().ok()).unwrap_or(-1),
        )))
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 17
            && essence[..12].eq_ignore_ascii_case("application/")
            && essence.to_ascii_lowercase().ends_with("+json"));
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code::UNSUPPORTED_MEDIA_TYPE,
        "Not JSON",
        "send the body as JSON, with `Content-Type: application/json`",
    ))
}

/// Reads at most [`BODY_LIMIT`] bytes; the router sets the limit for the whole of the API.
pub async fn read_body(request: Request) -> Result<Bytes, ApiError> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if declared
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|length| length > BODY_LIMIT)
    {
        drain(request.into_body()).await;
        return Err(too_large());
    }
    let request = request.with_limited_body();
    axum::body::to_bytes(request.into_body(), BODY_LIMIT)
        .await
        .map_err(|error| {
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(current) = cause {
                if current.to_string().contains("length limit") {
                    return too_large();
                }
                cause = current.source();
            }
            ApiError::malformed("the body ended before it was complete")
        })
}

/// Takes what is still being sent and throws it away, up to a bound: whoever is cut off in the middle of writing reads no
/// answer.
async fn drain(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut left = DRAINED;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        code::TOO_LARGE,
        "The body is too large",
        format!("send at most {BODY_LIMIT} bytes"),
    )
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    api::body::parse(body).map_err(|error| match error {
        BodyError::NotJson { line, column } => {
            ApiError::malformed(format!("the body is not JSON: line {line}, column {column}"))
        }
        BodyError::NotAnObject => ApiError::from(engine::Refusal::rule("", "must be a JSON object")),
        BodyError::Unexpected { pointer, detail } => ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            code::INVALID,
            "The body is not what is expected here",
            format!(
                "{}: {detail}",
                if pointer.is_empty() { "the body" } else { &pointer }
            ),
        )
        .with_error(pointer, detail),
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Body {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Inner {
        waves: Vec<u8>,
    }

    async fn refusal(text: &str) -> (StatusCode, api::Problem) {
        let error = parse_json::<Body>(text.as_bytes()).unwrap_err();
        let response = error.into_response();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_wrong_body_is_pointed_at_and_its_values_are_not_repeated() {
        let (status, problem) = refusal(r#"{"inner":{"waves":[1,"hunter2"]}}"#).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.errors[0].pointer, "/inner/waves/1");
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");

        let (status, problem) = refusal(r#"{"inner":{"waves":[]},"x":1}"#).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem.errors[0].detail.contains('x'), "{problem:?}");

        assert_eq!(refusal(r#"{"inner":"#).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(refusal(&"[".repeat(10_000)).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(
            refusal(r#"{"inner":{"waves":[]}} trailing"#).await.0,
            StatusCode::BAD_REQUEST
        );
    }
}
