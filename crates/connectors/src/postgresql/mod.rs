//! PostgreSQL login roles: `alternating` (two logins of one role, used in turn) and `in_place` (one login).
//!
//! What the server is sent is only ever a SCRAM verifier, so its statement log cannot hold a password.

mod config;
mod generation;
mod inspect;
mod login;
mod marker;
mod probe;
mod roles;
mod scram;
mod session;
mod session_end;
mod settings;
mod sql;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use engine::catalog::{Issuer, Strategy, VersionNumber};
use engine::ports::{
    Connector, ConnectorError, Inspection, Issued, IssuerAccess, Material, Proposal, Target, Values,
};
use engine::rotation::ErrorClass;
use engine::{Randomness, RuleError};
use keyring::SecretText;

pub use self::table::PostgreSqlTables;

use self::config::{IssuerConfig, TargetConfig};
use crate::mask::mask_values;
use crate::password::generate_password;

/// The connector of kind `postgresql`.
pub struct PostgreSql {
    randomness: Arc<dyn Randomness + Send + Sync>,
}

impl PostgreSql {
    /// `randomness` makes the salts of password verifiers.
    pub fn new(randomness: Arc<dyn Randomness + Send + Sync>) -> Self {
        Self { randomness }
    }
}

impl fmt::Debug for PostgreSql {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PostgreSql")
    }
}

/// The login of a version: what the issuer calls it, or the user name it was adopted with.
fn login_of(version: &Material) -> Result<&str, ConnectorError> {
    if !version.identity.is_empty() {
        return Ok(&version.identity);
    }
    version
        .values
        .get("username")
        .map(SecretText::expose_text)
        .ok_or_else(|| {
            ConnectorError::new(
                ErrorClass::Policy,
                format!("version {} names no login", version.number),
            )
        })
}

fn password_of(version: &Material) -> Result<&SecretText, ConnectorError> {
    version.values.get("password").ok_or_else(|| {
        ConnectorError::new(
            ErrorClass::Policy,
            format!("version {} holds no password", version.number),
        )
    })
}

/// Both configurations of an act, read back from what was checked when they were stored.
fn configs(
    access: IssuerAccess<'_>,
    target: Target<'_>,
) -> Result<(IssuerConfig, TargetConfig), ConnectorError> {
    Ok((
        IssuerConfig::stored(access.issuer)?,
        TargetConfig::stored(target)?,
    ))
}

/// The error without any secret that took part.
fn masked<T>(result: Result<T, ConnectorError>, values: &[&Values]) -> Result<T, ConnectorError> {
    result.map_err(|error| ConnectorError::new(error.class, mask_values(error.detail, values)))
}

#[async_trait]
impl Connector for PostgreSql {
    fn kind(&self) -> &'static str {
        "postgresql"
    }

    fn strategies(&self) -> &'static [Strategy] {
        &[Strategy::Alternating, Strategy::InPlace]
    }

    fn check_issuer(&self, config: &serde_json::Value) -> Result<serde_json::Value, Vec<RuleError>> {
        IssuerConfig::check(config).map(|config| config.to_json())
    }

    fn check_credential(
        &self,
        strategy: Strategy,
        config: &serde_json::Value,
    ) -> Result<serde_json::Value, Vec<RuleError>> {
        TargetConfig::check(strategy, config).map(|config| config.to_json())
    }

    fn endpoint(&self, issuer: &Issuer) -> BTreeMap<String, String> {
        IssuerConfig::check(&issuer.config)
            .map(|config| config.endpoint())
            .unwrap_or_default()
    }

    async fn inspect_issuer(&self, access: IssuerAccess<'_>) -> Result<Inspection, ConnectorError> {
        let issuer = IssuerConfig::stored(access.issuer)?;
        masked(
            inspect::inspect_issuer(&issuer, access.admin).await,
            &[access.admin],
        )
    }

    async fn inspect_target(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        adopted: Option<&Material>,
    ) -> Result<Inspection, ConnectorError> {
        let (issuer, config) = configs(access, target)?;
        let inspection = inspect::inspect_target(&issuer, access.admin, target, &config, adopted).await;
        match adopted {
            Some(version) => masked(inspection, &[access.admin, &version.values]),
            None => masked(inspection, &[access.admin]),
        }
    }

    fn propose(
        &self,
        target: Target<'_>,
        _number: VersionNumber,
        current: Option<&Material>,
        randomness: &dyn Randomness,
    ) -> Result<Proposal, ConnectorError> {
        let config = TargetConfig::stored(target)?;
        let current_login = current.map(login_of).transpose()?;
        let identity = config.candidate_login(current_login);
        let values = Values::new()
            .with("username", SecretText::new(identity.clone()))
            .with("password", generate_password(randomness));
        Ok(Proposal { identity, values })
    }

    async fn issue(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        candidate: &Material,
        current: Option<&Material>,
    ) -> Result<Issued, ConnectorError> {
        let (issuer, config) = configs(access, target)?;
        let verifier = scram::verifier(password_of(candidate)?, &*self.randomness)?;
        let act = login::Act {
            issuer: &issuer,
            admin: access.admin,
            target,
            config: &config,
        };
        masked(
            act.issue(candidate, current, &verifier).await,
            &[access.admin, &candidate.values],
        )
    }

    async fn verify(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        let (issuer, config) = configs(access, target)?;
        masked(
            probe::verify(&issuer, &config, version).await,
            &[access.admin, &version.values],
        )
    }

    async fn revoke(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        let (issuer, config) = configs(access, target)?;
        let act = login::Act {
            issuer: &issuer,
            admin: access.admin,
            target,
            config: &config,
        };
        masked(act.revoke(version).await, &[access.admin, &version.values])
    }

    async fn confirm_refused(
        &self,
        access: IssuerAccess<'_>,
        target: Target<'_>,
        dead: &Material,
        alive: &Material,
    ) -> Result<String, ConnectorError> {
        let (issuer, _) = configs(access, target)?;
        masked(
            probe::confirm_refused(&issuer, dead, alive).await,
            &[access.admin, &dead.values, &alive.values],
        )
    }
}
