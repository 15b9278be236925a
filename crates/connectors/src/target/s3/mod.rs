//! Objects of an S3-compatible store as targets: each object below a prefix holds one envelope, as its bytes or in
//! base64, as the target says.
//!
//! The login is an access key: `key_id` and `key`, or `username` and `password`; and `session_token` where it has one.
//! It needs `s3:ListBucket`, `s3:GetBucketVersioning`, `s3:GetObject`, `s3:GetObjectTagging`, `s3:PutObject` and
//! `s3:PutObjectTagging`.

mod listing;
mod object;
mod session;
mod store;

use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::{ConnectorError, TargetKind, TargetSession, Values};
use engine::rotation::ErrorClass;
use engine::{Clock, RuleError};
use serde_json::{Value, json};
use url::Url;

use self::session::ObjectSession;
use self::store::Store;
use super::login_of;
use crate::address::Reach;
use crate::fields::Fields;
use crate::web::{read_ca_pem, read_reach, read_url};

const USUAL_REGION: &str = "us-east-1";
/// The store's own limit for a key, in bytes.
const KEY_BYTES: usize = 1_024;

/// The target kind `s3`.
pub struct S3Objects {
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for S3Objects {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("S3Objects")
    }
}

impl S3Objects {
    /// `clock` dates signatures.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

/// Where the store is, and what of it.
#[derive(Debug)]
struct BucketConfig {
    endpoint: Url,
    reach: Reach,
    ca_pem: Option<String>,
    allow_plaintext: bool,
    region: String,
    bucket: String,
    prefix: String,
    /// A person said that what a versioned bucket keeps of an object is removed by its own rules.
    old_versions_expire: bool,
}

impl BucketConfig {
    fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let reach = read_reach(&mut fields);
        let endpoint = read_url(
            &mut fields,
            "endpoint",
            reach,
            [
                "the credential of the catalog signs in",
                "bucket and prefix have fields of their own",
            ],
            "every envelope and its name",
        );
        if endpoint.as_ref().is_some_and(|url| url.path() != "/") {
            fields.refuse(
                "endpoint",
                "give the address of the store only, such as https://s3.eu-central-1.amazonaws.com; the bucket has a \
                 field of its own",
            );
        }
        let allow_plaintext = fields.flag("allow_plaintext");
        let ca_pem = read_ca_pem(&mut fields);
        let region = fields.text("region").unwrap_or(USUAL_REGION).to_owned();
        let is_word = |text: &str| {
            text.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
            })
        };
        if region.is_empty() || !is_word(&region) {
            fields.refuse("region", "expected a region such as eu-central-1");
        }
        let bucket = fields.required_text("bucket").to_owned();
        if !bucket.is_empty() && (!(3..=63).contains(&bucket.len()) || !is_word(&bucket)) {
            fields.refuse(
                "bucket",
                "expected the name of a bucket: 3 to 63 small letters, digits, - and .",
            );
        } else if bucket.ends_with("--x-s3") {
            fields.refuse(
                "bucket",
                "a directory bucket lists its objects in no order, so a scan could miss some; general purpose \
                 buckets only",
            );
        }
        let prefix = fields.text("prefix").unwrap_or_default().to_owned();
        if prefix.len() > KEY_BYTES || prefix.contains('\0') {
            fields.refuse(
                "prefix",
                "expected the beginning of the objects' keys, at most 1,024 bytes",
            );
        }
        let old_versions_expire = fields.flag("old_versions_expire");
        let broken = fields.finish();
        match (endpoint, broken.is_empty()) {
            (Some(endpoint), true) => Ok(Self {
                endpoint,
                reach,
                ca_pem,
                allow_plaintext,
                region,
                bucket,
                prefix,
                old_versions_expire,
            }),
            _ => Err(broken),
        }
    }

    fn to_json(&self) -> Value {
        let mut config = json!({
            "endpoint": self.endpoint.as_str().trim_end_matches('/'), "region": self.region, "bucket": self.bucket,
            "prefix": self.prefix,
        });
        if let Some(ca_pem) = &self.ca_pem {
            config["ca_pem"] = json!(ca_pem);
        }
        for (name, is_set) in [
            ("allow_private_network", self.reach == Reach::Private),
            ("allow_plaintext", self.allow_plaintext),
            ("old_versions_expire", self.old_versions_expire),
        ] {
            if is_set {
                config[name] = json!(true);
            }
        }
        config
    }
}

#[async_trait]
impl TargetKind for S3Objects {
    fn kind(&self) -> &'static str {
        "s3"
    }

    /// A listing goes from the first key to the last, and nobody knows what lies between; a session fetches and writes
    /// several objects at once by itself.
    fn is_parallel(&self) -> bool {
        false
    }

    fn needs_credential(&self) -> bool {
        true
    }

    fn check(&self, config: &Value) -> Result<Value, Vec<RuleError>> {
        BucketConfig::check(config).map(|config| config.to_json())
    }

    /// Only `{key}`.
    fn takes_columns(&self) -> bool {
        false
    }

    async fn open(
        &self,
        config: &Value,
        login: Option<&Values>,
        columns: &[String],
    ) -> Result<Box<dyn TargetSession>, ConnectorError> {
        let config = BucketConfig::check(config).map_err(|_| super::unreadable("s3"))?;
        let (Some(key_id), Some(key)) = login_of(login) else {
            return Err(refuse("the credential holds no access key: key_id and key"));
        };
        let session_token = login.and_then(|values| values.get("session_token"));
        let store = Store::new(&config, [key_id, key], session_token, Arc::clone(&self.clock))?;
        let session = ObjectSession::open(store, &config, !columns.is_empty()).await?;
        Ok(Box::new(session))
    }
}

fn refuse(detail: impl Into<String>) -> ConnectorError {
    ConnectorError::new(ErrorClass::Policy, detail)
}
