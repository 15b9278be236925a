//! What an issuer and a credential of this kind are configured with.

use std::collections::BTreeMap;

use engine::RuleError;
use engine::catalog::Issuer;
use engine::ports::{ConnectorError, Target};
use engine::rotation::ErrorClass;
use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::address::Reach;
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

/// An HTTP API that makes and revokes keys.
#[derive(Clone, Debug)]
pub(super) struct IssuerConfig {
    pub(super) base_url: Url,
    pub(super) reach: Reach,
    pub(super) ca_pem: Option<String>,
    pub(super) create: RequestTemplate,
    pub(super) created_id: String,
    /// Absent: Rota makes the key and sends it.
    pub(super) created_secret: Option<String>,
    pub(super) test: RequestTemplate,
    pub(super) forbidden: Option<RequestTemplate>,
    pub(super) revoke: RequestTemplate,
    pub(super) list: RequestTemplate,
    pub(super) listed_items: String,
    pub(super) listed_id: String,
    pub(super) listed_label: String,
    /// As it was given, with the defaults.
    json: Value,
}

impl IssuerConfig {
    pub(super) fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let reach = if fields.flag("allow_private_network") {
            Reach::Private
        } else {
            Reach::Public
        };
        let allow_plaintext = fields.flag("allow_plaintext");
        let base_url = read_base_url(&mut fields, reach, allow_plaintext);
        let ca_pem = fields.text("ca_pem").map(str::to_owned);
        if let Some(pem) = &ca_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
            if !certificates.is_ok_and(|certificates| !certificates.is_empty()) {
                fields.refuse("ca_pem", "expected certificates in PEM form");
            }
        }
        let (create, create_pointers) =
            read_request(&mut fields, "create", &["id_pointer"], &["secret_pointer"]);
        let (test, _) = read_request(&mut fields, "test", &[], &[]);
        let (revoke, _) = read_request(&mut fields, "revoke", &[], &[]);
        let (list, list_pointers) = read_request(
            &mut fields,
            "list",
            &["items_pointer", "id_pointer", "label_pointer"],
            &[],
        );
        let forbidden = if fields.raw("forbidden").is_some() {
            read_request(&mut fields, "forbidden", &[], &[]).0
        } else {
            None
        };
        check_uses(
            &mut fields,
            [&create, &test, &revoke, &list, &forbidden],
            &create_pointers,
        );
        let errors = fields.finish();
        let (Some(base_url), Some(create), Some(test), Some(revoke), Some(list), true) =
            (base_url, create, test, revoke, list, errors.is_empty())
        else {
            return Err(errors);
        };
        let pointer = |pointers: &BTreeMap<&str, String>, name: &str| pointers.get(name).cloned();
        Ok(Self {
            base_url,
            reach,
            ca_pem,
            created_id: pointer(&create_pointers, "id_pointer").unwrap_or_default(),
            created_secret: pointer(&create_pointers, "secret_pointer"),
            create,
            test,
            forbidden,
            revoke,
            listed_items: pointer(&list_pointers, "items_pointer").unwrap_or_default(),
            listed_id: pointer(&list_pointers, "id_pointer").unwrap_or_default(),
            listed_label: pointer(&list_pointers, "label_pointer").unwrap_or_default(),
            list,
            json: with_defaults(config),
        })
    }

    /// A configuration that was checked before it was stored.
    pub(super) fn stored(issuer: &Issuer) -> Result<Self, ConnectorError> {
        Self::check(&issuer.config).map_err(|errors| broken(&format!("issuer `{}`", issuer.name), &errors))
    }

    pub(super) fn to_json(&self) -> Value {
        self.json.clone()
    }

    /// What is allowed, but worth knowing.
    pub(super) fn findings(&self) -> Vec<String> {
        if self.base_url.scheme() == "http" && !is_loopback(&self.base_url) {
            vec![format!(
                "requests to {} are plain text: the administrator's token and every key can be read on the way",
                self.base_url
            )]
        } else {
            Vec::new()
        }
    }
}

fn with_defaults(config: &Value) -> Value {
    let mut object = config.as_object().cloned().unwrap_or_else(Map::new);
    object.retain(|_, value| !value.is_null());
    object.entry("allow_private_network").or_insert(json!(false));
    Value::Object(object)
}

