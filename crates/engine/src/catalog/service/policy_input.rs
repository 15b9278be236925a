//! A policy as people write it: what is absent takes its default, or stays.

use std::time::Duration;

use crate::catalog::{Evidence, Policy};
use crate::rule::RuleError;

/// What was given of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyInput {
    pub max_age: Option<Duration>,
    pub grace: Option<Duration>,
    pub soak: Option<Duration>,
    pub waves: Option<Vec<u32>>,
    pub approvals: Option<u32>,
    pub evidence: Option<Evidence>,
    pub max_hold: Option<Duration>,
    pub rollback_drain: Option<Duration>,
}

impl PolicyInput {
    /// A new policy. Without a `grace` it is seven days, but at most a quarter of `max_age`.
    pub(crate) fn complete(self, broken: &mut Vec<RuleError>) -> Policy {
        let mut base = Policy::default();
        if let (Some(max_age), None) = (self.max_age, self.grace) {
            base.grace = base.grace.min(whole_seconds(max_age / 4));
        }
        self.change(base, broken)
    }

    /// A stored policy with what was given in its place.
    pub(crate) fn change(self, mut policy: Policy, broken: &mut Vec<RuleError>) -> Policy {
        let duration = |given: Option<Duration>, stored: &mut Duration| {
            if let Some(given) = given {
                *stored = whole_seconds(given);
            }
        };
        duration(self.max_age, &mut policy.max_age);
        duration(self.grace, &mut policy.grace);
        duration(self.soak, &mut policy.soak);
        duration(self.max_hold, &mut policy.max_hold);
        duration(self.rollback_drain, &mut policy.rollback_drain);
        if let Some(waves) = self.waves {
            // What does not fit a byte is no percentage; 0 breaks the same rule and is named by it.
            policy.waves = waves
                .into_iter()
                .map(|percent| u8::try_from(percent).unwrap_or(0))
                .collect();
        }
        if let Some(approvals) = self.approvals {
            policy.approvals = u8::try_from(approvals).unwrap_or(u8::MAX);
        }
        if let Some(evidence) = self.evidence {
            policy.evidence = evidence;
        }
        broken.extend(policy.broken_rules());
        policy
    }
}

/// Durations are kept in whole seconds.
fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_short_lifetime_takes_a_fitting_grace_and_wrong_numbers_are_refused() {
        let mut broken = Vec::new();
        let policy = PolicyInput {
            max_age: Some(HOUR),
            ..PolicyInput::default()
        }
        .complete(&mut broken);
        assert_eq!((policy.grace, broken.len()), (HOUR / 4, 0));

        let input = PolicyInput {
            waves: Some(vec![5, 300]),
            approvals: Some(300),
            ..PolicyInput::default()
        };
        let _ = input.complete(&mut broken);
        let pointers: Vec<&str> = broken.iter().map(|rule| rule.pointer.as_str()).collect();
        assert!(
            pointers.contains(&"/policy/waves") && pointers.contains(&"/policy/approvals"),
            "{pointers:?}"
        );
    }

    #[test]
    fn what_is_absent_stays() {
        let stored = Policy {
            approvals: 2,
            soak: HOUR,
            ..Policy::default()
        };
        let mut broken = Vec::new();
        let input = PolicyInput {
            max_age: Some(HOUR * 1_000),
            ..PolicyInput::default()
        };
        let changed = input.change(stored.clone(), &mut broken);
        assert_eq!(
            changed,
            Policy {
                max_age: HOUR * 1_000,
                ..stored
            }
        );
        assert!(broken.is_empty());
    }
}
