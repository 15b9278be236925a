//! Making a key, with its first version active.

use std::collections::BTreeMap;
use std::time::Duration;

use keyring::{Algorithm, KeyMaterial, KeyState, SecretBytes};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::Sensitivity;
use crate::catalog::service::{check_text, filled, parse_name};
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::model::{Key, KeyPolicy, KeyVersion};
use crate::key::transfer::needs_administrator;
use crate::key::views::KeyView;
use crate::name::Name;
use crate::ports::SecretRef;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A key as asked for. What is None takes its default.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub algorithm: Algorithm,
    pub owner_team: Option<String>,
    pub purpose: Option<String>,
    pub environment: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub policy: NewKeyPolicy,
}

/// What was given of a policy. None takes the default of the class, or stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKeyPolicy {
    /// Some(None): people decide.
    pub rotate_every: Option<Option<Duration>>,
    pub grace: Option<Duration>,
    pub max_uses: Option<u64>,
    pub exportable: Option<bool>,
    pub minimum_decryption_version: Option<u32>,
    pub callers: Option<Vec<String>>,
    pub sensitivity: Option<Sensitivity>,
}

impl NewKeyPolicy {
    /// A stored policy with what was given in its place.
    pub(crate) fn change(self, mut policy: KeyPolicy, broken: &mut Vec<RuleError>) -> KeyPolicy {
        if let Some(age) = self.rotate_every {
            policy.rotate_every = age.map(whole_seconds);
        }
        if let Some(grace) = self.grace {
            policy.grace = whole_seconds(grace);
        }
        if let Some(max_uses) = self.max_uses {
            policy.max_uses = max_uses;
        }
        if let Some(exportable) = self.exportable {
            policy.exportable = exportable;
        }
        if let Some(minimum) = self.minimum_decryption_version {
            policy.minimum_decryption_version = minimum;
        }
        if let Some(callers) = self.callers {
            policy.callers = callers
                .iter()
                .enumerate()
                .filter_map(|(index, caller)| {
                    let rule = |error: crate::name::InvalidName| {
                        RuleError::new(format!("/callers/{index}"), error.to_string())
                    };
                    Name::parse(caller).map_err(|error| broken.push(rule(error))).ok()
                })
                .collect();
        }
        broken.extend(policy.broken_rules());
        policy
    }
}

/// Durations are kept in whole seconds.
fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

impl Services {
    /// Makes a key; its first version is active at once.
    ///
    /// # Errors
    /// Not an operator (a critical or exportable key: not an administrator), broken rules, the name is taken.
    pub async fn create_key(&self, actor: &Actor, new: NewKey) -> Result<KeyView, Refusal> {
        actor.require(Role::Operator)?;
        let key = self.new_key(actor, new).await?;
        let (version, write) =
            self.make_version(&key, KeyState::Active, key.created_at, "the first version")?;
        let detail = format!("{}, {:?}", key.algorithm, key.policy.sensitivity).to_lowercase();
        let draft = AuditDraft::new(actor, key.created_at, "key.create", key.object(), detail);
        let change = Change::new()
            .audit(draft)
            .write(Write::InsertKey(Box::new(key.clone())))
            .write(Write::PutKeyVersion(Box::new(version.clone())))
            .write(write)
            .topic(Topic::Key(key.id.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(self.place_key(key, vec![version]))
    }

    /// The key that was asked for, not yet stored.
    pub(crate) async fn new_key(&self, actor: &Actor, new: NewKey) -> Result<Key, Refusal> {
        let mut broken = Vec::new();
        let name = parse_name(&new.name, "/name", &mut broken);
        let environment = new
            .environment
            .as_deref()
            .and_then(|environment| parse_name(environment, "/environment", &mut broken));
        let (owner_team, purpose) = (filled(new.owner_team), filled(new.purpose));
        check_text(
            owner_team.as_deref().unwrap_or_default(),
            "/owner_team",
            127,
            &mut broken,
        );
        check_text(
            purpose.as_deref().unwrap_or_default(),
            "/purpose",
            1_000,
            &mut broken,
        );
        check_tags(&new.tags, &mut broken);
        let class = new.policy.sensitivity.unwrap_or(Sensitivity::Medium);
        let policy = new.policy.change(KeyPolicy::of_class(class), &mut broken);
        self.check_algorithm_allowed(new.algorithm, &mut broken).await?;
        let (Some(name), true) = (name, broken.is_empty()) else {
            return Err(Refusal::Rules(broken));
        };
        let now = self.clock.now();
        let key = Key {
            id: KeyId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name,
            algorithm: new.algorithm,
            owner_team,
            purpose,
            environment,
            tags: new.tags,
            policy,
            last_number: 1,
            promoting: None,
            postponed_since: None,
            undrained: None,
            created_at: now,
            revision: 1,
        };
        if needs_administrator(&key) {
            actor.require(Role::Administrator)?;
        }
        Ok(key)
    }

    /// Version `last_number` of a key, with its material made and sealed, not yet stored.
    pub(crate) fn make_version(
        &self,
        key: &Key,
        state: KeyState,
        now: Timestamp,
        reason: &str,
    ) -> Result<(KeyVersion, Write), Refusal> {
        let material = KeyMaterial::generate_for(key.algorithm, self.randomness.as_ref());
        let material = SecretBytes::new(material.expose_bytes().to_vec());
        let version = KeyVersion::new(&key.id, key.last_number, state, now, reason);
        let write = self.sealed_material(key, version.number, &material)?;
        Ok((version, write))
    }

    /// The write that keeps a version's material, sealed under the wrapping key of the key's class.
    pub(crate) fn sealed_material(
        &self,
        key: &Key,
        number: u32,
        material: &SecretBytes,
    ) -> Result<Write, Refusal> {
        let at = SecretRef::key_material(&key.id, number);
        let sealed = self
            .sealer
            .seal_bytes_for(key.policy.sensitivity, &at, material)?;
        Ok(Write::PutSecret { at, sealed })
    }
}

pub(crate) fn check_tags(tags: &BTreeMap<String, String>, broken: &mut Vec<RuleError>) {
    if tags.len() > 64 {
        broken.push(RuleError::new("/tags", "at most 64 tags"));
    }
    for (name, value) in tags {
        let pointer = format!("/tags/{}", name.replace('~', "~0").replace('/', "~1"));
        check_text(name, &pointer, 127, broken);
        check_text(value, &pointer, 500, broken);
    }
}
