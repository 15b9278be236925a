//! Tokens of programs and of consumers: shown once, kept as hashes, two of a consumer valid at once.

use std::time::Duration;

use keyring::SecretText;

use crate::access::model::{Token, TokenOwner, TokenScope};
use crate::access::secret_token::{self, TokenKind};
use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, Topic, Write};
use crate::id::TokenId;
use crate::name::Name;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A consumer changes its token by adding one, using it, and revoking the other.
pub const CONSUMER_TOKENS: usize = 2;

/// A token for a program, as asked for.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub name: String,
    pub role: Role,
    pub scope: TokenScope,
    pub expires_after: Option<Duration>,
}

/// A new token; `secret` is shown this once.
#[derive(Debug)]
pub struct IssuedToken {
    pub token: Token,
    pub secret: SecretText,
}

impl Services {
    /// Makes a token for a program. Nobody makes one that may do more than they may.
    ///
    /// # Errors
    /// Not an administrator, broken rules.
    pub async fn create_token(&self, actor: &Actor, new: NewToken) -> Result<IssuedToken, Refusal> {
        actor.require(Role::Administrator)?;
        let mut broken = Vec::new();
        let name =
            Name::parse(&new.name).map_err(|error| broken.push(RuleError::new("/name", error.to_string())));
        check_lifetime(new.expires_after, &mut broken);
        let Ok(name) = name else {
            return Err(Refusal::Rules(broken));
        };
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        let owner = TokenOwner::Program {
            name: name.clone(),
            role: new.role,
        };
        let issued = self.make_token(TokenKind::Api, owner, new.scope, new.expires_after);
        let detail = format!("a token ending in {} for program {name}", issued.token.hint);
        self.commit_token(actor, &issued, detail, None).await?;
        Ok(issued)
    }

    /// Adds a token to a consumer. At most two are valid at once.
    ///
    /// # Errors
    /// Not an operator, no such consumer, two are valid already.
    pub async fn add_consumer_token(
        &self,
        actor: &Actor,
        consumer: &Name,
        expires_after: Option<Duration>,
    ) -> Result<IssuedToken, Refusal> {
        actor.require(Role::Operator)?;
        let owner = self.consumer(actor, consumer).await?;
        let mut broken = Vec::new();
        check_lifetime(expires_after, &mut broken);
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        if self.valid_consumer_tokens(consumer).await?.len() >= CONSUMER_TOKENS {
            return Err(Refusal::conflict(
                "two_tokens_valid",
                format!("consumer `{consumer}` has two valid tokens; revoke the older one first"),
            ));
        }
        let issued = self.make_consumer_token(consumer, expires_after);
        let detail = format!("a token ending in {} for consumer {consumer}", issued.token.hint);
        // The consumer's revision lets only one of two who add a third token at once through.
        let guard = Some(Write::UpdateConsumer(owner));
        self.commit_token(actor, &issued, detail, guard).await?;
        Ok(issued)
    }

