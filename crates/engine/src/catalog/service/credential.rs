//! Adding a credential to the catalog, and taking one out.

use std::time::Duration;

use serde_json::Value;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::age::AgeThresholds;
use crate::catalog::service::credential_check::check_words;
use crate::catalog::service::{
    PolicyInput, because, check_revision, filled, override_note, parse_name, require_for_overrides,
};
use crate::catalog::{
    Credential, CredentialKind, Issuer, Policy, Sensitivity, Strategy, Version, VersionNumber, VersionState,
};
use crate::change::{Change, Topic, Write};
use crate::id::CredentialId;
use crate::name::Name;
use crate::ports::{Material, SecretRef, Values};
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A credential as asked for.
#[derive(Debug)]
pub struct NewCredential {
    pub name: String,
    /// A word of [`CredentialKind`], such as `database_password`.
    pub kind: String,
    pub issuer: String,
    pub owner_team: Option<String>,
    pub backup_contact: Option<String>,
    pub purpose: String,
    pub sensitivity: Sensitivity,
    pub environment: String,
    pub strategy: Strategy,
    pub config: Value,
    pub consumers: Vec<String>,
    pub tags: Vec<String>,
    pub review_every: Option<Duration>,
    pub policy: PolicyInput,
    pub age_thresholds: Option<AgeThresholds>,
    /// A login that exists and becomes version 1.
    pub initial: Option<Values>,
    /// Why a rule is overridden by a flag `allow_…` of the configuration.
    pub override_reason: Option<String>,
    pub sandbox: bool,
}

