//! Why something asked for does not happen: one error for every service, mapped to a status once, in the server.

use crate::id::RotationId;
use crate::name::Name;
use crate::ports::StoreError;

/// One field that breaks a rule. `pointer` is a JSON pointer (RFC 6901) into what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Where, e.g. `/policy/waves/0`.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl RuleError {
    /// A broken rule at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// A refusal, in the terms of the one who asked. Internal causes are logged, never shown.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 401: who is asking is unknown.
    #[error("sign in first")]
    Unauthenticated,
    /// 403: known, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// 403: a consumer that asks for what it was not given.
    #[error(
        "consumer `{consumer}` is not bound to credential `{credential}`; bind it on the credential's page"
    )]
    NotBound { consumer: Name, credential: Name },
    /// 404.
    #[error("there is no {kind} `{name}`")]
    NotFound {
        /// The noun, e.g. `credential`.
        kind: &'static str,
        /// What was asked for.
        name: String,
    },
    /// 404: nothing can be delivered yet.
    #[error("credential `{0}` has no version yet; its first rotation is on its way, or waits for a person")]
    NoVersionYet(Name),
    /// 409: one rotation of a credential at a time.
    #[error("{detail}")]
    RotationInProgress {
        rotation: RotationId,
        /// What it does, and what to do.
        detail: String,
    },
    /// 409: an illegal move, a taken name, something in progress. `code` is stable.
    #[error("{detail}")]
    Conflict {
        /// A stable code such as `name_taken`.
        code: &'static str,
        /// What stands in the way and what to do.
        detail: String,
    },
    /// 422: a ciphertext that does not open. Deliberately says nothing of why.
    #[error(
        "the ciphertext does not open: it was changed or cut short, or belongs to another key or context"
    )]
    DoesNotOpen {
        /// It names a version that is not known here: a view of the key that is out of date would explain it.
        names_unknown_version: bool,
    },
    /// 412: the object changed since it was read.
    #[error("it was changed by someone else since you read it; read it again and repeat your change")]
    Stale,
    /// 422: understood, but against rules.
    #[error("{} field(s) break a rule", .0.len())]
    Rules(Vec<RuleError>),
    /// 503 `sealed`: the keys are not in memory; says what unseals them.
    #[error("{0}")]
    Sealed(String),
    /// 503: the database or an issuer is away.
    #[error("{0}")]
    Unavailable(String),
    /// 503: the database. Its cause is for the log.
    #[error("{}", told(.0))]
    Store(#[source] StoreError),
}

/// What is shown of the database's trouble.
fn told(error: &StoreError) -> String {
    match error {
        StoreError::Unavailable(_) => "the database is away; try again in a moment".to_owned(),
        StoreError::Damaged { table, .. } => {
            format!("a stored row of `{table}` is damaged; see the server's log")
        }
    }
}

impl Refusal {
    /// A conflict with a stable code.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }

    /// One broken rule.
    pub fn rule(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Rules(vec![RuleError::new(pointer, detail)])
    }

    /// Something that is not there.
    pub fn not_found(kind: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            kind,
            name: name.into(),
        }
    }
}
