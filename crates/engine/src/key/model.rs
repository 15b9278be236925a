//! What a key is: an algorithm, a policy, and versions that follow each other.

use std::collections::BTreeMap;
use std::time::Duration;

use keyring::{Algorithm, KeyState};
use serde::{Deserialize, Serialize};

use crate::access::{Actor, ActorKind, Role};
use crate::catalog::Sensitivity;
use crate::catalog::model::Environment;
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::name::Name;
use crate::rotation::Approval;
use crate::rule::{Refusal, RuleError};

/// Random nonces of AES-GCM may collide beyond this many values under one key (NIST SP 800-38D). Ours are derived per
/// wrap and could go on; the limit is kept all the same.
pub const HARD_USE_LIMIT: u64 = 1 << 32;
/// A version is replaced after so many uses, well before the limit.
pub const USUAL_USE_LIMIT: u64 = 1 << 31;
/// How long a scheduled destruction waits when nothing is said.
pub const USUAL_DESTRUCTION_DELAY: Duration = Duration::from_secs(30 * DAY);

const DAY: u64 = 86_400;
const CENTURY: Duration = Duration::from_secs(100 * 365 * DAY);

/// A key. Its versions stand apart, their material sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: KeyId,
    pub name: Name,
    /// What its versions do; decides the one purpose that the key has (KEY-16).
    #[serde(with = "by_name")]
    pub algorithm: Algorithm,
    pub owner_team: Option<String>,
    /// In words, for people.
    pub purpose: Option<String>,
    /// Freezes of this environment hold its scheduled rotations back; None: only those of every environment do.
    pub environment: Option<Environment>,
    pub tags: BTreeMap<String, String>,
    pub policy: KeyPolicy,
    /// The highest number given so far, 1 for the first version.
    pub last_number: u32,
    /// The version that is being handed round, and becomes active when every replica knows it.
    pub promoting: Option<u32>,
    /// Since when a rotation that is due waits for a freeze to end. Written only where it is so: the store finds these
    /// keys by the word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postponed_since: Option<Timestamp>,
    /// The version that was not drained when a rotation that was due went ahead all the same. Written as the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undrained: Option<u32>,
    pub created_at: Timestamp,
    pub revision: i64,
}

/// What a key may be used for, by whom, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPolicy {
    /// The active version is replaced at this age; None: never by age.
    pub rotate_every: Option<Duration>,
    /// A version is drained when nothing of it was opened for so long.
    pub grace: Duration,
    /// The active version is replaced after so many uses.
    pub max_uses: u64,
    /// Whether its material may ever leave, wrapped. Can be taken away and not given back.
    pub exportable: bool,
    /// Versions below this open nothing.
    pub minimum_decryption_version: u32,
    /// Who may use it, by the names of tokens, consumers and accounts; nobody named: operators, and of a critical key
    /// administrators.
    pub callers: Vec<Name>,
    /// Its class: each has wrapping keys of its own.
    pub sensitivity: Sensitivity,
}

impl KeyPolicy {
    /// What holds for a class when nothing is said: 90 days and 7 of grace, less for the stricter ones.
    pub fn of_class(sensitivity: Sensitivity) -> Self {
        let days = match sensitivity {
            Sensitivity::Low | Sensitivity::Medium => 90,
            Sensitivity::High => 60,
            Sensitivity::Critical => 30,
        };
        Self {
            rotate_every: Some(Duration::from_secs(days * DAY)),
            grace: Duration::from_secs(7 * DAY),
            max_uses: USUAL_USE_LIMIT,
            exportable: false,
            minimum_decryption_version: 1,
            callers: Vec::new(),
            sensitivity,
        }
    }

    /// Every rule it breaks, by JSON pointer.
    pub fn broken_rules(&self) -> Vec<RuleError> {
        let mut broken = Vec::new();
        let mut check = |holds: bool, pointer: &str, detail: &str| {
            if !holds {
                broken.push(RuleError::new(pointer, detail));
            }
        };
        let fits = |age: Duration| age >= Duration::from_secs(60) && age <= CENTURY;
        check(
            self.rotate_every.is_none_or(fits),
            "/rotate_every",
            "must be at least a minute and at most a hundred years; null leaves it to people",
        );
        check(self.grace <= CENTURY, "/grace", "must be at most a hundred years");
        check(
            (1_000..=USUAL_USE_LIMIT).contains(&self.max_uses),
            "/max_uses",
            "must be at least 1,000 and at most 2,147,483,648, half of what random nonces allow",
        );
        check(
            self.minimum_decryption_version >= 1,
            "/minimum_decryption_version",
            "versions are counted from 1",
        );
        check(self.callers.len() <= 1_000, "/callers", "at most 1,000 callers");
        broken
    }
}

