//! Who is there and what they hold: the stored part is re-read after each change of the credential, the rest
//! (last seen, acknowledged by poll or signal) lives in memory only, since polls and signals write nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::catalog::{Credential, VersionNumber};
use crate::change::Topic;
use crate::clock::Timestamp;
use crate::delivery::Instance;
use crate::delivery::hearsay::{Hearsay, Untold};
use crate::detection::outcome::Counts;
use crate::detection::watch::InstanceKey;
use crate::id::CredentialId;
use crate::name::Name;
use crate::ports::{OutcomeBucket, Store, StoreError};
use crate::rotation::Rotation;

/// Silent for so long = absent: shown, not blocking.
pub const INSTANCE_TTL: Duration = Duration::from_secs(300);

/// What delivery and signals need to know of one credential.
#[derive(Debug)]
pub struct LiveCredential {
    pub credential: Credential,
    pub rotation: Option<Rotation>,
    pub instances: Vec<Instance>,
}

/// What is known of one instance right now.
#[derive(Clone, Debug)]
pub struct InstanceView {
    pub stored: Instance,
    pub last_seen_at: Timestamp,
    /// Within [`INSTANCE_TTL`].
    pub live: bool,
    /// The later of what is stored and what was seen.
    pub acknowledged: Option<VersionNumber>,
}

impl InstanceView {
    /// Consumer and instance.
    pub fn key(&self) -> InstanceKey {
        (self.stored.consumer.clone(), self.stored.instance.clone())
    }
}

#[derive(Clone, Debug)]
struct Presence {
    first_seen_at: Timestamp,
    last_seen_at: Timestamp,
    acknowledged: Option<(VersionNumber, Timestamp)>,
}

/// The memory of this replica. Bounded: an instance per consumer beyond [`MAX_INSTANCES`] is refused by the service.
#[derive(Debug)]
pub struct Live {
    started_at: Timestamp,
    credentials: Mutex<HashMap<Name, Arc<LiveCredential>>>,
    names: Mutex<HashMap<CredentialId, Name>>,
    presence: Mutex<HashMap<(CredentialId, InstanceKey), Presence>>,
    generation: Mutex<u64>,
    outcomes: Mutex<Vec<OutcomeBucket>>,
    untold: Untold,
}

/// Instances that one consumer may have of one credential.
pub const MAX_INSTANCES: usize = 10_000;

impl Live {
    /// Empty. Every stored instance counts as seen at `started_at`.
    pub fn new(started_at: Timestamp) -> Self {
        Self {
            started_at,
            credentials: Mutex::default(),
            names: Mutex::default(),
            presence: Mutex::default(),
            generation: Mutex::default(),
            outcomes: Mutex::default(),
            untold: Untold::default(),
        }
    }

    /// Forgets what a change has made old. The server's announcer calls it before it wakes anyone.
    pub fn invalidate(&self, topic: &Topic) {
        *lock(&self.generation) += 1;
        match topic {
            Topic::Credential(id) => {
                if let Some(name) = lock(&self.names).get(id) {
                    lock(&self.credentials).remove(name);
                }
            }
            // What is served changes only with a credential's topic; an old revision of the rotation is met as stale.
            Topic::Rotation(_) | Topic::Reencryption(_) | Topic::Key(_) => {}
            Topic::Catalog => lock(&self.credentials).clear(),
        }
    }

