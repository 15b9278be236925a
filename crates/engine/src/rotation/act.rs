//! The acts on the world, each idempotent: what a crash leaves half done is done again with the same candidate.

use crate::catalog::{Credential, Issuer, Strategy, Version, VersionNumber};
use crate::ports::{Connector, ConnectorError, IssuerAccess, Material, SecretRef, Target, Values};
use crate::rotation::model::Rotation;
use crate::rotation::record::{ErrorClass, Step};
use crate::rule::Refusal;
use crate::services::Services;

/// What an act gave.
#[derive(Debug)]
pub enum ActOutcome {
    /// In words.
    Seen(String),
    /// A candidate was made; it is sealed in the commit of the outcome.
    Proposed { identity: String, values: Values },
    /// The issuer took it; `values` when the issuer made the secret itself.
    Issued {
        identity: String,
        values: Option<Values>,
        detail: String,
    },
}

/// Everything an act needs, opened for its duration only.
struct Stage<'a> {
    connector: &'a dyn Connector,
    issuer: Issuer,
    admin: Values,
    credential: Credential,
    from: Option<Material>,
    to: Option<Material>,
}

impl Stage<'_> {
    fn access(&self) -> IssuerAccess<'_> {
        IssuerAccess {
            issuer: &self.issuer,
            admin: &self.admin,
        }
    }

    fn target(&self) -> Target<'_> {
        Target {
            credential: &self.credential.id,
            name: &self.credential.name,
            strategy: self.credential.strategy,
            config: &self.credential.config,
        }
    }

    fn previous(&self) -> Result<&Material, ConnectorError> {
        self.from.as_ref().ok_or_else(|| missing("the previous version"))
    }

    fn candidate(&self) -> Result<&Material, ConnectorError> {
        self.to.as_ref().ok_or_else(|| missing("the candidate"))
    }
}

fn missing(what: &str) -> ConnectorError {
    ConnectorError::new(ErrorClass::Policy, format!("{what} is not stored"))
}

fn unavailable(refusal: &Refusal) -> ConnectorError {
    ConnectorError::new(ErrorClass::Network, refusal.to_string())
}

impl Services {
    /// Does one step. Trouble inside Rota itself (the store, the key) counts as transient.
    pub(crate) async fn act(&self, rotation: &Rotation, step: Step) -> Result<ActOutcome, ConnectorError> {
        let stage = self.stage(rotation).await?;
        let (access, target) = (stage.access(), stage.target());
        let connector = stage.connector;
        let seen = match step {
            Step::Store => {
                let randomness = self.randomness.as_ref();
                let proposal = connector.propose(target, rotation.to, stage.from.as_ref(), randomness)?;
                return Ok(ActOutcome::Proposed {
                    identity: proposal.identity,
                    values: proposal.values,
                });
            }
            Step::Issue => {
                let issued = connector
                    .issue(access, target, stage.candidate()?, stage.from.as_ref())
                    .await?;
                return Ok(ActOutcome::Issued {
                    identity: issued.identity,
                    values: issued.values,
                    detail: issued.detail,
                });
            }
            Step::Rehearse => {
                connector.inspect_issuer(access).await?;
                connector.verify(access, target, stage.previous()?).await?
            }
            Step::ProvePrevious => connector.verify(access, target, stage.previous()?).await?,
            Step::Verify => connector.verify(access, target, stage.candidate()?).await?,
            Step::Retire => connector.revoke(access, target, stage.previous()?).await?,
            Step::ConfirmRefused => {
                connector
                    .confirm_refused(access, target, stage.previous()?, stage.candidate()?)
                    .await?
            }
            Step::RestorePrevious => {
                let previous = stage.previous()?;
                connector
                    .issue(access, target, previous, stage.to.as_ref())
                    .await?
                    .detail
            }
            Step::RevokeCandidate if rotation.strategy == Strategy::InPlace && rotation.from.is_some() => {
                "the one slot holds the previous value".to_owned()
            }
            Step::RevokeCandidate => connector.revoke(access, target, stage.candidate()?).await?,
            Step::ConfirmCandidateRefused => {
                connector
                    .confirm_refused(access, target, stage.candidate()?, stage.previous()?)
                    .await?
            }
            Step::Promote => "promoted".to_owned(),
        };
        Ok(ActOutcome::Seen(seen))
    }

    /// Logs in with one version of a running rotation.
    pub(crate) async fn probe(&self, rotation: &Rotation, candidate: bool) -> Result<String, ConnectorError> {
        let stage = self.stage(rotation).await?;
        let version = if candidate {
            stage.candidate()?
        } else {
            stage.previous()?
        };
        stage
            .connector
            .verify(stage.access(), stage.target(), version)
            .await
    }

    async fn stage<'a>(&'a self, rotation: &Rotation) -> Result<Stage<'a>, ConnectorError> {
        let loaded = async {
            let credential = self.store.credential_by_id(&rotation.credential).await?;
            let issuer = self.store.issuer(&rotation.issuer).await?;
            let versions = self.store.versions(&rotation.credential).await?;
            Ok::<_, crate::ports::StoreError>((credential, issuer, versions))
        };
        let (credential, issuer, versions) = loaded.await.map_err(|error| unavailable(&error.into()))?;
        let credential = credential.ok_or_else(|| missing("the credential"))?;
        let issuer = issuer.ok_or_else(|| missing("the issuer"))?;
        let connector = self.connectors.of(&issuer.kind).ok_or_else(|| {
            ConnectorError::new(
                ErrorClass::Policy,
                format!("this server has no connector of kind `{}`", issuer.kind),
            )
        })?;
        let admin = self
            .opened_admin(&issuer)
            .await
            .map_err(|refusal| unavailable(&refusal))?;
        let from = self.material(rotation, rotation.from, &versions).await?;
        let to = self.material(rotation, Some(rotation.to), &versions).await?;
        Ok(Stage {
            connector: connector.as_ref(),
            issuer,
            admin,
            credential,
            from,
            to,
        })
    }

    async fn material(
        &self,
        rotation: &Rotation,
        number: Option<VersionNumber>,
        versions: &[Version],
    ) -> Result<Option<Material>, ConnectorError> {
        let Some(version) = versions.iter().find(|version| Some(version.number) == number) else {
            return Ok(None);
        };
        let at = SecretRef::version(&rotation.credential, version.number);
        let values = self
            .opened_values(&at)
            .await
            .map_err(|refusal| unavailable(&refusal))?;
        Ok(Some(Material {
            number: version.number,
            identity: version.identity.clone(),
            values,
        }))
    }
}
