//! A person signs in with a password.

use std::time::Duration;

use keyring::SecretText;

use crate::access::model::Account;
use crate::access::{Actor, ActorKind, password};
use crate::audit::AuditDraft;
use crate::change::Change;
use crate::name::Name;
use crate::rule::Refusal;
use crate::services::Services;

/// Why nobody was signed in. Says the same for an unknown name, a wrong password and a disabled account.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// 401, in a page's words.
    #[error("the name or the password is not right")]
    Wrong,
    /// 429: too many failures; try again then.
    #[error("too many failed tries; wait {} seconds", .0.as_secs().max(1))]
    Wait(Duration),
    /// The database is away, or the try could not be audited.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Services {
    /// Checks a name and a password. Every outcome is audited; an unknown name costs the same hash as a known one.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: &SecretText,
        source: &str,
        correlation: Option<&str>,
    ) -> Result<Account, SignInError> {
        let now = self.clock.now();
        let name = name.trim().to_lowercase();
        let parsed = Name::parse(&name).ok();
        // What cannot be an account's name counts as one: typed passwords must not fill memory or the audit.
        let counted = parsed.as_ref().map_or("?", Name::as_str);
        self.throttle
            .attempt(counted, source, now)
            .map_err(SignInError::Wait)?;
        let account = match &parsed {
            Some(name) => self.store.account_by_name(name).await.map_err(Refusal::from)?,
            None => None,
        };
        let account = account.filter(|account| account.disabled_at.is_none());
        let stored = account
            .as_ref()
            .and_then(|account| account.password_hash.as_deref());
        let is_right = password::verify(password, stored);
        let account = account.filter(|_| is_right);
        let mut actor = Actor {
            kind: ActorKind::Anonymous,
            name: source.to_owned(),
            role: None,
            source: Some(source.to_owned()),
            correlation: correlation.map(str::to_owned),
        };
        let (object, outcome) = match &account {
            Some(account) => {
                actor.kind = ActorKind::Account;
                actor.name = account.name.to_string();
                (format!("account/{}", account.name), "ok")
            }
            // An unknown name is not repeated: people type their passwords there.
            None => ("account".to_owned(), "wrong name or password"),
        };
        let mut draft = AuditDraft::new(&actor, now, "account.sign_in", object, "by password");
        outcome.clone_into(&mut draft.outcome);
        self.store
            .commit(Change::new().audit(draft))
            .await
            .map_err(Refusal::from)?;
        let account = account.ok_or(SignInError::Wrong)?;
        self.throttle.succeeded(counted, source);
        Ok(account)
    }
}
