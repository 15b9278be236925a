//! A typed client of HTTP v1.
//!
//! It never follows a redirect (a bearer token must not travel to where a reply points), takes no proxy from
//! the environment, bounds every request in time and does not retry: what to repeat is the caller's decision.

mod access;
mod catalog;
mod delivery;
mod events;
mod keys;
mod reencryption;
mod root;
mod rotation;
mod transport;

use std::{fmt, sync::Arc, time::Duration};

use reqwest::header::{HeaderMap, HeaderValue, InvalidHeaderValue};

use crate::{Problem, Secret};

pub use catalog::Revision;
pub use delivery::DeliveryReply;
pub use events::{ReencryptionEvents, RotationEvents};

/// Speaks to one server with one token. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Arc<str>,
    host: Arc<str>,
    request_timeout: Duration,
    /// Sent with POST when set: see [`Client::idempotent`].
    idempotency_key: Option<Arc<str>>,
}

/// What may differ from one installation to another.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// A certificate authority of your own, as PEM, trusted besides the public ones.
    pub ca_pem: Option<String>,
    /// Plain HTTP beyond loopback shows the token and every secret to the network.
    pub plain_http: PlainHttp,
    pub connect_timeout: Duration,
    /// For a whole request; a long poll adds its wait.
    pub request_timeout: Duration,
}

/// Where plain HTTP may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    LoopbackOnly,
    Anywhere,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            ca_pem: None,
            plain_http: PlainHttp::LoopbackOnly,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Why a request did not succeed. No variant holds the token or a body with secrets.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error("the server address {address:?} cannot be used: {reason}")]
    Address { address: String, reason: &'static str },
    /// The token cannot stand in a header.
    #[error("the token holds characters that cannot stand in an HTTP header; check that it was copied whole")]
    Token(#[source] InvalidHeaderValue),
    /// The client could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(#[source] reqwest::Error),
    /// No reply: the network, the server, or the time ran out.
    #[error("no reply from {host}: {reason}")]
    Unreachable {
        host: String,
        reason: String,
        /// The request may have reached the server.
        maybe_sent: bool,
    },
    /// The server refused.
    #[error("{problem}")]
    Refused {
        problem: Box<Problem>,
        retry_after: Option<Duration>,
    },
    /// The reply is not what HTTP v1 promises.
    #[error("{host} answered {status} with something else than HTTP v1 promises: {reason}")]
    Unexpected {
        host: String,
        status: u16,
        reason: String,
    },
}

impl ClientError {
    /// The HTTP status, where there was a reply.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { problem, .. } => Some(problem.status),
            Self::Unexpected { status, .. } => Some(*status),
            Self::Address { .. } | Self::Token(_) | Self::Setup(_) | Self::Unreachable { .. } => None,
        }
    }

    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => Some(&problem.code),
            _ => None,
        }
    }

    /// The same request may succeed later: the server is away or busy.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { problem, .. } => matches!(problem.status, 408 | 425 | 429 | 500..=599),
            Self::Unexpected { status, .. } => *status >= 500,
            Self::Address { .. } | Self::Token(_) | Self::Setup(_) => false,
        }
    }
}

impl Client {
    /// A client with the usual options.
    ///
    /// # Errors
    /// When the address or the token cannot be used.
    pub fn new(base_url: &str, token: &Secret) -> Result<Self, ClientError> {
        Self::with_options(base_url, token, &ClientOptions::default())
    }

    /// A client with options of its own.
    ///
    /// # Errors
    /// When the address, the token or the certificate authority cannot be used.
    pub fn with_options(
        base_url: &str,
        token: &Secret,
        options: &ClientOptions,
    ) -> Result<Self, ClientError> {
        // A second installation is refused and changes nothing: the process then has a provider already.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let url = transport::check_address(base_url, options.plain_http)?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(ClientError::Token)?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::AUTHORIZATION, authorization);
        headers.insert(
            reqwest::header::ACCEPT,
            HeaderValue::from_static("application/json"),
        );
        let mut builder = reqwest::Client::builder()
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("rota/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .tcp_keepalive(Duration::from_secs(20));
        if let Some(pem) = &options.ca_pem {
            let authorities =
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(ClientError::Setup)?;
            for authority in authorities {
                builder = builder.add_root_certificate(authority);
            }
        }
        Ok(Self {
            http: builder.build().map_err(ClientError::Setup)?,
            base_url: base_url.trim_end_matches('/').into(),
            host: url.host_str().unwrap_or("the server").into(),
            request_timeout: options.request_timeout,
            idempotency_key: None,
        })
    }

    /// A copy that sends `Idempotency-Key` with its POST requests: a repeat gets the first reply again.
    #[must_use]
    pub fn idempotent(&self, key: &str) -> Self {
        Self {
            idempotency_key: Some(key.into()),
            ..self.clone()
        }
    }

    /// Where the server is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The HTTP client holds the token among its default headers, so it is left out.
        formatter
            .debug_struct("Client")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
