//! When to stop: too many records of late did not open (REENC-5).

use serde::{Deserialize, Serialize};

/// Records that a window holds at most; older ones fade out.
const WINDOW: u64 = 1_000;

/// When a job pauses itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakerPolicy {
    /// Percent of records that do not open.
    pub percent: f64,
    /// Fewer records than this in the window decide nothing.
    pub least: u64,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            percent: 5.0,
            least: 100,
        }
    }
}

/// The latest outcomes: how many, and how many of them failed. Beyond its size it halves both, so that the rate stays
/// and new outcomes weigh more than old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    pub records: u64,
    pub failed: u64,
}

impl Window {
    /// Takes outcomes in.
    pub fn note(&mut self, records: u64, failed: u64) {
        self.records += records;
        self.failed += failed.min(records);
        while self.records > 2 * WINDOW {
            self.records /= 2;
            self.failed = self.failed.div_ceil(2).min(self.records);
        }
    }

    /// Several windows as one.
    pub fn sum<'a>(windows: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for window in windows {
            sum.records += window.records;
            sum.failed += window.failed;
        }
        sum
    }

    /// Percent of records that failed.
    pub fn percent(&self) -> f64 {
        if self.records == 0 {
            0.0
        } else {
            100.0 * self.failed as f64 / self.records as f64
        }
    }

    /// Whether it is too much.
    pub fn trips(&self, policy: &BreakerPolicy) -> bool {
        self.failed > 0 && self.records >= policy.least && self.percent() >= policy.percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_from_a_hundred_records_on() {
        let policy = BreakerPolicy::default();
        let mut window = Window::default();
        window.note(99, 99);
        assert!(!window.trips(&policy));
        window.note(1, 0);
        assert!(window.trips(&policy));
        let mut clean = Window::default();
        clean.note(10_000, 0);
        assert!(!clean.trips(&BreakerPolicy {
            percent: 0.0,
            least: 100
        }));
    }

    #[test]
    fn old_outcomes_fade_and_new_trouble_shows() {
        let policy = BreakerPolicy::default();
        let mut window = Window::default();
        for _ in 0..1_000 {
            window.note(1_000, 0);
        }
        assert!(window.records <= 2 * WINDOW);
        window.note(1_000, 150);
        assert!(window.trips(&policy), "{window:?}");
    }
}
