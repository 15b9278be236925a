//! Changing a credential, and holding its schedule.

use std::time::Duration;

use serde_json::Value;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::age::AgeThresholds;
use crate::catalog::service::credential_check::{check_words, no_connector};
use crate::catalog::service::{
    PolicyInput, because, check_revision, check_text, filled, override_note, require_for_overrides,
};
use crate::catalog::{Credential, Sensitivity};
use crate::change::{Change, CommitError, Topic, Write};
use crate::name::Name;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// What is None stays; an empty text clears.
#[derive(Clone, Debug, Default)]
pub struct CredentialUpdate {
    pub owner_team: Option<String>,
    pub backup_contact: Option<String>,
    pub purpose: Option<String>,
    pub sensitivity: Option<Sensitivity>,
    pub config: Option<Value>,
    pub consumers: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub review_every: Option<Duration>,
    pub policy: Option<PolicyInput>,
    pub age_thresholds: Option<AgeThresholds>,
    /// Why nothing is rotated on schedule; empty lifts the hold.
    pub schedule_hold: Option<String>,
    pub override_reason: Option<String>,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// The driver changes credentials too; whoever named no revision did not mean to lose against it.
const TRIES: usize = 5;

impl Services {
    /// Changes a credential. A running rotation keeps the policy that it began with.
    ///
    /// # Errors
    /// Not an operator (an administrator, for an override), no such credential, stale, broken rules, or the
    /// configuration while a rotation is under way.
    pub async fn update_credential(
        &self,
        actor: &Actor,
        name: &Name,
        update: CredentialUpdate,
        if_match: Option<i64>,
    ) -> Result<Credential, Refusal> {
        actor.require(Role::Operator)?;
        for _ in 0..TRIES {
            let stored = self.store.credential(name).await?;
            let stored = stored.ok_or_else(|| Refusal::not_found("credential", name.as_str()))?;
            check_revision(if_match, stored.revision)?;
            let (mut credential, detail) = self.changed(actor, &stored, &update).await?;
            if credential == stored {
                return Ok(stored);
            }
            let draft = AuditDraft::new(
                actor,
                self.clock.now(),
                "credential.update",
                format!("credential/{name}"),
                detail,
            );
            let change = Change::new()
                .audit(draft)
                .write(Write::UpdateCredential(credential.clone()))
                .topic(Topic::Credential(credential.id.clone()))
                .topic(Topic::Catalog);
            match self.store.commit(change).await {
                Err(CommitError::Stale { .. }) if if_match.is_none() => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    credential.revision += 1;
                    return Ok(credential);
                }
            }
        }
        Err(Refusal::Stale)
    }

