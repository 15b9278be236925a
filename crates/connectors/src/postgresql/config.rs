//! What an issuer and a credential of this kind are configured with.

use std::collections::BTreeMap;

use engine::RuleError;
use engine::catalog::{Issuer, Strategy};
use engine::ports::{ConnectorError, Target};
use engine::rotation::ErrorClass;
use serde_json::{Value, json};
use sqlx::postgres::PgSslMode;

use crate::database_server::{DatabaseServer, SslMode, is_loopback};
use crate::fields::Fields;

const USUAL_PORT: u16 = 5432;
/// The server's limit for names, in bytes; longer ones would be cut off silently.
const NAME_BYTES: usize = 63;
/// What the two logins of a role are called.
const SUFFIXES: [&str; 2] = ["_a", "_b"];

/// How to reach a server.
#[derive(Debug)]
pub(super) struct IssuerConfig {
    pub(super) server: DatabaseServer,
    pub(super) database: String,
}

impl From<SslMode> for PgSslMode {
    fn from(mode: SslMode) -> Self {
        match mode {
            SslMode::Disable => Self::Disable,
            SslMode::Require => Self::Require,
            SslMode::VerifyCa => Self::VerifyCa,
            SslMode::VerifyFull => Self::VerifyFull,
        }
    }
}

impl IssuerConfig {
    pub(super) fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let server = DatabaseServer::read(&mut fields, USUAL_PORT);
        let database = fields.text("database").unwrap_or("postgres").to_owned();
        if database.is_empty() || database.contains('\0') {
            fields.refuse("database", "give the name of a database");
        }
        let errors = fields.finish();
        if errors.is_empty() {
            Ok(Self { server, database })
        } else {
            Err(errors)
        }
    }

    /// A configuration that was checked before it was stored.
    pub(super) fn stored(issuer: &Issuer) -> Result<Self, ConnectorError> {
        Self::check(&issuer.config).map_err(|errors| broken(&format!("issuer `{}`", issuer.name), &errors))
    }

    pub(super) fn to_json(&self) -> Value {
        let mut config = json!({ "database": self.database });
        self.server.put(&mut config);
        config
    }

    pub(super) fn endpoint(&self) -> BTreeMap<String, String> {
        let mut endpoint = BTreeMap::from([
            ("host".to_owned(), self.server.host.clone()),
            ("port".to_owned(), self.server.port.to_string()),
            ("database".to_owned(), self.database.clone()),
            ("sslmode".to_owned(), self.server.sslmode.label().to_owned()),
        ]);
        if let Some(ca_pem) = &self.server.ca_pem {
            endpoint.insert("ca_pem".to_owned(), ca_pem.clone());
        }
        endpoint
    }

    /// What is allowed, but worth knowing.
    pub(super) fn findings(&self) -> Vec<String> {
        if is_loopback(&self.server.host) {
            return Vec::new();
        }
        match self.server.sslmode {
            SslMode::Disable => vec![format!(
                "the connection to {} is plain text (sslmode disable): passwords of the administrator and of \
                 consumers can be attacked by whoever reads the network",
                self.server.host
            )],
            SslMode::Require => vec![format!(
                "the certificate of {} is not checked (sslmode require): another machine may answer in its place",
                self.server.host
            )],
            SslMode::VerifyCa | SslMode::VerifyFull => Vec::new(),
        }
    }
}

/// Which role a credential stands for.
#[derive(Debug)]
pub(super) struct TargetConfig {
    pub(super) strategy: Strategy,
    /// `alternating`: the role that holds the privileges. `in_place`: the login itself.
    pub(super) role: String,
    /// One statement that must work.
    pub(super) probe: String,
    /// One statement that must be refused with 42501.
    pub(super) forbidden_probe: Option<String>,
    pub(super) allow_privileged_role: bool,
}

impl TargetConfig {
    pub(super) fn check(strategy: Strategy, config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let role = fields.required_text("role").to_owned();
        let longest = match strategy {
            Strategy::InPlace => NAME_BYTES,
            Strategy::Alternating | Strategy::Dual | Strategy::Reissue => NAME_BYTES - SUFFIXES[0].len(),
        };
        if role.len() > longest {
            fields.refuse(
                "role",
                format!(
                    "{} bytes are too many: {longest} is what fits into a login name",
                    role.len()
                ),
            );
        } else if let Some(problem) = login_problem(&role) {
            fields.refuse("role", problem);
        }
        let probe = fields.text("probe").unwrap_or("select 1").to_owned();
        let forbidden_probe = fields.text("forbidden_probe").map(str::to_owned);
        for (name, statement) in [
            ("probe", Some(&probe)),
            ("forbidden_probe", forbidden_probe.as_ref()),
        ] {
            if statement.is_some_and(|statement| statement.trim().is_empty() || statement.contains('\0')) {
                fields.refuse(name, "give one SQL statement, or leave the field out");
            }
        }
        let allow_privileged_role = fields.flag("allow_privileged_role");
        if strategy == Strategy::Alternating && role.starts_with("pg_") {
            fields.refuse(
                "role",
                "PostgreSQL keeps names that start with pg_ for itself, so no login can be made beside this role; \
                 create a role of your own and grant it this one",
            );
        }
        let errors = fields.finish();
        if errors.is_empty() {
            Ok(Self {
                strategy,
                role,
                probe,
                forbidden_probe,
                allow_privileged_role,
            })
        } else {
            Err(errors)
        }
    }

