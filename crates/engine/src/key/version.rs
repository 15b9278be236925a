//! Moving one version: suspend, revoke, take back, retire, destroy.

use keyring::KeyState;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::key::model::{DestructionRequest, Key, KeyVersion, USUAL_DESTRUCTION_DELAY};
use crate::key::moves;
use crate::key::rotate::{check_reason, planned};
use crate::key::views::KeyView;
use crate::name::Name;
use crate::rotation::Approval;
use crate::rule::Refusal;
use crate::services::Services;

const ATTEMPTS: usize = 20;

/// What a version is to become, and why.
#[derive(Clone, Debug)]
pub struct VersionMove {
    pub state: KeyState,
    pub reason: String,
}

/// When a version is to be destroyed. None: after 30 days.
#[derive(Clone, Debug)]
pub struct Destruction {
    pub at: Option<Timestamp>,
    pub reason: String,
}

impl Services {
    /// Moves a version; answers when this replica obeys. A version that is there already stays as it is.
    ///
    /// Destroying takes an administrator, and happens at once only to a version that was never used; any other is
    /// planned with [`Services::plan_destruction`] and takes a second person.
    ///
    /// # Errors
    /// Not an operator, no such key or version, no reason, an illegal move, something needs what would be destroyed.
    pub async fn move_key_version(
        &self,
        actor: &Actor,
        name: &Name,
        number: u32,
        asked: &VersionMove,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Operator)?;
        check_reason(&asked.reason)?;
        if asked.state == KeyState::Destroyed {
            actor.require(Role::Administrator)?;
        }
        for _ in 0..ATTEMPTS {
            let key = self.stored_key(name).await?;
            let versions = self.store.key_versions(&key.id).await?;
            let version = moves::find(&key, &versions, number)?;
            match (version.state, asked.state) {
                (from, KeyState::Destroyed) if from != KeyState::Destroyed => {
                    self.require_no_key_alarm(&key.id).await?;
                    self.check_nothing_depends(&key, version).await?;
                    check_needs_nobody_else(&key, version)?;
                }
                // Another takes over. Suspending, revoking and taking back always go through.
                (KeyState::Active, KeyState::Deprecated) | (KeyState::PreActive, KeyState::Active) => {
                    self.check_gates(&key).await?;
                }
                _ => {}
            }
            match self.move_once(actor, key, &versions, number, asked).await {
                Ok(()) => return self.key_view(actor, name).await,
                Err(Refusal::Stale) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let detail = format!("key `{name}` is being changed by many at once; try again");
        Err(Refusal::conflict("rotation_in_progress", detail))
    }

    pub(crate) async fn move_once(
        &self,
        actor: &Actor,
        mut key: Key,
        versions: &[KeyVersion],
        number: u32,
        asked: &VersionMove,
    ) -> Result<(), Refusal> {
        let now = self.clock.now();
        let reason = asked.reason.trim();
        let mut plan = moves::plan_move(&key, versions, number, asked.state, now, reason)?;
        if plan.is_nothing() {
            return Ok(());
        }
        let from = moves::find(&key, versions, number)?.state;
        let mut detail = format!("{from} -> {}: {reason}", asked.state);
        let action = format!("key.version.{}", asked.state);
        let mut material = None;
        if plan.needs_successor {
            key.last_number += 1;
            // No round among the replicas: one that meets the unknown version reads the store once.
            let (successor, write) = self.make_version(&key, KeyState::Active, now, reason)?;
            detail.push_str(&format!("; version {} takes over", successor.number));
            plan.changed.push(successor);
            material = Some(write);
        }
        if plan
            .changed
            .iter()
            .any(|changed| Some(changed.number) == key.promoting && changed.state != KeyState::PreActive)
        {
            key.promoting = None;
        }
        let object = key.version_object(number);
        let mut change = Change::new().audit(AuditDraft::new(actor, now, &action, object, detail));
        change.writes.extend(material);
        self.commit_key(planned(change, key, plan)).await
    }

    /// Asks for the destruction of a version at a time; it happens if somebody else agrees, and can be taken back until
    /// then. Asked for anew, it must be agreed to anew.
    ///
    /// # Errors
    /// Not an administrator, no such version, a time that has passed, a version that may not be destroyed.
    pub async fn plan_destruction(
        &self,
        actor: &Actor,
        name: &Name,
        number: u32,
        destruction: &Destruction,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Administrator)?;
        check_reason(&destruction.reason)?;
        let now = self.clock.now();
        let at = destruction
            .at
            .unwrap_or_else(|| now.after(USUAL_DESTRUCTION_DELAY));
        if at <= now {
            return Err(Refusal::rule("/at", "must lie in the future"));
        }
        let reason = destruction.reason.trim();
        let detail = format!(
            "to be destroyed in {} s if a second person agrees: {reason}",
            at.since(now).as_secs(),
        );
        let request = DestructionRequest {
            asked_by: actor.label(),
            asked_at: now,
            reason: reason.to_owned(),
            approval: None,
        };
        let action = "key.version.plan_destruction";
        self.schedule(actor, name, number, action, &detail, |key, version| {
            keyring::check_move(version.state, KeyState::Destroyed).map_err(|illegal| {
                Refusal::conflict(
                    "illegal_move",
                    format!("version {number} of key `{}`: {illegal}", key.name),
                )
            })?;
            version.destroy_at = Some(at);
            version.destruction = Some(request);
            Ok(())
        })
        .await
    }

