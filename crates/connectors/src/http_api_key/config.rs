//! What an issuer and a credential of this kind are configured with.

use std::collections::BTreeMap;

use engine::RuleError;
use engine::catalog::Issuer;
use engine::ports::{ConnectorError, Target};
use engine::rotation::ErrorClass;
use serde_json::{Map, Value, json};
use url::Url;

use super::request::{RequestTemplate, read_request};
use super::template::Placeholder;
use crate::address::Reach;
use crate::fields::Fields;
use crate::web::{is_loopback, read_ca_pem, read_reach, read_url};

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
        let reach = read_reach(&mut fields);
        let base_url = read_url(
            &mut fields,
            "base_url",
            reach,
            [
                "use a header with {{admin_token}}",
                "they belong into the path of a request",
            ],
            "the administrator's token",
        );
        let ca_pem = read_ca_pem(&mut fields);
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
