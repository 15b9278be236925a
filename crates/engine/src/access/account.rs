//! Accounts of people.

use keyring::SecretText;

use crate::access::model::Account;
use crate::access::{Actor, ActorKind, Role, password};
use crate::audit::AuditDraft;
use crate::change::{Change, Topic, Write};
use crate::id::AccountId;
use crate::name::Name;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// An account as asked for.
#[derive(Debug)]
pub struct NewAccount {
    pub name: String,
    pub display_name: String,
    pub role: Role,
    /// None: only a sign-in link opens it.
    pub password: Option<SecretText>,
}

/// What is None stays.
#[derive(Debug, Default)]
pub struct AccountUpdate {
    pub display_name: Option<String>,
    pub role: Option<Role>,
    /// Set by an administrator, for somebody who forgot theirs.
    pub password: Option<SecretText>,
    pub disabled: Option<bool>,
}

impl Services {
    /// Makes an account.
    ///
    /// # Errors
    /// Not an administrator, broken rules, the name is taken.
    pub async fn create_account(&self, actor: &Actor, new: NewAccount) -> Result<Account, Refusal> {
        actor.require(Role::Administrator)?;
        let mut broken = Vec::new();
        let name =
            Name::parse(&new.name).map_err(|error| broken.push(RuleError::new("/name", error.to_string())));
        check_display_name(&new.display_name, &mut broken);
        broken.extend(
            new.password
                .as_ref()
                .and_then(|text| password::broken_rule("/password", text)),
        );
        let Ok(name) = name else {
            return Err(Refusal::Rules(broken));
        };
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        let now = self.clock.now();
        let account = Account {
            id: AccountId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name: name.clone(),
            display_name: if new.display_name.is_empty() {
                name.to_string()
            } else {
                new.display_name
            },
            role: new.role,
            password_hash: new.password.as_ref().map(|text| self.hashed(text)).transpose()?,
            session_epoch: 1,
            disabled_at: None,
            created_at: now,
            revision: 1,
        };
        let detail = format!("role {}", role_name(account.role));
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                now,
                "account.create",
                format!("account/{name}"),
                detail,
            ))
            .write(Write::InsertAccount(account.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(account)
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// Not an administrator.
    pub async fn accounts(&self, actor: &Actor) -> Result<Vec<Account>, Refusal> {
        actor.require(Role::Administrator)?;
        Ok(self.store.accounts().await?)
    }

    /// One account; an administrator's, or one's own.
    ///
    /// # Errors
    /// Not allowed, no such account.
    pub async fn account(&self, actor: &Actor, name: &Name) -> Result<Account, Refusal> {
        let is_own = actor.kind == ActorKind::Account && actor.name == name.as_str();
        if !is_own {
            actor.require(Role::Administrator)?;
        }
        let account = self.store.account_by_name(name).await?;
        account.ok_or_else(|| Refusal::not_found("account", name.as_str()))
    }

    /// Changes an account. A new password, a lower role or disabling ends its sessions.
    ///
    /// # Errors
    /// Not an administrator, no such account, stale, or nobody would be left to administer.
    pub async fn update_account(
        &self,
        actor: &Actor,
        name: &Name,
        update: AccountUpdate,
        if_match: Option<i64>,
    ) -> Result<Account, Refusal> {
        actor.require(Role::Administrator)?;
        let mut account = self.account(actor, name).await?;
        if if_match.is_some_and(|revision| revision != account.revision) {
            return Err(Refusal::Stale);
        }
        let mut broken = Vec::new();
        broken.extend(
            update
                .password
                .as_ref()
                .and_then(|text| password::broken_rule("/password", text)),
        );
        if let Some(display_name) = &update.display_name {
            check_display_name(display_name, &mut broken);
        }
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        let now = self.clock.now();
        let mut changed = Vec::new();
        let mut ends_sessions = false;
        if let Some(display_name) = update.display_name {
            account.display_name = display_name;
            changed.push("display name".to_owned());
        }
        if let Some(role) = update.role.filter(|role| *role != account.role) {
            ends_sessions |= role < account.role;
            changed.push(format!("role {} to {}", role_name(account.role), role_name(role)));
            account.role = role;
        }
        if let Some(text) = &update.password {
            account.password_hash = Some(self.hashed(text)?);
            ends_sessions = true;
            changed.push("password".to_owned());
        }
        if let Some(disabled) = update
            .disabled
            .filter(|disabled| *disabled != account.disabled_at.is_some())
        {
            account.disabled_at = disabled.then_some(now);
            ends_sessions |= disabled;
            changed.push(if disabled {
                "disabled".to_owned()
            } else {
                "enabled".to_owned()
            });
        }
        if changed.is_empty() {
            return Ok(account);
        }
        self.keep_an_administrator(&account).await?;
        account.session_epoch += i64::from(ends_sessions);
        self.commit_account(actor, account, "account.update", changed.join(", "))
            .await
    }

    /// A person changes their own password. Every session ends but the one that the server now begins anew with the
    /// returned account's `session_epoch`.
    ///
    /// # Errors
    /// Not a person, the present password is wrong, the new one breaks a rule.
    pub async fn change_password(
        &self,
        actor: &Actor,
        present: Option<&SecretText>,
        new: &SecretText,
    ) -> Result<Account, Refusal> {
        if actor.kind != ActorKind::Account {
            return Err(Refusal::Forbidden(
                "only a signed-in person has a password".to_owned(),
            ));
        }
        let name = Name::parse(&actor.name).map_err(|_| Refusal::Unauthenticated)?;
        let mut account = self.account(actor, &name).await?;
        if account.password_hash.is_some() {
            // Guessing the present password with a stolen session is slowed like any guessing.
            let source = actor.source.as_deref().unwrap_or("");
            if let Err(wait) = self.throttle.attempt(name.as_str(), source, self.clock.now()) {
                let detail = format!("too many wrong tries; wait {} seconds", wait.as_secs().max(1));
                return Err(Refusal::rule("/present", detail));
            }
            let empty = SecretText::new(String::new());
            if !password::verify(present.unwrap_or(&empty), account.password_hash.as_deref()) {
                return Err(Refusal::rule("/present", "this is not your present password"));
            }
            self.throttle.succeeded(name.as_str(), source);
        }
        if let Some(broken) = password::broken_rule("/new", new) {
            return Err(Refusal::Rules(vec![broken]));
        }
        account.password_hash = Some(self.hashed(new)?);
        account.session_epoch += 1;
        self.commit_account(
            actor,
            account,
            "account.change_password",
            "other sessions ended".to_owned(),
        )
        .await
    }

    /// Ends every session of an account: "sign out everywhere".
    ///
    /// # Errors
    /// Not the account's own person nor an administrator.
    pub async fn end_sessions(&self, actor: &Actor, name: &Name) -> Result<Account, Refusal> {
        let mut account = self.account(actor, name).await?;
        account.session_epoch += 1;
        self.commit_account(
            actor,
            account,
            "account.end_sessions",
            "every session ended".to_owned(),
        )
        .await
    }

    async fn commit_account(
        &self,
        actor: &Actor,
        mut account: Account,
        action: &str,
        detail: String,
    ) -> Result<Account, Refusal> {
        let object = format!("account/{}", account.name);
        let change = Change::new()
            .audit(AuditDraft::new(actor, self.clock.now(), action, object, detail))
            .write(Write::UpdateAccount(account.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        account.revision += 1;
        Ok(account)
    }

    /// Whoever locks out the last administrator locks out everyone.
    async fn keep_an_administrator(&self, changed: &Account) -> Result<(), Refusal> {
        let administers =
            |account: &Account| account.role == Role::Administrator && account.disabled_at.is_none();
        if administers(changed) {
            return Ok(());
        }
        let accounts = self.store.accounts().await?;
        let was_one = accounts
            .iter()
            .any(|account| account.id == changed.id && administers(account));
        let another = accounts
            .iter()
            .any(|account| account.id != changed.id && administers(account));
        if was_one && !another {
            let detail = "this is the last administrator; make another one first";
            return Err(Refusal::conflict("last_administrator", detail));
        }
        Ok(())
    }

    fn hashed(&self, text: &SecretText) -> Result<String, Refusal> {
        password::hash(text, self.randomness.as_ref())
            .map_err(|error| Refusal::Unavailable(error.to_string()))
    }
}

fn check_display_name(display_name: &str, broken: &mut Vec<RuleError>) {
    if display_name.chars().count() > 200 || display_name.chars().any(char::is_control) {
        broken.push(RuleError::new(
            "/display_name",
            "at most 200 characters, none of them a control character",
        ));
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Administrator => "administrator",
    }
}
