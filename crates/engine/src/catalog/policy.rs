//! What a policy demands of a rotation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rule::RuleError;

/// Lifetimes and gates of one credential. Durations are kept in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A version older than this is overdue.
    pub max_age: Duration,
    /// The least time for which the old version stays valid after promotion; its own clock.
    pub grace: Duration,
    /// How long each wave is watched.
    pub soak: Duration,
    /// Per cent of live instances, rising; the last is 100. The first is the canary.
    pub waves: Vec<u8>,
    /// Approvals demanded before a rotation starts; never by the one who asked.
    pub approvals: u8,
    pub evidence: Evidence,
    /// A hold longer than this asks for a person.
    pub max_hold: Duration,
    /// After this the candidate is revoked even if an instance that held it never came back.
    pub rollback_drain: Duration,
}

/// What lets a wave pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Outcomes that consumers report.
    Signals,
    /// For consumers that report nothing: acknowledgements and Rota's own probe.
    AcksAndProbe,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(90 * 86_400),
            grace: Duration::from_secs(7 * 86_400),
            soak: Duration::from_secs(300),
            waves: vec![5, 25, 100],
            approvals: 0,
            evidence: Evidence::Signals,
            max_hold: Duration::from_secs(3_600),
            rollback_drain: Duration::from_secs(30),
        }
    }
}

impl Policy {
    /// Every rule this policy breaks, with pointers below `/policy`.
    pub fn broken_rules(&self) -> Vec<RuleError> {
        let mut broken = Vec::new();
        let mut refuse =
            |pointer: &str, detail: &str| broken.push(RuleError::new(format!("/policy{pointer}"), detail));
        if self.max_age.is_zero() {
            refuse("/max_age", "must be longer than zero, for example P90D");
        }
        if self.grace >= self.max_age {
            refuse(
                "/grace",
                "must be shorter than max_age, or two rotations would overlap",
            );
        }
        if self.waves.is_empty() || self.waves.len() > 20 {
            refuse("/waves", "needs 1 to 20 steps, for example [5, 25, 100]");
        }
        if self.waves.last().is_some_and(|last| *last != 100) {
            refuse(
                "/waves",
                "the last wave must be 100, so that every instance moves",
            );
        }
        if self.waves.iter().any(|percent| *percent == 0 || *percent > 100)
            || self.waves.windows(2).any(|pair| pair[0] >= pair[1])
        {
            refuse("/waves", "must rise, each between 1 and 100");
        }
        if self.approvals > 10 {
            refuse("/approvals", "at most 10");
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_which_rule_it_breaks() {
        assert!(Policy::default().broken_rules().is_empty());
        let broken = Policy {
            waves: vec![25, 5],
            ..Policy::default()
        }
        .broken_rules();
        assert_eq!(broken.len(), 2, "does not end at 100, does not rise: {broken:?}");
        assert_eq!(broken[0].pointer, "/policy/waves");
        let broken = Policy {
            grace: Duration::from_secs(90 * 86_400),
            ..Policy::default()
        }
        .broken_rules();
        assert_eq!(broken[0].pointer, "/policy/grace");
    }
}