    /// Agrees to a planned destruction: it happens when its time comes, if nothing needs the version then.
    ///
    /// # Errors
    /// Not an operator, no reason, no such version, whoever asked for it, nothing planned, agreed to already, too late.
    pub async fn approve_destruction(
        &self,
        actor: &Actor,
        name: &Name,
        number: u32,
        reason: &str,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Operator)?;
        check_reason(reason)?;
        let now = self.clock.now();
        let (by, reason) = (actor.label(), reason.trim().to_owned());
        let action = "key.version.approve_destruction";
        let detail = reason.clone();
        self.schedule(actor, name, number, action, &detail, |key, version| {
            let (Some(at), Some(asked)) = (version.destroy_at, version.destruction.as_mut()) else {
                let detail = format!(
                    "no destruction of version {number} of key `{}` is planned; plan one",
                    key.name
                );
                return Err(Refusal::conflict("illegal_move", detail));
            };
            if asked.asked_by == by {
                return Err(Refusal::Forbidden(
                    "whoever asked for a destruction may not approve it; ask someone else".to_owned(),
                ));
            }
            if let Some(approval) = &asked.approval {
                let detail = format!("{} has approved it already", approval.by);
                return Err(Refusal::conflict("already_approved", detail));
            }
            if at <= now {
                let detail = "its time has passed without an approval, and with it the time in which it could be \
                              taken back; plan it anew";
                return Err(Refusal::conflict("destruction_lapsed", detail));
            }
            asked.approval = Some(Approval { by, reason, at: now });
            Ok(())
        })
        .await
    }

    /// Takes a planned destruction back.
    ///
    /// # Errors
    /// Not an operator, no such version.
    pub async fn cancel_destruction(
        &self,
        actor: &Actor,
        name: &Name,
        number: u32,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Operator)?;
        let detail = "its planned destruction was taken back";
        self.schedule(actor, name, number, "key.version.keep", detail, |_, version| {
            version.plan_no_destruction();
            Ok(())
        })
        .await
    }

    async fn schedule(
        &self,
        actor: &Actor,
        name: &Name,
        number: u32,
        action: &str,
        detail: &str,
        decide: impl FnOnce(&Key, &mut KeyVersion) -> Result<(), Refusal>,
    ) -> Result<KeyView, Refusal> {
        let key = self.stored_key(name).await?;
        let versions = self.store.key_versions(&key.id).await?;
        let present = moves::find(&key, &versions, number)?;
        let mut version = present.clone();
        decide(&key, &mut version)?;
        if version != *present {
            let object = key.version_object(number);
            let change = Change::new()
                .audit(AuditDraft::new(actor, self.clock.now(), action, object, detail))
                .topic(Topic::Key(key.id.clone()))
                .write(Write::PutKeyVersion(Box::new(version)))
                .write(Write::UpdateKey(Box::new(key)));
            self.commit_key(change).await?;
        }
        self.key_view(actor, name).await
    }

    pub(crate) async fn check_nothing_depends(&self, key: &Key, version: &KeyVersion) -> Result<(), Refusal> {
        let dependents = self.dependents(key, version).await?;
        if dependents.are_none() {
            return Ok(());
        }
        let detail = format!(
            "version {} of key `{}` is still needed: {}; move the data away first, or plan its destruction",
            version.number,
            key.name,
            dependents.describe()
        );
        Err(Refusal::conflict("in_use", detail))
    }
}

/// What may have sealed something is not destroyed by one person alone.
fn check_needs_nobody_else(key: &Key, version: &KeyVersion) -> Result<(), Refusal> {
    // What is not legal at all is told as that.
    let is_legal = keyring::check_move(version.state, KeyState::Destroyed).is_ok();
    if !is_legal || !version.may_be_missed() {
        return Ok(());
    }
    let detail = format!(
        "version {} of key `{}` may have sealed values, so no one person destroys it; plan its destruction, and have a \
         second person approve it",
        version.number, key.name
    );
    Err(Refusal::conflict("needs_approval", detail))
}
