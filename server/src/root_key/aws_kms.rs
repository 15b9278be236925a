//! A key of AWS KMS: it wraps and unwraps there and never leaves it. What is wrapped is bound to its place by the
//! encryption context, which CloudTrail logs too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connectors::aws_signature::{Credentials, Signed, sign};
use engine::Clock;
use engine::ports::{RootError, RootOfTrust, RootWithRecord, WrapPlace};
use engine::seal::record::{RemoteRoot, RootRecord};
use keyring::{KeyMaterial, SecretBytes, SecretText};
use reqwest::{Client, redirect};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{other_than, refused};
use crate::config::AwsKmsSettings;
use crate::host::SystemClock;

pub(super) const KIND: &str = "aws-kms";
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// What a refusal begins with where waiting, or a credential that is renewed meanwhile, helps.
const PASSING: [&str; 7] = [
    "ExpiredTokenException",
    "ThrottlingException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
    "ServiceUnavailable",
    "RequestTimeout",
];

/// A key and how it is reached.
pub(super) struct AwsKms {
    settings: AwsKmsSettings,
    client: Client,
    /// The key's ARN, once KMS has told it.
    arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    key_metadata: KeyMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata {
    arn: String,
    key_state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: SecretText,
}

/// The root of these settings, as the record describes it.
pub(super) async fn open(
    settings: &AwsKmsSettings,
    record: &RootRecord,
) -> Result<Arc<dyn RootOfTrust>, RootError> {
    match record {
        RootRecord::Remote(stored) if stored.kind == KIND => {
            let kms = AwsKms::reach(settings).await?;
            if kms.arn != stored.name {
                return Err(other_than(record, &format!("{KIND} {}", kms.arn)));
            }
            Ok(Arc::new(kms))
        }
        other => Err(other_than(other, "a key of AWS KMS")),
    }
}

/// The root of these settings for a new database or a migration. The key must be there: making one is AWS's business.
pub(super) async fn first(settings: &AwsKmsSettings) -> Result<RootWithRecord, RootError> {
    let kms = AwsKms::reach(settings).await?;
    let record = RootRecord::Remote(RemoteRoot {
        kind: KIND.to_owned(),
        name: kms.arn.clone(),
    });
    Ok((Arc::new(kms), record))
}

impl AwsKms {
    async fn reach(settings: &AwsKmsSettings) -> Result<Self, RootError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .build()
            .map_err(refused)?;
        let mut kms = Self {
            settings: settings.clone(),
            client,
            arn: settings.key.clone(),
        };
        kms.arn = kms.described().await?.arn;
        Ok(kms)
    }

    async fn described(&self) -> Result<KeyMetadata, RootError> {
        let described: Described = self.ask("DescribeKey", &json!({"KeyId": self.arn})).await?;
        let metadata = described.key_metadata;
        if metadata.key_state == "Enabled" {
            return Ok(metadata);
        }
        Err(RootError::Away(format!(
            "the key {} is {}, and must be Enabled",
            metadata.arn, metadata.key_state
        )))
    }

    async fn ask<T: for<'de> Deserialize<'de>>(&self, operation: &str, body: &Value) -> Result<T, RootError> {
        let body = Zeroizing::new(body.to_string());
        let endpoint = &self.settings.endpoint;
        let host = match (endpoint.host_str(), endpoint.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let mut headers = BTreeMap::from([
            ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
            ("host".to_owned(), host),
            ("x-amz-target".to_owned(), format!("TrentService.{operation}")),
        ]);
        if let Some(token) = &self.settings.session_token {
            let token = token.read().map_err(refused)?;
            headers.insert("x-amz-security-token".to_owned(), token.expose_text().to_owned());
        }
        let secret = self.settings.secret_access_key.read().map_err(refused)?;
        let credentials = Credentials {
            access_key_id: &self.settings.access_key_id,
            secret_access_key: &secret,
            region: &self.settings.region,
            service: "kms",
        };
        let signed = sign(
            &credentials,
            "POST",
            "/",
            "",
            headers,
            body.as_bytes(),
            SystemClock.now(),
        );
        let signed = signed.map_err(refused)?;
        self.send(signed, body).await
    }

    async fn send<T: for<'de> Deserialize<'de>>(
        &self,
        signed: Signed,
        body: Zeroizing<String>,
    ) -> Result<T, RootError> {
        let away = |error: reqwest::Error| RootError::Away(format!("AWS KMS: {}", error.without_url()));
        let mut request = self.client.post(self.settings.endpoint.clone());
        for (name, value) in signed.headers.into_iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        let sent = request
            .header("authorization", signed.authorization)
            .body(body.as_bytes().to_vec());
        let reply = sent.send().await.map_err(away)?;
        let status = reply.status();
        let answer = Zeroizing::new(reply.bytes().await.map_err(away)?.to_vec());
        if status.is_success() {
            return serde_json::from_slice(&answer)
                .map_err(|_| RootError::Away("AWS KMS answered something else than it should".to_owned()));
        }
        Err(told(status.as_u16(), &answer))
    }
}

/// The name of a refusal, and what AWS says of it: both are about the request, never about a key's bytes.
fn told(status: u16, answer: &[u8]) -> RootError {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |name: &str| {
        answer
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let kind = text("__type");
    let kind = kind.rsplit_once('#').map_or(kind.as_str(), |(_, kind)| kind);
    let message = format!("{}{}", text("message"), text("Message"));
    let detail = format!("AWS KMS answers {status} {kind} {message}")
        .trim_end()
        .to_owned();
    if status >= 500 || status == 429 || PASSING.iter().any(|passing| kind.starts_with(passing)) {
        RootError::Away(detail)
    } else {
        RootError::Refused(detail)
    }
}

fn context(place: WrapPlace<'_>) -> Value {
    json!({"rota:wrapping-key": place.label()})
}

#[async_trait]
impl RootOfTrust for AwsKms {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn is_remote(&self) -> bool {
        true
    }

    async fn wrap(&self, place: WrapPlace<'_>, material: &KeyMaterial) -> Result<Vec<u8>, RootError> {
        let plain = Zeroizing::new(STANDARD.encode(material.expose_bytes()));
        let body = json!({"KeyId": self.arn, "Plaintext": *plain, "EncryptionContext": context(place)});
        let encrypted: Encrypted = self.ask("Encrypt", &body).await?;
        STANDARD.decode(&encrypted.ciphertext_blob).map_err(refused)
    }

    async fn unwrap(&self, place: WrapPlace<'_>, wrapped: &[u8]) -> Result<KeyMaterial, RootError> {
        let blob = STANDARD.encode(wrapped);
        let body = json!({"KeyId": self.arn, "CiphertextBlob": blob, "EncryptionContext": context(place)});
        let decrypted: Decrypted = self.ask("Decrypt", &body).await?;
        let plain = SecretBytes::new(
            STANDARD
                .decode(decrypted.plaintext.expose_text())
                .map_err(refused)?,
        );
        KeyMaterial::import(&plain)
            .ok_or_else(|| RootError::Refused(format!("AWS KMS gave no key for {}", place.label())))
    }

    async fn check(&self) -> Result<(), RootError> {
        self.described().await.map(|_| ())
    }
}
