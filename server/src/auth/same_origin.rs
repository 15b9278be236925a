//! A form may only come from our own pages (CSRF).

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use api::problem::code;

use crate::http::AppState;
use crate::http::problem::ApiError;

/// Refuses what changes something and comes from elsewhere. The API is left out: cookies do not count there for anything
/// but GET, so a foreign page has nothing to misuse.
///
/// # Errors
/// 403.
pub fn require_same_origin(state: &AppState, request: &Request) -> Result<(), ApiError> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let is_api = request.uri().path().starts_with("/api/");
    if reads || is_api || is_same_origin(request.headers(), state.public_url.get()) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::FORBIDDEN,
        code::FORBIDDEN,
        "Not from this site",
        "forms are only taken from Rota's own pages; open the page again and repeat it there. Behind a proxy, set \
         ROTA_PUBLIC_URL to the address in the browser",
    ))
}

/// The browser says where a request comes from, in headers that pages cannot set. Without either header it is refused.
fn is_same_origin(headers: &HeaderMap, public_url: Option<&Url>) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    match text(header::ORIGIN.as_str()) {
        None => site.is_some(),
        Some(origin) => {
            let Ok(origin) = Url::parse(origin) else {
                return false;
            };
            let is_public = public_url.is_some_and(|public| public.origin() == origin.origin());
            is_public || (origin.origin().is_tuple() && text("host") == Some(authority(&origin).as_str()))
        }
    }
}

fn authority(origin: &Url) -> String {
    let host = origin.host_str().unwrap_or_default();
    origin
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_send_forms() {
        let public = Url::parse("https://rota.example.com").unwrap();
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_same_origin(&headers, Some(&public))
        };
        assert!(check(&[("origin", "https://rota.example.com")]));
        assert!(check(&[
            ("origin", "https://rota.example.com"),
            ("sec-fetch-site", "same-origin")
        ]));
        assert!(check(&[
            ("origin", "http://localhost:3000"),
            ("host", "localhost:3000")
        ]));
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(!check(&[]), "no browser of today sends neither");
        assert!(!check(&[("origin", "null"), ("host", "null")]));
        assert!(!check(&[
            ("origin", "https://evil.example"),
            ("host", "rota.example.com")
        ]));
        assert!(!check(&[("origin", "https://rota.example.com.evil.example")]));
        assert!(!check(&[
            ("origin", "https://rota.example.com"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(
            !check(&[("sec-fetch-site", "same-site")]),
            "another name of the same domain is not ours"
        );
        assert!(!check(&[("sec-fetch-site", "none")]));
    }
}