    /// The credential of that name with its rotation and instances, read again only after a change.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn credential(
        &self,
        store: &dyn Store,
        name: &Name,
    ) -> Result<Option<Arc<LiveCredential>>, StoreError> {
        if let Some(known) = lock(&self.credentials).get(name) {
            return Ok(Some(Arc::clone(known)));
        }
        let generation = *lock(&self.generation);
        let Some(credential) = store.credential(name).await? else {
            return Ok(None);
        };
        let rotation = store.rotation_in_flight(&credential.id).await?;
        let instances = store.instances(&credential.id).await?;
        lock(&self.names).insert(credential.id.clone(), name.clone());
        let known = Arc::new(LiveCredential {
            credential,
            rotation,
            instances,
        });
        // Something changed while it was read: use it, but do not keep it.
        if *lock(&self.generation) == generation {
            lock(&self.credentials).insert(name.clone(), Arc::clone(&known));
        }
        Ok(Some(known))
    }

    /// An instance was heard of.
    pub fn seen(&self, credential: &CredentialId, instance: &InstanceKey, now: Timestamp) {
        self.untold.seen(credential, instance, None, now);
        self.presence(credential, instance, now, |presence| presence.last_seen_at = now);
    }

    /// An instance showed that it holds `version`: by an acknowledgement, a good signal or that version's ETag.
    pub fn acknowledged(
        &self,
        credential: &CredentialId,
        instance: &InstanceKey,
        version: VersionNumber,
        now: Timestamp,
    ) {
        self.untold.seen(credential, instance, Some(version), now);
        self.heard(credential, instance, Some(version), now);
    }

    /// Another replica heard of an instance: as here, but not told further.
    pub fn heard(
        &self,
        credential: &CredentialId,
        instance: &InstanceKey,
        acknowledged: Option<VersionNumber>,
        now: Timestamp,
    ) {
        self.presence(credential, instance, now, |presence| {
            presence.last_seen_at = now;
            if let Some(version) = acknowledged {
                presence.acknowledged = Some((version, now));
            }
        });
    }

    /// There are other replicas, who are to be told what is heard here.
    pub fn tell_others(&self) {
        self.untold.begin();
    }

    /// Outcomes that are watched, for the others.
    pub(crate) fn watched(
        &self,
        credential: &CredentialId,
        instance: &InstanceKey,
        version: VersionNumber,
        counts: Counts,
    ) {
        self.untold.outcomes(credential, instance, version, counts);
    }

    /// What the other replicas are to be told now.
    pub fn take_hearsay(&self, now: Timestamp) -> Vec<Hearsay> {
        self.untold.take(now)
    }

    /// Whether this replica first heard of the instance less than `window` ago. A restart of ours makes nobody new.
    pub fn is_new(
        &self,
        credential: &CredentialId,
        instance: &InstanceKey,
        now: Timestamp,
        window: Duration,
    ) -> bool {
        lock(&self.presence)
            .get(&(credential.clone(), instance.clone()))
            .is_none_or(|presence| now.since(presence.first_seen_at) < window)
            && now.since(self.started_at) >= window
    }

    /// Keeps outcomes until the next roll-up. Counts of the same minute are added together.
    pub fn collect(&self, buckets: Vec<OutcomeBucket>) {
        let mut outcomes = lock(&self.outcomes);
        for bucket in buckets {
            let same = outcomes.iter_mut().find(|known| {
                known.credential == bucket.credential
                    && known.version == bucket.version
                    && known.consumer == bucket.consumer
                    && known.minute == bucket.minute
            });
            match same {
                Some(known) => {
                    known.good += bucket.good;
                    known.refused += bucket.refused;
                    known.errors += bucket.errors;
                }
                None => outcomes.push(bucket),
            }
        }
    }

    /// Takes what was collected, to be stored.
    pub fn take_outcomes(&self) -> Vec<OutcomeBucket> {
        std::mem::take(&mut *lock(&self.outcomes))
    }

    fn presence(
        &self,
        credential: &CredentialId,
        instance: &InstanceKey,
        now: Timestamp,
        change: impl FnOnce(&mut Presence),
    ) {
        let mut all = lock(&self.presence);
        let presence = all
            .entry((credential.clone(), instance.clone()))
            .or_insert(Presence {
                first_seen_at: now,
                last_seen_at: now,
                acknowledged: None,
            });
        change(presence);
    }

    /// The stored instances with what is known of them now.
    pub fn view(&self, instances: &[Instance], now: Timestamp) -> Vec<InstanceView> {
        let all = lock(&self.presence);
        instances
            .iter()
            .map(|stored| {
                let key = (
                    stored.credential.clone(),
                    (stored.consumer.clone(), stored.instance.clone()),
                );
                let presence = all.get(&key);
                let last_seen_at = presence.map_or(self.started_at, |presence| presence.last_seen_at);
                let in_memory = presence.and_then(|presence| presence.acknowledged);
                let durable = stored.acknowledged.zip(stored.acknowledged_at);
                let latest = match (in_memory, durable) {
                    (Some(seen), Some(told)) => Some(if seen.1 >= told.1 { seen } else { told }),
                    (one, other) => one.or(other),
                };
                InstanceView {
                    stored: stored.clone(),
                    last_seen_at,
                    live: now.since(last_seen_at) < INSTANCE_TTL,
                    acknowledged: latest.map(|(version, _)| version),
                }
            })
            .collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
