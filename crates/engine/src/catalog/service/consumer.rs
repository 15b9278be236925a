//! Consumers: the services that use credentials.

use std::collections::BTreeMap;

use crate::access::{Actor, IssuedToken, Role};
use crate::audit::AuditDraft;
use crate::catalog::Consumer;
use crate::catalog::service::{check_revision, check_text, parse_name};
use crate::change::{Change, Topic, Write};
use crate::id::ConsumerId;
use crate::name::Name;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A consumer as asked for.
#[derive(Clone, Debug)]
pub struct NewConsumer {
    pub name: String,
    pub service: String,
    pub environment: String,
    pub labels: BTreeMap<String, String>,
    pub sandbox: bool,
}

/// A new consumer with its first token, which is shown this once.
#[derive(Debug)]
pub struct CreatedConsumer {
    pub consumer: Consumer,
    pub token: IssuedToken,
}

/// What is None stays.
#[derive(Clone, Debug, Default)]
pub struct ConsumerUpdate {
    pub service: Option<String>,
    pub environment: Option<String>,
    pub labels: Option<BTreeMap<String, String>>,
}

impl Services {
    /// Adds a consumer with its first token.
    ///
    /// # Errors
    /// Not an operator, broken rules, the name is taken.
    pub async fn create_consumer(&self, actor: &Actor, new: NewConsumer) -> Result<CreatedConsumer, Refusal> {
        actor.require(Role::Operator)?;
        let mut broken = Vec::new();
        let name = parse_name(&new.name, "/name", &mut broken);
        let environment = parse_name(&new.environment, "/environment", &mut broken);
        check_service(&new.service, &mut broken);
        check_labels(&new.labels, &mut broken);
        let (Some(name), Some(environment), true) = (name, environment, broken.is_empty()) else {
            return Err(Refusal::Rules(broken));
        };
        let now = self.clock.now();
        let consumer = Consumer {
            id: ConsumerId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name: name.clone(),
            service: new.service.trim().to_owned(),
            environment,
            labels: new.labels,
            sandbox: new.sandbox,
            created_at: now,
            revision: 1,
        };
        let token = self.make_consumer_token(&name, None);
        let detail = format!(
            "of service {}, with a token ending in {}",
            consumer.service, token.token.hint
        );
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                now,
                "consumer.create",
                format!("consumer/{name}"),
                detail,
            ))
            .write(Write::InsertConsumer(consumer.clone()))
            .write(Write::InsertToken(token.token.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(CreatedConsumer { consumer, token })
    }

    /// All consumers, by name.
    ///
    /// # Errors
    /// Not a viewer.
    pub async fn consumers(&self, actor: &Actor) -> Result<Vec<Consumer>, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(self.store.consumers().await?)
    }

    /// One consumer.
    ///
    /// # Errors
    /// Not a viewer, no such consumer.
    pub async fn consumer(&self, actor: &Actor, name: &Name) -> Result<Consumer, Refusal> {
        actor.require(Role::Viewer)?;
        let consumer = self.store.consumer(name).await?;
        consumer.ok_or_else(|| Refusal::not_found("consumer", name.as_str()))
    }

    /// Changes a consumer. Its environment stays while it is bound to a credential.
    ///
    /// # Errors
    /// Not an operator, no such consumer, stale, broken rules.
    pub async fn update_consumer(
        &self,
        actor: &Actor,
        name: &Name,
        update: ConsumerUpdate,
        if_match: Option<i64>,
    ) -> Result<Consumer, Refusal> {
        actor.require(Role::Operator)?;
        let mut consumer = self.consumer(actor, name).await?;
        check_revision(if_match, consumer.revision)?;
        let mut broken = Vec::new();
        if let Some(service) = update.service {
            check_service(&service, &mut broken);
            service.trim().clone_into(&mut consumer.service);
        }
        if let Some(labels) = update.labels {
            check_labels(&labels, &mut broken);
            consumer.labels = labels;
        }
        if let Some(environment) = &update.environment
            && let Some(environment) = parse_name(environment, "/environment", &mut broken)
            && environment != consumer.environment
        {
            if !self.bound_to(name).await?.is_empty() {
                let detail = "it is bound to credentials of its present environment; unbind it first";
                broken.push(RuleError::new("/environment", detail));
            }
            consumer.environment = environment;
        }
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        let detail = format!(
            "service {}, environment {}",
            consumer.service, consumer.environment
        );
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                self.clock.now(),
                "consumer.update",
                format!("consumer/{name}"),
                detail,
            ))
            .write(Write::UpdateConsumer(consumer.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        consumer.revision += 1;
        Ok(consumer)
    }

    /// Removes a consumer that no credential is bound to; its tokens die with it.
    ///
    /// # Errors
    /// Not an operator, no such consumer, stale, still bound.
    pub async fn delete_consumer(
        &self,
        actor: &Actor,
        name: &Name,
        if_match: Option<i64>,
    ) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        let consumer = self.consumer(actor, name).await?;
        check_revision(if_match, consumer.revision)?;
        let bound = self.bound_to(name).await?;
        if let Some(first) = bound.first() {
            let detail = format!(
                "consumer `{name}` uses credential `{first}` and {} more; unbind it",
                bound.len() - 1
            );
            return Err(Refusal::conflict("in_use", detail));
        }
        let now = self.clock.now();
        let mut change = Change::new()
            .audit(AuditDraft::new(
                actor,
                now,
                "consumer.delete",
                format!("consumer/{name}"),
                "with its tokens",
            ))
            .write(Write::DeleteConsumer(consumer))
            .topic(Topic::Catalog);
        for mut token in self.valid_consumer_tokens(name).await? {
            token.revoked_at = Some(now);
            change = change.write(Write::UpdateToken(token));
        }
        Ok(self.store.commit(change).await?)
    }

    /// The credentials that a consumer is bound to.
    async fn bound_to(&self, consumer: &Name) -> Result<Vec<Name>, Refusal> {
        let credentials = self.store.credentials().await?.into_iter();
        let bound = credentials.filter(|credential| credential.consumers.contains(consumer));
        Ok(bound.map(|credential| credential.name).collect())
    }
}

fn check_service(service: &str, broken: &mut Vec<RuleError>) {
    check_text(service, "/service", 127, broken);
    if service.trim().is_empty() {
        broken.push(RuleError::new("/service", "name the service it belongs to"));
    }
}

fn check_labels(labels: &BTreeMap<String, String>, broken: &mut Vec<RuleError>) {
    if labels.len() > 64 {
        broken.push(RuleError::new("/labels", "at most 64 labels"));
    }
    for (key, value) in labels {
        // RFC 6901: `~` and `/` are escaped in a pointer.
        let pointer = format!("/labels/{}", key.replace('~', "~0").replace('/', "~1"));
        if key.is_empty() {
            broken.push(RuleError::new("/labels", "a label needs a key"));
        }
        check_text(key, &pointer, 127, broken);
        check_text(value, &pointer, 500, broken);
    }
}
