//! API keys of any HTTP service that can create, test, list and revoke them: four request templates and a few JSON
//! pointers. Strategy `dual`: the service accepts two keys at once.

mod client;
mod config;
mod keys;
mod request;
mod template;

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::catalog::{Issuer, Strategy, VersionNumber};
use engine::ports::{
    Connector, ConnectorError, Inspection, Issued, IssuerAccess, Material, Proposal, Target, Values,
};
use engine::{Randomness, RuleError};

use self::config::{IssuerConfig, TargetConfig};
use self::keys::{Keys, label, label_prefix};
use crate::mask::mask_values;
use crate::password::generate_password;

/// The connector of kind `http_api_key`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpApiKey;

/// The error without any secret that took part.
fn masked<T>(result: Result<T, ConnectorError>, values: &[&Values]) -> Result<T, ConnectorError> {
    result.map_err(|error| ConnectorError::new(error.class, mask_values(error.detail, values)))
}

#[async_trait]
impl Connector for HttpApiKey {
    fn kind(&self) -> &'static str {
        "http_api_key"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::Dual]
    }

    fn check_issuer(&self, config: &serde_json::Value) -> Result<serde_json::Value, Vec<RuleError>> {
        IssuerConfig::check(config).map(|config| config.to_json())
    }

    fn check_credential(
        &self,
        _strategy: Strategy,
        config: &serde_json::Value,
    ) -> Result<serde_json::Value, Vec<RuleError>> {
        TargetConfig::check(config).map(|config| config.to_json())
    }

    fn endpoint(&self, issuer: &Issuer) -> BTreeMap<String, String> {
        IssuerConfig::check(&issuer.config)
            .map(|config| {
                let base_url = config.base_url.as_str().trim_end_matches('/').to_owned();
                BTreeMap::from([("base_url".to_owned(), base_url)])
            })
            .unwrap_or_default()
    }

    async fn inspect_issuer(&self, access: IssuerAccess<'_>) -> Result<Inspection, ConnectorError> {
        let config = IssuerConfig::stored(access.issuer)?;
        let keys = Keys::new(&config, access.admin, None)?;
        masked(keys.inspect_issuer().await, &[access.admin])
    }

    async fn inspect_target(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        adopted: Option<&Material>,
    ) -> Result<Inspection, ConnectorError> {
        let config = IssuerConfig::stored(access.issuer)?;
        let keys = Keys::new(&config, access.admin, Some(target))?;
        masked(keys.inspect_target(adopted).await, &[access.admin])
    }

    /// The issuer's configuration is not known here, so there is always a key; where the issuer makes its own, that
    /// one takes its place when it is issued.
    fn propose(
        &self,
        _target: Target<'_>,
        _number: VersionNumber,
        _current: Option<&Material>,
        randomness: &dyn Randomness,
    ) -> Result<Proposal, ConnectorError> {
        Ok(Proposal {
            identity: String::new(),
            values: Values::new().with("key", generate_password(randomness)),
        })
    }

    async fn issue(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        candidate: &Material,
        current: Option<&Material>,
    ) -> Result<Issued, ConnectorError> {
        let config = IssuerConfig::stored(access.issuer)?;
        let keys = Keys::new(&config, access.admin, Some(target))?;
        let (prefix, candidate_label) = (label_prefix(target), label(target, candidate.number));
        let current_label = current.map(|current| label(target, current.number));
        let issued = keys
            .issue((&prefix, &candidate_label), candidate, current_label.as_deref())
            .await;
        masked(issued, &[access.admin, &candidate.values])
    }

    async fn verify(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        let config = IssuerConfig::stored(access.issuer)?;
        let keys = Keys::new(&config, access.admin, Some(target))?;
        let seen = keys.verify(&label(target, version.number), version).await;
        masked(seen, &[access.admin, &version.values])
    }

    async fn revoke(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        let config = IssuerConfig::stored(access.issuer)?;
        let keys = Keys::new(&config, access.admin, Some(target))?;
        let revoked = keys.revoke(&label(target, version.number), version).await;
        masked(revoked, &[access.admin, &version.values])
    }

    async fn confirm_refused(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        dead: &Material,
        alive: &Material,
    ) -> Result<String, ConnectorError> {
        let config = IssuerConfig::stored(access.issuer)?;
        let keys = Keys::new(&config, access.admin, Some(target))?;
        let dead_label = label(target, dead.number);
        let alive_label = label(target, alive.number);
        let proof = keys
            .confirm_refused((&dead_label, dead), (&alive_label, alive))
            .await;
        masked(proof, &[access.admin, &dead.values, &alive.values])
    }
}
