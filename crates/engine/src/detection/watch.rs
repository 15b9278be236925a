//! The tests of one rotation: each instance by itself, and the cohort as a whole.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::detection::likelihood::Likelihood;
use crate::detection::outcome::Counts;

/// An instance that is new, not merely on a new version, may stumble for so long (DET-2).
pub const START_UP: Duration = Duration::from_secs(3);

/// What an instance is called: consumer and `X-Rota-Instance`.
pub type InstanceKey = (crate::name::Name, String);

/// The running tests on the candidate of one rotation.
#[derive(Debug, Default)]
pub struct Watch {
    cohort: Likelihood,
    instances: HashMap<InstanceKey, Observed>,
    pub total: Counts,
}

#[derive(Debug, Default)]
struct Observed {
    test: Likelihood,
    counts: Counts,
}

/// Which test decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    Instance(InstanceKey, Counts),
    Cohort(Counts),
}

impl Watch {
    /// Takes one report on the candidate in. Gives what decided and when its first failure arrived.
    pub fn observe(
        &mut self,
        now: Timestamp,
        instance: &InstanceKey,
        counts: Counts,
        control_rate: f64,
    ) -> Option<(Decided, Timestamp)> {
        self.total.add(counts);
        let observed = self.instances.entry(instance.clone()).or_default();
        observed.counts.add(counts);
        observed
            .test
            .observe(now, counts.good, counts.refused, control_rate);
        self.cohort
            .observe(now, counts.good, counts.refused, control_rate);
        if observed.test.is_decided() {
            let since = observed.test.excursion_since().unwrap_or(now);
            return Some((Decided::Instance(instance.clone(), observed.counts), since));
        }
        if self.cohort.is_decided() {
            return Some((
                Decided::Cohort(self.total),
                self.cohort.excursion_since().unwrap_or(now),
            ));
        }
        None
    }

    /// What one instance reported on the candidate.
    pub fn counts_of(&self, instance: &InstanceKey) -> Counts {
        self.instances
            .get(instance)
            .map(|observed| observed.counts)
            .unwrap_or_default()
    }
}
