//! `POST /issuers/new` and `/issuers/{name}/edit`; with `intent=test` it only tries the connection.

use api::issuer::{HttpApiKeyAdmin, KIND_HTTP_API_KEY, KIND_POSTGRESQL, PostgresqlAdmin, UpdateIssuer};
use api::secret::SecretMap;
use api::{CreateIssuer, Issuer, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

mod http_api_key;

use self::http_api_key::{TEMPLATES, template};
use super::account::nothing;
use super::reading::{filled, is_ticked, number, required, tick};
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

impl IssuerForm {
    /// What a new issuer's form starts with.
    pub fn blank(kind: &str) -> Self {
        let mut form = Self::empty(kind);
        if kind == KIND_HTTP_API_KEY {
            form.fill_in_examples();
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