    /// Nothing rotates it on schedule until [`Services::resume_schedule`].
    ///
    /// # Errors
    /// Not an operator, no reason, no such credential.
    pub async fn hold_schedule(
        &self,
        actor: &Actor,
        name: &Name,
        reason: &str,
    ) -> Result<Credential, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::rule(
                "/reason",
                "say why; it is shown on the credential's page",
            ));
        }
        let update = CredentialUpdate {
            schedule_hold: Some(reason.to_owned()),
            reason: Some(reason.to_owned()),
            ..CredentialUpdate::default()
        };
        self.update_credential(actor, name, update, None).await
    }

    /// It rotates on schedule again.
    ///
    /// # Errors
    /// Not an operator, no such credential.
    pub async fn resume_schedule(
        &self,
        actor: &Actor,
        name: &Name,
        reason: Option<&str>,
    ) -> Result<Credential, Refusal> {
        let update = CredentialUpdate {
            schedule_hold: Some(String::new()),
            reason: reason.map(str::to_owned),
            ..CredentialUpdate::default()
        };
        self.update_credential(actor, name, update, None).await
    }

    /// The credential with its changes, all checked, and what changed in words.
    async fn changed(
        &self,
        actor: &Actor,
        stored: &Credential,
        update: &CredentialUpdate,
    ) -> Result<(Credential, String), Refusal> {
        let mut broken = Vec::new();
        let mut credential = stored.clone();
        if let Some(purpose) = &update.purpose {
            purpose.trim().clone_into(&mut credential.purpose);
            if credential.purpose.is_empty() {
                broken.push(RuleError::new("/purpose", "say what it is for"));
            }
        }
        if let Some(owner_team) = &update.owner_team {
            credential.owner_team = filled(Some(owner_team.clone()));
        }
        if let Some(backup_contact) = &update.backup_contact {
            credential.backup_contact = filled(Some(backup_contact.clone()));
        }
        if let Some(hold) = &update.schedule_hold {
            check_text(hold, "/schedule_hold", 1_000, &mut broken);
            credential.schedule_hold = filled(Some(hold.clone()));
        }
        credential.sensitivity = update.sensitivity.unwrap_or(stored.sensitivity);
        credential.tags = update.tags.clone().unwrap_or_else(|| stored.tags.clone());
        credential.review_every = update.review_every.or(stored.review_every);
        credential.age_thresholds = update.age_thresholds.or(stored.age_thresholds);
        if let Some(policy) = update.policy.clone() {
            credential.policy = policy.change(stored.policy.clone(), &mut broken);
        }
        if let Some(consumers) = &update.consumers {
            let environment = Some(&stored.environment);
            credential.consumers = self
                .checked_consumers(consumers, environment, &mut broken)
                .await?;
        }
        check_words(&credential, &mut broken);
        let mut note = String::new();
        if let Some(config) = &update.config {
            note = self
                .change_config(actor, &mut credential, config, update, &mut broken)
                .await?;
        }
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        let detail = format!("changed {}{note}", changed_fields(stored, &credential).join(", "));
        Ok((credential, because(detail, update.reason.as_deref())))
    }

    async fn change_config(
        &self,
        actor: &Actor,
        credential: &mut Credential,
        config: &Value,
        update: &CredentialUpdate,
        broken: &mut Vec<RuleError>,
    ) -> Result<String, Refusal> {
        let issuer = self.store.issuer(&credential.issuer).await?;
        let issuer = issuer.ok_or_else(|| Refusal::not_found("issuer", credential.issuer.as_str()))?;
        let connector = self
            .connectors
            .of(&issuer.kind)
            .ok_or_else(|| no_connector(&issuer))?;
        match connector.check_credential(credential.strategy, config) {
            Ok(checked) if checked == credential.config => return Ok(String::new()),
            Ok(checked) => credential.config = checked,
            Err(rules) => {
                broken.extend(rules);
                return Ok(String::new());
            }
        }
        require_for_overrides(actor, &credential.config)?;
        // The rotation under way was planned for the present configuration, and its undo needs it.
        if let Some(rotation) = self.store.rotation_in_flight(&credential.id).await? {
            let detail = format!(
                "rotation {} is {}; change the configuration after it",
                rotation.id,
                rotation.label()
            );
            return Err(Refusal::RotationInProgress {
                rotation: rotation.id,
                detail,
            });
        }
        self.inspected_target(credential, &issuer, None).await?;
        Ok(override_note(
            &credential.config,
            update.override_reason.as_deref(),
        ))
    }
}

fn changed_fields(before: &Credential, after: &Credential) -> Vec<&'static str> {
    [
        ("owner", before.owner_team != after.owner_team),
        ("backup contact", before.backup_contact != after.backup_contact),
        ("purpose", before.purpose != after.purpose),
        ("sensitivity", before.sensitivity != after.sensitivity),
        ("configuration", before.config != after.config),
        ("consumers", before.consumers != after.consumers),
        ("tags", before.tags != after.tags),
        ("review", before.review_every != after.review_every),
        ("policy", before.policy != after.policy),
        ("age thresholds", before.age_thresholds != after.age_thresholds),
        ("schedule hold", before.schedule_hold != after.schedule_hold),
    ]
    .into_iter()
    .filter_map(|(field, is_changed)| is_changed.then_some(field))
    .collect()
}
