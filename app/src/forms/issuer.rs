//! `POST /issuers/new` and `/issuers/{name}/edit`; with `intent=test` it only tries the connection.

use api::issuer::{
    HttpApiKeyAdmin, HttpApiKeyConfig, KIND_HTTP_API_KEY, KIND_POSTGRESQL, PostgresqlAdmin, UpdateIssuer,
};
use api::secret::SecretMap;
use api::{CreateIssuer, Issuer, Secret};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::account::nothing;
use super::reading::{filled, is_ticked, number, object, required, tick};
use super::{FieldErrors, Form, Values, fields};

/// Which of the two buttons was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Save,
    /// Try it and say what was found; store nothing.
    Test,
}

/// An issuer of either kind; `kind` says which fields count.
#[derive(Debug, Deserialize)]
pub struct IssuerForm {
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub environment: String,
    // PostgreSQL
    #[serde(default)]
    pub host: String,
    #[serde(default)]
    pub port: String,
    #[serde(default)]
    pub database: String,
    #[serde(default)]
    pub sslmode: String,
    #[serde(default)]
    pub ca_pem: String,
    /// `true` or blank: accepts a plain connection beyond this machine, which becomes a finding.
    #[serde(default)]
    pub allow_plaintext: String,
    #[serde(default)]
    pub username: String,
    #[serde(default = "nothing")]
    pub password: Secret,
    // HTTP API
    #[serde(default)]
    pub base_url: String,
    /// `true` or blank.
    #[serde(default)]
    pub allow_private_network: String,
    /// The request templates, each an object in JSON: `method`, `path`, `headers`, `body`, `expect_status`.
    #[serde(default)]
    pub create_request: String,
    #[serde(default)]
    pub create_id_pointer: String,
    #[serde(default)]
    pub create_secret_pointer: String,
    #[serde(default)]
    pub test_request: String,
    #[serde(default)]
    pub revoke_request: String,
    #[serde(default)]
    pub list_request: String,
    #[serde(default)]
    pub list_items_pointer: String,
    #[serde(default)]
    pub list_id_pointer: String,
    #[serde(default)]
    pub list_label_pointer: String,
    #[serde(default)]
    pub forbidden_request: String,
    #[serde(default = "nothing")]
    pub token: Secret,
    // Both
    #[serde(default)]
    pub override_reason: String,
    /// The revision that was read, for `If-Match`.
    #[serde(default)]
    pub revision: String,
    /// `save` or `test`.
    #[serde(default)]
    pub intent: String,
}

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

impl IssuerForm {
    /// What a new issuer's form starts with.
    pub fn blank(kind: &str) -> Self {
        let mut form = Self::empty(kind);
        if kind == KIND_HTTP_API_KEY {
            form.create_request = CREATE_EXAMPLE.into();
            form.create_id_pointer = "/id".into();
            form.create_secret_pointer = "/secret".into();
            form.test_request = TEST_EXAMPLE.into();
            form.revoke_request = REVOKE_EXAMPLE.into();
            form.list_request = LIST_EXAMPLE.into();
            form.list_items_pointer = "/keys".into();
            form.list_id_pointer = "/id".into();
            form.list_label_pointer = "/label".into();
        } else {
            form.port = "5432".into();
            form.sslmode = "verify-full".into();
        }
        form
    }

    /// What the edit form starts with.
    pub fn of(issuer: &Issuer) -> Self {
        let mut form = Self::empty(&issuer.kind);
        form.name.clone_from(&issuer.name);
        form.environment.clone_from(&issuer.environment);
        form.revision = issuer.revision.to_string();
        let config = &issuer.config;
        form.host = text(config, "host");
        form.port = config["port"]
            .as_u64()
            .map_or(String::new(), |port| port.to_string());
        form.database = text(config, "database");
        form.sslmode = text(config, "sslmode");
        form.ca_pem = text(config, "ca_pem");
        form.allow_plaintext = tick(config["allow_plaintext"] == true);
        form.base_url = text(config, "base_url");
        form.allow_private_network = tick(config["allow_private_network"] == true);
        form.create_id_pointer = text(&config["create"], "id_pointer");
        form.create_secret_pointer = text(&config["create"], "secret_pointer");
        form.list_items_pointer = text(&config["list"], "items_pointer");
        form.list_id_pointer = text(&config["list"], "id_pointer");
        form.list_label_pointer = text(&config["list"], "label_pointer");
        form.create_request = template(&config["create"]);
        form.test_request = template(&config["test"]);
        form.revoke_request = template(&config["revoke"]);
        form.list_request = template(&config["list"]);
        form.forbidden_request = template(&config["forbidden"]);
        form
    }

    pub fn intent(&self) -> Intent {
        if self.intent == "test" {
            Intent::Test
        } else {
            Intent::Save
        }
    }

