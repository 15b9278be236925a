//! The day's figures, kept so that a trend can be drawn: one measure per UTC day and environment, and one for all.
//!
//! Ages and shares are as last seen on that day; counts are of what happened on it. *counted* and *automated* are those
//! of [`crate::board`]: the sandbox is left out once a real credential exists. An *incident* is an emergency rotation,
//! counted on the day it was begun.

mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::board::{counted, day_of, totals};
use crate::catalog::{CredentialFacts, Environment};
use crate::clock::Timestamp;
use crate::rotation::{Rotation, RotationState};

/// The figures of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Midnight, UTC, at which the day begins.
    pub day: Timestamp,
    /// None: all environments together. A service in two of them counts once there.
    pub environment: Option<Environment>,
    pub credentials: u64,
    pub credentials_automated: u64,
    pub services: u64,
    pub services_automated: u64,
    /// Of the current versions, in seconds; None while there is none.
    pub mean_age_seconds: Option<u64>,
    pub green: u64,
    pub yellow: u64,
    pub red: u64,
    pub completed: u64,
    pub rolled_back: u64,
    pub incidents: u64,
    /// Only sandbox entries existed, so they were counted.
    pub sandbox_only: bool,
}

impl Measure {
    /// Percent of services whose every credential rotates without a person; None while there is no service.
    pub fn percent_automated(&self) -> Option<f64> {
        (self.services > 0).then(|| 100.0 * self.services_automated as f64 / self.services as f64)
    }

    /// Mean age of the current versions.
    pub fn mean_age(&self) -> Option<Duration> {
        self.mean_age_seconds.map(Duration::from_secs)
    }

    /// The same measure with what happened on its day counted anew.
    #[must_use]
    pub fn recounted(mut self, rotations: &[Rotation]) -> Self {
        let own = |rotation: &&Rotation| {
            (self.sandbox_only || !rotation.sandbox)
                && self
                    .environment
                    .as_ref()
                    .is_none_or(|environment| *environment == rotation.environment)
        };
        let (mut completed, mut rolled_back, mut incidents) = (0, 0, 0);
        for rotation in rotations.iter().filter(own) {
            if rotation.emergency && day_of(rotation.created_at) == self.day {
                incidents += 1;
            }
            if rotation.finished_at.is_some_and(|at| day_of(at) == self.day) {
                match rotation.state {
                    RotationState::Completed => completed += 1,
                    RotationState::RolledBack { .. } => rolled_back += 1,
                    _ => {}
                }
            }
        }
        (self.completed, self.rolled_back, self.incidents) = (completed, rolled_back, incidents);
        self
    }
}

/// The measures of the day of `now`: of each environment and of all; none while there is no credential.
pub fn measures(credentials: &[CredentialFacts], rotations: &[Rotation], now: Timestamp) -> Vec<Measure> {
    let counted = counted(credentials);
    if counted.is_empty() {
        return Vec::new();
    }
    let environments: BTreeSet<&Environment> = counted
        .iter()
        .map(|facts| &facts.credential.environment)
        .collect();
    let of = |environment: Option<&Environment>| {
        let chosen: Vec<&CredentialFacts> = counted
            .iter()
            .copied()
            .filter(|facts| {
                environment.is_none_or(|environment| *environment == facts.credential.environment)
            })
            .collect();
        let totals = totals(&chosen);
        Measure {
            day: day_of(now),
            environment: environment.cloned(),
            credentials: totals.credentials,
            credentials_automated: totals.credentials_automated,
            services: totals.services,
            services_automated: totals.services_automated,
            mean_age_seconds: totals.mean_age.map(|age| age.as_secs()),
            green: totals.green,
            yellow: totals.yellow,
            red: totals.red,
            completed: 0,
            rolled_back: 0,
            incidents: 0,
            sandbox_only: totals.sandbox_only,
        }
        .recounted(rotations)
    };
    std::iter::once(None)
        .chain(environments.into_iter().map(Some))
        .map(of)
        .collect()
}

/// What a trend is drawn from: once anything real was measured, the days of the sandbox alone are left out.
pub fn trend(mut measures: Vec<Measure>) -> Vec<Measure> {
    measures.sort_by_key(|measure| measure.day);
    if measures.last().is_some_and(|last| !last.sandbox_only) {
        measures.retain(|measure| !measure.sandbox_only);
    }
    measures
}