impl Key {
    /// Demands that `actor` may use the key.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], without a word about the key.
    pub fn admit(&self, actor: &Actor) -> Result<(), Refusal> {
        if actor.kind == ActorKind::System {
            return Ok(());
        }
        let callers = &self.policy.callers;
        if !callers.is_empty() {
            if actor.kind == ActorKind::Anonymous {
                return Err(Refusal::Unauthenticated);
            }
            return if callers.iter().any(|caller| caller.as_str() == actor.name) {
                Ok(())
            } else {
                Err(Refusal::Forbidden(
                    "the policy of this key names who may use it, and you are not among them".to_owned(),
                ))
            };
        }
        actor.require(match self.policy.sensitivity {
            Sensitivity::Critical => Role::Administrator,
            Sensitivity::Low | Sensitivity::Medium | Sensitivity::High => Role::Operator,
        })
    }

    /// How the audit names it.
    pub fn object(&self) -> String {
        format!("key/{}", self.name)
    }

    /// How the audit names one of its versions.
    pub fn version_object(&self, number: u32) -> String {
        format!("key/{}/{number}", self.name)
    }
}

/// Where the material of a version comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Generated,
    Imported,
}

/// A destruction that somebody asked for. It happens only if somebody else agrees (KEY-8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestructionRequest {
    /// As the audit names them.
    pub asked_by: String,
    pub asked_at: Timestamp,
    pub reason: String,
    pub approval: Option<Approval>,
}

/// One version of a key. A destroyed one stays, as the memory that it was (its tombstone).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyVersion {
    pub key: KeyId,
    pub number: u32,
    #[serde(with = "by_name")]
    pub state: KeyState,
    pub origin: Origin,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    /// Since when it is in its state.
    pub state_since: Timestamp,
    /// Why it is in its state.
    pub reason: String,
    /// When it is to be destroyed, if a second person agrees and nobody changes their mind.
    pub destroy_at: Option<Timestamp>,
    /// Who asked for that, and who agreed. Written only where somebody did: the store finds these versions by the word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destruction: Option<DestructionRequest>,
    pub destroyed_at: Option<Timestamp>,
    /// Uses set aside so far: never fewer than there were. Counted by the store, not part of a change.
    #[serde(skip)]
    pub reserved: u64,
    /// Uses, as measured. Counted by the store, not part of a change.
    #[serde(skip)]
    pub uses: u64,
    /// When it last opened a value. Measured by the store, not part of a change.
    #[serde(skip)]
    pub opened_at: Option<Timestamp>,
}

impl KeyVersion {
    /// A version that is new.
    pub(crate) fn new(key: &KeyId, number: u32, state: KeyState, now: Timestamp, reason: &str) -> Self {
        Self {
            key: key.clone(),
            number,
            state,
            origin: Origin::Generated,
            created_at: now,
            activated_at: (state == KeyState::Active).then_some(now),
            state_since: now,
            reason: reason.to_owned(),
            destroy_at: None,
            destruction: None,
            destroyed_at: None,
            reserved: 0,
            uses: 0,
            opened_at: None,
        }
    }

    /// Whether anything was ever done with it.
    pub fn was_used(&self) -> bool {
        self.reserved > 0 || self.uses > 0 || self.opened_at.is_some()
    }

    /// Whether its destruction is due: its time has come, and whoever asked was not alone.
    pub fn is_doomed(&self, now: Timestamp) -> bool {
        let is_agreed = self
            .destruction
            .as_ref()
            .is_some_and(|asked| asked.approval.is_some());
        is_agreed && self.destroy_at.is_some_and(|at| at <= now)
    }

    /// Whether somebody may have sealed something with it: then its destruction takes a second person. What came in by
    /// an import was used elsewhere.
    pub fn may_be_missed(&self) -> bool {
        self.was_used() || self.origin == Origin::Imported
    }

    pub(crate) fn plan_no_destruction(&mut self) {
        self.destroy_at = None;
        self.destruction = None;
    }

    /// In its new state. Only `moves` decides which ones are legal.
    pub(crate) fn enter(&mut self, state: KeyState, now: Timestamp, reason: &str) {
        self.state = state;
        self.state_since = now;
        reason.clone_into(&mut self.reason);
        match state {
            KeyState::Active => {
                self.activated_at.get_or_insert(now);
                self.plan_no_destruction();
            }
            // The way back from a mistaken revocation also takes back what was planned after it.
            KeyState::Deprecated => self.plan_no_destruction(),
            KeyState::Destroyed => {
                self.plan_no_destruction();
                self.destroyed_at = Some(now);
            }
            KeyState::PreActive | KeyState::Suspended | KeyState::Revoked => {}
        }
    }
}

/// Words of the keyring crate, which knows no serde.
mod by_name {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(word: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(word)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
