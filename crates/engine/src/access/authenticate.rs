//! Who is asking: by token, by session, by `ROTA_BOOTSTRAP_TOKEN`.

use std::fmt;

use keyring::SecretText;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::access::model::{TokenOwner, TokenScope};
use crate::access::secret_token;
use crate::access::{Actor, ActorKind, Role};
use crate::clock::Timestamp;
use crate::id::{AccountId, TokenId};
use crate::rule::Refusal;
use crate::services::Services;

/// A token that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Without a correlation id; the server sets it per request. A token of scope `metrics` has no role.
    pub actor: Actor,
    pub scope: TokenScope,
    /// When the token runs out. Whoever keeps this answer keeps it no longer, and at most a second (a revocation).
    pub expires_at: Option<Timestamp>,
    /// None for the bootstrap token.
    pub token: Option<TokenId>,
}

/// `ROTA_BOOTSTRAP_TOKEN`: an administrator for automation, kept only as a hash.
pub struct BootstrapToken([u8; 32]);

/// The given token is too short to be safe.
#[derive(Debug, thiserror::Error)]
#[error(
    "ROTA_BOOTSTRAP_TOKEN has {length} characters; it needs at least 32, for example from `openssl rand -hex 32`"
)]
pub struct InvalidBootstrapToken {
    /// How many it has.
    pub length: usize,
}

impl BootstrapToken {
    /// Takes the token and forgets all but its hash.
    ///
    /// # Errors
    /// When it is shorter than 32 characters.
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy is wiped here")]
    // In a frame of its own: whoever calls it wipes what it leaves on the stack.
    #[inline(never)]
    pub fn new(token: SecretText) -> Result<Self, InvalidBootstrapToken> {
        let length = token.expose_text().chars().count();
        if length < 32 {
            return Err(InvalidBootstrapToken { length });
        }
        Ok(Self(Sha256::digest(token.expose_text().as_bytes()).into()))
    }

    fn is(&self, presented: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        self.0.ct_eq(&hash).into()
    }
}

impl fmt::Debug for BootstrapToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl Services {
    /// Who presents this bearer token.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for anything that is not a valid token, without saying why.
    pub async fn authenticate_token(
        &self,
        presented: &str,
        source: Option<&str>,
    ) -> Result<Authenticated, Refusal> {
        let actor = |kind, name: &str, role| Actor {
            kind,
            name: name.to_owned(),
            role,
            source: source.map(str::to_owned),
            correlation: None,
        };
        if self
            .bootstrap
            .as_ref()
            .is_some_and(|bootstrap| bootstrap.is(presented))
        {
            return Ok(Authenticated {
                actor: actor(ActorKind::Bootstrap, "bootstrap", Some(Role::Administrator)),
                scope: TokenScope::Api,
                expires_at: None,
                token: None,
            });
        }
        secret_token::kind_of(presented).ok_or(Refusal::Unauthenticated)?;
        let stored = self.known_token(&secret_token::hash(presented)).await?;
        // Valid is decided at each request, never by what is remembered.
        let now = self.clock.now();
        let token = stored
            .filter(|token| token.is_valid(now))
            .ok_or(Refusal::Unauthenticated)?;
        let actor = match &token.owner {
            TokenOwner::Program { name, role } => {
                let role = (token.scope == TokenScope::Api).then_some(*role);
                actor(ActorKind::Token, name.as_str(), role)
            }
            TokenOwner::Consumer { name } => actor(ActorKind::Consumer, name.as_str(), None),
        };
        Ok(Authenticated {
            actor,
            scope: token.scope,
            expires_at: token.expires_at,
            token: Some(token.id.clone()),
        })
    }

    /// The person of a session, as the account stands now. `epoch` is the account's when the session began; a changed
    /// password, a lower role or a disabled account raises it and so ends the session.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] when the session has ended.
    pub async fn authenticate_session(
        &self,
        account: &AccountId,
        epoch: i64,
        source: Option<&str>,
    ) -> Result<Actor, Refusal> {
        let account = self
            .store
            .account(account)
            .await?
            .ok_or(Refusal::Unauthenticated)?;
        if account.disabled_at.is_some() || account.session_epoch != epoch {
            return Err(Refusal::Unauthenticated);
        }
        Ok(Actor {
            kind: ActorKind::Account,
            name: account.name.to_string(),
            role: Some(account.role),
            source: source.map(str::to_owned),
            correlation: None,
        })
    }
}