    /// For `POST /api/v1/issuers`, and for trying it.
    ///
    /// # Errors
    /// By field.
    pub fn to_request(self) -> Result<CreateIssuer, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = required(&mut errors, "name", &self.name, "Give it a name.");
        let environment = self.read_environment(&mut errors);
        let config = self.config(&mut errors);
        let override_reason = filled(&self.override_reason);
        let kind = self.kind.clone();
        let admin = self.admin(&mut errors);
        match (config, admin) {
            (Some(config), Some(admin)) => errors.or(CreateIssuer {
                name,
                kind,
                environment,
                config,
                admin,
                override_reason,
            }),
            _ => Err(errors),
        }
    }

    /// For `PATCH /api/v1/issuers/{name}`: an administrator left blank stays.
    ///
    /// # Errors
    /// By field.
    pub fn to_update(self) -> Result<UpdateIssuer, FieldErrors> {
        let mut errors = FieldErrors::default();
        let environment = self.read_environment(&mut errors);
        let config = self.config(&mut errors);
        let override_reason = filled(&self.override_reason);
        let stays = filled(&self.username).is_none() && self.password.is_empty() && self.token.is_empty();
        let admin = if stays { None } else { self.admin(&mut errors) };
        errors.or(UpdateIssuer {
            environment: Some(environment),
            config,
            admin,
            override_reason,
        })
    }

    fn read_environment(&self, errors: &mut FieldErrors) -> String {
        let words = "Name the environment, such as production.";
        required(errors, "environment", &self.environment, words)
    }

    fn config(&self, errors: &mut FieldErrors) -> Option<Value> {
        match self.kind.as_str() {
            KIND_POSTGRESQL => Some(self.postgresql(errors)),
            KIND_HTTP_API_KEY => self.http_api_key(errors),
            _ => {
                errors.refuse("kind", "Choose what kind of system it is.");
                None
            }
        }
    }

    fn postgresql(&self, errors: &mut FieldErrors) -> Value {
        let host = required(errors, "host", &self.host, "Give a host name or an address.");
        let port = number::<u16>(errors, "port", &self.port, "A port is a number from 1 to 65535.");
        let database = required(
            errors,
            "database",
            &self.database,
            "Name a database to connect to.",
        );
        if !SSL_MODES.iter().any(|(mode, _)| *mode == self.sslmode) {
            errors.refuse("sslmode", "Choose one of the list.");
        }
        let mut config = json!({
            "host": host,
            "port": port.unwrap_or(5432),
            "database": database,
            "sslmode": self.sslmode,
        });
        if let Some(ca_pem) = filled(&self.ca_pem) {
            config["ca_pem"] = Value::String(ca_pem);
        }
        if is_ticked(&self.allow_plaintext) {
            config["allow_plaintext"] = Value::Bool(true);
        }
        config
    }

    fn http_api_key(&self, errors: &mut FieldErrors) -> Option<Value> {
        let base_url = required(
            errors,
            "base_url",
            &self.base_url,
            "Give the address that the paths follow.",
        );
        let mut config = json!({
            "base_url": base_url,
            "allow_private_network": is_ticked(&self.allow_private_network),
        });
        for (name, field, typed) in [
            ("create", "create_request", &self.create_request),
            ("test", "test_request", &self.test_request),
            ("revoke", "revoke_request", &self.revoke_request),
            ("list", "list_request", &self.list_request),
            ("forbidden", "forbidden_request", &self.forbidden_request),
        ] {
            let is_needed = name != "forbidden";
            match object(errors, field, typed) {
                Some(request) => config[name] = request,
                None if is_needed => {
                    errors.refuse(field, "This request is needed. The hint shows an example.")
                }
                None => {}
            }
        }
        let pointer =
            |errors: &mut FieldErrors, config: &mut Value, path: (&str, &str), field, typed: &str, needed| {
                match filled(typed) {
                    Some(pointer) if pointer.starts_with('/') => {
                        if let Some(request) = config.get_mut(path.0).and_then(Value::as_object_mut) {
                            request.insert(path.1.to_owned(), Value::String(pointer));
                        }
                    }
                    Some(_) => errors.refuse(field, "A JSON pointer starts with /, such as /data/id."),
                    None if needed => {
                        errors.refuse(field, "Say where in the reply it stands, such as /data/id.")
                    }
                    None => {}
                }
            };
        for (path, field, typed, needed) in [
            (
                ("create", "id_pointer"),
                "create_id_pointer",
                &self.create_id_pointer,
                true,
            ),
            (
                ("create", "secret_pointer"),
                "create_secret_pointer",
                &self.create_secret_pointer,
                false,
            ),
            (
                ("list", "items_pointer"),
                "list_items_pointer",
                &self.list_items_pointer,
                true,
            ),
            (
                ("list", "id_pointer"),
                "list_id_pointer",
                &self.list_id_pointer,
                true,
            ),
            (
                ("list", "label_pointer"),
                "list_label_pointer",
                &self.list_label_pointer,
                true,
            ),
        ] {
            pointer(errors, &mut config, path, field, typed, needed);
        }
        if !errors.is_empty() {
            return None;
        }
        // The wire type knows which members there are.
        match serde_json::from_value::<HttpApiKeyConfig>(config.clone()) {
            Ok(_) => Some(config),
            Err(error) => {
                errors.refuse(Self::misread(&config), sentence(&error));
                None
            }
        }
    }

    /// The first template that the wire type does not take; the base address when all are taken.
    fn misread(config: &Value) -> &'static str {
        use api::issuer::{HttpCreate, HttpList, HttpRequest};
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

    fn admin(self, errors: &mut FieldErrors) -> Option<SecretMap> {
        if self.kind == KIND_HTTP_API_KEY {
            if self.token.is_empty() {
                errors.refuse(
                    "token",
                    "Type the token. It never comes back to the page, so it is typed again each time.",
                );
                return None;
            }
            return Some(HttpApiKeyAdmin { token: self.token }.into());
        }
        let username = required(
            errors,
            "username",
            &self.username,
            "Name the administrator's login.",
        );
        if self.password.is_empty() {
            errors.refuse(
                "password",
                "Type the password. It never comes back to the page, so it is typed again each time.",
            );
            return None;
        }
        Some(
            PostgresqlAdmin {
                username,
                password: self.password,
            }
            .into(),
        )
    }

    fn empty(kind: &str) -> Self {
        let blank = String::new;
        Self {
            kind: kind.to_owned(),
            name: blank(),
            environment: blank(),
            host: blank(),
            port: blank(),
            database: blank(),
            sslmode: blank(),
            ca_pem: blank(),
            allow_plaintext: blank(),
            username: blank(),
            password: nothing(),
            base_url: blank(),
            allow_private_network: blank(),
            create_request: blank(),
            create_id_pointer: blank(),
            create_secret_pointer: blank(),
            test_request: blank(),
            revoke_request: blank(),
            list_request: blank(),
            list_items_pointer: blank(),
            list_id_pointer: blank(),
            list_label_pointer: blank(),
            forbidden_request: blank(),
            token: nothing(),
            override_reason: blank(),
            revision: blank(),
            intent: blank(),
        }
    }
}

