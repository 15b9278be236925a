//! Targets: places where callers keep values sealed with a key.

use serde_json::Value;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::service::{check_revision, filled, parse_name, rule_of};
use crate::change::{Change, Topic, Write};
use crate::id::{KeyId, TargetId};
use crate::name::Name;
use crate::ports::{SecretRef, TargetSession, Values};
use crate::reencryption::model::{Encoding, Target};
use crate::reencryption::template::ContextTemplate;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A target as asked for.
#[derive(Clone, Debug)]
pub struct NewTarget {
    pub name: String,
    pub kind: String,
    pub key: String,
    pub config: Value,
    pub credential: Option<String>,
    pub encoding: Encoding,
    pub context: String,
    pub require_shadow: bool,
}

/// What is None stays; a blank credential takes away the one that signed in.
#[derive(Clone, Debug, Default)]
pub struct TargetUpdate {
    pub config: Option<Value>,
    pub credential: Option<String>,
    pub encoding: Option<Encoding>,
    pub context: Option<String>,
    pub require_shadow: Option<bool>,
}

impl Services {
    /// Registers a target, once it has been seen to be there and scannable.
    ///
    /// # Errors
    /// Not an administrator, broken rules (a target that cannot be reached among them), the name is taken.
    pub async fn create_target(&self, actor: &Actor, new: NewTarget) -> Result<Target, Refusal> {
        actor.require(Role::Administrator)?;
        let mut broken = Vec::new();
        let name = parse_name(&new.name, "/name", &mut broken);
        let key = match Name::parse(&new.key) {
            Ok(name) => self.key_named(&name).await?.map(|id| (id, name)),
            Err(_) => None,
        };
        if key.is_none() {
            broken.push(RuleError::new("/key", format!("there is no key `{}`", new.key)));
        }
        let context = parse_context(&new.context, &mut broken);
        let (Some(name), Some((key, key_name)), Some(context), true) =
            (name, key, context, broken.is_empty())
        else {
            return Err(Refusal::Rules(broken));
        };
        if self.store.target(&name).await?.is_some() {
            let detail = format!("there is already a target named `{name}`");
            return Err(Refusal::conflict("name_taken", detail));
        }
        let target = Target {
            id: TargetId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name,
            kind: new.kind,
            key,
            key_name,
            config: new.config,
            credential: parse_credential(new.credential)?,
            encoding: new.encoding,
            context,
            require_shadow: new.require_shadow,
            created_at: self.clock.now(),
            revision: 0,
        };
        let target = self.seen_to_work(target).await?;
        let detail = format!("{} with values of key `{}`", target.kind, target.key_name);
        let write = Write::InsertTarget(Box::new(target.clone()));
        self.commit_target(actor, "target.create", &target, detail, write)
            .await?;
        Ok(target)
    }

    /// Changes a target, once the new way has been seen to work.
    ///
    /// # Errors
    /// Not an administrator, no such target, stale, broken rules, 409 `job_under_way`.
    pub async fn update_target(
        &self,
        actor: &Actor,
        name: &Name,
        update: TargetUpdate,
        if_match: Option<i64>,
    ) -> Result<Target, Refusal> {
        actor.require(Role::Administrator)?;
        let mut target = self.target_named(name).await?;
        check_revision(if_match, target.revision)?;
        self.require_no_job(&target).await?;
        let mut broken = Vec::new();
        if let Some(context) = &update.context
            && let Some(context) = parse_context(context, &mut broken)
        {
            target.context = context;
        }
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        target.config = update.config.unwrap_or(target.config);
        target.encoding = update.encoding.unwrap_or(target.encoding);
        target.require_shadow = update.require_shadow.unwrap_or(target.require_shadow);
        if let Some(credential) = update.credential {
            target.credential = parse_credential(filled(Some(credential)))?;
        }
        let mut target = self.seen_to_work(target).await?;
        let write = Write::UpdateTarget(Box::new(target.clone()));
        self.commit_target(actor, "target.update", &target, "changed".to_owned(), write)
            .await?;
        target.revision += 1;
        Ok(target)
    }