    /// Revokes every valid token of a consumer but the newest: the end of a change of tokens. With one or none left
    /// nothing happens.
    ///
    /// # Errors
    /// Not an operator, no such consumer.
    pub async fn revoke_older_consumer_tokens(&self, actor: &Actor, consumer: &Name) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        self.consumer(actor, consumer).await?;
        let mut tokens = self.valid_consumer_tokens(consumer).await?;
        tokens.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        tokens.pop();
        self.revoke_all(actor, tokens).await
    }

    /// Revokes a token at once; one that is already revoked is left as it is.
    ///
    /// # Errors
    /// Not allowed (operators revoke consumers' tokens, administrators any), no such token.
    pub async fn revoke_token(&self, actor: &Actor, id: &TokenId) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        let token = self
            .store
            .token(id)
            .await?
            .ok_or_else(|| Refusal::not_found("token", id.as_str()))?;
        if matches!(token.owner, TokenOwner::Program { .. }) {
            actor.require(Role::Administrator)?;
        }
        if token.revoked_at.is_some() {
            return Ok(());
        }
        self.revoke_all(actor, vec![token]).await
    }

    /// The tokens of programs that are still valid. Never the tokens themselves.
    ///
    /// # Errors
    /// Not an administrator.
    pub async fn program_tokens(&self, actor: &Actor) -> Result<Vec<Token>, Refusal> {
        actor.require(Role::Administrator)?;
        let now = self.clock.now();
        let mut tokens = self.store.tokens().await?;
        tokens.retain(|token| matches!(token.owner, TokenOwner::Program { .. }) && token.is_valid(now));
        Ok(tokens)
    }

    /// The valid tokens of all consumers, for lists.
    ///
    /// # Errors
    /// Not a viewer.
    pub async fn consumer_tokens(&self, actor: &Actor) -> Result<Vec<Token>, Refusal> {
        actor.require(Role::Viewer)?;
        let now = self.clock.now();
        let mut tokens = self.store.tokens().await?;
        tokens.retain(|token| matches!(token.owner, TokenOwner::Consumer { .. }) && token.is_valid(now));
        Ok(tokens)
    }

    pub(crate) async fn valid_consumer_tokens(&self, consumer: &Name) -> Result<Vec<Token>, Refusal> {
        let now = self.clock.now();
        let mut tokens = self.store.tokens().await?;
        tokens.retain(|token| {
            matches!(&token.owner, TokenOwner::Consumer { name } if name == consumer) && token.is_valid(now)
        });
        Ok(tokens)
    }

    pub(crate) fn make_consumer_token(
        &self,
        consumer: &Name,
        expires_after: Option<Duration>,
    ) -> IssuedToken {
        let owner = TokenOwner::Consumer {
            name: consumer.clone(),
        };
        self.make_token(TokenKind::Consumer, owner, TokenScope::Api, expires_after)
    }

    pub(crate) async fn revoke_all(&self, actor: &Actor, tokens: Vec<Token>) -> Result<(), Refusal> {
        if tokens.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut change = Change::new().topic(Topic::Catalog);
        for mut token in tokens {
            token.revoked_at = Some(now);
            let detail = format!("revoked the token ending in {}", token.hint);
            let object = format!("token/{}", token.id);
            change = change
                .audit(AuditDraft::new(actor, now, "token.revoke", object, detail))
                .write(Write::UpdateToken(token));
        }
        Ok(self.store.commit(change).await?)
    }

    fn make_token(
        &self,
        kind: TokenKind,
        owner: TokenOwner,
        scope: TokenScope,
        expires_after: Option<Duration>,
    ) -> IssuedToken {
        let secret = secret_token::generate(kind, self.randomness.as_ref());
        let now = self.clock.now();
        let token = Token {
            id: TokenId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            owner,
            scope,
            hash: secret_token::hash(secret.expose_text()),
            hint: secret_token::hint(&secret),
            created_at: now,
            expires_at: expires_after.map(|lifetime| now.after(lifetime)),
            revoked_at: None,
            revision: 1,
        };
        IssuedToken { token, secret }
    }

    async fn commit_token(
        &self,
        actor: &Actor,
        issued: &IssuedToken,
        detail: String,
        guard: Option<Write>,
    ) -> Result<(), Refusal> {
        let object = format!("token/{}", issued.token.id);
        let mut change = Change::new();
        change.writes.extend(guard);
        let change = change
            .audit(AuditDraft::new(
                actor,
                self.clock.now(),
                "token.create",
                object,
                detail,
            ))
            .write(Write::InsertToken(issued.token.clone()))
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }
}

fn check_lifetime(expires_after: Option<Duration>, broken: &mut Vec<RuleError>) {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    if expires_after.is_some_and(|lifetime| lifetime.is_zero() || lifetime > CENTURY) {
        broken.push(RuleError::new(
            "/expires_after",
            "must be longer than zero and at most a hundred years",
        ));
    }
}
