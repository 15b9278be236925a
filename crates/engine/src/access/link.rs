//! Sign-in links: 15 minutes, once.

use std::time::Duration;

use keyring::SecretText;

use crate::access::model::{Account, SignInLink};
use crate::access::secret_token::{self, TokenKind};
use crate::access::{Actor, ActorKind, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Write};
use crate::clock::Timestamp;
use crate::id::{AccountId, SignInLinkId};
use crate::name::Name;
use crate::rule::Refusal;
use crate::services::Services;

/// How long a link can be used.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The account that the first link makes.
pub const FIRST_ADMINISTRATOR: &str = "admin";

impl Services {
    /// Makes a link for an account, or for the first administrator when no account is named: the oldest enabled
    /// administrator, made as `admin` when there is no account at all. Gives the token; the server makes the URL.
    ///
    /// # Errors
    /// Not an administrator, no such account, or it is disabled.
    pub async fn create_sign_in_link(
        &self,
        actor: &Actor,
        account: Option<&Name>,
    ) -> Result<SecretText, Refusal> {
        actor.require(Role::Administrator)?;
        let now = self.clock.now();
        let (account, first) = match account {
            Some(name) => {
                let account = self.store.account_by_name(name).await?;
                (
                    account.ok_or_else(|| Refusal::not_found("account", name.as_str()))?,
                    None,
                )
            }
            None => self.administrator_for_link(now).await?,
        };
        if account.disabled_at.is_some() {
            let detail = format!("account `{}` is disabled; enable it first", account.name);
            return Err(Refusal::conflict("account_disabled", detail));
        }
        let token = secret_token::generate(TokenKind::Link, self.randomness.as_ref());
        let link = SignInLink {
            id: SignInLinkId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            account: account.id.clone(),
            hash: secret_token::hash(token.expose_text()),
            expires_at: now.after(LIFETIME),
            used_at: None,
            revision: 1,
        };
        let object = format!("account/{}", account.name);
        let mut change = Change::new();
        if let Some(first) = first {
            let detail = "made the first administrator; nobody could sign in before";
            change = change
                .audit(AuditDraft::new(
                    actor,
                    now,
                    "account.create",
                    object.clone(),
                    detail,
                ))
                .write(Write::InsertAccount(first));
        }
        let detail = "made a sign-in link that works once within 15 minutes";
        let change = change
            .audit(AuditDraft::new(actor, now, "sign_in_link.create", object, detail))
            .write(Write::InsertSignInLink(link));
        self.store.commit(change).await?;
        Ok(token)
    }

    async fn administrator_for_link(&self, now: Timestamp) -> Result<(Account, Option<Account>), Refusal> {
        let accounts = self.store.accounts().await?;
        if accounts.is_empty() {
            let name = Name::parse(FIRST_ADMINISTRATOR)
                .map_err(|error| Refusal::rule("/name", error.to_string()))?;
            let account = Account {
                id: AccountId::generate(self.clock.as_ref(), self.randomness.as_ref()),
                name,
                display_name: "Administrator".to_owned(),
                role: Role::Administrator,
                password_hash: None,
                session_epoch: 1,
                disabled_at: None,
                created_at: now,
                revision: 1,
            };
            return Ok((account.clone(), Some(account)));
        }
        let administrator = accounts
            .into_iter()
            .filter(|account| account.role == Role::Administrator && account.disabled_at.is_none())
            .min_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        let administrator = administrator.ok_or_else(|| {
            Refusal::conflict(
                "no_administrator",
                "there is no enabled administrator; name the account to sign in to",
            )
        })?;
        Ok((administrator, None))
    }

    /// Whom a link would sign in, without using it: for the page with the button.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it is unknown, used or run out.
    pub async fn sign_in_link_account(&self, presented: &str) -> Result<Account, Refusal> {
        self.open_link(presented).await.map(|(_, account)| account)
    }

    /// Signs in by a link, once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when it is unknown, used or run out; of two who use it at once, one gets that.
    pub async fn use_sign_in_link(
        &self,
        presented: &str,
        source: &str,
        correlation: Option<&str>,
    ) -> Result<Account, Refusal> {
        let (mut link, account) = self.open_link(presented).await?;
        let now = self.clock.now();
        link.used_at = Some(now);
        let actor = Actor {
            kind: ActorKind::Account,
            name: account.name.to_string(),
            role: Some(account.role),
            source: Some(source.to_owned()),
            correlation: correlation.map(str::to_owned),
        };
        let object = format!("account/{}", account.name);
        let change = Change::new()
            .audit(AuditDraft::new(
                &actor,
                now,
                "account.sign_in",
                object,
                "by sign-in link",
            ))
            .write(Write::UpdateSignInLink(link));
        match self.store.commit(change).await {
            Ok(()) => Ok(account),
            Err(CommitError::Stale { .. }) => Err(gone()),
            Err(error) => Err(error.into()),
        }
    }

    async fn open_link(&self, presented: &str) -> Result<(SignInLink, Account), Refusal> {
        if secret_token::kind_of(presented) != Some(TokenKind::Link) {
            return Err(gone());
        }
        let now = self.clock.now();
        let link = self
            .store
            .sign_in_link_by_hash(&secret_token::hash(presented))
            .await?;
        let link = link
            .filter(|link| link.used_at.is_none() && link.expires_at > now)
            .ok_or_else(gone)?;
        let account = self.store.account(&link.account).await?;
        let account = account
            .filter(|account| account.disabled_at.is_none())
            .ok_or_else(gone)?;
        Ok((link, account))
    }
}

/// One answer for every link that does not work. Never repeats the token.
fn gone() -> Refusal {
    Refusal::not_found(
        "sign-in link that still works",
        "this one: links work once, within 15 minutes",
    )
}
