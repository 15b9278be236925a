//! Answers consumers: fetch and acknowledge (DEL-1, DEL-4).

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::catalog::VersionNumber;
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::delivery::Instance;
use crate::delivery::live::{LiveCredential, MAX_INSTANCES};
use crate::delivery::serve::{Serving, serving};
use crate::detection::watch::InstanceKey;
use crate::name::Name;
use crate::ports::{SecretRef, Values};
use crate::rotation::{RollbackCause, RotationState};
use crate::rule::Refusal;
use crate::services::Services;

/// What a fetch gives.
#[derive(Debug)]
pub enum Delivered {
    /// The instance already holds this: `If-None-Match` named it.
    Unchanged {
        etag: String,
    },
    Values(Box<Delivery>),
}

/// The values of the version served, and those of the one before where the issuer accepts both.
#[derive(Debug)]
pub struct Delivery {
    pub etag: String,
    pub version: VersionNumber,
    pub values: Values,
    /// `host`, `port` … : no secrets, the same for both.
    pub endpoint: BTreeMap<String, String>,
    pub previous: Option<(VersionNumber, Values)>,
}

/// What an acknowledgement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AckStatus {
    Loaded,
    Failed { error: String },
}

/// Tries before a fetch that keeps meeting changes gives up.
const TRIES: usize = 8;

impl Services {
    /// Hands an instance its version. What it is handed is durable before this returns.
    ///
    /// # Errors
    /// Not found, not bound, no version yet, store or key away.
    pub async fn deliver(
        &self,
        actor: &Actor,
        credential: &Name,
        instance: &str,
        known_etag: Option<&str>,
    ) -> Result<Delivered, Refusal> {
        let key = instance_key(actor, instance)?;
        for _ in 0..TRIES {
            let live = self.bound(&key.0, credential).await?;
            let now = self.clock.now();
            self.live.seen(&live.credential.id, &key, now);
            self.acknowledge_by_etag(&live, &key, known_etag, now);
            let fleet = self.live.view(&live.instances, now);
            let Some(serving) = serving(&live, &fleet, &key) else {
                return Err(Refusal::NoVersionYet(credential.clone()));
            };
            let etag = etag_of(&live, &key, serving);
            match self.hand(actor, &live, &key, serving, now).await {
                Ok(()) => {}
                // A rotation moved meanwhile: choose again.
                Err(CommitError::Stale { .. }) => {
                    self.live
                        .invalidate(&Topic::Credential(live.credential.id.clone()));
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            self.measure_rollback(&live, &key, serving, now);
            if known_etag == Some(etag.as_str()) {
                return Ok(Delivered::Unchanged { etag });
            }
            return self
                .open(&live, serving, etag)
                .await
                .map(|delivery| Delivered::Values(Box::new(delivery)));
        }
        Err(Refusal::Unavailable(
            "the credential is changing quickly; ask again".to_owned(),
        ))
    }

    /// An instance says that it loaded a version, or could not. Idempotent.
    ///
    /// # Errors
    /// When it was never handed that version.
    pub async fn acknowledge(
        &self,
        actor: &Actor,
        credential: &Name,
        instance: &str,
        version: VersionNumber,
        status: AckStatus,
    ) -> Result<(), Refusal> {
        let key = instance_key(actor, instance)?;
        for _ in 0..TRIES {
            let live = self.bound(&key.0, credential).await?;
            let now = self.clock.now();
            let stored = find(&live, &key).filter(|stored| stored.versions_handed.contains(&version));
            let Some(stored) = stored else {
                return Err(Refusal::rule(
                    "/version",
                    format!("version {version} was never handed to this instance"),
                ));
            };
            let mut updated = stored.clone();
            match &status {
                AckStatus::Loaded => {
                    self.live.acknowledged(&live.credential.id, &key, version, now);
                    updated.acknowledged = Some(version);
                    updated.acknowledged_at = Some(now);
                    updated.load_error = None;
                }
                AckStatus::Failed { error } => {
                    self.live.seen(&live.credential.id, &key, now);
                    updated.load_error = Some(error.chars().take(300).collect());
                }
            }
            if updated.acknowledged == stored.acknowledged && updated.load_error == stored.load_error {
                return Ok(());
            }
            let mut change = Change::new()
                .write(Write::PutInstance(updated))
                .topic(Topic::Credential(live.credential.id.clone()));
            if let Some(rotation) = &live.rotation {
                let expected = Write::ExpectRotation {
                    rotation: rotation.id.clone(),
                    revision: rotation.revision,
                };
                change = change.write(expected).topic(Topic::Rotation(rotation.id.clone()));
            }
            match self.store.commit(change).await {
                Err(CommitError::Stale { .. }) => {
                    self.live
                        .invalidate(&Topic::Credential(live.credential.id.clone()));
                }
                other => return Ok(other?),
            }
        }
        Err(Refusal::Unavailable(
            "the credential is changing quickly; say it again".to_owned(),
        ))
    }

    /// The credential, if this consumer is bound to it.
    ///
    /// # Errors
    /// Not found; forbidden when not bound.
    pub(crate) async fn bound(
        &self,
        consumer: &Name,
        credential: &Name,
    ) -> Result<Arc<LiveCredential>, Refusal> {
        let live = self.live.credential(self.store.as_ref(), credential).await?;
        let live = live.ok_or_else(|| Refusal::not_found("credential", credential.as_str()))?;
        if !live.credential.consumers.contains(consumer) {
            return Err(Refusal::NotBound {
                consumer: consumer.clone(),
                credential: credential.clone(),
            });
        }
        Ok(live)
    }

    fn acknowledge_by_etag(
        &self,
        live: &LiveCredential,
        key: &InstanceKey,
        etag: Option<&str>,
        now: Timestamp,
    ) {
        let (Some(etag), Some(stored)) = (etag, find(live, key)) else {
            return;
        };
        let held = stored
            .versions_handed
            .iter()
            .find(|version| etag_version(etag) == Some(**version));
        if let Some(version) = held {
            self.live.acknowledged(&live.credential.id, key, *version, now);
        }
    }

    async fn hand(
        &self,
        actor: &Actor,
        live: &LiveCredential,
        key: &InstanceKey,
        serving: Serving,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let stored = find(live, key);
        let cohort = live
            .rotation
            .as_ref()
            .filter(|_| serving.in_cohort)
            .map(|rotation| rotation.id.clone());
        let known = stored.is_some_and(|stored| {
            stored.handed == Some(serving.version) && (cohort.is_none() || stored.cohort_of == cohort)
        });
        if known {
            return Ok(());
        }
        if stored.is_none()
            && live
                .instances
                .iter()
                .filter(|other| other.consumer == key.0)
                .count()
                >= MAX_INSTANCES
        {
            return Err(CommitError::Unavailable {
                detail: format!("consumer {} has too many instances", key.0),
                outcome_unknown: false,
            });
        }
        let mut instance = stored.cloned().unwrap_or_else(|| new_instance(live, key, now));
        instance.handed = Some(serving.version);
        instance.handed_at = Some(now);
        instance.cohort_of = cohort.or(instance.cohort_of);
        instance
            .versions_handed
            .retain(|version| *version != serving.version);
        instance.versions_handed.push(serving.version);
        // A version older than the last few is in nobody's memory any more.
        let surplus = instance.versions_handed.len().saturating_sub(4);
        instance.versions_handed.drain(..surplus);
        let detail = format!("version {} handed to instance {}", serving.version, key.1);
        let object = format!("credential/{}", live.credential.name);
        let mut change = Change::new()
            .write(Write::PutInstance(instance))
            .audit(AuditDraft::new(actor, now, "delivery.hand", object, detail))
            .topic(Topic::Credential(live.credential.id.clone()));
        if let Some(rotation) = &live.rotation {
            change = change
                .write(Write::ExpectRotation {
                    rotation: rotation.id.clone(),
                    revision: rotation.revision,
                })
                .topic(Topic::Rotation(rotation.id.clone()));
        }
        self.store.commit(change).await
    }

    fn measure_rollback(&self, live: &LiveCredential, key: &InstanceKey, serving: Serving, now: Timestamp) {
        let Some(rotation) = &live.rotation else { return };
        let RotationState::RollingBack(rollback) = &rotation.state else {
            return;
        };
        let came_back = Some(serving.version) == rotation.from
            && find(live, key).is_some_and(|stored| stored.handed == Some(rotation.to));
        if let (true, RollbackCause::Refusals { first_bad_at, .. }) = (came_back, &rollback.cause) {
            self.meter.rollback_served(now.since(*first_bad_at));
        }
    }

    async fn open(&self, live: &LiveCredential, serving: Serving, etag: String) -> Result<Delivery, Refusal> {
        let issuer = self.store.issuer(&live.credential.issuer).await?;
        let endpoint = issuer
            .as_ref()
            .and_then(|issuer| Some(self.connectors.of(&issuer.kind)?.endpoint(issuer)))
            .unwrap_or_default();
        let values = self.values_of(live, serving.version).await?;
        let previous = match serving.previous {
            Some(number) => Some((number, self.values_of(live, number).await?)),
            None => None,
        };
        Ok(Delivery {
            etag,
            version: serving.version,
            values,
            endpoint,
            previous,
        })
    }

    async fn values_of(&self, live: &LiveCredential, number: VersionNumber) -> Result<Values, Refusal> {
        self.opened_values(&SecretRef::version(&live.credential.id, number))
            .await
    }
}

fn find<'live>(live: &'live LiveCredential, key: &InstanceKey) -> Option<&'live Instance> {
    live.instances
        .iter()
        .find(|stored| stored.consumer == key.0 && stored.instance == key.1)
}

