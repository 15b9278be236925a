//! Every running test and every version's recent outcomes, in memory. Lost with the process, and then silent, which
//! holds a rotation and never passes it (invariant 8).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::catalog::VersionNumber;
use crate::clock::Timestamp;
use crate::detection::likelihood::{CONTROL_CEILING, control_rate};
use crate::detection::outcome::Counts;
use crate::detection::watch::{Decided, InstanceKey, Watch};
use crate::id::{CredentialId, RotationId};

/// How far back a version's failure rate looks.
const RECENT: Duration = Duration::from_secs(300);
/// How far back a failing control is looked for: it must be failing now.
const JUST_NOW: Duration = Duration::from_secs(10);
const BUCKET: Duration = Duration::from_secs(1);

/// What a report led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to say yet.
    Undecided,
    /// The candidate fails and the control does not: go back.
    Broken {
        /// Why, in words.
        detail: String,
        /// When the first of the deciding failures arrived.
        first_bad_at: Timestamp,
    },
    /// The control fails too: it is not the candidate. Hold.
    ControlFails {
        /// Why, in words.
        detail: String,
    },
}

/// Outcomes of candidate and control since the watch began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub candidate: Counts,
    pub control: Counts,
}

/// All tests of this replica.
#[derive(Debug, Default)]
pub struct Detector(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    recent: HashMap<(CredentialId, VersionNumber), Recent>,
    watches: HashMap<RotationId, Watch>,
    controls: HashMap<RotationId, Counts>,
}

/// Counts by the second.
#[derive(Debug, Default)]
struct Recent(VecDeque<(Timestamp, Counts)>);

impl Recent {
    fn add(&mut self, now: Timestamp, counts: Counts) {
        match self.0.back_mut() {
            Some((start, bucket)) if now.since(*start) < BUCKET => bucket.add(counts),
            _ => self.0.push_back((now, counts)),
        }
        while self
            .0
            .front()
            .is_some_and(|(start, _)| now.since(*start) > RECENT)
        {
            self.0.pop_front();
        }
    }

    fn within(&self, now: Timestamp, window: Duration) -> Counts {
        let mut total = Counts::default();
        for (_, counts) in self
            .0
            .iter()
            .rev()
            .take_while(|(start, _)| now.since(*start) <= window)
        {
            total.add(*counts);
        }
        total
    }
}

/// A report on one version while a rotation from `control` to `candidate` runs.
#[derive(Debug)]
pub struct Observation<'a> {
    pub credential: &'a CredentialId,
    pub version: VersionNumber,
    pub instance: &'a InstanceKey,
    pub counts: Counts,
    /// The rotation under test, if any: its id, its control and its candidate.
    pub rotation: Option<(&'a RotationId, VersionNumber, VersionNumber)>,
}

impl Detector {
    /// Takes one report in, by the time of its arrival.
    pub fn observe(&self, now: Timestamp, observation: &Observation<'_>) -> Verdict {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (observation.credential.clone(), observation.version);
        state.recent.entry(key).or_default().add(now, observation.counts);
        let Some((rotation, control, candidate)) = observation.rotation else {
            return Verdict::Undecided;
        };
        if observation.version == control {
            state
                .controls
                .entry(rotation.clone())
                .or_default()
                .add(observation.counts);
            return Verdict::Undecided;
        }
        if observation.version != candidate {
            return Verdict::Undecided;
        }
        let control_key = (observation.credential.clone(), control);
        let (recent, just_now) = state
            .recent
            .get(&control_key)
            .map(|recent| (recent.within(now, RECENT), recent.within(now, JUST_NOW)))
            .unwrap_or_default();
        let rate = control_rate(recent.good, recent.refused);
        let watch = state.watches.entry(rotation.clone()).or_default();
        let Some((decided, first_bad_at)) =
            watch.observe(now, observation.instance, observation.counts, rate)
        else {
            return Verdict::Undecided;
        };
        if control_fails(just_now) {
            return Verdict::ControlFails {
                detail: format!(
                    "the old version {control} is refused too ({} of {} in the last {} s), so the new one is not to blame",
                    just_now.refused,
                    just_now.judged(),
                    JUST_NOW.as_secs()
                ),
            };
        }
        Verdict::Broken {
            detail: in_words(&decided, candidate, control, recent),
            first_bad_at,
        }
    }

