//! Requests out, replies and problems in.

use std::{error::Error as _, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde::{Serialize, de::DeserializeOwned};

use super::{Client, ClientError, PlainHttp};
use crate::Problem;

/// What may stand bare in one segment of a path: the unreserved characters of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One segment of a path. A name that is all dots would climb, so its dots are escaped too.
pub(super) fn segment(text: &str) -> String {
    if text.bytes().all(|byte| byte == b'.') {
        return text.replace('.', "%2E");
    }
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Parses the address of the server and refuses what would show the token to others.
pub(super) fn check_address(address: &str, plain_http: PlainHttp) -> Result<Url, ClientError> {
    let refuse = |reason| ClientError::Address {
        address: without_user_info(address),
        reason,
    };
    let url = Url::parse(address).map_err(|_| refuse("write it like https://rota.example.com"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a user name or password; give the token apart"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it must end with its path, without ? or #"));
    }
    match (url.scheme(), plain_http) {
        ("https", _) | ("http", PlainHttp::Anywhere) => Ok(url),
        ("http", PlainHttp::LoopbackOnly) if is_loopback(&url) => Ok(url),
        ("http", PlainHttp::LoopbackOnly) => Err(refuse(
            "plain HTTP beyond this machine would show the token; use https",
        )),
        _ => Err(refuse("it must begin with https:// or http://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn without_user_info(address: &str) -> String {
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => {
            format!("{}***{}", &address[..scheme + 3], &address[at..])
        }
        _ => address.to_owned(),
    }
}

impl Client {
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let key = self.idempotency_key.as_deref().filter(|_| method == Method::POST);
        let request = self
            .http
            .request(method, format!("{}{path}", self.base_url))
            .timeout(self.request_timeout);
        match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, path)).await
    }

    pub(super) async fn get_with<Q: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Q,
    ) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, path).query(query)).await
    }

    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// Sends and reads the JSON of a success.
    pub(super) async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    /// Sends where a success has nothing to read.
    pub(super) async fn nothing(&self, request: RequestBuilder) -> Result<(), ClientError> {
        self.send(request).await.map(|_| ())
    }

    /// Sends; everything but a success or 304 becomes an error.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(self.unexpected(status, "a redirect, which is never followed; check the address"));
        }
        let retry_after = retry_after(&response);
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let Ok(mut problem) = serde_json::from_slice::<Problem>(&body) else {
            return Err(self.unexpected(
                status,
                "the error is not a problem document; is this a Rota server",
            ));
        };
        problem.status = status.as_u16();
        Err(ClientError::Refused {
            problem: Box::new(problem),
            retry_after,
        })
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        // Only the place is told: the message of a wrong type may quote a value, and that may be secret.
        serde_json::from_slice(&body).map_err(|error| {
            let place = format!(
                "its JSON does not fit at line {}, column {}",
                error.line(),
                error.column()
            );
            self.unexpected(status, &place)
        })
    }

    pub(super) fn unexpected(&self, status: StatusCode, reason: &str) -> ClientError {
        ClientError::Unexpected {
            host: self.host.to_string(),
            status: status.as_u16(),
            reason: reason.to_owned(),
        }
    }

    pub(super) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let reason = if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            innermost(error)
        };
        ClientError::Unreachable {
            host: self.host.to_string(),
            reason,
            maybe_sent: !error.is_connect(),
        }
    }
}

/// The last cause says what happened ("connection refused"); the outer ones only say where.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() {
        "the connection broke".to_owned()
    } else {
        cause.to_string()
    }
}

/// Seconds only: our server never sends a date.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_climb_out_of_their_segment() {
        assert_eq!(segment("orders-app_1.x"), "orders-app_1.x");
        assert_eq!(segment("../admin"), "..%2Fadmin");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(segment("a?b#c%d e"), "a%3Fb%23c%25d%20e");
    }

    #[test]
    fn the_token_stays_off_the_open_network() {
        for address in [
            "https://rota.example.com",
            "http://127.0.0.1:3000",
            "http://[::1]:3000/",
            "http://localhost:3000",
        ] {
            assert!(
                check_address(address, PlainHttp::LoopbackOnly).is_ok(),
                "{address}"
            );
        }
        for address in [
            "http://rota.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "rota.example.com",
            "https://ada:pw@rota.example.com",
            "https://rota.example.com/?a=b",
        ] {
            let refused = check_address(address, PlainHttp::LoopbackOnly)
                .unwrap_err()
                .to_string();
            assert!(!refused.contains("pw"), "{refused}");
        }
        assert!(check_address("http://10.0.0.1", PlainHttp::Anywhere).is_ok());
    }
}