fn new_instance(live: &LiveCredential, key: &InstanceKey, now: Timestamp) -> Instance {
    Instance {
        credential: live.credential.id.clone(),
        consumer: key.0.clone(),
        instance: key.1.clone(),
        handed: None,
        handed_at: None,
        versions_handed: Vec::new(),
        cohort_of: None,
        acknowledged: None,
        acknowledged_at: None,
        load_error: None,
        first_seen_at: now,
    }
}

/// Consumer and instance, checked.
pub(crate) fn instance_key(actor: &Actor, instance: &str) -> Result<InstanceKey, Refusal> {
    let consumer = actor.consumer()?;
    let printable = instance.chars().all(|character| character.is_ascii_graphic());
    if instance.is_empty() || instance.len() > 128 || !printable {
        return Err(Refusal::rule(
            "/X-Rota-Instance",
            "name the instance with 1 to 128 printable ASCII characters",
        ));
    }
    Ok((consumer, instance.to_owned()))
}

/// What an instance is served, as an entity tag: the version in front so that a poll acknowledges it, then a hash.
fn etag_of(live: &LiveCredential, key: &InstanceKey, serving: Serving) -> String {
    let mut hasher = Sha256::new();
    for part in [live.credential.id.as_str(), key.0.as_str(), &key.1] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(serving.version.0.to_be_bytes());
    hasher.update(serving.previous.map_or(0, |previous| previous.0).to_be_bytes());
    format!(
        "\"{}-{}\"",
        serving.version,
        hex::encode(&hasher.finalize()[..12])
    )
}

fn etag_version(etag: &str) -> Option<VersionNumber> {
    let text = etag.trim_start_matches("W/").trim_matches('"');
    text.split_once('-')?.0.parse().ok().map(VersionNumber)
}
