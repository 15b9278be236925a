//! A connector with the faults of a plan between it and the engine.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use engine::catalog::{Issuer, Strategy, VersionNumber};
use engine::ports::{
    Connector, ConnectorError, Inspection, Issued, IssuerAccess, Material, Proposal, SecretRef, Store, Target,
};
use engine::rotation::ErrorClass;
use engine::seal::Sealer;
use engine::{Randomness, RuleError};

use crate::fault::{Fault, Faults};
use crate::house::same_values;

/// What is stored, as it can be looked at from outside the engine.
pub(crate) type Stored = Mutex<Option<(Arc<dyn Store>, Arc<Sealer>)>>;

pub(crate) struct Cut {
    pub(crate) inner: Arc<dyn Connector>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) stored: Arc<Stored>,
}

/// Runs an act through the plan. A macro, because the act borrows and is perhaps done twice.
macro_rules! through {
    ($self:ident, $method:literal, $version:expr, $act:expr) => {
        match $self.faults.begin($method, $version)? {
            None | Some(Fault::FailOnce | Fault::FailForGood | Fault::DieBetween) => $act.await,
            Some(Fault::Repeat) => {
                $act.await?;
                $act.await
            }
            Some(Fault::FailAfter) => {
                $act.await?;
                Err(ConnectorError::new(
                    ErrorClass::UnknownOutcome,
                    "no answer came back",
                ))
            }
            Some(Fault::DieBefore) => {
                $self.faults.death.notify_one();
                pending().await
            }
            Some(Fault::DieAfter) => {
                $act.await?;
                $self.faults.death.notify_one();
                pending().await
            }
            Some(Fault::PauseBefore) => {
                $self.faults.paused.notify_one();
                $self.faults.go_on.notified().await;
                $act.await
            }
            Some(Fault::PauseAfter) => {
                let result = $act.await;
                $self.faults.paused.notify_one();
                $self.faults.go_on.notified().await;
                result
            }
        }
    };
}

impl Cut {
    /// Invariant 1: whoever asks the issuer to take a candidate has it sealed in the store already.
    async fn expect_stored(&self, target: Target<'_>, candidate: &Material) {
        let (store, sealer) = self.stored.lock().unwrap().clone().unwrap();
        let at = SecretRef::version(target.credential, candidate.number);
        let sealed = store.sealed(&at).await.unwrap();
        let sealed = sealed.expect("the candidate is stored before its issuer hears of it");
        let values = sealer.open_values(&at, &sealed).unwrap();
        assert!(
            same_values(&values, &candidate.values),
            "what is issued is what is stored"
        );
    }
}

#[async_trait]
impl Connector for Cut {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn strategies(&self) -> &'static [Strategy] {
        self.inner.strategies()
    }

    fn check_issuer(&self, config: &serde_json::Value) -> Result<serde_json::Value, Vec<RuleError>> {
        self.inner.check_issuer(config)
    }

    fn check_credential(
        &self,
        strategy: Strategy,
        config: &serde_json::Value,
    ) -> Result<serde_json::Value, Vec<RuleError>> {
        self.inner.check_credential(strategy, config)
    }

    fn endpoint(&self, issuer: &Issuer) -> BTreeMap<String, String> {
        self.inner.endpoint(issuer)
    }

    async fn inspect_issuer(&self, access: IssuerAccess<'_>) -> Result<Inspection, ConnectorError> {
        through!(self, "inspect", None, self.inner.inspect_issuer(access))
    }

    async fn inspect_target(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        adopted: Option<&Material>,
    ) -> Result<Inspection, ConnectorError> {
        self.inner.inspect_target(access, target, adopted).await
    }

    fn propose(
        &self,
        target: Target<'_>,
        number: VersionNumber,
        current: Option<&Material>,
        randomness: &dyn Randomness,
    ) -> Result<Proposal, ConnectorError> {
        self.inner.propose(target, number, current, randomness)
    }

    async fn issue(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        candidate: &Material,
        current: Option<&Material>,
    ) -> Result<Issued, ConnectorError> {
        self.expect_stored(target, candidate).await;
        through!(
            self,
            "issue",
            Some(candidate.number.0),
            self.inner.issue(access, target, candidate, current)
        )
    }

    async fn verify(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        through!(
            self,
            "verify",
            Some(version.number.0),
            self.inner.verify(access, target, version)
        )
    }

    async fn revoke(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        through!(
            self,
            "revoke",
            Some(version.number.0),
            self.inner.revoke(access, target, version)
        )
    }

    async fn confirm_refused(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        dead: &Material,
        alive: &Material,
    ) -> Result<String, ConnectorError> {
        through!(
            self,
            "confirm",
            Some(dead.number.0),
            self.inner.confirm_refused(access, target, dead, alive)
        )
    }
}
