//! Replies that several nouns give.

use api::Page;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::extract::Json;
use crate::http::problem::{ApiError, ApiResult};

/// Items of a page when nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 500;

/// An object with its revision as entity tag, for `If-Match`.
pub fn tagged<T: Serialize>(status: StatusCode, revision: i64, body: T) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// 201 with the object and where it is.
pub fn created<T: Serialize>(location: &str, body: T) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// How many items a page has.
///
/// # Errors
/// When none were asked for.
pub fn page_size(limit: Option<u32>) -> ApiResult<usize> {
    match limit {
        Some(0) => Err(ApiError::malformed("limit must be at least 1")),
        given => Ok(given.unwrap_or(USUAL).min(MOST) as usize),
    }
}

/// One page of a list that is at hand in whole, in the order of its keys; the cursor is the last key given.
///
/// # Errors
/// When the limit is zero.
pub fn page_of<T>(
    items: Vec<T>,
    cursor: Option<&str>,
    limit: Option<u32>,
    key: impl Fn(&T) -> String,
) -> ApiResult<Page<T>> {
    let size = page_size(limit)?;
    let start = match cursor {
        None => 0,
        Some(cursor) => {
            let last = items.iter().position(|item| key(item) == cursor);
            last.map(|last| last + 1).ok_or_else(|| {
                ApiError::malformed("the cursor names nothing that is there; begin again without one")
            })?
        }
    };
    let more = items.len() > start + size;
    let items: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let next_cursor = items.last().filter(|_| more).map(key);
    Ok(Page { items, next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let all: Vec<u32> = (0..5).collect();
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = page_of(all.clone(), cursor.as_deref(), Some(2), ToString::to_string).unwrap();
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(page_of(all.clone(), Some("9"), None, ToString::to_string).is_err());
        assert!(page_of(all, None, Some(0), ToString::to_string).is_err());
    }
}
