//! Issuers: the systems that accept credentials.

use serde_json::Value;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::Issuer;
use crate::catalog::model::Breaker;
use crate::catalog::service::{check_revision, override_note, parse_name, rule_of};
use crate::change::{Change, Topic, Write};
use crate::id::IssuerId;
use crate::name::Name;
use crate::ports::{IssuerAccess, SecretRef, Values};
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// An issuer as asked for.
#[derive(Debug)]
pub struct NewIssuer {
    pub name: String,
    pub kind: String,
    pub environment: String,
    pub config: Value,
    /// `username` and `password`, or `token`: sealed, never shown again.
    pub admin: Values,
    /// Why a rule is overridden by a flag `allow_…` of the configuration.
    pub override_reason: Option<String>,
    pub sandbox: bool,
}

/// What is None stays.
#[derive(Debug, Default)]
pub struct IssuerUpdate {
    pub environment: Option<String>,
    pub config: Option<Value>,
    pub admin: Option<Values>,
    pub override_reason: Option<String>,
}

impl Services {
    /// Adds an issuer, once a connection to it has been seen to work.
    ///
    /// # Errors
    /// Not an administrator, broken rules (an issuer that cannot be reached among them), the name is taken.
    pub async fn create_issuer(&self, actor: &Actor, new: NewIssuer) -> Result<Issuer, Refusal> {
        actor.require(Role::Administrator)?;
        let mut issuer = self.checked_issuer(&new)?;
        if self.store.issuer(&issuer.name).await?.is_some() {
            return Err(Refusal::conflict(
                "name_taken",
                format!("there is already an issuer named `{}`", issuer.name),
            ));
        }
        issuer.findings = self.inspected(&issuer, &new.admin).await?;
        let now = self.clock.now();
        let at = SecretRef::issuer_admin(&issuer.id);
        let sealed = self.sealer.seal_values(&at, &new.admin)?;
        let note = override_note(&issuer.config, new.override_reason.as_deref());
        let detail = format!("{} in {}{note}", issuer.kind, issuer.environment);
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                now,
                "issuer.create",
                format!("issuer/{}", issuer.name),
                detail,
            ))
            .write(Write::InsertIssuer(issuer.clone()))
            .write(Write::PutSecret { at, sealed })
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(issuer)
    }

    /// All issuers, by name.
    ///
    /// # Errors
    /// Not a viewer.
    pub async fn issuers(&self, actor: &Actor) -> Result<Vec<Issuer>, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(self.store.issuers().await?)
    }

    /// One issuer.
    ///
    /// # Errors
    /// Not a viewer, no such issuer.
    pub async fn issuer(&self, actor: &Actor, name: &Name) -> Result<Issuer, Refusal> {
        actor.require(Role::Viewer)?;
        let issuer = self.store.issuer(name).await?;
        issuer.ok_or_else(|| Refusal::not_found("issuer", name.as_str()))
    }

    /// Changes how an issuer is reached, once the new way has been seen to work. A change closes its breaker.
    ///
    /// # Errors
    /// Not an administrator, no such issuer, stale, broken rules.
    pub async fn update_issuer(
        &self,
        actor: &Actor,
        name: &Name,
        update: IssuerUpdate,
        if_match: Option<i64>,
    ) -> Result<Issuer, Refusal> {
        actor.require(Role::Administrator)?;
        let mut issuer = self.issuer(actor, name).await?;
        check_revision(if_match, issuer.revision)?;
        let mut broken = Vec::new();
        let mut changed = Vec::new();
        if let Some(environment) = &update.environment
            && let Some(environment) = parse_name(environment, "/environment", &mut broken)
            && environment != issuer.environment
        {
            if self.is_issuing(name).await? {
                let detail = "its credentials belong to its present environment; make another issuer";
                broken.push(RuleError::new("/environment", detail));
            }
            issuer.environment = environment;
            changed.push("environment");
        }
        if let Some(config) = &update.config {
            match self.checked_config(&issuer.kind, config) {
                Ok(config) => issuer.config = config,
                Err(rules) => broken.extend(rules),
            }
            changed.push("configuration");
        }
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        let stored_admin = match &update.admin {
            Some(_) => None,
            None => Some(self.opened_admin(&issuer).await?),
        };
        let mut change = Change::new().topic(Topic::Catalog);
        if let Some(admin) = update.admin.as_ref().or(stored_admin.as_ref()) {
            issuer.findings = self.inspected(&issuer, admin).await?;
        }
        if let Some(admin) = &update.admin {
            let at = SecretRef::issuer_admin(&issuer.id);
            let sealed = self.sealer.seal_values(&at, admin)?;
            change = change.write(Write::PutSecret { at, sealed });
            issuer.admin_username = admin_username(admin);
            changed.push("administrator");
        }
        issuer.breaker = Breaker::default();
        let note = override_note(&issuer.config, update.override_reason.as_deref());
        let detail = format!("changed {}{note}", changed.join(", "));
        let draft = AuditDraft::new(
            actor,
            self.clock.now(),
            "issuer.update",
            format!("issuer/{name}"),
            detail,
        );
        self.store
            .commit(change.audit(draft).write(Write::UpdateIssuer(issuer.clone())))
            .await?;
        issuer.revision += 1;
        Ok(issuer)
    }

    /// Removes an issuer that no credential names, and what its administrator signs in with.
    ///
    /// # Errors
    /// Not an administrator, no such issuer, stale, still in use.
    pub async fn delete_issuer(
        &self,
        actor: &Actor,
        name: &Name,
        if_match: Option<i64>,
    ) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        let issuer = self.issuer(actor, name).await?;
        check_revision(if_match, issuer.revision)?;
        if self.is_issuing(name).await? {
            let detail = format!("issuer `{name}` still has credentials; delete them first");
            return Err(Refusal::conflict("in_use", detail));
        }
        let at = SecretRef::issuer_admin(&issuer.id);
        let detail = "deleted, with what its administrator signs in with";
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                self.clock.now(),
                "issuer.delete",
                format!("issuer/{name}"),
                detail,
            ))
            .write(Write::DeleteIssuer(issuer))
            .write(Write::ShredSecret { at })
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }

    /// Every rule that can be checked without the issuer.
    pub(crate) fn checked_issuer(&self, new: &NewIssuer) -> Result<Issuer, Refusal> {
        let mut broken = Vec::new();
        let name = parse_name(&new.name, "/name", &mut broken);
        let environment = parse_name(&new.environment, "/environment", &mut broken);
        let config = self
            .checked_config(&new.kind, &new.config)
            .map_err(|rules| broken.extend(rules))
            .ok();
        if new.admin.iter().all(|(_, value)| value.is_empty()) {
            broken.push(RuleError::new(
                "/admin",
                "give what the administrator signs in with",
            ));
        }
        let (Some(name), Some(environment), Some(config), true) =
            (name, environment, config, broken.is_empty())
        else {
            return Err(Refusal::Rules(broken));
        };
        Ok(Issuer {
            id: IssuerId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name,
            kind: new.kind.clone(),
            environment,
            config,
            admin_username: admin_username(&new.admin),
            breaker: Breaker::default(),
            findings: Vec::new(),
            sandbox: new.sandbox,
            created_at: self.clock.now(),
            revision: 1,
        })
    }

    fn checked_config(&self, kind: &str, config: &Value) -> Result<Value, Vec<RuleError>> {
        match self.connectors.of(kind) {
            Some(connector) => connector.check_issuer(config),
            None => {
                let kinds: Vec<&str> = self.connectors.kinds().collect();
                Err(vec![RuleError::new(
                    "/kind",
                    format!("unknown; there are {}", kinds.join(", ")),
                )])
            }
        }
    }

    /// Signs in as the administrator; gives the findings.
    async fn inspected(&self, issuer: &Issuer, admin: &Values) -> Result<Vec<String>, Refusal> {
        let Some(connector) = self.connectors.of(&issuer.kind) else {
            return Err(Refusal::rule(
                "/kind",
                format!("there is no connector for `{}`", issuer.kind),
            ));
        };
        let inspection = connector
            .inspect_issuer(IssuerAccess { issuer, admin })
            .await
            .map_err(|error| Refusal::Rules(vec![rule_of(&error, "/admin", "/config")]))?;
        if inspection.broken_rules.is_empty() {
            Ok(inspection.findings)
        } else {
            Err(Refusal::Rules(inspection.broken_rules))
        }
    }

    async fn is_issuing(&self, issuer: &Name) -> Result<bool, Refusal> {
        Ok(self
            .store
            .credentials()
            .await?
            .iter()
            .any(|credential| credential.issuer == *issuer))
    }
}

/// The name is for people; it is no secret.
fn admin_username(admin: &Values) -> Option<String> {
    admin
        .get("username")
        .map(|username| username.expose_text().to_owned())
}
