//! Errors as RFC 9457 problem details.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What went wrong, for people (`title`, `detail`) and for programs (`code`, `errors`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A reference that names the kind of problem.
    #[serde(rename = "type", default = "about_blank")]
    pub kind: String,
    /// The kind of problem in a few words; the same for every occurrence.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What happened here, and how to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Stable, for programs: see [`code`].
    #[serde(default)]
    pub code: String,
    /// Which parts of the request are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Further members, such as `rotation` with `rotation_in_progress`.
    #[serde(flatten)]
    pub extensions: BTreeMap<String, Value>,
}

/// One wrong part of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body.
    pub pointer: String,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}

/// The stable codes. Programs may match on them; they are never renamed.
pub mod code {
    pub const MALFORMED: &str = "malformed";
    pub const UNAUTHENTICATED: &str = "unauthenticated";
    pub const FORBIDDEN: &str = "forbidden";
    pub const NOT_BOUND: &str = "not_bound";
    pub const NOT_FOUND: &str = "not_found";
    pub const NO_VERSION_YET: &str = "no_version_yet";
    pub const METHOD_NOT_ALLOWED: &str = "method_not_allowed";
    pub const NAME_TAKEN: &str = "name_taken";
    pub const IN_USE: &str = "in_use";
    pub const ILLEGAL_MOVE: &str = "illegal_move";
    pub const ROTATION_IN_PROGRESS: &str = "rotation_in_progress";
    pub const FROZEN: &str = "frozen";
    pub const STALE: &str = "stale";
    pub const TOO_LARGE: &str = "too_large";
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "unsupported_media_type";
    pub const INVALID: &str = "invalid";
    pub const IDEMPOTENCY_KEY_REUSED: &str = "idempotency_key_reused";
    pub const CIPHERTEXT_INVALID: &str = "ciphertext_invalid";
    pub const KEY_VERSION_UNUSABLE: &str = "key_version_unusable";
    pub const KEY_VERSION_EXHAUSTED: &str = "key_version_exhausted";
    pub const WRONG_PURPOSE: &str = "wrong_purpose";
    pub const NOT_DRAINED: &str = "not_drained";
    pub const TOO_MANY_REQUESTS: &str = "too_many_requests";
    pub const SEALED: &str = "sealed";
    pub const UNAVAILABLE: &str = "unavailable";
    pub const INTERNAL: &str = "internal";
}

impl Problem {
    /// A problem of a stable code; the type is a reference below `/problems/`.
    pub fn new(status: u16, code: &str, title: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title: title.into(),
            status,
            detail: None,
            code: code.to_owned(),
            errors: Vec::new(),
            extensions: BTreeMap::new(),
        }
    }

    /// Adds what happened in this case.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds one wrong part of the request.
    #[must_use]
    pub fn with_error(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds a further member. The standard members are not overwritten.
    #[must_use]
    pub fn with_extension(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !["type", "title", "status", "detail", "code", "errors"].contains(&name) {
            self.extensions.insert(name.to_owned(), value.into());
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}, {})", self.title, self.status, self.code)?;
        if let Some(detail) = &self.detail {
            write!(formatter, ": {detail}")?;
        }
        for error in &self.errors {
            write!(formatter, "; {}: {}", error.pointer, error.detail)?;
        }
        Ok(())
    }
}

fn about_blank() -> String {
    "about:blank".to_owned()
}
