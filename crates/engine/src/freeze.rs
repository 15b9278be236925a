//! A freeze: scheduled rotations wait (ROT-8).

use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::Environment;
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::id::FreezeId;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// One switch, for one environment or all, with who, why and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub id: FreezeId,
    /// None: every environment.
    pub environment: Option<Environment>,
    pub reason: String,
    pub started_by: String,
    pub created_at: Timestamp,
    /// It thaws by itself then.
    pub until: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub revision: i64,
}

impl Freeze {
    /// Whether it holds `environment` back at `now`.
    pub fn covers(&self, environment: &Environment, now: Timestamp) -> bool {
        self.is_on(now)
            && self
                .environment
                .as_ref()
                .is_none_or(|frozen| frozen == environment)
    }

    /// Neither ended nor run out.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.until.is_none_or(|until| until > now)
    }
}

/// A freeze as asked for.
#[derive(Clone, Debug)]
pub struct NewFreeze {
    /// None: every environment.
    pub environment: Option<String>,
    pub reason: String,
    pub until: Option<Timestamp>,
}

impl Services {
    /// Makes scheduled rotations wait. What is under way goes on.
    ///
    /// # Errors
    /// Not an operator, broken rules.
    pub async fn create_freeze(&self, actor: &Actor, new: NewFreeze) -> Result<Freeze, Refusal> {
        actor.require(Role::Operator)?;
        let now = self.clock.now();
        let mut broken = Vec::new();
        let environment = new.environment.as_deref().map(|environment| {
            Environment::parse(environment)
                .map_err(|error| broken.push(RuleError::new("/environment", error.to_string())))
        });
        if new.reason.trim().is_empty() || new.reason.chars().count() > 1_000 {
            broken.push(RuleError::new(
                "/reason",
                "say why, in 1 to 1,000 characters; it is shown on every page",
            ));
        }
        if new.until.is_some_and(|until| until <= now) {
            broken.push(RuleError::new(
                "/until",
                "must lie in the future, or leave it out to end it by hand",
            ));
        }
        let (Ok(environment), true) = (environment.transpose(), broken.is_empty()) else {
            return Err(Refusal::Rules(broken));
        };
        let freeze = Freeze {
            id: FreezeId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            environment,
            reason: new.reason.trim().to_owned(),
            started_by: actor.label(),
            created_at: now,
            until: new.until,
            ended_at: None,
            revision: 1,
        };
        self.commit_freeze(
            actor,
            "freeze.create",
            &freeze,
            Write::InsertFreeze(freeze.clone()),
        )
        .await?;
        Ok(freeze)
    }

    /// Ends a freeze; one that has ended stays as it is.
    ///
    /// # Errors
    /// Not an operator, no such freeze.
    pub async fn end_freeze(&self, actor: &Actor, id: &FreezeId) -> Result<Freeze, Refusal> {
        actor.require(Role::Operator)?;
        let freeze = self.store.freeze(id).await?;
        let mut freeze = freeze.ok_or_else(|| Refusal::not_found("freeze", id.as_str()))?;
        if freeze.ended_at.is_some() {
            return Ok(freeze);
        }
        freeze.ended_at = Some(self.clock.now());
        self.commit_freeze(actor, "freeze.end", &freeze, Write::UpdateFreeze(freeze.clone()))
            .await?;
        freeze.revision += 1;
        Ok(freeze)
    }

    /// The freezes that are on.
    ///
    /// # Errors
    /// Not a viewer.
    pub async fn freezes(&self, actor: &Actor) -> Result<Vec<Freeze>, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(self.store.freezes_on(self.clock.now()).await?)
    }

    async fn commit_freeze(
        &self,
        actor: &Actor,
        action: &str,
        freeze: &Freeze,
        write: Write,
    ) -> Result<(), Refusal> {
        let place = freeze
            .environment
            .as_ref()
            .map_or("every environment", Environment::as_str);
        let detail = format!("{place}: {}", freeze.reason);
        let object = format!("freeze/{}", freeze.id);
        let change = Change::new()
            .audit(AuditDraft::new(actor, self.clock.now(), action, object, detail))
            .write(write)
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }
}
