//! Changing what a key is allowed, forbidding algorithms, taking an empty key out.

use std::collections::{BTreeMap, BTreeSet};

use keyring::{Algorithm, KeyState};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::Sensitivity;
use crate::catalog::service::{check_revision, check_text, filled, parse_name};
use crate::change::{Change, Topic, Write};
use crate::key::create::{NewKeyPolicy, check_tags};
use crate::key::model::Key;
use crate::key::views::KeyView;
use crate::name::Name;
use crate::recovery::tombstone::{self, Tombstone};
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

const FORBIDDEN_ALGORITHMS: &str = "key.forbidden_algorithms";

/// What is None stays; a blank text takes away what stood there.
#[derive(Clone, Debug, Default)]
pub struct KeyUpdate {
    pub owner_team: Option<String>,
    pub purpose: Option<String>,
    pub environment: Option<String>,
    pub tags: Option<BTreeMap<String, String>>,
    pub policy: NewKeyPolicy,
}

/// An algorithm, whether keys may be made with it, and which keys use it (KEY-9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmUse {
    pub algorithm: Algorithm,
    pub is_forbidden: bool,
    pub keys: Vec<Name>,
}

impl Services {
    /// Changes a key's description and policy. Its algorithm and its class stay for good.
    ///
    /// # Errors
    /// Not an operator, no such key, stale, broken rules.
    pub async fn update_key(
        &self,
        actor: &Actor,
        name: &Name,
        update: KeyUpdate,
        if_match: Option<i64>,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Operator)?;
        let mut key = self.stored_key(name).await?;
        check_revision(if_match, key.revision)?;
        let before = key.clone();
        let mut broken = Vec::new();
        if let Some(owner_team) = update.owner_team {
            check_text(&owner_team, "/owner_team", 127, &mut broken);
            key.owner_team = filled(Some(owner_team));
        }
        if let Some(purpose) = update.purpose {
            check_text(&purpose, "/purpose", 1_000, &mut broken);
            key.purpose = filled(Some(purpose));
        }
        if let Some(environment) = update.environment {
            key.environment = match environment.trim() {
                "" => None,
                named => parse_name(named, "/environment", &mut broken),
            };
        }
        if let Some(tags) = update.tags {
            check_tags(&tags, &mut broken);
            key.tags = tags;
        }
        key.policy = update.policy.change(key.policy, &mut broken);
        check_policy_change(&before, &key, &mut broken);
        if !broken.is_empty() {
            return Err(Refusal::Rules(broken));
        }
        if before.policy.sensitivity == Sensitivity::Critical {
            actor.require(Role::Administrator)?;
        }
        let now = self.clock.now();
        let detail = changes(&before, &key);
        let change = Change::new()
            .audit(AuditDraft::new(actor, now, "key.update", key.object(), detail))
            .write(Write::UpdateKey(Box::new(key.clone())))
            .topic(Topic::Key(key.id.clone()));
        self.store.commit(change).await?;
        self.key_view(actor, name).await
    }

    /// Takes out a key of which every version is destroyed.
    ///
    /// # Errors
    /// Not an administrator, no such key, stale, a version is left.
    pub async fn delete_key(&self, actor: &Actor, name: &Name, if_match: Option<i64>) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        let key = self.stored_key(name).await?;
        check_revision(if_match, key.revision)?;
        let versions = self.store.key_versions(&key.id).await?;
        let is_left = |state: KeyState| !matches!(state, KeyState::Destroyed);
        let left = versions
            .iter()
            .filter(|version| is_left(version.state) && version.was_used())
            .count();
        if left > 0 {
            let detail = format!(
                "{left} version(s) of key `{name}` were used and are not destroyed; whatever they sealed would be lost"
            );
            return Err(Refusal::conflict("in_use", detail));
        }
        let now = self.clock.now();
        let mut change = Change::new().audit(AuditDraft::new(
            actor,
            now,
            "key.delete",
            key.object(),
            "no version of it was in use",
        ));
        let mut tombstones = Vec::new();
        for version in &versions {
            let mut version = version.clone();
            if is_left(version.state) {
                let at = crate::ports::SecretRef::key_material(&key.id, version.number);
                change = change.write(Write::ShredSecret { at });
                version.enter(KeyState::Destroyed, now, "its key was taken out");
            }
            tombstones.extend(Tombstone::of(&key.name, &version));
        }
        // Its rows go, and an older backup must not bring it back.
        change = change.write(tombstone::kept(&key.id, &tombstones));
        let change = change
            .topic(Topic::Key(key.id.clone()))
            .topic(Topic::Catalog)
            .write(Write::DeleteKey(Box::new(key)));
        Ok(self.store.commit(change).await?)
    }

    /// Every algorithm, whether it is forbidden, and which keys use it.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn algorithms(&self, actor: &Actor) -> Result<Vec<AlgorithmUse>, Refusal> {
        actor.require(Role::Viewer)?;
        let forbidden = self.forbidden_algorithms().await?;
        let keys = self.store.keys().await?;
        let uses = Algorithm::ALL.into_iter().map(|algorithm| AlgorithmUse {
            algorithm,
            is_forbidden: forbidden.contains(algorithm.name()),
            keys: keys
                .iter()
                .filter(|key| key.algorithm == algorithm)
                .map(|key| key.name.clone())
                .collect(),
        });
        Ok(uses.collect())
    }

    /// Forbids new keys of some algorithms, and allows all others. Keys that there are go on and are listed.
    ///
    /// # Errors
    /// Not an administrator, store away.
    pub async fn forbid_algorithms(
        &self,
        actor: &Actor,
        forbidden: &[Algorithm],
        reason: &str,
    ) -> Result<Vec<AlgorithmUse>, Refusal> {
        actor.require(Role::Administrator)?;
        let names: BTreeSet<&str> = forbidden.iter().map(|algorithm| algorithm.name()).collect();
        let list = names.into_iter().collect::<Vec<_>>().join(" ");
        let detail = format!(
            "forbidden: {}; {reason}",
            if list.is_empty() { "none" } else { &list }
        );
        let draft = AuditDraft::new(
            actor,
            self.clock.now(),
            "key.algorithms",
            "setting/key.forbidden_algorithms",
            detail,
        );
        let change = Change::new()
            .audit(draft)
            .write(Write::PutSetting {
                key: FORBIDDEN_ALGORITHMS.to_owned(),
                value: list.into_bytes(),
            })
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        self.algorithms(actor).await
    }

    pub(crate) async fn check_algorithm_allowed(
        &self,
        algorithm: Algorithm,
        broken: &mut Vec<RuleError>,
    ) -> Result<(), Refusal> {
        if self.forbidden_algorithms().await?.contains(algorithm.name()) {
            let detail = format!("{algorithm} is forbidden by policy; choose another algorithm");
            broken.push(RuleError::new("/algorithm", detail));
        }
        Ok(())
    }

    async fn forbidden_algorithms(&self) -> Result<BTreeSet<String>, Refusal> {
        let stored = self
            .store
            .setting(FORBIDDEN_ALGORITHMS)
            .await?
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&stored);
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }

    pub(crate) async fn stored_key(&self, name: &Name) -> Result<Key, Refusal> {
        let key = self.store.key(name).await?;
        key.ok_or_else(|| Refusal::not_found("key", name.as_str()))
    }
}

