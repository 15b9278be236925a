//! After a restore: what the issuers really accept (ROT-18). The database is as old as its backup, and a rotation may
//! have come after that.

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::{Credential, Version, VersionNumber, VersionState};
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::name::Name;
use crate::ports::{ConnectorError, IssuerAccess, Material, SecretRef, Target};
use crate::recovery::model::Restored;
use crate::rotation::ErrorClass;
use crate::rule::Refusal;
use crate::services::Services;

/// The setting that holds what the probes saw.
const PROBED: &str = "recovery.probed";
/// Issuers that are spoken to at once.
const AT_ONCE: usize = 8;

/// What an issuer said to one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeAnswer {
    Accepted,
    /// It answers, and does not take this version.
    Refused,
    /// It does not answer, or something of ours is missing: nothing is known.
    Unknown,
}

/// One version tried at its issuer after a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub credential: Name,
    pub version: VersionNumber,
    /// It is what consumers are handed; otherwise an older or newer version that may still work.
    pub current: bool,
    pub answer: ProbeAnswer,
    pub detail: String,
    pub at: Timestamp,
}

/// Everything that was tried after one restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Probed {
    restored_at: Timestamp,
    probes: Vec<Probe>,
}

/// What is known of the credentials since a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Whether every credential was tried at least once.
    pub probed: bool,
    pub probes: Vec<Probe>,
    /// Credentials whose current version was neither accepted nor replaced since the restore.
    pub unsettled: Vec<Name>,
}

impl Services {
    /// Tries every credential at its issuer if this database was restored and nobody did so yet. True when it did.
    ///
    /// # Errors
    /// Store away.
    pub async fn probe_after_restore(&self) -> Result<bool, Refusal> {
        let Some(restored) = self.restored().await? else {
            return Ok(false);
        };
        if self.probed(&restored).await?.is_some() {
            return Ok(false);
        }
        self.probe_all(&Actor::system("restore"), &restored).await?;
        Ok(true)
    }

    /// Tries every credential at its issuer again, after a restore.
    ///
    /// # Errors
    /// Not an operator; `not_restored`; store away.
    pub async fn probe_restored(&self, actor: &Actor) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        let restored = self.restored().await?;
        let restored = restored.ok_or_else(|| {
            Refusal::conflict("not_restored", "this database was not restored from a backup")
        })?;
        self.probe_all(actor, &restored).await
    }

    /// What is known of the credentials since the restore.
    ///
    /// # Errors
    /// Store away.
    pub async fn reconciliation(&self, restored: &Restored) -> Result<Reconciliation, Refusal> {
        let probed = self.probed(restored).await?;
        let versions = self.store.current_versions().await?;
        let probes = probed
            .as_ref()
            .map(|probed| probed.probes.clone())
            .unwrap_or_default();
        let mut unsettled = Vec::new();
        for credential in self.store.credentials().await? {
            let Some(version) = versions
                .iter()
                .find(|version| version.credential == credential.id)
            else {
                continue;
            };
            let accepted = probes.iter().any(|probe| {
                probe.credential == credential.name
                    && probe.version == version.number
                    && probe.answer == ProbeAnswer::Accepted
            });
            if !accepted && version.created_at <= restored.at {
                unsettled.push(credential.name);
            }
        }
        Ok(Reconciliation {
            probed: probed.is_some(),
            probes,
            unsettled,
        })
    }

    async fn probed(&self, restored: &Restored) -> Result<Option<Probed>, Refusal> {
        let bytes = self.store.setting(PROBED).await?;
        let probed = bytes.and_then(|bytes| serde_json::from_slice::<Probed>(&bytes).ok());
        // Of an older restore: these credentials were not tried.
        Ok(probed.filter(|probed| probed.restored_at == restored.at))
    }

    async fn probe_all(&self, actor: &Actor, restored: &Restored) -> Result<(), Refusal> {
        let mut wanted = Vec::new();
        for credential in self.store.credentials().await? {
            for version in self.store.versions(&credential.id).await? {
                if matches!(
                    version.state,
                    VersionState::Current | VersionState::Previous | VersionState::Candidate
                ) {
                    wanted.push((credential.clone(), version));
                }
            }
        }
        let probes: Vec<Probe> = futures::stream::iter(wanted)
            .map(|(credential, version)| async move { self.probe_one(&credential, &version).await })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let refused = probes
            .iter()
            .filter(|probe| probe.current && probe.answer != ProbeAnswer::Accepted)
            .count();
        let detail = format!(
            "{} versions tried at their issuers, {refused} current ones not accepted",
            probes.len()
        );
        let probed = Probed {
            restored_at: restored.at,
            probes,
        };
        let value = serde_json::to_vec(&probed)
            .map_err(|error| Refusal::Unavailable(format!("the probes cannot be kept: {error}")))?;
        let object = format!("backup/{}", restored.backup);
        let change = Change::new()
            .write(Write::PutSetting {
                key: PROBED.to_owned(),
                value,
            })
            .audit(AuditDraft::new(
                actor,
                self.clock.now(),
                "restore.probe",
                object,
                detail,
            ))
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }

    async fn probe_one(&self, credential: &Credential, version: &Version) -> Probe {
        let tried = self.try_version(credential, version).await;
        let (answer, detail) = match tried {
            Ok(seen) => (ProbeAnswer::Accepted, seen),
            Err(error) => match error.class {
                ErrorClass::Authentication | ErrorClass::Permission => (ProbeAnswer::Refused, error.detail),
                _ => (ProbeAnswer::Unknown, error.detail),
            },
        };
        Probe {
            credential: credential.name.clone(),
            version: version.number,
            current: version.state == VersionState::Current,
            answer,
            detail,
            at: self.clock.now(),
        }
    }

    /// Logs in with a stored version, by the route that consumers use.
    async fn try_version(
        &self,
        credential: &Credential,
        version: &Version,
    ) -> Result<String, ConnectorError> {
        let ours = |refusal: Refusal| ConnectorError::new(ErrorClass::Policy, refusal.to_string());
        let issuer = self.store.issuer(&credential.issuer).await;
        let issuer = issuer.map_err(|error| ours(error.into()))?;
        let issuer = issuer.ok_or_else(|| ours(Refusal::not_found("issuer", credential.issuer.as_str())))?;
        let connector = self.connectors.of(&issuer.kind).ok_or_else(|| {
            let detail = format!("this server has no connector of kind `{}`", issuer.kind);
            ConnectorError::new(ErrorClass::Policy, detail)
        })?;
        let admin = self.opened_admin(&issuer).await.map_err(ours)?;
        let at = SecretRef::version(&credential.id, version.number);
        let material = Material {
            number: version.number,
            identity: version.identity.clone(),
            values: self.opened_values(&at).await.map_err(ours)?,
        };
        let access = IssuerAccess {
            issuer: &issuer,
            admin: &admin,
        };
        let target = Target {
            credential: &credential.id,
            name: &credential.name,
            strategy: credential.strategy,
            config: &credential.config,
        };
        connector.verify(access, target, &material).await
    }
}