impl Services {
    /// Adds a credential. With `initial` that login is checked at the issuer and becomes version 1, current. Without,
    /// `current` is None, and the caller starts the first rotation, which makes version 1.
    ///
    /// # Errors
    /// Not an operator (an administrator, for an override), broken rules, the name is taken, the issuer is away.
    pub async fn create_credential(&self, actor: &Actor, new: NewCredential) -> Result<Credential, Refusal> {
        actor.require(Role::Operator)?;
        let (mut credential, issuer) = self.checked_credential(actor, &new).await?;
        if self.store.credential(&credential.name).await?.is_some() {
            let detail = format!("there is already a credential named `{}`", credential.name);
            return Err(Refusal::conflict("name_taken", detail));
        }
        let initial = new.initial.map(adopted);
        let findings = self
            .inspected_target(&credential, &issuer, initial.as_ref())
            .await?;
        let now = credential.created_at;
        let mut detail = match &initial {
            Some(material) => format!("adopted {} as version 1", material.identity),
            None => "without a version yet".to_owned(),
        };
        detail.push_str(&override_note(&credential.config, new.override_reason.as_deref()));
        for finding in findings {
            detail.push_str("; finding: ");
            detail.push_str(&finding);
        }
        let mut change = Change::new();
        if let Some(material) = initial {
            credential.current = Some(material.number);
            credential.last_number = material.number;
            credential.adopted = true;
            let at = SecretRef::version(&credential.id, material.number);
            let sealed = self.sealer.seal_values(&at, &material.values)?;
            change = change
                .write(Write::PutVersion(Version {
                    credential: credential.id.clone(),
                    number: material.number,
                    state: VersionState::Current,
                    identity: material.identity,
                    created_at: now,
                    promoted_at: Some(now),
                    retired_at: None,
                    last_proved_at: None,
                    failure: None,
                }))
                .write(Write::PutSecret { at, sealed });
        }
        // The credential's row comes first: its version refers to it.
        change
            .writes
            .insert(0, Write::InsertCredential(credential.clone()));
        let object = format!("credential/{}", credential.name);
        let change = change
            .audit(AuditDraft::new(actor, now, "credential.create", object, detail))
            .topic(Topic::Credential(credential.id.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(credential)
    }

    /// Takes a credential out of the catalog and shreds its values. What its issuer still accepts stays there: revoke
    /// it first, or there.
    ///
    /// # Errors
    /// Not an operator, no such credential, stale, a rotation is under way.
    pub async fn delete_credential(
        &self,
        actor: &Actor,
        name: &Name,
        if_match: Option<i64>,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        let credential = self.store.credential(name).await?;
        let credential = credential.ok_or_else(|| Refusal::not_found("credential", name.as_str()))?;
        check_revision(if_match, credential.revision)?;
        if let Some(rotation) = self.store.rotation_in_flight(&credential.id).await? {
            let detail = format!("rotation {} is {}; end it first", rotation.id, rotation.label());
            return Err(Refusal::RotationInProgress {
                rotation: rotation.id,
                detail,
            });
        }
        let versions = self.store.versions(&credential.id).await?;
        let accepted: Vec<String> = versions
            .iter()
            .filter(|version| matches!(version.state, VersionState::Current | VersionState::Previous))
            .map(|version| format!("version {} ({})", version.number, version.identity))
            .collect();
        let detail = match accepted.as_slice() {
            [] => "deleted; its issuer accepts none of its versions".to_owned(),
            accepted => format!("deleted; its issuer still accepts {}", accepted.join(", ")),
        };
        let detail = because(detail, reason);
        let object = format!("credential/{name}");
        let mut change = Change::new()
            .audit(AuditDraft::new(
                actor,
                self.clock.now(),
                "credential.delete",
                object,
                detail,
            ))
            .topic(Topic::Credential(credential.id.clone()))
            .topic(Topic::Catalog);
        for version in versions {
            change = change.write(Write::ShredSecret {
                at: SecretRef::version(&credential.id, version.number),
            });
        }
        Ok(self
            .store
            .commit(change.write(Write::DeleteCredential(credential)))
            .await?)
    }

    /// Every rule that can be checked without asking the issuer.
    async fn checked_credential(
        &self,
        actor: &Actor,
        new: &NewCredential,
    ) -> Result<(Credential, Issuer), Refusal> {
        let mut broken = Vec::new();
        let name = parse_name(&new.name, "/name", &mut broken);
        let environment = parse_name(&new.environment, "/environment", &mut broken);
        let kind = parse_kind(&new.kind, &mut broken);
        let policy = new.policy.clone().complete(&mut broken);
        let consumers = self
            .checked_consumers(&new.consumers, environment.as_ref(), &mut broken)
            .await?;
        let issuer = match parse_name(&new.issuer, "/issuer", &mut broken) {
            Some(issuer) => self.known_issuer(&issuer, &mut broken).await?,
            None => None,
        };
        if let (Some(issuer), Some(environment)) = (&issuer, &environment)
            && issuer.environment != *environment
        {
            let detail = format!(
                "issuer `{}` is in `{}`; both must be in one",
                issuer.name, issuer.environment
            );
            broken.push(RuleError::new("/environment", detail));
        }
        let config = issuer
            .as_ref()
            .and_then(|issuer| self.checked_target(issuer, new, &mut broken));
        if let Some(config) = &config {
            require_for_overrides(actor, config)?;
        }
        if new.purpose.trim().is_empty() {
            broken.push(RuleError::new("/purpose", "say what it is for"));
        }
        if new
            .initial
            .as_ref()
            .is_some_and(|initial| initial.iter().all(|(_, value)| value.is_empty()))
        {
            broken.push(RuleError::new(
                "/initial",
                "give the login to adopt, or leave it out",
            ));
        }
        let parts = name.zip(environment).zip(kind).zip(issuer.zip(config));
        let Some((((name, environment), kind), (issuer, config))) = parts else {
            return Err(Refusal::Rules(broken));
        };
        let mut credential = self.blank(name, environment, kind, issuer.name.clone(), policy, new);
        credential.config = config;
        credential.consumers = consumers;
        check_words(&credential, &mut broken);
        if broken.is_empty() {
            Ok((credential, issuer))
        } else {
            Err(Refusal::Rules(broken))
        }
    }

    fn blank(
        &self,
        name: Name,
        environment: Name,
        kind: CredentialKind,
        issuer: Name,
        policy: Policy,
        new: &NewCredential,
    ) -> Credential {
        Credential {
            id: CredentialId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name,
            kind,
            issuer,
            owner_team: filled(new.owner_team.clone()),
            backup_contact: filled(new.backup_contact.clone()),
            purpose: new.purpose.trim().to_owned(),
            sensitivity: new.sensitivity,
            environment,
            strategy: new.strategy,
            config: Value::Null,
            consumers: Vec::new(),
            tags: new.tags.clone(),
            review_every: new.review_every,
            policy,
            age_thresholds: new.age_thresholds,
            current: None,
            last_number: VersionNumber(0),
            schedule_hold: None,
            adopted: false,
            sandbox: new.sandbox,
            created_at: self.clock.now(),
            last_rotated_at: None,
            revision: 1,
        }
    }

    async fn known_issuer(
        &self,
        name: &Name,
        broken: &mut Vec<RuleError>,
    ) -> Result<Option<Issuer>, Refusal> {
        let issuer = self.store.issuer(name).await?;
        if issuer.is_none() {
            broken.push(RuleError::new(
                "/issuer",
                format!("there is no issuer `{name}`; add it first"),
            ));
        }
        Ok(issuer)
    }

    /// The connector's checks: the strategy and the configuration.
    fn checked_target(
        &self,
        issuer: &Issuer,
        new: &NewCredential,
        broken: &mut Vec<RuleError>,
    ) -> Option<Value> {
        let Some(connector) = self.connectors.of(&issuer.kind) else {
            broken.push(RuleError::new(
                "/issuer",
                format!("there is no connector for `{}`", issuer.kind),
            ));
            return None;
        };
        if !connector.strategies().contains(&new.strategy) {
            let possible: Vec<&str> = connector
                .strategies()
                .iter()
                .map(|strategy| strategy.label())
                .collect();
            let detail = format!(
                "issuers of kind `{}` can do: {}",
                issuer.kind,
                possible.join(", ")
            );
            broken.push(RuleError::new("/strategy", detail));
            return None;
        }
        let checked = connector.check_credential(new.strategy, &new.config);
        checked.map_err(|rules| broken.extend(rules)).ok()
    }
}

fn parse_kind(text: &str, broken: &mut Vec<RuleError>) -> Option<CredentialKind> {
    let kind = serde_json::from_value(Value::String(text.to_owned())).ok();
    if kind.is_none() {
        let detail = "one of database_password, api_key, certificate, signing_key, ssh_key, token, other";
        broken.push(RuleError::new("/kind", detail));
    }
    kind
}

/// What the issuer calls an adopted login is the value that names it.
fn adopted(values: Values) -> Material {
    let identity = ["username", "key_id", "id"]
        .into_iter()
        .find_map(|name| values.get(name))
        .map(|value| value.expose_text().to_owned())
        .unwrap_or_default();
    Material {
        number: VersionNumber(1),
        identity,
        values,
    }
}