fn read_base_url(fields: &mut Fields<'_>, reach: Reach, allow_plaintext: bool) -> Option<Url> {
    let text = fields.required_text("base_url");
    if text.is_empty() {
        return None;
    }
    let Ok(url) = Url::parse(text) else {
        fields.refuse(
            "base_url",
            "this is not a URL; expected something like https://api.example",
        );
        return None;
    };
    let mut problems = Vec::new();
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        problems.push("only http and https URLs are called".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        problems.push(
            "a URL must not hold a user name or a password; use a header with {{admin_token}}".to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.push("leave query and fragment out; they belong into the path of a request".to_owned());
    }
    if let Err(refused) = reach.check_url(&url) {
        problems.push(refused.to_string());
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_plaintext {
        problems.push(
            "http sends the administrator's token in plain text; use https, or set allow_plaintext to true if you \
             accept that"
                .to_owned(),
        );
    }
    for problem in problems {
        fields.refuse("base_url", problem);
    }
    Some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    }
}

/// Reads one request and the JSON pointers that belong to it.
fn read_request(
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

/// Requests that could not do what they are for.
fn check_uses(
    fields: &mut Fields<'_>,
    [create, test, revoke, list, forbidden]: [&Option<RequestTemplate>; 5],
    create_pointers: &BTreeMap<&str, String>,
) {
    let lacks = |request: &Option<RequestTemplate>, wanted: &[Placeholder]| {
        request
            .as_ref()
            .is_some_and(|request| !wanted.iter().any(|placeholder| request.uses(placeholder)))
    };
    let has = |request: &Option<RequestTemplate>, unwanted: &Placeholder| {
        request.as_ref().is_some_and(|request| request.uses(unwanted))
    };
    use Placeholder::{Key, KeyId, Label};
    if lacks(create, &[Label]) {
        fields.refuse(
            "create",
            "it must send {{label}}: by it Rota finds a key again whose answer was lost",
        );
    }
    if !create_pointers.contains_key("secret_pointer") && lacks(create, &[Key]) {
        fields.refuse(
            "create",
            "it must send {{key}}, or say with secret_pointer where the reply holds the new key",
        );
    }
    if create_pointers.contains_key("secret_pointer") && has(create, &Key) {
        fields.refuse(
            "create",
            "the issuer makes the key (secret_pointer), so {{key}} has no value here",
        );
    }
    if has(create, &KeyId) {
        fields.refuse("create", "a key has no id before it is created");
    }
    if has(list, &KeyId) || has(list, &Key) || has(list, &Label) {
        fields.refuse(
            "list",
            "the list is not about one key, so {{key_id}}, {{key}} and {{label}} have no value here",
        );
    }
    if lacks(revoke, &[KeyId, Key, Label]) {
        fields.refuse("revoke", "it must say which key is meant, with {{key_id}}");
    }
    for (name, request) in [("test", test), ("forbidden", forbidden)] {
        if lacks(request, &[Key]) {
            fields.refuse(name, "it must send {{key}}, else it proves nothing about the key");
        }
    }
}

/// What one credential adds: texts for `{{variables.NAME}}`.
#[derive(Clone, Debug, Default)]
pub(super) struct TargetConfig {
    pub(super) variables: BTreeMap<String, String>,
}

impl TargetConfig {
    pub(super) fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let mut variables = BTreeMap::new();
        if let Some(value) = fields.raw("variables") {
            let object = value.as_object();
            if object.is_none() {
                fields.refuse("variables", "an object of names and texts is expected here");
            }
            for (name, text) in object.into_iter().flatten() {
                match text.as_str() {
                    Some(text) => drop(variables.insert(name.clone(), text.to_owned())),
                    None => fields.refuse("variables", format!("`{name}` must be a text")),
                }
            }
        }
        let errors = fields.finish();
        if errors.is_empty() {
            Ok(Self { variables })
        } else {
            Err(errors)
        }
    }

    /// A configuration that was checked before it was stored.
    pub(super) fn stored(target: Target<'_>) -> Result<Self, ConnectorError> {
        Self::check(target.config).map_err(|errors| broken(&format!("credential `{}`", target.name), &errors))
    }

    pub(super) fn to_json(&self) -> Value {
        if self.variables.is_empty() {
            json!({})
        } else {
            json!({ "variables": self.variables })
        }
    }
}

fn broken(what: &str, errors: &[RuleError]) -> ConnectorError {
    let details: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {}", error.pointer, error.detail))
        .collect();
    ConnectorError::new(
        ErrorClass::Policy,
        format!(
            "the configuration of {what} breaks a rule: {}",
            details.join("; ")
        ),
    )
}
