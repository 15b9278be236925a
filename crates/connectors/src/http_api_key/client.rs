//! Sends one filled-in request and reads what came back, within limits.

use std::time::Duration;

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use reqwest::{Client, Response};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::config::IssuerConfig;
use super::request::{BODY_LIMIT, RequestTemplate};
use super::template::{Filling, render_json};
use crate::web::{self, Silence};

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
        let client = web::client(config.reach, config.ca_pem.as_deref(), TIMEOUT)?;
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

/// An error of the transport.
fn explain(name: &str, error: &reqwest::Error, effect: Effect) -> ConnectorError {
    let (class, detail) = match web::silence(error) {
        Silence::Refused(why) => (ErrorClass::Policy, why),
        Silence::NoConnection => (ErrorClass::Network, "no connection to the issuer".to_owned()),
        Silence::TimedOut => (effect.lost(), format!("no answer within {} s", TIMEOUT.as_secs())),
        Silence::Lost => (
            effect.lost(),
            "the connection was lost before the answer came".to_owned(),
        ),
    };
    ConnectorError::new(class, format!("{name}: {detail}"))
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
