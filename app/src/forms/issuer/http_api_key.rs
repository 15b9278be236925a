//! The request templates of a service with API keys.

use api::issuer::{HttpApiKeyConfig, HttpCreate, HttpList, HttpRequest};
use serde_json::{Map, Value, json};

use super::IssuerForm;
use crate::forms::FieldErrors;
use crate::forms::reading::{filled, is_ticked, object, required};

const CREATE_EXAMPLE: &str = r#"{
  "method": "POST",
  "path": "/v1/keys",
  "headers": { "Authorization": "Bearer {{admin_token}}" },
  "body": { "label": "{{label}}" }
}"#;
const TEST_EXAMPLE: &str = r#"{
  "method": "GET",
  "path": "/v1/me",
  "headers": { "Authorization": "Bearer {{key}}" }
}"#;
const REVOKE_EXAMPLE: &str = r#"{
  "method": "DELETE",
  "path": "/v1/keys/{{key_id}}",
  "headers": { "Authorization": "Bearer {{admin_token}}" },
  "expect_status": [200, 204, 404]
}"#;
const LIST_EXAMPLE: &str = r#"{
  "method": "GET",
  "path": "/v1/keys",
  "headers": { "Authorization": "Bearer {{admin_token}}" }
}"#;

/// The requests by their name on the wire and their field.
pub(super) const TEMPLATES: [(&str, &str); 5] = [
    ("create", "create_request"),
    ("test", "test_request"),
    ("revoke", "revoke_request"),
    ("list", "list_request"),
    ("forbidden", "forbidden_request"),
];

/// A JSON pointer into a reply: its request and member on the wire, and its field.
struct Pointer<'form> {
    request: &'static str,
    member: &'static str,
    field: &'static str,
    typed: &'form str,
    is_needed: bool,
}

impl IssuerForm {
    /// The configuration, when nothing is wrong with the whole form so far.
    pub(super) fn http_api_key(&self, errors: &mut FieldErrors) -> Option<Value> {
        let words = "Give the address that the paths follow.";
        let base_url = required(errors, "base_url", &self.base_url, words);
        let mut config = json!({
            "base_url": base_url,
            "allow_private_network": is_ticked(&self.allow_private_network),
        });
        if let Some(ca_pem) = filled(&self.ca_pem) {
            config["ca_pem"] = Value::String(ca_pem);
        }
        if is_ticked(&self.allow_plaintext) {
            config["allow_plaintext"] = Value::Bool(true);
        }
        self.read_requests(errors, &mut config);
        for pointer in self.pointers() {
            pointer.read(errors, &mut config);
        }
        if !errors.is_empty() {
            return None;
        }
        // The wire type knows which members there are.
        match serde_json::from_value::<HttpApiKeyConfig>(config.clone()) {
            Ok(_) => Some(config),
            Err(error) => {
                errors.refuse(
                    misread(&config),
                    format!("This request is not understood: {error}."),
                );
                None
            }
        }
    }

    /// The examples that a new issuer's form is filled with.
    pub(super) fn fill_in_examples(&mut self) {
        self.create_request = CREATE_EXAMPLE.into();
        self.create_id_pointer = "/id".into();
        self.create_secret_pointer = "/secret".into();
        self.test_request = TEST_EXAMPLE.into();
        self.revoke_request = REVOKE_EXAMPLE.into();
        self.list_request = LIST_EXAMPLE.into();
        self.list_items_pointer = "/keys".into();
        self.list_id_pointer = "/id".into();
        self.list_label_pointer = "/label".into();
    }

    fn read_requests(&self, errors: &mut FieldErrors, config: &mut Value) {
        let typed = [
            &self.create_request,
            &self.test_request,
            &self.revoke_request,
            &self.list_request,
            &self.forbidden_request,
        ];
        for ((name, field), typed) in TEMPLATES.into_iter().zip(typed) {
            let is_needed = name != "forbidden";
            match object(errors, field, typed) {
                Some(request) => config[name] = request,
                None if is_needed => {
                    errors.refuse(field, "This request is needed. The hint says what it does.");
                }
                None => {}
            }
        }
    }

    fn pointers(&self) -> [Pointer<'_>; 5] {
        let pointer = |request, member, field, typed, is_needed| Pointer {
            request,
            member,
            field,
            typed,
            is_needed,
        };
        [
            pointer(
                "create",
                "id_pointer",
                "create_id_pointer",
                &self.create_id_pointer,
                true,
            ),
            pointer(
                "create",
                "secret_pointer",
                "create_secret_pointer",
                &self.create_secret_pointer,
                false,
            ),
            pointer(
                "list",
                "items_pointer",
                "list_items_pointer",
                &self.list_items_pointer,
                true,
            ),
            pointer(
                "list",
                "id_pointer",
                "list_id_pointer",
                &self.list_id_pointer,
                true,
            ),
            pointer(
                "list",
                "label_pointer",
                "list_label_pointer",
                &self.list_label_pointer,
                true,
            ),
        ]
    }
}

impl Pointer<'_> {
    fn read(&self, errors: &mut FieldErrors, config: &mut Value) {
        match filled(self.typed) {
            Some(pointer) if pointer.starts_with('/') => {
                if let Some(request) = config.get_mut(self.request).and_then(Value::as_object_mut) {
                    request.insert(self.member.to_owned(), Value::String(pointer));
                }
            }
            Some(_) => errors.refuse(self.field, "A JSON pointer starts with /, such as /data/id."),
            None if self.is_needed => {
                errors.refuse(self.field, "Say where in the reply it stands, such as /data/id.");
            }
            None => {}
        }
    }
}

/// The first template that the wire type does not take; the base address when all are taken.
fn misread(config: &Value) -> &'static str {
    let is_read = |name: &str| match (name, config.get(name).cloned()) {
        (_, None) => true,
        ("create", Some(value)) => serde_json::from_value::<HttpCreate>(value).is_ok(),
        ("list", Some(value)) => serde_json::from_value::<HttpList>(value).is_ok(),
        (_, Some(value)) => serde_json::from_value::<HttpRequest>(value).is_ok(),
    };
    TEMPLATES
        .iter()
        .find(|(name, _)| !is_read(name))
        .map_or("base_url", |(_, field)| field)
}

/// A request as it is edited: without the pointers, which have fields of their own.
pub(super) fn template(request: &Value) -> String {
    let Some(members) = request.as_object() else {
        return String::new();
    };
    let shown: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| !name.ends_with("_pointer"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    serde_json::to_string_pretty(&shown).unwrap_or_default()
}