    /// A configuration that was checked before it was stored.
    pub(super) fn stored(target: Target<'_>) -> Result<Self, ConnectorError> {
        Self::check(target.strategy, target.config)
            .map_err(|errors| broken(&format!("credential `{}`", target.name), &errors))
    }

    pub(super) fn to_json(&self) -> Value {
        let mut config = json!({ "role": self.role, "probe": self.probe });
        if let Some(statement) = &self.forbidden_probe {
            config["forbidden_probe"] = json!(statement);
        }
        if self.allow_privileged_role {
            config["allow_privileged_role"] = json!(true);
        }
        config
    }

    /// The logins Rota makes for `alternating`.
    pub(super) fn slots(&self) -> [String; 2] {
        SUFFIXES.map(|suffix| format!("{}{suffix}", self.role))
    }

    /// The login that the current version does not use. By identity: failed versions consume numbers, so parity
    /// would sooner or later point at the login in use.
    pub(super) fn candidate_login(&self, current_login: Option<&str>) -> String {
        if self.strategy == Strategy::InPlace {
            return self.role.clone();
        }
        let [first, second] = self.slots();
        if current_login == Some(first.as_str()) {
            second
        } else {
            first
        }
    }
}

/// Why a login of that name could never be used to sign in from here.
pub(super) fn login_problem(login: &str) -> Option<&'static str> {
    if login.contains('\0') {
        Some("PostgreSQL takes no names with a zero byte")
    } else if login.contains(',') {
        Some("a name with a comma cannot sign in: the driver does not escape it in the SCRAM exchange")
    } else if stringprep::saslprep(login).is_err() {
        Some("a name with control or other unprintable characters cannot sign in with SCRAM (RFC 4013)")
    } else {
        None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_needs_loopback_or_an_override() {
        let check = |host: &str, more: Value| {
            let mut config = json!({"host": host, "sslmode": "disable"});
            config
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            IssuerConfig::check(&config)
        };
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(check(host, json!({})).unwrap().findings().is_empty(), "{host}");
        }
        assert_eq!(
            check("db.example", json!({})).unwrap_err()[0].pointer,
            "/config/sslmode"
        );
        assert!(check("127.0.0.1.example", json!({})).is_err());
        assert_eq!(
            check("db.example", json!({"allow_plaintext": true}))
                .unwrap()
                .findings()
                .len(),
            1
        );
    }

    #[test]
    fn the_default_checks_certificate_and_name() {
        let checked = IssuerConfig::check(&json!({"host": "db.example"}))
            .unwrap()
            .to_json();
        assert_eq!(
            checked,
            json!({"host": "db.example", "port": 5432, "database": "postgres", "sslmode": "verify-full"})
        );
        assert_eq!(IssuerConfig::check(&checked).unwrap().to_json(), checked);
    }

    #[test]
    fn every_broken_rule_is_told_at_once() {
        let errors = IssuerConfig::check(
            &json!({"port": 0, "sslmode": "prefer", "database": "", "password": "x", "ca_pem": "y"}),
        )
        .unwrap_err();
        let mut pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            [
                "/config/ca_pem",
                "/config/database",
                "/config/host",
                "/config/password",
                "/config/port",
                "/config/sslmode"
            ]
        );
    }

    #[test]
    fn a_login_is_taken_by_identity() {
        let config = TargetConfig::check(Strategy::Alternating, &json!({"role": "app"})).unwrap();
        assert_eq!(config.candidate_login(None), "app_a");
        assert_eq!(config.candidate_login(Some("app_a")), "app_b");
        assert_eq!(config.candidate_login(Some("app_b")), "app_a");
        assert_eq!(config.candidate_login(Some("adopted")), "app_a");
    }

    #[test]
    fn names_must_fit_with_their_suffix() {
        let check = |strategy, role: &str| TargetConfig::check(strategy, &json!({ "role": role })).is_ok();
        assert!(check(Strategy::Alternating, &"x".repeat(61)));
        assert!(!check(Strategy::Alternating, &"x".repeat(62)));
        assert!(!check(Strategy::Alternating, &"ä".repeat(31)));
        assert!(check(Strategy::InPlace, &"x".repeat(63)));
        assert!(!check(Strategy::InPlace, &"x".repeat(64)));
        for unusable in ["", "a,b", "a\nb", "a\0b", "pg_monitor"] {
            assert!(!check(Strategy::Alternating, unusable), "{unusable:?}");
        }
    }
}
