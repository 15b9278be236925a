//! HTTP clients that go only where they may, and what it means when nobody answers them.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use reqwest::Client;
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::address::{AddressRefused, Reach};
use crate::fields::Fields;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that follows no redirect, takes no proxy, and resolves names only to addresses within reach.
pub(crate) fn client(
    reach: Reach,
    ca_pem: Option<&str>,
    timeout: Duration,
) -> Result<Client, ConnectorError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster; then its provider is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .user_agent("rota")
        .dns_resolver(Arc::new(reach));
    for certificate in ca_pem
        .iter()
        .flat_map(|pem| reqwest::Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default())
    {
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build()
        .map_err(|_| ConnectorError::new(ErrorClass::Policy, "no HTTP client can be built with this ca_pem"))
}

/// Why no answer came.
pub(crate) enum Silence {
    /// It never will: the address is out of reach, or TLS was refused.
    Refused(String),
    NoConnection,
    TimedOut,
    Lost,
}

/// The text of a transport's error may repeat the URL, so only its kind is kept.
pub(crate) fn silence(error: &reqwest::Error) -> Silence {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<AddressRefused>() {
            return Silence::Refused(refused.to_string());
        }
        let wrapped = inner
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        let refused = inner
            .downcast_ref::<rustls::Error>()
            .or_else(|| wrapped.and_then(|wrapped| wrapped.downcast_ref::<rustls::Error>()));
        if let Some(refused) = refused {
            return Silence::Refused(format!(
                "TLS was refused: {refused}; check the address and ca_pem"
            ));
        }
        cause = inner.source();
    }
    if error.is_connect() {
        Silence::NoConnection
    } else if error.is_timeout() {
        Silence::TimedOut
    } else {
        Silence::Lost
    }
}

/// Reads a URL that requests go to, within reach and encrypted unless it is said otherwise. `where_else` says where a
/// user name, a query and the like belong.
pub(crate) fn read_url(
    fields: &mut Fields<'_>,
    name: &'static str,
    reach: Reach,
    where_else: [&str; 2],
    in_plain_text: &str,
) -> Option<Url> {
    let allow_plaintext = fields.flag("allow_plaintext");
    let text = fields.required_text(name);
    if text.is_empty() {
        return None;
    }
    let Ok(url) = Url::parse(text) else {
        fields.refuse(
            name,
            "this is not a URL; expected something like https://api.example",
        );
        return None;
    };
    let mut problems = Vec::new();
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        problems.push("only http and https URLs are called".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        problems.push(format!(
            "a URL must not hold a user name or a password; {}",
            where_else[0]
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.push(format!("leave query and fragment out; {}", where_else[1]));
    }
    if let Err(refused) = reach.check_url(&url) {
        problems.push(refused.to_string());
    }
    if url.scheme() == "http" && !is_loopback(&url) && !allow_plaintext {
        problems.push(format!(
            "http sends {in_plain_text} in plain text; use https, or set allow_plaintext to true if you accept that"
        ));
    }
    for problem in problems {
        fields.refuse(name, problem);
    }
    Some(url)
}

/// Reads how far requests may reach.
pub(crate) fn read_reach(fields: &mut Fields<'_>) -> Reach {
    if fields.flag("allow_private_network") {
        Reach::Private
    } else {
        Reach::Public
    }
}

/// Reads a certificate authority of one's own.
pub(crate) fn read_ca_pem(fields: &mut Fields<'_>) -> Option<String> {
    let ca_pem = fields.text("ca_pem").map(str::to_owned);
    if let Some(pem) = &ca_pem {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes());
        if !certificates.is_ok_and(|certificates| !certificates.is_empty()) {
            fields.refuse("ca_pem", "expected certificates in PEM form");
        }
    }
    ca_pem
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    }
}
