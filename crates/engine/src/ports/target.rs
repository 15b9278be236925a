//! A place where callers keep sealed values, behind two small ports: what it is, and one session with it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ports::connector::{ConnectorError, Values};
use crate::rule::RuleError;

/// A place within a scan, in the connector's own words; opaque to everybody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Which record, in words that the connector reads back and a person understands: a primary key, a key of Redis or S3.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Locator(pub String);

/// Part of a target: what comes after `after` up to and with `through`. None: from the first, to the last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    pub after: Option<Cursor>,
    pub through: Option<Cursor>,
}

/// A value as it is stored, and what its context is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    pub locator: Locator,
    /// As it stands there: the envelope, or its base64 text.
    pub stored: Vec<u8>,
    /// The columns that the context template names, as text, in its order.
    pub fields: Vec<String>,
}

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub records: Vec<StoredRecord>,
    /// Where to go on; None: nothing is left.
    pub next: Option<Cursor>,
}

/// One value to be replaced, if it still is `before`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    pub locator: Locator,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// A kind of target: `postgresql`, `mysql`, `sqlite`, `redis`, `s3`.
#[async_trait]
pub trait TargetKind: Send + Sync {
    /// The label in the API. For logs and the registry only; nothing else matches on it.
    fn kind(&self) -> &'static str;

    /// Whether several ranges may be worked on at once.
    fn is_parallel(&self) -> bool;

    /// Whether a person must name a credential of the catalog to sign in with.
    fn needs_credential(&self) -> bool;

    /// Checks a target's configuration and fills in defaults. Pure.
    ///
    /// # Errors
    /// With every rule it breaks; pointers below `/config`.
    fn check(&self, config: &Value) -> Result<Value, Vec<RuleError>>;

    /// Which names a context template may use.
    fn takes_columns(&self) -> bool;

    /// Signs in and looks whether what the configuration names is there and can be scanned without gaps. `columns` are
    /// those that the context template names; `login` holds the values of the named credential's current version.
    ///
    /// # Errors
    /// [`ConnectorError`]; a configuration that can never work is of class `policy`.
    async fn open(
        &self,
        config: &Value,
        login: Option<&Values>,
        columns: &[String],
    ) -> Result<Box<dyn TargetSession>, ConnectorError>;
}

/// One signed-in session. Whoever drops it in the middle of anything loses nothing: each method is repeatable.
#[async_trait]
pub trait TargetSession: Send {
    /// About how many records there are.
    async fn estimate(&mut self) -> Result<u64, ConnectorError>;

    /// At most `parts` ranges of about equal size that leave no gap, also not for what is added later.
    async fn split(&mut self, parts: u32) -> Result<Vec<Bounds>, ConnectorError>;

    /// At most about `limit` records of a range, beginning after the cursor. A record that was there all the time is
    /// met at least once in a scan.
    async fn scan(
        &mut self,
        bounds: &Bounds,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Batch, ConnectorError>;

    /// These records as they stand now; what is gone is left out.
    async fn read(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError>;

    /// Which records the fields of a context may name, in the order of the columns that the session was opened with.
    /// None where they do not hold the whole key; more than one where a text may stand for several values.
    fn locate(&self, fields: &[String]) -> Vec<Locator>;

    /// Replaces each value that still is what it was (compare and swap); true where it did. Never waits long for
    /// somebody else's lock: such a record counts as changed.
    async fn replace(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError>;
}
