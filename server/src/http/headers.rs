//! Headers that every reply carries: what browsers may do with it, and who may keep it.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::AppState;

/// The nonce of this reply's content security policy, for the one inline script of a page.
#[derive(Clone, Debug)]
pub struct CspNonce(pub String);

const NO_FRAMES: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const FIXED: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: with it browsers send `Origin: null` with the forms of our own pages. Nothing leaves the site.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-embedder-policy"),
        "require-corp",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), \
         usb=()",
    ),
];

/// The nonce of a request for a page.
#[derive(Debug)]
pub struct Secured(Option<String>);

/// Gives a request its nonce.
pub fn begin(state: &AppState, request: &mut Request) -> Secured {
    // Programs get no pages.
    let nonce = (!request.uri().path().starts_with("/api/")).then(|| {
        let mut random = [0; 18];
        state.services.randomness.fill(&mut random);
        STANDARD.encode(random)
    });
    if let Some(nonce) = &nonce {
        request.extensions_mut().insert(CspNonce(nonce.clone()));
    }
    Secured(nonce)
}

/// Gives the reply its headers.
pub fn secure(state: &AppState, Secured(nonce): Secured, response: &mut Response) {
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let policy = match nonce.filter(|_| is_page) {
        Some(nonce) => page_policy(&nonce),
        None => HeaderValue::from_static(NO_FRAMES),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if state.is_https() {
        let value = HeaderValue::from_static("max-age=63072000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    // Only embedded files say otherwise: replies hold what one person may see.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Scripts: the page's own boot script by nonce, and the files it imports from here. `wasm-unsafe-eval` lets WebAssembly
/// compile, and no JavaScript.
fn page_policy(nonce: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(NO_FRAMES))
}
