//! Delivery: what an instance of a consumer is handed. The named edge where secrets leave.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Secret;

/// The header in which an instance names itself.
pub const INSTANCE_HEADER: &str = "x-rota-instance";

/// The longest wait that `?wait=` takes, in seconds.
pub const LONGEST_WAIT_SECONDS: u64 = 30;

/// `GET /api/v1/delivery/{credential}`
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivery {
    pub version: u32,
    pub values: Values,
    /// Sent where the issuer accepts both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Delivered>,
    pub refresh_after_seconds: u64,
}

/// One version with its values.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Delivered {
    pub version: u32,
    pub values: Values,
}

/// Named values such as `username`, `password`, `host`, `port`, `database`, `sslmode`, `ca_pem`.
pub type Values = BTreeMap<String, DeliveredValue>;

/// One value: a text, or a number where a number is meant (`port`).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum DeliveredValue {
    Text(Secret),
    Number(i64),
}

impl DeliveredValue {
    /// The value as text: what goes into a file or a variable.
    #[must_use]
    pub fn expose_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(secret) => Cow::Borrowed(secret.expose_secret()),
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }
}

impl From<Secret> for DeliveredValue {
    fn from(secret: Secret) -> Self {
        Self::Text(secret)
    }
}

impl From<i64> for DeliveredValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'de> Deserialize<'de> for DeliveredValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// Written by hand because an untagged enum would buffer the secret in memory that nobody erases.
struct ValueVisitor;

impl de::Visitor<'_> for ValueVisitor {
    type Value = DeliveredValue;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a text or a whole number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(DeliveredValue::Text(Secret::new(text)))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(DeliveredValue::Text(Secret::new(text)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(DeliveredValue::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        // The number itself stays out of the message: it may be secret.
        i64::try_from(number)
            .map(DeliveredValue::Number)
            .map_err(|_| E::custom("the number is too large"))
    }
}

/// `POST /api/v1/delivery/{credential}/acks`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Ack {
    pub version: u32,
    pub status: AckStatus,
    /// Why it could not be loaded; never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a delivered version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    Loaded,
    Failed,
}
