//! How the body of a request is read: the same for every route, and for the fuzz target that feeds it.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

/// Why a body is not what a route takes. None of it repeats a value, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// It is not JSON.
    NotJson { line: usize, column: usize },
    /// It is JSON, but no object.
    NotAnObject,
    /// A part is missing, of another type, or not known. `pointer` is a JSON pointer (RFC 6901).
    Unexpected { pointer: String, detail: String },
}

/// Reads a JSON object.
///
/// # Errors
/// With the first part that is not as expected.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    // What is as expected is read once; only what is not is looked at closely.
    if body.trim_ascii_start().starts_with(b"{")
        && let Ok(value) = serde_json::from_slice(body)
    {
        return Ok(value);
    }
    // Whether it is JSON at all comes first. The skipping parser does not recurse, however deep the text.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| not_json(&error))?;
    // serde would take an array for an object, field by field.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(BodyError::NotAnObject);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        let cause = error.into_inner();
        if cause.is_data() {
            let detail = without_values(&cause.to_string());
            return BodyError::Unexpected { pointer, detail };
        }
        not_json(&cause)
    })
}

fn not_json(error: &serde_json::Error) -> BodyError {
    BodyError::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
        pointer
    })
}

/// serde repeats the value it did not like: only what was expected is kept.
fn without_values(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    if message.starts_with("invalid ")
        && let Some((_, expected)) = message.rsplit_once(", expected ")
    {
        return format!("expected {expected}");
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        waves: Vec<u8>,
    }

    fn refused(text: &str) -> BodyError {
        parse::<Body>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_first_wrong_part_is_named_and_its_value_is_not() {
        assert_eq!(parse::<Body>(b" {\"waves\":[1]}").unwrap().waves, [1]);
        let BodyError::Unexpected { pointer, detail } = refused(r#"{"waves":[1,"hunter2"]}"#) else {
            panic!("it is JSON");
        };
        assert_eq!((pointer.as_str(), detail.as_str()), ("/waves/1", "expected u8"));
        assert_eq!(refused("[[1]]"), BodyError::NotAnObject);
        assert_eq!(refused(r#"{"waves":"#), BodyError::NotJson { line: 1, column: 9 });
        assert!(matches!(refused(&"[".repeat(10_000)), BodyError::NotJson { .. }));
    }
}
