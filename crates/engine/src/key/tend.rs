//! What happens to keys by itself: rotations that are due or were cut short, planned destructions.

use std::collections::BTreeMap;

use keyring::{KeyState, Purpose};

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::freeze::Freeze;
use crate::id::KeyId;
use crate::key::model::{Key, KeyVersion};
use crate::key::moves;
use crate::key::rotate::Gate;
use crate::key::version::VersionMove;
use crate::rule::Refusal;
use crate::services::Services;

/// What one look at all keys did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTurn {
    pub rotated: u32,
    /// Due, and waiting for a freeze to end, or for a person.
    pub postponed: u32,
    pub destroyed: u32,
    /// Could not be done now; the next turn tries again. In words, for the log.
    pub failures: Vec<String>,
}

/// What one look at all keys goes by.
struct Seen {
    now: Timestamp,
    freezes: Vec<Freeze>,
    restored_at: Option<Timestamp>,
}

impl Services {
    /// Rotates keys whose active version is old, much used or from a backup, finishes rotations that were cut short, and destroys
    /// versions whose time has come. For every few seconds; any number of replicas may do it at once.
    ///
    /// # Errors
    /// Store away.
    pub async fn tend_keys(&self) -> Result<KeyTurn, Refusal> {
        let now = self.clock.now();
        let mut turn = KeyTurn::default();
        let keys = self.store.keys().await?;
        if keys.is_empty() {
            return Ok(turn);
        }
        let seen = Seen {
            now,
            freezes: self.store.freezes_on(now).await?,
            restored_at: self.restored().await?.map(|restored| restored.at),
        };
        let mut versions: BTreeMap<KeyId, Vec<KeyVersion>> = BTreeMap::new();
        for version in self.store.all_key_versions().await? {
            versions.entry(version.key.clone()).or_default().push(version);
        }
        for key in keys {
            let own = versions.remove(&key.id).unwrap_or_default();
            let name = key.name.clone();
            if let Err(refusal) = self.tend_key(key, &own, &seen, &mut turn).await {
                turn.failures.push(format!("key `{name}`: {refusal}"));
            }
        }
        Ok(turn)
    }

    async fn tend_key(
        &self,
        key: Key,
        versions: &[KeyVersion],
        seen: &Seen,
        turn: &mut KeyTurn,
    ) -> Result<(), Refusal> {
        let now = seen.now;
        let actor = Actor::system("keys");
        for version in versions {
            if version.is_doomed(now) {
                self.destroy_due(&actor, &key, versions, version).await?;
                turn.destroyed += 1;
            }
        }
        let cut_short = || "a rotation that was cut short".to_owned();
        let due = key
            .promoting
            .map(|_| cut_short())
            .or_else(|| due(&key, versions, now, seen.restored_at));
        let Some(reason) = due else {
            return Ok(());
        };
        let is_frozen = seen.freezes.iter().any(|freeze| holds_back(freeze, &key, now));
        let bar = match self.check_gates(&key).await {
            Ok(()) if is_frozen && key.promoting.is_none() => Some("a freeze to end".to_owned()),
            Ok(()) => None,
            Err(Refusal::Conflict { code, detail }) => Some(format!("{code}: {detail}")),
            Err(refusal) => return Err(refusal),
        };
        if let Some(bar) = bar {
            turn.postponed += 1;
            return self.postpone(&actor, key, now, &reason, &bar).await;
        }
        self.rotate(&actor, &key.name, &reason, Gate::Due).await?;
        turn.rotated += 1;
        Ok(())
    }

    async fn destroy_due(
        &self,
        actor: &Actor,
        key: &Key,
        versions: &[KeyVersion],
        version: &KeyVersion,
    ) -> Result<(), Refusal> {
        self.require_no_key_alarm(&key.id).await?;
        self.check_nothing_depends(key, version).await?;
        let asked = VersionMove {
            state: KeyState::Destroyed,
            reason: match &version.destruction {
                Some(asked) => format!("its planned destruction was due: {}", asked.reason),
                None => "its planned destruction was due".to_owned(),
            },
        };
        // Stale: somebody changed the key since it was read; the next turn looks again.
        self.move_once(actor, key.clone(), versions, version.number, &asked)
            .await
    }

    /// Noted once, so that people see since when something holds it back.
    async fn postpone(
        &self,
        actor: &Actor,
        mut key: Key,
        now: Timestamp,
        reason: &str,
        bar: &str,
    ) -> Result<(), Refusal> {
        if key.postponed_since.is_some() {
            return Ok(());
        }
        key.postponed_since = Some(now);
        let detail = format!("waits for {bar}: {reason}");
        let change = Change::new()
            .audit(AuditDraft::new(actor, now, "key.postpone", key.object(), detail))
            .topic(Topic::Key(key.id.clone()))
            .write(Write::UpdateKey(Box::new(key)));
        self.commit_key(change).await
    }
}

/// Why the active version should be replaced now, if it should. `restored_at`: this database came from a backup then.
pub(crate) fn due(
    key: &Key,
    versions: &[KeyVersion],
    now: Timestamp,
    restored_at: Option<Timestamp>,
) -> Option<String> {
    let active = moves::active(versions)?;
    let policy = &key.policy;
    // The limit of uses holds for what was sealed between the backup and the loss too, and nobody counted that.
    let is_counted =
        restored_at.is_none_or(|at| active.activated_at.is_some_and(|activated_at| activated_at >= at));
    if key.algorithm.purpose() == Purpose::Encrypt && !is_counted {
        return Some(format!(
            "version {} came from a backup, and how often it was used since that was made is not known",
            active.number
        ));
    }
    if active.reserved >= policy.max_uses {
        return Some(format!(
            "version {} was used {} times, and the policy allows {}",
            active.number, active.reserved, policy.max_uses
        ));
    }
    let age = now.since(active.activated_at?);
    let greatest = policy.rotate_every.filter(|greatest| age >= *greatest)?;
    Some(format!(
        "version {} is {} days old, and the policy allows {}",
        active.number,
        age.as_secs() / 86_400,
        greatest.as_secs() / 86_400
    ))
}

fn holds_back(freeze: &Freeze, key: &Key, now: Timestamp) -> bool {
    match &key.environment {
        Some(environment) => freeze.covers(environment, now),
        None => freeze.environment.is_none() && freeze.is_on(now),
    }
}
