//! Age bands (UI-2) and where a credential stands against its policy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::policy::Policy;

/// The colour of an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeBand {
    Green,
    Yellow,
    Red,
}

/// Where green ends and where red begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeThresholds {
    pub yellow_from: Duration,
    pub red_from: Duration,
}

impl Default for AgeThresholds {
    /// Green under one hour, yellow under thirty days, red from there (UI-2).
    fn default() -> Self {
        Self {
            yellow_from: Duration::from_secs(3_600),
            red_from: Duration::from_secs(30 * 86_400),
        }
    }
}

impl AgeThresholds {
    /// The band of an age.
    pub fn band(&self, age: Duration) -> AgeBand {
        if age < self.yellow_from {
            AgeBand::Green
        } else if age < self.red_from {
            AgeBand::Yellow
        } else {
            AgeBand::Red
        }
    }
}

/// Whether a credential keeps its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStatus {
    OnTime,
    /// In the last tenth of its life: a rotation is due.
    Due,
    Overdue,
}

impl PolicyStatus {
    /// Where an age stands against `policy`.
    pub fn of(age: Duration, policy: &Policy) -> Self {
        if age >= policy.max_age {
            Self::Overdue
        } else if age >= policy.max_age.mul_f64(0.9) {
            Self::Due
        } else {
            Self::OnTime
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_change_exactly_at_their_thresholds() {
        let thresholds = AgeThresholds::default();
        assert_eq!(thresholds.band(Duration::from_secs(3_599)), AgeBand::Green);
        assert_eq!(thresholds.band(Duration::from_secs(3_600)), AgeBand::Yellow);
        assert_eq!(
            thresholds.band(Duration::from_secs(30 * 86_400 - 1)),
            AgeBand::Yellow
        );
        assert_eq!(thresholds.band(Duration::from_secs(30 * 86_400)), AgeBand::Red);
    }
}
