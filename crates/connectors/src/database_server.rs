//! Where a database's server is, and how far its connection is trusted: the same fields for every kind of server.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::fields::Fields;

/// Host, port and TLS.
#[derive(Debug)]
pub(crate) struct DatabaseServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) sslmode: SslMode,
    pub(crate) ca_pem: Option<String>,
    allow_plaintext: bool,
}

/// The modes that say what they do; `allow` and `prefer` fall back to plain text without telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SslMode {
    Disable,
    Require,
    /// The driver (sqlx 0.8) checks the name here too: stricter than asked. Consumers are told the mode as it is.
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    fn parse(text: &str) -> Option<Self> {
        [Self::Disable, Self::Require, Self::VerifyCa, Self::VerifyFull]
            .into_iter()
            .find(|mode| mode.label() == text)
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl DatabaseServer {
    /// Reads it from a configuration.
    pub(crate) fn read(fields: &mut Fields<'_>, usual_port: u16) -> Self {
        let host = fields.required_text("host").to_owned();
        if host.starts_with('/') || host.contains(['\0', ' ']) {
            fields.refuse(
                "host",
                "give a host name or an address, not a path or a text with spaces",
            );
        }
        let port = read_port(fields, usual_port);
        let sslmode = match SslMode::parse(fields.text("sslmode").unwrap_or("verify-full")) {
            Some(mode) => mode,
            None => {
                fields.refuse(
                    "sslmode",
                    "expected verify-full, verify-ca, require or disable (allow and prefer fall back to plain text \
                     unseen, so they are not offered)",
                );
                SslMode::VerifyFull
            }
        };
        let allow_plaintext = fields.flag("allow_plaintext");
        if sslmode == SslMode::Disable && !allow_plaintext && !is_loopback(&host) {
            fields.refuse(
                "sslmode",
                "disable sends everything in plain text over the network; use verify-full with ca_pem, or set \
                 allow_plaintext to true if you accept that",
            );
        }
        let ca_pem = fields.text("ca_pem").map(str::to_owned);
        if ca_pem
            .as_ref()
            .is_some_and(|pem| !pem.contains("-----BEGIN CERTIFICATE-----"))
        {
            fields.refuse("ca_pem", "expected certificates in PEM form");
        }
        Self {
            host,
            port,
            sslmode,
            ca_pem,
            allow_plaintext,
        }
    }

    /// As it is stored.
    pub(crate) fn put(&self, config: &mut Value) {
        config["host"] = json!(self.host);
        config["port"] = json!(self.port);
        config["sslmode"] = json!(self.sslmode.label());
        if let Some(ca_pem) = &self.ca_pem {
            config["ca_pem"] = json!(ca_pem);
        }
        if self.allow_plaintext {
            config["allow_plaintext"] = json!(true);
        }
    }
}

fn read_port(fields: &mut Fields<'_>, usual: u16) -> u16 {
    let Some(value) = fields.raw("port") else {
        return usual;
    };
    match value.as_u64().and_then(|port| u16::try_from(port).ok()) {
        Some(port) if port > 0 => port,
        _ => {
            fields.refuse("port", "a port is a number from 1 to 65535");
            usual
        }
    }
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let bare_host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare_host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
