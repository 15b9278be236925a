//! Texts with `{{placeholders}}`, escaped by the position they stand in.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use serde_json::Value;
use zeroize::Zeroizing;

/// Everything but the unreserved characters of RFC 3986.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What may be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    AdminToken,
    KeyId,
    Key,
    Label,
    /// A text of the credential's own configuration.
    Variable(String),
}

impl Placeholder {
    fn parse(name: &str) -> Result<Self, String> {
        match name.trim() {
            "admin_token" => Ok(Self::AdminToken),
            "key_id" => Ok(Self::KeyId),
            "key" => Ok(Self::Key),
            "label" => Ok(Self::Label),
            other => match other.strip_prefix("variables.") {
                Some(variable) if !variable.is_empty() => Ok(Self::Variable(variable.to_owned())),
                _ => Err(format!(
                    "there is no placeholder {{{{{other}}}}}; there are {{{{admin_token}}}}, {{{{key_id}}}}, \
                     {{{{key}}}}, {{{{label}}}} and {{{{variables.NAME}}}}"
                )),
            },
        }
    }

    /// In a URL it would end up in the logs of every machine on the way.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self, Self::AdminToken | Self::Key)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// A text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

/// What placeholders stand for in one request.
#[derive(Clone, Copy, Default)]
pub(super) struct Filling<'a> {
    pub(super) admin_token: Option<&'a str>,
    pub(super) key_id: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) label: Option<&'a str>,
    pub(super) variables: Option<&'a BTreeMap<String, String>>,
}

impl Filling<'_> {
    fn value(&self, placeholder: &Placeholder) -> Result<&str, String> {
        let (value, name) = match placeholder {
            Placeholder::AdminToken => (self.admin_token, "admin_token"),
            Placeholder::KeyId => (self.key_id, "key_id"),
            Placeholder::Key => (self.key, "key"),
            Placeholder::Label => (self.label, "label"),
            Placeholder::Variable(name) => (
                self.variables
                    .and_then(|variables| variables.get(name))
                    .map(String::as_str),
                name.as_str(),
            ),
        };
        value.ok_or_else(|| format!("a request template needs {{{{{name}}}}}, which has no value here"))
    }
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, remaining)) = after.split_once("}}") else {
                return Err("`{{` is not closed by `}}`".to_owned());
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Placeholder(Placeholder::parse(name)?));
            rest = remaining;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    pub(super) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(placeholder),
            Piece::Text(_) => None,
        })
    }

    /// For a path: values are percent-encoded, and none can climb out of its segment.
    pub(super) fn render_path(&self, filling: &Filling<'_>) -> Result<String, String> {
        let mut path = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Placeholder(placeholder) => {
                    let value = filling.value(placeholder)?;
                    if matches!(value, "" | "." | "..") {
                        return Err(format!("`{value}` cannot stand in a path"));
                    }
                    path.extend(utf8_percent_encode(value, PATH));
                }
            }
        }
        Ok(path)
    }

    /// For a header: nothing that could end it and begin another.
    pub(super) fn render_header(&self, filling: &Filling<'_>) -> Result<HeaderValue, String> {
        let text = self.render(filling)?;
        let mut value = HeaderValue::from_bytes(text.as_bytes())
            .map_err(|_| "a header would hold a line break or another control character".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn render(&self, filling: &Filling<'_>) -> Result<Zeroizing<String>, String> {
        let mut text = Zeroizing::new(String::new());
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Placeholder(placeholder) => text.push_str(filling.value(placeholder)?),
            }
        }
        Ok(text)
    }
}

/// Fills the strings of a JSON value. It is serialised afterwards, so no value can leave its string.
pub(super) fn render_json(value: &Value, filling: &Filling<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(Template::parse(text)?.render(filling)?.to_string()),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| render_json(item, filling))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), render_json(field, filling)?)))
                .collect::<Result<_, String>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// Every placeholder in the strings of a JSON value.
pub(super) fn json_placeholders(value: &Value) -> Result<Vec<Placeholder>, String> {
    match value {
        Value::String(text) => Ok(Template::parse(text)?.placeholders().cloned().collect()),
        Value::Array(items) => Ok(items
            .iter()
            .map(json_placeholders)
            .collect::<Result<Vec<_>, _>>()?
            .concat()),
        Value::Object(fields) => {
            if let Some(name) = fields.keys().find(|name| name.contains("{{")) {
                return Err(format!(
                    "placeholders are filled in values, not in names such as `{name}`"
                ));
            }
            Ok(fields
                .values()
                .map(json_placeholders)
                .collect::<Result<Vec<_>, _>>()?
                .concat())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filling<'a>(key: &'a str, key_id: &'a str) -> Filling<'a> {
        Filling {
            key: Some(key),
            key_id: Some(key_id),
            ..Filling::default()
        }
    }

    #[test]
    fn values_cannot_leave_their_position() {
        let path = Template::parse("/keys/{{key_id}}/x?y={{ key_id }}").unwrap();
        assert_eq!(
            path.render_path(&filling("", "a/../b?c#d%e f\u{e4}\r\n&"))
                .unwrap(),
            "/keys/a%2F..%2Fb%3Fc%23d%25e%20f%C3%A4%0D%0A%26/x?y=a%2F..%2Fb%3Fc%23d%25e%20f%C3%A4%0D%0A%26"
        );
        for climbing in ["", ".", ".."] {
            assert!(path.render_path(&filling("", climbing)).is_err());
        }
        let header = Template::parse("Bearer {{key}}").unwrap();
        assert_eq!(
            header.render_header(&filling("k\"ey", "")).unwrap().as_bytes(),
            b"Bearer k\"ey"
        );
        for breaking in ["a\r\nx: y", "a\nb", "a\0b"] {
            assert!(header.render_header(&filling(breaking, "")).is_err());
        }
        let body = json!({"a": ["{{key}}", 1], "b": "x {{key_id}}"});
        let rendered = render_json(&body, &filling("\"}, {\\", "{{key}}")).unwrap();
        assert_eq!(
            rendered,
            json!({"a": ["\"}, {\\", 1], "b": "x {{key}}"}),
            "and nothing is filled in twice"
        );
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        assert!(
            Template::parse("{{password}}")
                .unwrap_err()
                .contains("{{admin_token}}")
        );
        assert!(Template::parse("{{key").is_err());
        assert!(json_placeholders(&json!({"{{key}}": 1})).is_err());
        let missing = Template::parse("{{variables.account}}").unwrap();
        assert!(
            missing
                .render_path(&Filling::default())
                .unwrap_err()
                .contains("{{account}}")
        );
    }
}