    /// Takes a target off the list; its data stays as it is, and nothing is known of it any more.
    ///
    /// # Errors
    /// Not an administrator, no such target, stale, 409 `job_under_way`.
    pub async fn delete_target(
        &self,
        actor: &Actor,
        name: &Name,
        reason: Option<&str>,
        if_match: Option<i64>,
    ) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        let target = self.target_named(name).await?;
        check_revision(if_match, target.revision)?;
        self.require_no_job(&target).await?;
        let mut detail = "its data is no longer counted".to_owned();
        if let Some(reason) = reason {
            detail = format!("{detail}: {}", reason.trim());
        }
        let write = Write::DeleteTarget(Box::new(target.clone()));
        self.commit_target(actor, "target.delete", &target, detail, write)
            .await
    }

    pub(crate) async fn target_named(&self, name: &Name) -> Result<Target, Refusal> {
        let target = self.store.target(name).await?;
        target.ok_or_else(|| Refusal::not_found("target", name.as_str()))
    }

    async fn require_no_job(&self, target: &Target) -> Result<(), Refusal> {
        let jobs = self.store.jobs_under_way().await?;
        match jobs.iter().find(|job| job.target == target.id) {
            Some(job) => Err(Refusal::conflict(
                "job_under_way",
                format!(
                    "job {} of this target is {}; cancel it first",
                    job.id,
                    job.state.label()
                ),
            )),
            None => Ok(()),
        }
    }

    /// Checks the configuration and opens a session once.
    async fn seen_to_work(&self, mut target: Target) -> Result<Target, Refusal> {
        let Some(kind) = self.connectors.target(&target.kind) else {
            let known: Vec<&str> = self.connectors.target_kinds().collect();
            let detail = format!("there is no such kind; expected one of {}", known.join(", "));
            return Err(Refusal::rule("/kind", detail));
        };
        target.config = kind.check(&target.config).map_err(Refusal::Rules)?;
        if kind.needs_credential() && target.credential.is_none() {
            let detail = "name the credential of the catalog that signs in there";
            return Err(Refusal::rule("/credential", detail));
        }
        let names = target.context.names();
        if !kind.takes_columns() && names.iter().any(|name| name != "key") {
            let detail = "only {key} can be named in the context of this kind of target";
            return Err(Refusal::rule("/context", detail));
        }
        let login = self.login_of(&target).await?;
        let opened = kind.open(&target.config, login.as_ref(), &names).await;
        match opened {
            Ok(_) => Ok(target),
            Err(error) => Err(Refusal::Rules(vec![rule_of(&error, "/credential", "/config")])),
        }
    }

    /// What signs in: the values of the named credential's current version.
    async fn login_of(&self, target: &Target) -> Result<Option<Values>, Refusal> {
        let Some(name) = &target.credential else {
            return Ok(None);
        };
        let credential = self.store.credential(name).await?;
        let Some(credential) = credential else {
            let detail = format!("there is no credential `{name}`");
            return Err(Refusal::rule("/credential", detail));
        };
        let Some(current) = credential.current else {
            let detail = format!("credential `{name}` has no version yet; rotate it once");
            return Err(Refusal::rule("/credential", detail));
        };
        let at = SecretRef::version(&credential.id, current);
        Ok(Some(self.opened_values(&at).await?))
    }

    /// A session with a target; the error is in words, for the job.
    pub(crate) async fn open_target(&self, target: &Target) -> Result<Box<dyn TargetSession>, String> {
        let Some(kind) = self.connectors.target(&target.kind) else {
            return Err(format!("this program has no targets of kind `{}`", target.kind));
        };
        let login = self.login_of(target).await.map_err(|refusal| match refusal {
            Refusal::Rules(rules) => rules
                .into_iter()
                .map(|rule| rule.detail)
                .collect::<Vec<_>>()
                .join("; "),
            other => other.to_string(),
        })?;
        kind.open(&target.config, login.as_ref(), &target.context.names())
            .await
            .map_err(|error| error.detail)
    }

    /// The id of the key of that name.
    pub(crate) async fn key_named(&self, name: &Name) -> Result<Option<KeyId>, Refusal> {
        Ok(self.store.key(name).await?.map(|key| key.id))
    }

    async fn commit_target(
        &self,
        actor: &Actor,
        action: &str,
        target: &Target,
        detail: String,
        write: Write,
    ) -> Result<(), Refusal> {
        let object = format!("target/{}", target.name);
        let change = Change::new()
            .audit(AuditDraft::new(actor, self.clock.now(), action, object, detail))
            .write(write)
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }
}

fn parse_context(text: &str, broken: &mut Vec<RuleError>) -> Option<ContextTemplate> {
    ContextTemplate::parse(text)
        .map_err(|error| broken.push(RuleError::new("/context", error.to_string())))
        .ok()
}

fn parse_credential(name: Option<String>) -> Result<Option<Name>, Refusal> {
    name.map(|name| Name::parse(&name).map_err(|error| Refusal::rule("/credential", error.to_string())))
        .transpose()
}