fn check_policy_change(before: &Key, after: &Key, broken: &mut Vec<RuleError>) {
    if after.policy.exportable && !before.policy.exportable {
        let detail = "a key that was made to stay cannot be made exportable; make a new key";
        broken.push(RuleError::new("/exportable", detail));
    }
    if after.policy.sensitivity != before.policy.sensitivity {
        let detail = "the class of a key is decided when it is made; make a new key and re-encrypt to it";
        broken.push(RuleError::new("/sensitivity", detail));
    }
    if after.policy.minimum_decryption_version > after.last_number {
        let detail = format!("the newest version is {}", after.last_number);
        broken.push(RuleError::new("/minimum_decryption_version", detail));
    }
}

/// For the audit: which settings moved from what to what.
fn changes(before: &Key, after: &Key) -> String {
    let (old, new) = (&before.policy, &after.policy);
    let mut words = Vec::new();
    let mut note = |name: &str, old: String, new: String| {
        if old != new {
            words.push(format!("{name}: {old} -> {new}"));
        }
    };
    let seconds = |age: Option<std::time::Duration>| {
        age.map_or_else(|| "never".to_owned(), |age| format!("{} s", age.as_secs()))
    };
    note(
        "rotate_every",
        seconds(old.rotate_every),
        seconds(new.rotate_every),
    );
    note("grace", seconds(Some(old.grace)), seconds(Some(new.grace)));
    note("max_uses", old.max_uses.to_string(), new.max_uses.to_string());
    note(
        "exportable",
        old.exportable.to_string(),
        new.exportable.to_string(),
    );
    note(
        "minimum_decryption_version",
        old.minimum_decryption_version.to_string(),
        new.minimum_decryption_version.to_string(),
    );
    let names = |callers: &[Name]| callers.iter().map(Name::as_str).collect::<Vec<_>>().join(",");
    note("callers", names(&old.callers), names(&new.callers));
    if words.is_empty() {
        "its description".to_owned()
    } else {
        words.join("; ")
    }
}
