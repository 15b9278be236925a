//! One request of an issuer's configuration, as a template.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::Value;

use super::template::{Placeholder, Template, json_placeholders};
use crate::fields::Fields;

/// The most a request may carry, before and after filling in.
pub(super) const BODY_LIMIT: usize = 64 * 1024;
/// Headers that the connection itself decides.
const OWN_HEADERS: [&str; 6] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
];

/// One request, as a template.
#[derive(Clone, Debug)]
pub(super) struct RequestTemplate {
    pub(super) method: Method,
    pub(super) path: Template,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Option<Value>,
    /// Empty means 200 to 299.
    pub(super) expect_status: Vec<u16>,
}

impl RequestTemplate {
    /// Whether a status is the wanted one.
    pub(super) fn expects(&self, status: u16) -> bool {
        if self.expect_status.is_empty() {
            (200..300).contains(&status)
        } else {
            self.expect_status.contains(&status)
        }
    }

    pub(super) fn uses(&self, wanted: &Placeholder) -> bool {
        self.path.placeholders().any(|placeholder| placeholder == wanted)
            || self
                .headers
                .iter()
                .any(|(_, header)| header.placeholders().any(|found| found == wanted))
            || self
                .body
                .as_ref()
                .is_some_and(|body| json_placeholders(body).is_ok_and(|found| found.contains(wanted)))
    }
}

/// Reads one request and the JSON pointers that belong to it.
pub(super) fn read_request(
    fields: &mut Fields<'_>,
    name: &'static str,
    required_pointers: &[&'static str],
    optional_pointers: &[&'static str],
) -> (Option<RequestTemplate>, BTreeMap<&'static str, String>) {
    let mut pointers = BTreeMap::new();
    let Some(value) = fields.raw(name) else {
        fields.refuse(name, "this request is required");
        return (None, pointers);
    };
    let mut request = Fields::of(value, &format!("/config/{name}"));
    for pointer_name in required_pointers.iter().chain(optional_pointers) {
        let pointer = request.text(pointer_name);
        match pointer {
            Some(pointer) if pointer.is_empty() || pointer.starts_with('/') => {
                pointers.insert(*pointer_name, pointer.to_owned());
            }
            Some(_) => request.refuse(pointer_name, "a JSON pointer starts with `/`, such as /data/id"),
            None if required_pointers.contains(pointer_name) && value.get(pointer_name).is_none() => {
                request.refuse(pointer_name, "this field is required");
            }
            None => {}
        }
    }
    let template = RequestTemplate {
        method: read_method(&mut request),
        path: read_path(&mut request),
        headers: read_headers(&mut request),
        body: read_body(&mut request),
        expect_status: read_statuses(&mut request),
    };
    let errors = request.finish();
    let is_sound = errors.is_empty();
    fields.absorb(errors);
    (is_sound.then_some(template), pointers)
}

fn read_method(request: &mut Fields<'_>) -> Method {
    match request.required_text("method") {
        "GET" | "" => Method::GET,
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => {
            request.refuse("method", "expected GET, POST, PUT, PATCH or DELETE");
            Method::GET
        }
    }
}

fn read_path(request: &mut Fields<'_>) -> Template {
    let text = request.required_text("path");
    let template = Template::parse(text).unwrap_or_else(|problem| {
        request.refuse("path", problem);
        Template::default()
    });
    if !text.is_empty() && !text.starts_with('/') {
        request.refuse("path", "a path starts with `/`; it is appended to base_url");
    }
    if text.contains(['#', '\\'])
        || text
            .chars()
            .any(|character| character.is_control() || character == ' ')
    {
        request.refuse(
            "path",
            "a path has no spaces, control characters, `#` or `\\`; percent-encode them",
        );
    }
    if template.placeholders().any(Placeholder::is_secret) {
        request.refuse(
            "path",
            "secrets never stand in a URL, which every proxy writes into its log; put them into a header or the body",
        );
    }
    template
}

fn read_headers(request: &mut Fields<'_>) -> Vec<(HeaderName, Template)> {
    let Some(value) = request.raw("headers") else {
        return Vec::new();
    };
    let Some(object) = value.as_object() else {
        request.refuse("headers", "an object of header names and texts is expected here");
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, text) in object {
        let pointer = format!("headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let (Ok(header_name), Some(text)) = (HeaderName::from_bytes(name.as_bytes()), text.as_str()) else {
            request.refuse(
                &pointer,
                "a header has a name of letters, digits and `-`, and a text",
            );
            continue;
        };
        if OWN_HEADERS.contains(&header_name.as_str()) {
            request.refuse(&pointer, "this header is set by the connection itself");
        }
        if text.chars().any(char::is_control) {
            request.refuse(
                &pointer,
                "a header holds no line breaks or other control characters",
            );
        }
        match Template::parse(text) {
            Ok(template) => headers.push((header_name, template)),
            Err(problem) => request.refuse(&pointer, problem),
        }
    }
    headers
}

fn read_body(request: &mut Fields<'_>) -> Option<Value> {
    let body = request.raw("body")?;
    if let Err(problem) = json_placeholders(body) {
        request.refuse("body", problem);
    }
    if body.to_string().len() > BODY_LIMIT {
        request.refuse("body", format!("a body has at most {BODY_LIMIT} bytes"));
    }
    Some(body.clone())
}

fn read_statuses(request: &mut Fields<'_>) -> Vec<u16> {
    let Some(value) = request.raw("expect_status") else {
        return Vec::new();
    };
    let one = std::slice::from_ref(value);
    let statuses: Option<Vec<u16>> = value
        .as_array()
        .map_or(one, Vec::as_slice)
        .iter()
        .map(|status| status.as_u64().and_then(|status| u16::try_from(status).ok()))
        .map(|status| status.filter(|status| (200..300).contains(status)))
        .collect();
    statuses.unwrap_or_else(|| {
        request.refuse(
            "expect_status",
            "statuses from 200 to 299 are expected, as a number or a list",
        );
        Vec::new()
    })
}
