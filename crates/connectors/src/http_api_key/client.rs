//! Sends one filled-in request and reads what came back, within limits.

use std::error::Error as _;
use std::time::Duration;

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::address::AddressRefused;
use super::config::IssuerConfig;
use super::request::{BODY_LIMIT, RequestTemplate};
use super::template::{Filling, render_json};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most that is read of an answer.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// What a lost answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing changed; ask again.
    Reads,
    /// It may have happened.
    Changes,
}

impl Effect {
    fn lost(self) -> ErrorClass {
        match self {
            Self::Reads => ErrorClass::Network,
            Self::Changes => ErrorClass::UnknownOutcome,
        }
    }
}

/// A status and the JSON that came with it, if any.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) json: Option<Value>,
}

/// An HTTP client that goes only where the issuer's configuration allows.
pub(super) struct HttpClient<'a> {
    config: &'a IssuerConfig,
    client: Client,
}

impl<'a> HttpClient<'a> {
    pub(super) fn new(config: &'a IssuerConfig) -> Result<Self, ConnectorError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster; then its provider is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent("rota")
            .dns_resolver(std::sync::Arc::new(config.reach));
        for certificate in config
            .ca_pem
            .iter()
            .flat_map(|pem| reqwest::Certificate::from_pem_bundle(pem.as_bytes()).unwrap_or_default())
        {
            builder = builder.add_root_certificate(certificate);
        }
        let client = builder.build().map_err(|_| {
            ConnectorError::new(ErrorClass::Policy, "no HTTP client can be built with this ca_pem")
        })?;
        Ok(Self { config, client })
    }

    /// Sends a request. Any status is an answer; only silence and refused addresses are errors.
    pub(super) async fn send(
        &self,
        name: &str,
        template: &RequestTemplate,
        filling: &Filling<'_>,
        effect: Effect,
    ) -> Result<Answer, ConnectorError> {
        let policy = |detail: String| ConnectorError::new(ErrorClass::Policy, format!("{name}: {detail}"));
        let url = self.url(template, filling).map_err(policy)?;
        let mut request = self.client.request(template.method.clone(), url);
        for (header, value) in &template.headers {
            request = request.header(header, value.render_header(filling).map_err(policy)?);
        }
        if let Some(body) = &template.body {
            let filled = render_json(body, filling)
                .map_err(policy)?
                .to_string()
                .into_bytes();
            if filled.len() > BODY_LIMIT {
                return Err(policy(format!(
                    "the filled-in body has more than {BODY_LIMIT} bytes"
                )));
            }
            if !template
                .headers
                .iter()
                .any(|(header, _)| header == reqwest::header::CONTENT_TYPE)
            {
                request = request.header(reqwest::header::CONTENT_TYPE, "application/json");
            }
            request = request.body(filled);
        }
        let response = request
            .send()
            .await
            .map_err(|error| explain(name, &error, effect))?;
        read(name, response, effect).await
    }

    /// base_url with the filled-in path. What comes out must still be the same place.
    fn url(&self, template: &RequestTemplate, filling: &Filling<'_>) -> Result<Url, String> {
        let base = &self.config.base_url;
        let path = template.path.render_path(filling)?;
        let joined = format!("{}{path}", base.as_str().trim_end_matches('/'));
        let url = Url::parse(&joined).map_err(|_| "the filled-in path makes no URL".to_owned())?;
        if url.origin() != base.origin() {
            return Err("the filled-in path leads to another host".to_owned());
        }
        self.config
            .reach
            .check_url(&url)
            .map_err(|refused| refused.to_string())?;
        Ok(url)
    }
}

/// An error of the transport. Its own text may repeat the URL, so only its kind is kept.
fn explain(name: &str, error: &reqwest::Error, effect: Effect) -> ConnectorError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<AddressRefused>() {
            return ConnectorError::new(ErrorClass::Policy, format!("{name}: {refused}"));
        }
        if inner.downcast_ref::<rustls::Error>().is_some() {
            return ConnectorError::new(
                ErrorClass::Policy,
                format!("{name}: TLS was refused: {inner}; check base_url and ca_pem"),
            );
        }
        let wrapped = inner
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(refused) = wrapped.and_then(|wrapped| wrapped.downcast_ref::<rustls::Error>()) {
            return ConnectorError::new(
                ErrorClass::Policy,
                format!("{name}: TLS was refused: {refused}; check base_url and ca_pem"),
            );
        }
        cause = inner.source();
    }
    if error.is_connect() {
        ConnectorError::new(
            ErrorClass::Network,
            format!("{name}: no connection to the issuer"),
        )
    } else if error.is_timeout() {
        ConnectorError::new(
            effect.lost(),
            format!("{name}: no answer within {} s", TIMEOUT.as_secs()),
        )
    } else {
        ConnectorError::new(
            effect.lost(),
            format!("{name}: the connection was lost before the answer came"),
        )
    }
}

async fn read(name: &str, mut response: Response, effect: Effect) -> Result<Answer, ConnectorError> {
    let status = response.status().as_u16();
    let mut bytes = Zeroizing::new(Vec::new());
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= ANSWER_LIMIT => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => {
                return Err(ConnectorError::new(
                    ErrorClass::Policy,
                    format!("{name}: the answer has more than {ANSWER_LIMIT} bytes"),
                ));
            }
            Ok(None) => break,
            Err(error) => return Err(explain(name, &error, effect)),
        }
    }
    Ok(Answer {
        status,
        json: serde_json::from_slice(&bytes).ok(),
    })
}

/// The class and the words for a status that was not the wanted one. Bodies are not repeated: they may hold secrets.
pub(super) fn unexpected(name: &str, status: u16, effect: Effect) -> ConnectorError {
    let (class, note) = match status {
        401 => (ErrorClass::Authentication, ""),
        403 => (ErrorClass::Permission, ""),
        409 | 412 => (ErrorClass::Conflict, ""),
        408 | 425 | 429 => (ErrorClass::Network, "; it is tried again"),
        500..=599 => (effect.lost(), "; it is tried again"),
        300..=399 => (
            ErrorClass::Policy,
            "; redirects are not followed, so give the final address",
        ),
        _ => (
            ErrorClass::Policy,
            "; check method, path and expect_status of this request",
        ),
    };
    ConnectorError::new(class, format!("{name}: the issuer answered {status}{note}"))
}
