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
use crate::reencryption::breaker::{BreakerPolicy, Window};
use crate::rule::Refusal;
use crate::services::Services;

const PREFIX: &str = "key_alarm/";

/// Outcomes of opening, by key and version, in memory.
#[derive(Debug, Default)]
pub struct KeyHealth(Mutex<BTreeMap<(KeyId, u32), Window>>);

impl KeyHealth {
    /// So many values of this version opened, so many were refused or did not.
    pub fn note(&self, key: &KeyId, version: u32, opened: u64, failed: u64) {
        if opened + failed == 0 {
            return;
        }
        self.windows()
            .entry((key.clone(), version))
            .or_default()
            .note(opened + failed, failed);
    }

    /// The versions past the rate.
    pub fn failing(&self, policy: &BreakerPolicy) -> Vec<(KeyId, u32, Window)> {
        self.windows()
            .iter()
            .filter(|(_, window)| window.trips(policy))
            .map(|((key, version), window)| (key.clone(), *version, *window))
            .collect()
    }

    /// A person has looked: counting begins anew.
    pub fn forget(&self, key: &KeyId) {
        self.windows().retain(|(known, _), _| known != key);
    }

    fn windows(&self) -> MutexGuard<'_, BTreeMap<(KeyId, u32), Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stops a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyAlarm {
    pub key: KeyId,
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
        let stored = self.store.setting(&setting(key)).await?;
        Ok(stored.and_then(|bytes| read(&bytes)))
    }

    /// Every alarm that is on.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn key_alarms(&self, actor: &Actor) -> Result<Vec<KeyAlarm>, Refusal> {
        actor.require(Role::Viewer)?;
        let stored = self.store.settings(PREFIX).await?;
        Ok(stored.iter().filter_map(|(_, bytes)| read(bytes)).collect())
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
            if self.key_alarm(&key).await?.is_some() {
                continue;
            }
            let alarm = KeyAlarm {
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
                format!("key/{key}"),
                alarm.in_words(),
            );
            let change = Change::new()
                .write(Write::PutSetting {
                    key: setting(&key),
                    value: serde_json::to_vec(&alarm).unwrap_or_default(),
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
    /// Not an administrator, no reason, store away.
    pub async fn clear_key_alarm(&self, actor: &Actor, key: &KeyId, reason: &str) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        if reason.trim().is_empty() {
            return Err(Refusal::rule("/reason", "say what you found, for the audit"));
        }
        self.reencryption.health.forget(key);
        if self.key_alarm(key).await?.is_none() {
            return Ok(());
        }
        let now = self.clock.now();
        let change = Change::new()
            .write(Write::PutSetting {
                key: setting(key),
                value: Vec::new(),
            })
            .audit(AuditDraft::new(
                actor,
                now,
                "key.alarm_cleared",
                format!("key/{key}"),
                reason.trim(),
            ))
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }
}

fn setting(key: &KeyId) -> String {
    format!("{PREFIX}{key}")
}

/// An empty value is a cleared alarm.
fn read(bytes: &[u8]) -> Option<KeyAlarm> {
    serde_json::from_slice(bytes).ok()
}
