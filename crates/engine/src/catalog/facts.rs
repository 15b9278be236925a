//! What follows from the stored facts of a credential at one moment: its age, its band, what comes next. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::catalog::age::{AgeBand, PolicyStatus};
use crate::catalog::score::score;
use crate::catalog::{Consumer, Credential, Issuer, Version};
use crate::clock::Timestamp;
use crate::delivery::InstanceView;
use crate::freeze::Freeze;
use crate::id::CredentialId;
use crate::name::Name;
use crate::rotation::Rotation;

/// A credential as it stands now.
#[derive(Clone, Debug)]
pub struct CredentialFacts {
    pub credential: Credential,
    /// None before the first version.
    pub current: Option<Version>,
    /// Since the current value was made, not since it was handed to everyone: a value can leak as soon as it exists,
    /// and a slow rollout makes it no younger. For an adopted value, since Rota has known it.
    pub age: Option<Duration>,
    /// Red before the first version has a value to be young.
    pub band: AgeBand,
    pub status: PolicyStatus,
    /// When the current value reaches its `max_age`.
    pub expires_at: Option<Timestamp>,
    pub next_rotation: NextRotation,
    pub score: u64,
    /// The services of its consumers.
    pub services: BTreeSet<String>,
    /// The rotation that is not terminal.
    pub rotation: Option<Rotation>,
}

/// When and why it rotates next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextRotation {
    /// By itself, when the last tenth of its life begins.
    At(Timestamp),
    /// Then, but a person must approve it.
    WithApproval(Timestamp),
    /// A person holds the schedule.
    Held { reason: String },
    /// Something stands before it.
    Waits { reason: String },
}

impl CredentialFacts {
    /// Whether it rotates without a person: nobody holds its schedule and nobody must approve.
    pub fn is_automated(&self) -> bool {
        self.credential.schedule_hold.is_none() && self.credential.policy.approvals == 0
    }

    /// When a rotation falls due, whatever stands before it.
    pub fn due_at(&self) -> Option<Timestamp> {
        let made_at = self.current.as_ref()?.created_at;
        Some(made_at.after(self.credential.policy.max_age.mul_f64(0.9)))
    }
}

/// One credential with all its versions and instances.
#[derive(Clone, Debug)]
pub struct CredentialDetail {
    pub facts: CredentialFacts,
    /// By number.
    pub versions: Vec<Version>,
    pub instances: Vec<InstanceView>,
}

/// Everything that facts are computed from, read once for a whole list.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) current: BTreeMap<CredentialId, Version>,
    pub(crate) in_flight: BTreeMap<CredentialId, Rotation>,
    pub(crate) services: BTreeMap<Name, String>,
    pub(crate) breakers_open: BTreeSet<Name>,
    pub(crate) freezes: Vec<Freeze>,
}

impl Surroundings {
    pub(crate) fn new(
        current: Vec<Version>,
        in_flight: Vec<Rotation>,
        consumers: Vec<Consumer>,
        issuers: Vec<Issuer>,
        freezes: Vec<Freeze>,
    ) -> Self {
        let keyed = |version: Version| (version.credential.clone(), version);
        Self {
            current: current.into_iter().map(keyed).collect(),
            in_flight: in_flight
                .into_iter()
                .map(|rotation| (rotation.credential.clone(), rotation))
                .collect(),
            services: consumers
                .into_iter()
                .map(|consumer| (consumer.name, consumer.service))
                .collect(),
            breakers_open: issuers
                .into_iter()
                .filter(|issuer| issuer.breaker.opened_at.is_some())
                .map(|issuer| issuer.name)
                .collect(),
            freezes,
        }
    }

    /// The facts of one credential at `now`.
    pub(crate) fn facts_of(&self, credential: Credential, now: Timestamp) -> CredentialFacts {
        let current = self.current.get(&credential.id).cloned();
        let rotation = self.in_flight.get(&credential.id).cloned();
        let age = current.as_ref().map(|version| now.since(version.created_at));
        let thresholds = credential.age_thresholds.unwrap_or_default();
        let services = credential
            .consumers
            .iter()
            .filter_map(|consumer| self.services.get(consumer).cloned())
            .collect();
        let mut facts = CredentialFacts {
            age,
            band: age.map_or(AgeBand::Red, |age| thresholds.band(age)),
            status: age.map_or(PolicyStatus::Due, |age| PolicyStatus::of(age, &credential.policy)),
            expires_at: current
                .as_ref()
                .map(|version| version.created_at.after(credential.policy.max_age)),
            next_rotation: NextRotation::Waits {
                reason: String::new(),
            },
            score: score(
                credential.consumers.len(),
                credential.sensitivity,
                age,
                credential.policy.max_age,
            ),
            services,
            current,
            rotation,
            credential,
        };
        facts.next_rotation = self.next_rotation(&facts, now);
        facts
    }

    fn next_rotation(&self, facts: &CredentialFacts, now: Timestamp) -> NextRotation {
        let credential = &facts.credential;
        let waits = |reason: String| NextRotation::Waits { reason };
        if let Some(rotation) = &facts.rotation {
            return waits(format!("a rotation is under way ({})", rotation.label()));
        }
        if let Some(reason) = &credential.schedule_hold {
            return NextRotation::Held {
                reason: reason.clone(),
            };
        }
        let Some(due_at) = facts.due_at() else {
            return waits("it has no version yet; start its first rotation".to_owned());
        };
        // What stands before it matters only once it is due: both may be gone by then.
        if due_at <= now {
            if let Some(freeze) = self
                .freezes
                .iter()
                .find(|freeze| freeze.covers(&credential.environment, now))
            {
                return waits(format!("frozen by {}: {}", freeze.started_by, freeze.reason));
            }
            if self.breakers_open.contains(&credential.issuer) {
                return waits(format!(
                    "issuer {} gave three errors in a row; test its connection",
                    credential.issuer
                ));
            }
        }
        if credential.policy.approvals > 0 {
            return NextRotation::WithApproval(due_at);
        }
        NextRotation::At(due_at)
    }
}
