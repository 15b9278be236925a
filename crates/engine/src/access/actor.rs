//! Who is asking.

use serde::{Deserialize, Serialize};

use crate::name::Name;
use crate::rule::Refusal;

/// What a person or program may do; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Operator,
    Administrator,
}

/// What kind of party acts, for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Account,
    Token,
    Consumer,
    /// `ROTA_BOOTSTRAP_TOKEN`.
    Bootstrap,
    /// Rota itself: the driver, detection, the scheduler.
    System,
    Anonymous,
}

/// Who is asking, from where, under which correlation id. Every service takes one first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    pub name: String,
    /// None for consumers, who may only fetch and report.
    pub role: Option<Role>,
    pub source: Option<String>,
    pub correlation: Option<String>,
}

impl Actor {
    /// Rota itself, acting as `name` (`driver`, `detection`).
    pub fn system(name: &str) -> Self {
        Self {
            kind: ActorKind::System,
            name: name.to_owned(),
            role: Some(Role::Administrator),
            source: None,
            correlation: None,
        }
    }

    /// How the audit names it.
    pub fn label(&self) -> String {
        let kind = match self.kind {
            ActorKind::Account => "account",
            ActorKind::Token => "token",
            ActorKind::Consumer => "consumer",
            ActorKind::Bootstrap => "bootstrap",
            ActorKind::System => "system",
            ActorKind::Anonymous => "anonymous",
        };
        format!("{kind}:{}", self.name)
    }

    /// Demands a role.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] when the actor's role is lower, [`Refusal::Unauthenticated`] when nobody is signed in.
    pub fn require(&self, role: Role) -> Result<(), Refusal> {
        if self.kind == ActorKind::Anonymous {
            return Err(Refusal::Unauthenticated);
        }
        if self.role.is_some_and(|own| own >= role) {
            return Ok(());
        }
        let needed = match role {
            Role::Viewer => "a viewer",
            Role::Operator => "an operator",
            Role::Administrator => "an administrator",
        };
        Err(Refusal::Forbidden(format!(
            "this needs {needed}; ask one to do it or to raise your role"
        )))
    }

    /// The consumer that is asking.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] when it is not a consumer.
    pub fn consumer(&self) -> Result<Name, Refusal> {
        if self.kind != ActorKind::Consumer {
            return Err(Refusal::Forbidden(
                "only a consumer's own token may do this".to_owned(),
            ));
        }
        Name::parse(&self.name).map_err(|_| Refusal::Forbidden("the token names no consumer".to_owned()))
    }
}
