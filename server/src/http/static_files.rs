//! The browser's files, embedded and precompressed. They hold nothing secret, so compressing them gives nothing away; pages
//! and API replies are never compressed (BREACH).

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::assets::{Asset, asset};

/// The reply for an embedded file, or nothing when there is none at this address.
pub fn find(request: &Request) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    asset(request.uri().path()).map(|asset| reply(asset, request.headers()))
}

fn reply(asset: Asset, request: &HeaderMap) -> Response {
    let cache = if asset.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=300"
    };
    let known = request
        .get(header::IF_NONE_MATCH)
        .is_some_and(|value| value == asset.etag);
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (bytes, encoding) = choose(asset, request);
        let mut response = bytes.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::ETAG, HeaderValue::from_static(asset.etag));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn choose(asset: Asset, request: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let accepted = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let accepts = |wanted: &str| {
        accepted.split(',').any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    };
    if let Some(bytes) = asset.brotli.filter(|_| accepts("br")) {
        return (bytes, Some("br"));
    }
    if let Some(bytes) = asset.gzip.filter(|_| accepts("gzip")) {
        return (bytes, Some("gzip"));
    }
    (asset.bytes, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_form_that_the_browser_takes_is_sent() {
        let asset = Asset {
            bytes: b"plain",
            brotli: Some(b"br"),
            gzip: Some(b"gz"),
            content_type: "text/css",
            immutable: true,
            etag: "\"1\"",
        };
        let check = |accepted: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            choose(asset, &headers).1
        };
        assert_eq!(check("gzip, deflate, br"), Some("br"));
        assert_eq!(check("gzip, br;q=0"), Some("gzip"));
        assert_eq!(check("identity"), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"1\""));
        assert_eq!(reply(asset, &headers).status(), StatusCode::NOT_MODIFIED);
    }
}
