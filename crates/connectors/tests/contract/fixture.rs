//! Issuers, targets and versions to act on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::catalog::{Issuer, Strategy, VersionNumber};
use engine::id::{CredentialId, IssuerId};
use engine::ports::{Connector, ConnectorError, Inspection, Issued, IssuerAccess, Material, Target, Values};
use engine::{Clock, Name, Randomness, Timestamp};
use keyring::SecretText;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Random enough to tell values apart, the same in every run.
#[derive(Default)]
pub(crate) struct Seeded(AtomicU64);

impl Randomness for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// A clock that stands.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        // 2026-11-21T12:00:00Z
        Timestamp::from_micros(1_795_262_400_000_000)
    }
}

/// The values of an administrator or of a version.
pub(crate) fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().fold(Values::new(), |values, (name, value)| {
        values.with(name, SecretText::new((*value).to_owned()))
    })
}

/// A version with a user name and a password.
pub(crate) fn password_version(number: u32, login: &str, password: &str) -> Material {
    Material {
        number: VersionNumber(number),
        identity: login.to_owned(),
        values: values(&[("username", login), ("password", password)]),
    }
}

/// A value of a version.
pub(crate) fn exposed<'a>(version: &'a Material, name: &str) -> &'a str {
    version.values.get(name).unwrap().expose_text()
}

/// One credential at one issuer, and the connector that serves them.
pub(crate) struct Fixture {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) issuer: Issuer,
    pub(crate) admin: Values,
    pub(crate) credential: CredentialId,
    pub(crate) name: Name,
    pub(crate) strategy: Strategy,
    pub(crate) config: Value,
    randomness: Seeded,
}

impl Fixture {
    /// Both configurations go through the connector's own checks first, as they do in the server.
    pub(crate) fn new(kind: &str, strategy: Strategy, issuer: &Value, config: &Value, admin: Values) -> Self {
        let connector = Arc::clone(
            connectors::all(Arc::new(Seeded::default()), Arc::new(Still))
                .of(kind)
                .unwrap(),
        );
        assert!(connector.strategies().contains(&strategy));
        let issuer_config = connector.check_issuer(issuer).unwrap();
        let config = connector.check_credential(strategy, config).unwrap();
        Self {
            connector,
            issuer: Issuer {
                id: IssuerId::parse("01890a5d-ac96-774b-bcce-000000000001").unwrap(),
                name: Name::parse("the-issuer").unwrap(),
                kind: kind.to_owned(),
                environment: Name::parse("test").unwrap(),
                config: issuer_config,
                admin_username: None,
                breaker: engine::catalog::model::Breaker::default(),
                findings: Vec::new(),
                sandbox: false,
                created_at: Timestamp::from_micros(0),
                revision: 1,
            },
            admin,
            credential: CredentialId::parse("01890a5d-ac96-774b-bcce-0000000000c1").unwrap(),
            name: Name::parse("orders-app").unwrap(),
            strategy,
            config,
            randomness: Seeded::default(),
        }
    }

    pub(crate) fn access(&self) -> IssuerAccess<'_> {
        IssuerAccess {
            issuer: &self.issuer,
            admin: &self.admin,
        }
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            credential: &self.credential,
            name: &self.name,
            strategy: self.strategy,
            config: &self.config,
        }
    }

    pub(crate) fn propose(&self, number: u32, current: Option<&Material>) -> Material {
        let number = VersionNumber(number);
        let proposal = self
            .connector
            .propose(self.target(), number, current, &self.randomness)
            .unwrap();
        Material {
            number,
            identity: proposal.identity,
            values: proposal.values,
        }
    }

    /// Issues, and takes over what the issuer said as the engine does.
    pub(crate) async fn issue(
        &self,
        candidate: &mut Material,
        current: Option<&Material>,
    ) -> Result<String, ConnectorError> {
        let issued: Issued = self
            .connector
            .issue(self.access(), self.target(), candidate, current)
            .await?;
        candidate.identity = issued.identity;
        if let Some(values) = issued.values {
            candidate.values = values;
        }
        Ok(issued.detail)
    }

    pub(crate) async fn issued(&self, number: u32, current: Option<&Material>) -> Material {
        let mut candidate = self.propose(number, current);
        self.issue(&mut candidate, current).await.unwrap();
        candidate
    }

    pub(crate) async fn verify(&self, version: &Material) -> Result<String, ConnectorError> {
        self.connector.verify(self.access(), self.target(), version).await
    }

    pub(crate) async fn revoke(&self, version: &Material) -> Result<String, ConnectorError> {
        self.connector.revoke(self.access(), self.target(), version).await
    }

    pub(crate) async fn confirm_refused(
        &self,
        dead: &Material,
        alive: &Material,
    ) -> Result<String, ConnectorError> {
        self.connector
            .confirm_refused(self.access(), self.target(), dead, alive)
            .await
    }

    pub(crate) async fn inspect_issuer(&self) -> Result<Inspection, ConnectorError> {
        self.connector.inspect_issuer(self.access()).await
    }

    pub(crate) async fn inspect_target(&self, adopted: Option<&Material>) -> Inspection {
        self.connector
            .inspect_target(self.access(), self.target(), adopted)
            .await
            .unwrap()
    }
}