    /// Whether the control is failing at this moment.
    pub fn control_fails(&self, now: Timestamp, credential: &CredentialId, control: VersionNumber) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .recent
            .get(&(credential.clone(), control))
            .is_some_and(|recent| control_fails(recent.within(now, JUST_NOW)))
    }

    /// What one instance reported on the candidate of a rotation.
    pub fn counts_of(&self, rotation: &RotationId, instance: &InstanceKey) -> Counts {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .watches
            .get(rotation)
            .map(|watch| watch.counts_of(instance))
            .unwrap_or_default()
    }

    /// Candidate and control since the watch of a rotation began.
    pub fn rates(&self, rotation: &RotationId) -> Rates {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Rates {
            candidate: state
                .watches
                .get(rotation)
                .map(|watch| watch.total)
                .unwrap_or_default(),
            control: state.controls.get(rotation).copied().unwrap_or_default(),
        }
    }

    /// Forgets a rotation that has ended.
    pub fn forget(&self, rotation: &RotationId) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.watches.remove(rotation);
        state.controls.remove(rotation);
    }
}

fn control_fails(just_now: Counts) -> bool {
    just_now.refused >= 3 && just_now.refused as f64 / just_now.judged() as f64 >= CONTROL_CEILING
}

fn in_words(decided: &Decided, candidate: VersionNumber, control: VersionNumber, recent: Counts) -> String {
    let (who, counts) = match decided {
        Decided::Instance((consumer, instance), counts) => {
            (format!("instance {instance} of {consumer}"), counts)
        }
        Decided::Cohort(counts) => ("the instances on it".to_owned(), counts),
    };
    format!(
        "version {candidate} was refused {} of {} times by {who}; version {control} {} of {} times",
        counts.refused,
        counts.judged(),
        recent.refused,
        recent.judged()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    struct Bench {
        detector: Detector,
        credential: CredentialId,
        rotation: RotationId,
        now: Timestamp,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                detector: Detector::default(),
                credential: CredentialId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
                rotation: RotationId::parse("01890a5d-ac96-774b-bcce-b302099a8058").unwrap(),
                now: Timestamp::from_micros(1_000_000_000),
            }
        }

        fn report(&mut self, version: u32, instance: &str, good: u64, refused: u64) -> Verdict {
            self.now = self.now.after(Duration::from_millis(50));
            self.detector.observe(
                self.now,
                &Observation {
                    credential: &self.credential,
                    version: VersionNumber(version),
                    instance: &(Name::parse("orders").unwrap(), instance.to_owned()),
                    counts: Counts {
                        good,
                        refused,
                        errors: 0,
                    },
                    rotation: Some((&self.rotation, VersionNumber(1), VersionNumber(2))),
                },
            )
        }
    }

    #[test]
    fn one_instance_of_twenty_is_enough() {
        let mut bench = Bench::new();
        for _ in 0..50 {
            for other in 0..19 {
                assert_eq!(bench.report(2, &format!("i{other}"), 1, 0), Verdict::Undecided);
            }
        }
        let verdicts: Vec<_> = (0..6).map(|_| bench.report(2, "bad", 0, 1)).collect();
        assert!(
            verdicts
                .iter()
                .any(|verdict| matches!(verdict, Verdict::Broken { .. })),
            "{verdicts:?}"
        );
    }

    #[test]
    fn a_failing_control_holds_instead() {
        let mut bench = Bench::new();
        for _ in 0..20 {
            bench.report(1, "old", 0, 1);
            let verdict = bench.report(2, "new", 0, 1);
            assert!(!matches!(verdict, Verdict::Broken { .. }), "{verdict:?}");
        }
    }

    #[test]
    fn server_errors_are_never_held_against_a_version() {
        let mut bench = Bench::new();
        for _ in 0..100 {
            bench.now = bench.now.after(Duration::from_millis(10));
            let verdict = bench.detector.observe(
                bench.now,
                &Observation {
                    credential: &bench.credential,
                    version: VersionNumber(2),
                    instance: &(Name::parse("orders").unwrap(), "a".to_owned()),
                    counts: Counts {
                        errors: 50,
                        ..Counts::default()
                    },
                    rotation: Some((&bench.rotation, VersionNumber(1), VersionNumber(2))),
                },
            );
            assert_eq!(verdict, Verdict::Undecided);
        }
    }
}
