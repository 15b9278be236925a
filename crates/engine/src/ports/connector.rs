//! An issuer behind one small port. Every act is idempotent: already so is success (invariant 3).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keyring::{Randomness, SecretText};

use crate::catalog::{Issuer, Strategy, VersionNumber};
use crate::id::CredentialId;
use crate::name::Name;
use crate::ports::target::TargetKind;
use crate::rotation::ErrorClass;
use crate::rule::RuleError;

/// The named values of one version: `username`, `password`; or `key_id`, `key`. Zeroised, never printed.
#[derive(Default)]
pub struct Values(BTreeMap<String, SecretText>);

impl Values {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: SecretText) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&SecretText> {
        self.0.get(name)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretText)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The one explicit copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(
            self.0
                .iter()
                .map(|(name, value)| (name.clone(), value.duplicate()))
                .collect(),
        )
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// How to reach an issuer as its administrator.
#[derive(Clone, Copy, Debug)]
pub struct IssuerAccess<'a> {
    pub issuer: &'a Issuer,
    /// `username` and `password`, or `token`.
    pub admin: &'a Values,
}

/// Which credential of the issuer is meant.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub credential: &'a CredentialId,
    pub name: &'a Name,
    pub strategy: Strategy,
    pub config: &'a serde_json::Value,
}

/// One version with its opened values.
#[derive(Debug)]
pub struct Material {
    pub number: VersionNumber,
    /// What the issuer calls it: a login name, a key id. Empty until the issuer has said.
    pub identity: String,
    pub values: Values,
}

/// What a new version will be made of, before anyone hears of it.
#[derive(Debug)]
pub struct Proposal {
    pub identity: String,
    pub values: Values,
}

/// What the issuer said when it took the candidate.
#[derive(Debug)]
pub struct Issued {
    pub identity: String,
    /// Set when the issuer makes the secret itself; it is then sealed in the same commit as the outcome.
    pub values: Option<Values>,
    /// In words, for the log.
    pub detail: String,
}

/// What a look at an issuer or a role found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// In words: server version and the like.
    pub summary: String,
    /// Allowed, but worth a finding.
    pub findings: Vec<String>,
    /// Rules it breaks; creation is refused with them (422).
    pub broken_rules: Vec<RuleError>,
}

/// An issuer's refusal or failure. `detail` never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ConnectorError {
    pub class: ErrorClass,
    pub detail: String,
}

impl ConnectorError {
    /// An error of a class.
    pub fn new(class: ErrorClass, detail: impl Into<String>) -> Self {
        Self {
            class,
            detail: detail.into(),
        }
    }
}

/// A kind of issuer. All methods may be called again after a crash at any point and must then succeed.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The label in the API. For logs and the registry only; nothing else matches on it.
    fn kind(&self) -> &'static str;

    /// The strategies it can carry out.
    fn strategies(&self) -> &'static [Strategy];

    /// Checks an issuer's configuration and fills in defaults. Pure.
    ///
    /// # Errors
    /// With every rule it breaks; pointers below `/config`.
    fn check_issuer(&self, config: &serde_json::Value) -> Result<serde_json::Value, Vec<RuleError>>;

    /// Checks a credential's configuration and fills in defaults. Pure.
    ///
    /// # Errors
    /// With every rule it breaks; pointers below `/config`.
    fn check_credential(
        &self,
        strategy: Strategy,
        config: &serde_json::Value,
    ) -> Result<serde_json::Value, Vec<RuleError>>;

    /// Values that are no secret and the same for every version: `host`, `port`, `database`, `sslmode`, `base_url`.
    fn endpoint(&self, issuer: &Issuer) -> BTreeMap<String, String>;

    /// Signs in as the administrator and says what it found: "test connection".
    async fn inspect_issuer(&self, access: IssuerAccess<'_>) -> Result<Inspection, ConnectorError>;

    /// Looks at what a new credential names at the issuer (the role, its grants) and at an adopted first version.
    async fn inspect_target(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        adopted: Option<&Material>,
    ) -> Result<Inspection, ConnectorError>;

    /// Makes the candidate's identity and values. Does not speak to the issuer.
    ///
    /// # Errors
    /// When the configuration names nothing that could hold a candidate.
    fn propose(
        &self,
        target: Target<'_>,
        number: VersionNumber,
        current: Option<&Material>,
        randomness: &dyn Randomness,
    ) -> Result<Proposal, ConnectorError>;

    /// Makes the issuer accept the candidate; for `in_place` this replaces the current value. Also the undo of
    /// `in_place`: issuing the previous version again.
    async fn issue(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        candidate: &Material,
        current: Option<&Material>,
    ) -> Result<Issued, ConnectorError>;

    /// Logs in with a version, by the route consumers use, and runs the configured probes (one allowed act, one that
    /// must be refused). Gives what it saw, in words. A refused login is [`ErrorClass::Authentication`].
    async fn verify(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError>;

    /// Revokes a version at the issuer and ends its sessions. Already gone is success. For `in_place` nothing is left
    /// to revoke, so it only says so.
    async fn revoke(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError>;

    /// Sees a login with `dead` be refused while one with `alive` works by the same route. Refused for another reason
    /// than the credential (a firewall, pg_hba) is an error, not a proof.
    async fn confirm_refused(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        dead: &Material,
        alive: &Material,
    ) -> Result<String, ConnectorError>;
}

/// The registry: kind to connector, for issuers and for targets of re-encryption.
#[derive(Clone, Default)]
pub struct Connectors {
    issuers: BTreeMap<&'static str, Arc<dyn Connector>>,
    targets: BTreeMap<&'static str, Arc<dyn TargetKind>>,
}

impl Connectors {
    /// With one more kind.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        self.issuers.insert(connector.kind(), connector);
        self
    }

    /// With one more kind of target.
    #[must_use]
    pub fn with_target(mut self, target: Arc<dyn TargetKind>) -> Self {
        self.targets.insert(target.kind(), target);
        self
    }

    /// The connector of a kind.
    pub fn of(&self, kind: &str) -> Option<&Arc<dyn Connector>> {
        self.issuers.get(kind)
    }

    /// The kind of target of that label.
    pub fn target(&self, kind: &str) -> Option<&Arc<dyn TargetKind>> {
        self.targets.get(kind)
    }

    /// Every kind there is.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.issuers.keys().copied()
    }

    /// Every kind of target there is.
    pub fn target_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.targets.keys().copied()
    }
}

impl fmt::Debug for Connectors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connectors")
            .field("issuers", &self.issuers.keys())
            .field("targets", &self.targets.keys())
            .finish()
    }
}
