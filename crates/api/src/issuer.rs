//! Issuers: the systems that accept or refuse a credential.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Finding, Secret, Timestamp, secret::SecretMap};

/// The kind `postgresql`: see [`PostgresqlConfig`] and [`PostgresqlAdmin`].
pub const KIND_POSTGRESQL: &str = "postgresql";
/// The kind `http_api_key`: see [`HttpApiKeyConfig`] and [`HttpApiKeyAdmin`].
pub const KIND_HTTP_API_KEY: &str = "http_api_key";

/// `POST /api/v1/issuers`, and `POST /api/v1/issuers/test` to try it without saving.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateIssuer {
    pub name: String,
    /// Which connector speaks to it.
    pub kind: String,
    pub environment: String,
    /// What the connector needs to reach it; its shape depends on the kind.
    pub config: Value,
    /// What the connector signs in with; sealed at once and never shown again.
    pub admin: SecretMap,
    /// Overrides a rule that may be overridden (TLS off beyond loopback); becomes a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<String>,
}

/// `PATCH /api/v1/issuers/{name}`: what is absent stays.
#[derive(Default, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateIssuer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<SecretMap>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_reason: Option<String>,
}

/// An issuer, without its secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Issuer {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub environment: String,
    pub config: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// How many credentials it issues.
    #[serde(default)]
    pub credentials: u32,
    #[serde(default)]
    pub sandbox: bool,
    /// Rises with each change; quoted, it is the entity tag.
    #[serde(default)]
    pub revision: i64,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_test: Option<IssuerTest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// Opens after three errors in a row and then blocks scheduled rotations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Breaker {
    pub consecutive_errors: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
}

/// The outcome of trying a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuerTest {
    pub ok: bool,
    pub tested_at: Timestamp,
    pub checks: Vec<IssuerCheck>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuerCheck {
    pub name: String,
    pub ok: bool,
    /// What was seen, and how to mend it.
    pub detail: String,
}

/// How a PostgreSQL connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    #[default]
    VerifyFull,
}

/// `config` of the kind `postgresql`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PostgresqlConfig {
    pub host: String,
    #[serde(default = "postgresql_port")]
    pub port: u16,
    pub database: String,
    #[serde(default)]
    pub sslmode: SslMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// A plain connection beyond loopback; becomes a finding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plaintext: bool,
}

/// `admin` of the kind `postgresql`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PostgresqlAdmin {
    pub username: String,
    pub password: Secret,
}

impl From<PostgresqlAdmin> for SecretMap {
    fn from(admin: PostgresqlAdmin) -> Self {
        BTreeMap::from([
            ("username".to_owned(), Secret::new(admin.username)),
            ("password".to_owned(), admin.password),
        ])
    }
}

/// `config` of the kind `http_api_key`: request templates and where to look in the replies.
///
/// Templates may hold `{{admin_token}}`, `{{label}}` (by which Rota knows its own keys again), `{{key_id}}`, `{{key}}`
/// and `{{variables.NAME}}` from the credential's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpApiKeyConfig {
    pub base_url: String,
    /// Private and loopback addresses are refused unless this says so.
    #[serde(default)]
    pub allow_private_network: bool,
    /// Plain HTTP beyond loopback; becomes a finding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_plaintext: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    pub create: HttpCreate,
    pub test: HttpRequest,
    pub revoke: HttpRequest,
    pub list: HttpList,
    /// An act the key must be refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<HttpRequest>,
}

/// One request template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpRequest {
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Statuses that mean success; 200 to 299 when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_status: Vec<u16>,
}

/// The request that makes a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpCreate {
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_status: Vec<u16>,
    /// JSON pointer to the new key's id in the reply.
    pub id_pointer: String,
    /// JSON pointer to the secret in the reply; absent when we send the secret ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_pointer: Option<String>,
}

/// The request that lists keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpList {
    pub method: String,
    pub path: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_status: Vec<u16>,
    /// JSON pointer to the array.
    pub items_pointer: String,
    /// JSON pointer to the id within an item.
    pub id_pointer: String,
    /// JSON pointer to the label within an item, by which our own keys are known again.
    pub label_pointer: String,
}

/// `admin` of the kind `http_api_key`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HttpApiKeyAdmin {
    pub token: Secret,
}

impl From<HttpApiKeyAdmin> for SecretMap {
    fn from(admin: HttpApiKeyAdmin) -> Self {
        BTreeMap::from([("token".to_owned(), admin.token)])
    }
}

fn postgresql_port() -> u16 {
    5432
}
