//! A new version takes over. Where there are other replicas, it is handed round first and becomes active when every
//! living one has heard of it (KEY-12); alone, both happen in one transaction.
//!
//! Each change carries the key's revision, so of two that rotate at once one is let through and the other looks again:
//! no version is lost, and none is overwritten.

use keyring::KeyState;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Topic, Write};
use crate::key::model::{Key, KeyVersion};
use crate::key::moves::{self, Plan};
use crate::key::tend::due;
use crate::key::views::KeyView;
use crate::name::Name;
use crate::ports::SecretRef;
use crate::rule::Refusal;
use crate::services::Services;

/// How often a change is made anew because somebody else changed the key meanwhile.
const ATTEMPTS: usize = 40;

/// Why a key is rotated, and so what may hold it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// A person asks. `confirm`: although the last version is not drained.
    Person { confirm: bool },
    /// It is due: an undrained version does not hold it back, and is noted.
    Due,
    /// `active` has no uses left. Another version is active: somebody was faster.
    HardLimit { active: u32 },
}

impl Services {
    /// Makes a new version and lets it take over; answers when it is active everywhere.
    ///
    /// # Errors
    /// Not an operator, no such key, no reason, the last version is not drained and `confirm` is not set, its data does
    /// not open or awaits a shadow run, store away.
    pub async fn rotate_key(
        &self,
        actor: &Actor,
        name: &Name,
        reason: &str,
        confirm: bool,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Operator)?;
        check_reason(reason)?;
        self.rotate(actor, name, reason.trim(), Gate::Person { confirm })
            .await?;
        // It is active here; the answer waits until it is everywhere. A replica that cannot be told is on its own: what
        // it remembers counts for a second.
        if let Err(error) = self.store.heard_by_all().await {
            return Err(Refusal::Unavailable(format!(
                "the new version is active, but not every replica has confirmed it: {error}"
            )));
        }
        self.key_view(actor, name).await
    }

    pub(crate) async fn rotate(
        &self,
        actor: &Actor,
        name: &Name,
        reason: &str,
        gate: Gate,
    ) -> Result<(), Refusal> {
        let id = self.stored_key(name).await?.id;
        let turn = self.memory.rings.turn(&id);
        let _one_at_a_time = turn.lock().await;
        for _ in 0..ATTEMPTS {
            let key = self.stored_key(name).await?;
            if !matches!(gate, Gate::HardLimit { .. }) {
                self.check_gates(&key).await?;
            }
            let versions = self.store.key_versions(&key.id).await?;
            if let Gate::HardLimit { active } = gate
                && moves::active(&versions).is_some_and(|now_active| now_active.number != active)
            {
                return Ok(());
            }
            if gate == Gate::Due && key.promoting.is_none() {
                let restored_at = self.restored().await?.map(|restored| restored.at);
                if due(&key, &versions, self.clock.now(), restored_at).is_none() {
                    return Ok(());
                }
            }
            let done = match key.promoting {
                // Begun by somebody who did not finish: this is the rotation that was asked for.
                Some(number) => self.promote(actor, key, &versions, number, reason).await,
                None => self.begin(actor, key, &versions, reason, gate).await,
            };
            match done {
                Ok(true) => return Ok(()),
                Ok(false) | Err(Refusal::Stale) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        let detail = format!("key `{name}` is being changed by many at once; try again");
        Err(Refusal::conflict("rotation_in_progress", detail))
    }

    /// Ok(false): the new version is handed round and waits to be promoted.
    async fn begin(
        &self,
        actor: &Actor,
        mut key: Key,
        versions: &[KeyVersion],
        reason: &str,
        gate: Gate,
    ) -> Result<bool, Refusal> {
        key.undrained = self.check_drained(&key, versions, gate).await?;
        key.postponed_since = None;
        key.last_number = key
            .last_number
            .checked_add(1)
            .ok_or_else(|| Refusal::conflict("no_more_versions", "this key has had its last version"))?;
        let now = self.clock.now();
        let alone = !self.store.has_other_replicas().await?;
        let state = if alone {
            KeyState::Active
        } else {
            KeyState::PreActive
        };
        let (version, material) = self.make_version(&key, state, now, reason)?;
        let number = version.number;
        let (action, detail) = if alone {
            ("key.rotate", format!("version {number} is active: {reason}"))
        } else {
            ("key.stage", format!("version {number} is handed round: {reason}"))
        };
        key.promoting = (!alone).then_some(number);
        let mut change = Change::new()
            .audit(AuditDraft::new(actor, now, action, key.object(), detail))
            .topic(Topic::Key(key.id.clone()));
        if alone && let Some(active) = moves::active(versions) {
            let mut active = active.clone();
            active.enter(KeyState::Deprecated, now, reason);
            change = change.write(Write::PutKeyVersion(Box::new(active)));
        }
        let change = change
            .write(Write::PutKeyVersion(Box::new(version)))
            .write(material)
            .write(Write::UpdateKey(Box::new(key)));
        self.commit_key(change).await?;
        Ok(alone)
    }

    /// Waits until every replica knows the version, then lets it take over.
    async fn promote(
        &self,
        actor: &Actor,
        mut key: Key,
        versions: &[KeyVersion],
        number: u32,
        reason: &str,
    ) -> Result<bool, Refusal> {
        key.promoting = None;
        let is_waiting = versions
            .iter()
            .any(|version| version.number == number && version.state == KeyState::PreActive);
        let now = self.clock.now();
        if !is_waiting {
            // A person revoked or activated it meanwhile: nothing is left to promote, so a new one is begun.
            let change = Change::new()
                .audit(AuditDraft::new(
                    actor,
                    now,
                    "key.unstage",
                    key.object(),
                    format!("version {number} no longer waits"),
                ))
                .topic(Topic::Key(key.id.clone()))
                .write(Write::UpdateKey(Box::new(key)));
            self.commit_key(change).await?;
            return Ok(false);
        }
        self.store.heard_by_all().await?;
        let plan = moves::plan_promotion(&key, versions, number, now, reason)?;
        let detail = format!("version {number} is active: {reason}");
        let change = Change::new().audit(AuditDraft::new(actor, now, "key.rotate", key.object(), detail));
        self.commit_key(planned(change, key, plan)).await?;
        Ok(true)
    }

    /// What bars the way of a new version, whoever asks: data that does not open (KEY-14), and registered targets that
    /// ask for a shadow run and have had none that passed (KEY-15). Only the hard limit of uses does not ask.
    ///
    /// # Errors
    /// 409 `key_alarm`, 409 `shadow_required`, store away.
    pub async fn check_gates(&self, key: &Key) -> Result<(), Refusal> {
        self.require_no_key_alarm(&key.id).await?;
        let without = self.targets_without_shadow(&key.id).await?;
        if without.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = without
            .iter()
            .map(|target| format!("`{}`", target.name))
            .collect();
        let detail = format!(
            "key `{}` keeps values in {}, which ask for a shadow run first: start a job of mode `shadow` there and let \
             it finish without a finding",
            key.name,
            names.join(", ")
        );
        Err(Refusal::conflict("shadow_required", detail))
    }

    /// Which version is not drained, where that holds nobody back.
    async fn check_drained(
        &self,
        key: &Key,
        versions: &[KeyVersion],
        gate: Gate,
    ) -> Result<Option<u32>, Refusal> {
        let Some(previous) = moves::previous(versions) else {
            return Ok(None);
        };
        if self.is_drained(key, previous).await? {
            return Ok(None);
        }
        match gate {
            Gate::Person { confirm: false } => {
                let detail = format!(
                    "version {} of key `{}` is not drained: values under it may still be needed; wait, re-encrypt \
                     them, or send `confirm`",
                    previous.number, key.name
                );
                Err(Refusal::conflict("not_drained", detail))
            }
            Gate::Person { confirm: true } | Gate::HardLimit { .. } => Ok(None),
            Gate::Due => Ok(Some(previous.number)),
        }
    }

    /// Stale becomes [`Refusal::Stale`] here too, and means: look again.
    pub(crate) async fn commit_key(&self, mut change: Change) -> Result<(), Refusal> {
        // The key's row comes first: whoever comes second waits there, and is stale before it meets anything else.
        change
            .writes
            .sort_by_key(|write| !matches!(write, Write::UpdateKey(_)));
        match self.store.commit(change).await {
            // Two that insert the same version, or two active ones: the other one was faster.
            Err(CommitError::Taken { .. } | CommitError::Stale { .. }) => Err(Refusal::Stale),
            other => Ok(other?),
        }
    }
}

/// The change that carries a plan out.
pub(crate) fn planned(mut change: Change, key: Key, plan: Plan) -> Change {
    for version in plan.changed {
        change = change.write(Write::PutKeyVersion(Box::new(version)));
    }
    for number in plan.shredded {
        let at = SecretRef::key_material(&key.id, number);
        change = change.write(Write::ShredSecret { at });
    }
    change
        .topic(Topic::Key(key.id.clone()))
        .write(Write::UpdateKey(Box::new(key)))
}

pub(crate) fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() || reason.chars().count() > 1_000 {
        return Err(Refusal::rule(
            "/reason",
            "say why, in 1 to 1,000 characters, for the audit",
        ));
    }
    Ok(())
}