/// How the connection is protected, with what each choice means.
pub const SSL_MODES: [(&str, &str); 4] = [
    (
        "verify-full",
        "verify-full: encrypted, certificate and host name are checked",
    ),
    (
        "verify-ca",
        "verify-ca: encrypted, certificate is checked, host name is not",
    ),
    (
        "require",
        "require: encrypted, but another machine may answer in its place",
    ),
    ("disable", "disable: plain text; on this machine only"),
];

/// The requests by their name on the wire and their field.
const TEMPLATES: [(&str, &str); 5] = [
    ("create", "create_request"),
    ("test", "test_request"),
    ("revoke", "revoke_request"),
    ("list", "list_request"),
    ("forbidden", "forbidden_request"),
];

impl Form for IssuerForm {
    fields! {
        text: [
            kind, name, environment, host, port, database, sslmode, ca_pem, allow_plaintext, username, base_url,
            allow_private_network, create_request, create_id_pointer, create_secret_pointer, test_request,
            revoke_request, list_request, list_items_pointer, list_id_pointer, list_label_pointer, forbidden_request, override_reason, revision, intent,
        ],
        lists: [],
        secret: [password, token]
    }

    fn field_of(pointer: &str, values: &Values) -> Option<&'static str> {
        let is_http = values.get("kind").is_some_and(|kind| kind == KIND_HTTP_API_KEY);
        let exact = match pointer {
            "/name" => Some("name"),
            "/kind" => Some("kind"),
            "/environment" => Some("environment"),
            "/override_reason" => Some("override_reason"),
            "/admin" if is_http => Some("token"),
            "/admin" => Some("password"),
            "/config/create/id_pointer" => Some("create_id_pointer"),
            "/config/create/secret_pointer" => Some("create_secret_pointer"),
            "/config/list/items_pointer" => Some("list_items_pointer"),
            "/config/list/id_pointer" => Some("list_id_pointer"),
            "/config/list/label_pointer" => Some("list_label_pointer"),
            _ => None,
        };
        exact.or_else(|| {
            let (group, rest) = pointer.strip_prefix('/')?.split_once('/')?;
            let name = rest.split('/').next()?;
            match (group, name) {
                ("config", "host") => Some("host"),
                ("config", "port") => Some("port"),
                ("config", "database") => Some("database"),
                ("config", "sslmode") => Some("sslmode"),
                ("config", "ca_pem") => Some("ca_pem"),
                ("config", "allow_plaintext") => Some("allow_plaintext"),
                ("config", "base_url") => Some("base_url"),
                ("config", "allow_private_network") => Some("allow_private_network"),
                ("config", name) => TEMPLATES
                    .iter()
                    .find(|(wire, _)| *wire == name)
                    .map(|(_, field)| *field),
                ("admin", "username") => Some("username"),
                ("admin", "password") => Some("password"),
                ("admin", "token") => Some("token"),
                _ => None,
            }
        })
    }
}

fn text(config: &Value, member: &str) -> String {
    config[member].as_str().unwrap_or_default().to_owned()
}

/// A request as it is edited: without the pointers, which have fields of their own.
fn template(request: &Value) -> String {
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

/// What serde says, as a sentence; it names members, never values of a template.
fn sentence(error: &serde_json::Error) -> String {
    format!("This request is not understood: {error}.")
}
