//! A key whose data stopped opening (KEY-14): its rotation, deprecation and retirement stop until a person has looked.
//!
//! Counted are refusals by the state of a version, and records of registered targets that do not open. Malformed bytes
//! that a caller sends are not: anybody could stop a key with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::rotate::check_reason;
use crate::key::{Key, KeyView};
use crate::name::Name;
use crate::ports::StoreError;
use crate::reencryption::breaker::{BreakerPolicy, Window};
use crate::rule::Refusal;
use crate::services::Services;

const PREFIX: &str = "key_alarm/";

/// Outcomes of opening, by key and version, in memory.
#[derive(Debug, Default)]
pub struct KeyHealth(Mutex<BTreeMap<(KeyId, u32), Counted>>);

/// The latest outcomes of one version, and since when they are counted.
#[derive(Clone, Copy, Debug)]
struct Counted {
    since: Timestamp,
    window: Window,
}

impl KeyHealth {
    /// So many values of this version opened, so many were refused or did not.
    pub fn note(&self, key: &KeyId, version: u32, opened: u64, failed: u64, now: Timestamp) {
        if opened + failed == 0 {
            return;
        }
        let begun = || Counted {
            since: now,
            window: Window::default(),
        };
        self.counted()
            .entry((key.clone(), version))
            .or_insert_with(begun)
            .window
            .note(opened + failed, failed);
    }

    /// The versions past the rate.
    pub fn failing(&self, policy: &BreakerPolicy) -> Vec<(KeyId, u32, Window)> {
        self.counted()
            .iter()
            .filter(|(_, counted)| counted.window.trips(policy))
            .map(|((key, version), counted)| (key.clone(), *version, counted.window))
            .collect()
    }

    /// A person looked at this time: what was counted before says nothing any more. True when there was some.
    fn forget_before(&self, key: &KeyId, cleared_at: Timestamp) -> bool {
        let mut counted = self.counted();
        let before = counted.len();
        counted.retain(|(known, _), counted| known != key || counted.since > cleared_at);
        counted.len() < before
    }

    fn counted(&self) -> MutexGuard<'_, BTreeMap<(KeyId, u32), Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is stored of a key's alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    On(KeyAlarm),
    /// Every replica begins to count anew from here.
    Off {
        cleared_at: Timestamp,
    },
}

/// What stops a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAlarm {
    pub key: KeyId,
    pub name: Name,
    pub version: u32,
    pub since: Timestamp,
    pub records: u64,
    pub failed: u64,
}

impl KeyAlarm {
    /// What happened, what probably caused it, what to do.
    pub fn in_words(&self) -> String {
        format!(
            "{} of the last {} values under version {} did not open; probably the version was revoked, suspended or \
             destroyed while data still needed it. Its rotation, deprecation and retirement wait: look, undo the \
             revocation if it was one, then clear the alarm",
            self.failed, self.records, self.version
        )
    }
}

impl Services {
    /// The alarm of a key, while it is on.
    ///
    /// # Errors
    /// Store away.
    pub async fn key_alarm(&self, key: &KeyId) -> Result<Option<KeyAlarm>, Refusal> {
        Ok(self.stored_alarm(key).await?.and_then(Stored::on))
    }

    async fn stored_alarm(&self, key: &KeyId) -> Result<Option<Stored>, Refusal> {
        let stored = self.store.setting(&setting(key)).await?;
        Ok(stored.and_then(|bytes| read(&bytes)))
    }

    /// Every alarm that is on.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn key_alarms(&self, actor: &Actor) -> Result<Vec<KeyAlarm>, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(self.alarms_of_keys().await?)
    }

    /// The same, for metrics.
    ///
    /// # Errors
    /// Store away.
    pub async fn alarms_of_keys(&self) -> Result<Vec<KeyAlarm>, StoreError> {
        let stored = self.store.settings(PREFIX).await?;
        Ok(stored
            .iter()
            .filter_map(|(_, bytes)| read(bytes).and_then(Stored::on))
            .collect())
    }

    /// Refuses while the alarm of a key is on. For whatever would make more of its data unreadable; a person's
    /// revocation with a reason does not ask.
    ///
    /// # Errors
    /// 409 `key_alarm`; store away.
    pub async fn require_no_key_alarm(&self, key: &KeyId) -> Result<(), Refusal> {
        match self.key_alarm(key).await? {
            Some(alarm) => Err(Refusal::conflict("key_alarm", alarm.in_words())),
            None => Ok(()),
        }
    }

    /// Stores an alarm for each key past the rate that has none yet. For the worker, every second or so.
    ///
    /// # Errors
    /// Store away.
    pub async fn raise_key_alarms(&self, policy: &BreakerPolicy) -> Result<Vec<KeyAlarm>, Refusal> {
        let mut raised = Vec::new();
        for (key, version, window) in self.reencryption.health.failing(policy) {
            match self.stored_alarm(&key).await? {
                Some(Stored::On(_)) => continue,
                Some(Stored::Off { cleared_at })
                    if self.reencryption.health.forget_before(&key, cleared_at) =>
                {
                    continue;
                }
                Some(Stored::Off { .. }) | None => {}
            }
            let Some(stored) = self.store.key_by_id(&key).await? else {
                continue;
            };
            let alarm = KeyAlarm {
                name: stored.name.clone(),
                key: key.clone(),
                version,
                since: self.clock.now(),
                records: window.records,
                failed: window.failed,
            };
            let audit = AuditDraft::new(
                &Actor::system("reencryption"),
                alarm.since,
                "key.alarm",
                stored.object(),
                alarm.in_words(),
            );
            let change = Change::new()
                .write(Write::PutSetting {
                    key: setting(&key),
                    value: written(&Stored::On(alarm.clone())),
                })
                .audit(audit)
                .topic(Topic::Catalog);
            match self.store.commit(change).await {
                Ok(()) => raised.push(alarm),
                Err(CommitError::Taken { .. } | CommitError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(raised)
    }

    /// A person has looked: the key may go on. On a key without an alarm it does nothing.
    ///
    /// # Errors
    /// Not an administrator, no such key, no reason, store away.
    pub async fn clear_key_alarm(
        &self,
        actor: &Actor,
        name: &Name,
        reason: &str,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Administrator)?;
        check_reason(reason)?;
        let key = self.stored_key(name).await?;
        self.clear_alarm_of(actor, &key, reason.trim()).await?;
        self.key_view(actor, name).await
    }

    async fn clear_alarm_of(&self, actor: &Actor, key: &Key, reason: &str) -> Result<(), Refusal> {
        if self.key_alarm(&key.id).await?.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let change = Change::new()
            .write(Write::PutSetting {
                key: setting(&key.id),
                value: written(&Stored::Off { cleared_at: now }),
            })
            .audit(AuditDraft::new(
                actor,
                now,
                "key.alarm_cleared",
                key.object(),
                reason,
            ))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        self.reencryption.health.forget_before(&key.id, now);
        Ok(())
    }
}

impl Stored {
    fn on(self) -> Option<KeyAlarm> {
        match self {
            Self::On(alarm) => Some(alarm),
            Self::Off { .. } => None,
        }
    }
}

fn setting(key: &KeyId) -> String {
    format!("{PREFIX}{key}")
}

fn read(bytes: &[u8]) -> Option<Stored> {
    serde_json::from_slice(bytes).ok()
}

fn written(stored: &Stored) -> Vec<u8> {
    serde_json::to_vec(stored).unwrap_or_default()
}
