//! One request to the store, signed, and what its answer means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::Clock;
use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use keyring::SecretText;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::{BucketConfig, refuse};
use crate::aws_signature::{Credentials, encoded, sign};
use crate::web::{self, Silence};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The most that is read of one answer: an object that holds one envelope, or a page of a listing.
pub(super) const LARGEST: usize = 32 * 1024 * 1024;

/// A bucket and how it is reached.
pub(super) struct Store {
    client: Client,
    endpoint: Url,
    host: String,
    region: String,
    bucket: String,
    access_key_id: SecretText,
    secret_access_key: SecretText,
    session_token: Option<SecretText>,
    clock: Arc<dyn Clock>,
}

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// None: the bucket itself.
    pub(super) key: Option<&'a str>,
    pub(super) query: &'a [(&'a str, &'a str)],
    /// Lower case.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(key: Option<&'a str>, query: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            method: Method::GET,
            key,
            query,
            headers: BTreeMap::new(),
            body: Vec::new(),
        }
    }
}

/// What came back, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// What a store says when it refuses.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Refused {
    code: String,
    message: String,
}

impl Store {
    pub(super) fn new(
        config: &BucketConfig,
        [key_id, key]: [&SecretText; 2],
        session_token: Option<&SecretText>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectorError> {
        let endpoint = config.endpoint.clone();
        let host = match (endpoint.host_str(), endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let copy = |secret: &SecretText| SecretText::new(secret.expose_text().to_owned());
        Ok(Self {
            client: web::client(config.reach, config.ca_pem.as_deref(), TIMEOUT)?,
            endpoint,
            host,
            region: config.region.clone(),
            bucket: config.bucket.clone(),
            access_key_id: copy(key_id),
            secret_access_key: copy(key),
            session_token: session_token.map(copy),
            clock,
        })
    }

    /// Sends a request. Any status is an answer; only silence is an error.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Answer, ConnectorError> {
        let path = match ask.key {
            None => format!("/{}", self.bucket),
            Some(key) => format!("/{}/{}", self.bucket, encoded(key, true)),
        };
        let mut pairs: Vec<String> = ask
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name, false), encoded(value, false)))
            .collect();
        pairs.sort_unstable();
        let query = pairs.join("&");
        let url = self.url(&path, &query)?;
        let mut headers = ask.headers;
        headers.insert("host".to_owned(), self.host.clone());
        headers.insert(
            "x-amz-content-sha256".to_owned(),
            hex::encode(Sha256::digest(&ask.body)),
        );
        if let Some(token) = &self.session_token {
            headers.insert("x-amz-security-token".to_owned(), token.expose_text().to_owned());
        }
        let credentials = Credentials {
            access_key_id: self.access_key_id.expose_text(),
            secret_access_key: &self.secret_access_key,
            region: &self.region,
            service: "s3",
        };
        let now = self.clock.now();
        let signed = sign(
            &credentials,
            ask.method.as_str(),
            &path,
            &query,
            headers,
            &ask.body,
            now,
        )
        .map_err(|error| refuse(error.to_string()))?;
        let mut request = self.client.request(ask.method, url);
        let headers = signed
            .headers
            .into_iter()
            .filter(|(name, _)| name != "host")
            .chain([("authorization".to_owned(), signed.authorization)]);
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| refuse(format!("a header `{name}` cannot be sent: it holds a line break")))?;
            request = request.header(name, value);
        }
        let sent = request.body(ask.body).send().await;
        read(sent.map_err(|error| explain(&error))?).await
    }

    /// Clients for HTTP fold `.` and `..` in a path, so the address must still be the one that was signed.
    fn url(&self, path: &str, query: &str) -> Result<Url, ConnectorError> {
        let mut text = format!("{}{path}", self.endpoint.as_str().trim_end_matches('/'));
        if !query.is_empty() {
            text.push('?');
            text.push_str(query);
        }
        let url = Url::parse(&text).map_err(|_| refuse(format!("{path} makes no URL")))?;
        if url.path() == path && url.query().unwrap_or_default() == query {
            Ok(url)
        } else {
            Err(refuse(format!(
                "the object {path} has `.` or `..` between two slashes, which HTTP cannot ask for; rename it, or \
                 choose a prefix without it"
            )))
        }
    }

    /// What a status means that was not the wanted one.
    pub(super) fn refused(&self, what: &str, answer: &Answer) -> ConnectorError {
        let text = String::from_utf8_lossy(&answer.body);
        let refused: Refused = quick_xml::de::from_str(&text).unwrap_or_default();
        let (class, note) = match (answer.status, refused.code.as_str()) {
            (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken") => {
                (ErrorClass::Authentication, "")
            }
            (_, "RequestTimeTooSkewed") => (
                ErrorClass::Policy,
                "; the clocks of Rota and of the store differ: set them right",
            ),
            (_, "AuthorizationHeaderMalformed" | "PermanentRedirect") | (300..=399, _) => (
                ErrorClass::Policy,
                "; the bucket is in another region: check endpoint and region",
            ),
            (_, "InvalidObjectState") => (
                ErrorClass::Policy,
                "; it lies in an archive: restore it first, or choose a prefix without it",
            ),
            (401, _) => (ErrorClass::Authentication, ""),
            (403, _) => (ErrorClass::Permission, ""),
            (408 | 409 | 429 | 500..=599, _) => (ErrorClass::Network, "; it is tried again"),
            _ => (ErrorClass::Policy, ""),
        };
        let detail = format!(
            "{what} in bucket `{}`: the store answered {} {} {}",
            self.bucket, answer.status, refused.code, refused.message
        );
        ConnectorError::new(class, format!("{}{note}", detail.trim_end()))
    }
}

impl Answer {
    /// Reads the XML of an answer.
    pub(super) fn xml<T: for<'de> Deserialize<'de>>(&self) -> Result<T, ConnectorError> {
        let odd = || refuse("the store answered something else than S3 would; check the endpoint");
        let text = std::str::from_utf8(&self.body).map_err(|_| odd())?;
        quick_xml::de::from_str(text).map_err(|_| odd())
    }

    pub(super) fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(HeaderValue::as_bytes)
    }
}

async fn read(mut response: Response) -> Result<Answer, ConnectorError> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len() + chunk.len() > LARGEST {
            return Err(refuse(format!(
                "an answer of the store has more than {LARGEST} bytes, which no envelope has"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// Every request here may be repeated: a write that came through without an answer is then seen as somebody's.
fn explain(error: &reqwest::Error) -> ConnectorError {
    match web::silence(error) {
        Silence::Refused(why) => refuse(why),
        Silence::NoConnection => network("no connection to the store".to_owned()),
        Silence::TimedOut => network(format!("no answer of the store within {} s", TIMEOUT.as_secs())),
        Silence::Lost => network("the connection to the store was lost before the answer came".to_owned()),
    }
}

fn network(detail: String) -> ConnectorError {
    ConnectorError::new(ErrorClass::Network, detail)
}
