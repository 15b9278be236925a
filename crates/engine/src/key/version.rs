//! Moving one version: suspend, revoke, take back, retire, destroy.

use keyring::KeyState;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::key::model::{Key, KeyVersion, USUAL_DESTRUCTION_DELAY};
use crate::key::moves;
use crate::key::rotate::{check_reason, planned};
use crate::key::views::KeyView;
use crate::name::Name;
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
    /// Destroying takes an administrator, and happens at once only where nothing is known to need the version;
    /// otherwise it is planned with [`Services::plan_destruction`].
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

    /// Plans the destruction of a version; until then it can be taken back.
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
        let detail = format!(
            "to be destroyed in {} s: {}",
            at.since(now).as_secs(),
            destruction.reason.trim()
        );
        self.schedule(
            actor,
            name,
            number,
            Some(at),
            "key.version.plan_destruction",
            &detail,
        )
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
        self.schedule(
            actor,
            name,
            number,
            None,
            "key.version.keep",
            "its planned destruction was taken back",
        )
        .await
    }

    async fn schedule(
        &self,
        actor: &Actor,
        name: &Name,
        number: u32,
        at: Option<Timestamp>,
        action: &str,
        detail: &str,
    ) -> Result<KeyView, Refusal> {
        let key = self.stored_key(name).await?;
        let versions = self.store.key_versions(&key.id).await?;
        let mut version = moves::find(&key, &versions, number)?.clone();
        if at.is_some() {
            keyring::check_move(version.state, KeyState::Destroyed).map_err(|illegal| {
                Refusal::conflict("illegal_move", format!("version {number}: {illegal}"))
            })?;
        }
        if version.destroy_at != at {
            version.destroy_at = at;
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
