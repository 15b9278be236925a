//! Paths of the API are taken literally: what could be read in two ways is refused (R14).

use axum::extract::Request;

use super::problem::ApiError;

/// Refuses a path under `/api` with an empty or dotted segment, an escape, or any character that no name has.
///
/// # Errors
/// 404, as for any address that is not there.
pub fn refuse_tricks(request: &Request) -> Result<(), ApiError> {
    let path = request.uri().path();
    let begins_with_api = path
        .trim_start_matches('/')
        .to_ascii_lowercase()
        .starts_with("api");
    if begins_with_api && !is_plain(path) {
        return Err(ApiError::no_route());
    }
    Ok(())
}

fn is_plain(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|segment| {
            !segment.is_empty()
                && segment != "."
                && segment != ".."
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_one_spelling_of_a_path_is_taken() {
        assert!(is_plain("/api/v1/credentials/orders-app.v2_x"));
        for trick in [
            "//api/v1/whoami",
            "/api//v1/whoami",
            "/api/v1/credentials/",
            "/api/v1/./whoami",
            "/api/v1/credentials/../whoami",
            "/api/v1/credentials/%2e%2e/whoami",
            "/api/v1/who%61mi",
            "/api/v1/whoami;x=1",
            "/api/v1/whoami%00",
            "/api/v1/whoami%20",
            "/api\\v1/whoami",
        ] {
            assert!(!is_plain(trick), "{trick}");
        }
    }
}
