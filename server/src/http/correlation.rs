//! The id that joins a request, its log lines and its audit entries (DET-6).

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use engine::Randomness;
use tracing::Instrument;

use super::AppState;

const HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const LONGEST: usize = 64;

/// The correlation id of a request.
#[derive(Clone, Debug)]
pub struct Correlation(pub String);

/// A request with its id, on its way to a reply.
#[derive(Debug)]
pub struct Correlated {
    id: String,
    span: tracing::Span,
    started: tokio::time::Instant,
}

impl Correlated {
    /// Takes the caller's id or makes one, and hands it on.
    pub fn begin(state: &AppState, request: &mut Request) -> Self {
        let id = given(request.headers()).unwrap_or_else(|| state.correlation_ids.next());
        let (method, path) = (request.method(), request.uri().path());
        let span =
            tracing::info_span!("request", http.method = %method, url.path = %path, correlation.id = %id);
        request.extensions_mut().insert(Correlation(id.clone()));
        Self {
            id,
            span,
            started: tokio::time::Instant::now(),
        }
    }

    /// Sends the id back, and says what became of the request.
    pub async fn answer(self, reply: impl Future<Output = Response>) -> Response {
        let mut response = reply.instrument(self.span.clone()).await;
        log(&self.span, &response, self.started.elapsed());
        if let Ok(value) = HeaderValue::from_str(&self.id) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
}

/// Only what cannot break a log line or a header is taken.
fn given(headers: &HeaderMap) -> Option<String> {
    let plain = |text: &&str| {
        !text.is_empty()
            && text.len() <= LONGEST
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(own) = text(&HEADER).filter(plain) {
        return Some(own.to_owned());
    }
    // W3C trace context: version-traceid-parentid-flags.
    let trace = text(&TRACEPARENT)?.split('-').nth(1)?;
    let is_trace = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_trace && trace.bytes().any(|byte| byte != b'0')).then(|| trace.to_ascii_lowercase())
}

/// Ids for those who bring none: unique, not secret. Half of one is drawn when the server starts, the other half counts.
#[derive(Debug)]
pub struct Ids {
    drawn: u64,
    next: AtomicU64,
}

impl Ids {
    /// Of one run of the server.
    pub fn new(randomness: &dyn Randomness) -> Self {
        let mut bytes = [0; 8];
        randomness.fill(&mut bytes);
        Self {
            drawn: u64::from_ne_bytes(bytes),
            next: AtomicU64::new(1),
        }
    }

    fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}{number:016x}", self.drawn)
    }
}

/// One line a request: no query, no body, no header, since each of them may hold a secret.
fn log(span: &tracing::Span, response: &Response, elapsed: std::time::Duration) {
    let _entered = span.enter();
    let status = response.status().as_u16();
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if response.status().is_server_error() {
        tracing::warn!(http.status = status, elapsed_ms, "a request failed");
    } else {
        tracing::debug!(http.status = status, elapsed_ms, "a request was answered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_forge_a_log_line_is_not_taken() {
        let check = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            given(&headers)
        };
        assert_eq!(
            check("x-correlation-id", "deploy-42.a:b").as_deref(),
            Some("deploy-42.a:b")
        );
        assert_eq!(check("x-correlation-id", "a b"), None);
        assert_eq!(check("x-correlation-id", "a\tb=c"), None);
        assert_eq!(check("x-correlation-id", &"a".repeat(65)), None);
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            check("traceparent", trace).as_deref(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        assert_eq!(
            check("traceparent", &format!("00-{}-00-01", "0".repeat(32))),
            None
        );
    }
}
