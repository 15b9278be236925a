//! The sequential test: a cumulative sum of log-likelihood ratios that never falls below zero (Page, 1954).
//!
//! It asks whether outcomes come from a credential that fails half of the time (p1) rather than as often as the
//! control does (p0). Ten million to one rolls back: four straight failures with a clean control, six at 2% noise.

use crate::clock::Timestamp;

/// The failure rate of a broken version.
pub const BROKEN_RATE: f64 = 0.5;
/// No control is believed to be cleaner than this.
pub const CONTROL_FLOOR: f64 = 0.005;
/// Nor, for the test's sake, dirtier: beyond it the control itself fails, which holds instead.
pub const CONTROL_CEILING: f64 = 0.25;
/// The likelihood ratio that decides.
pub const DECIDING_RATIO: f64 = 1e7;
/// One report weighs at most so many outcomes, however many it claims.
pub const REPORT_WEIGHT: f64 = 4.0;

/// A running test of one stream of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Likelihood {
    log_ratio: f64,
    excursion_since: Option<Timestamp>,
}

impl Likelihood {
    /// Takes one report in. `control_rate` is the control's failure rate at this moment.
    pub fn observe(&mut self, now: Timestamp, good: u64, refused: u64, control_rate: f64) {
        let total = (good + refused) as f64;
        if total == 0.0 {
            return;
        }
        let weight = (REPORT_WEIGHT / total).min(1.0);
        let control_rate = control_rate.clamp(CONTROL_FLOOR, CONTROL_CEILING);
        let for_failure = (BROKEN_RATE / control_rate).ln();
        let for_success = ((1.0 - BROKEN_RATE) / (1.0 - control_rate)).ln();
        if refused > 0 && self.excursion_since.is_none() {
            self.excursion_since = Some(now);
        }
        // Good ones first: their order within a report is unknown, and this order can only find a failure sooner.
        self.log_ratio = (self.log_ratio + weight * good as f64 * for_success).max(0.0);
        self.log_ratio += weight * refused as f64 * for_failure;
        if self.log_ratio == 0.0 {
            self.excursion_since = None;
        }
    }

    /// Whether the version is judged broken.
    pub fn is_decided(&self) -> bool {
        self.log_ratio >= DECIDING_RATIO.ln()
    }

    /// When the first of the failures that led here arrived.
    pub fn excursion_since(&self) -> Option<Timestamp> {
        self.excursion_since
    }
}

/// The control's failure rate from its counts: a little pessimistic while little is known, so that a quiet control
/// is not taken for a spotless one.
pub fn control_rate(good: u64, refused: u64) -> f64 {
    ((refused as f64 + 1.0) / ((good + refused) as f64 + 100.0)).max(CONTROL_FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures_until_decided(control_rate: f64) -> u32 {
        let mut likelihood = Likelihood::default();
        let mut failures = 0;
        while !likelihood.is_decided() {
            likelihood.observe(Timestamp::from_micros(0), 0, 1, control_rate);
            failures += 1;
        }
        failures
    }

    #[test]
    fn four_straight_failures_decide_with_a_clean_control_and_six_at_two_per_cent() {
        assert_eq!(failures_until_decided(0.005), 4);
        assert_eq!(failures_until_decided(0.02), 6);
    }

    #[test]
    fn good_outcomes_are_not_saved_up_against_later_failures() {
        let mut likelihood = Likelihood::default();
        for _ in 0..2_000 {
            likelihood.observe(Timestamp::from_micros(0), 1, 0, 0.005);
        }
        for _ in 0..4 {
            likelihood.observe(Timestamp::from_micros(5), 0, 1, 0.005);
        }
        assert!(likelihood.is_decided());
        assert_eq!(likelihood.excursion_since(), Some(Timestamp::from_micros(5)));
    }

    #[test]
    fn one_report_weighs_at_most_four_outcomes() {
        let mut one_in_a_thousand = Likelihood::default();
        one_in_a_thousand.observe(Timestamp::from_micros(0), 999, 1, 0.005);
        assert!(!one_in_a_thousand.is_decided());
        let mut loud = Likelihood::default();
        loud.observe(Timestamp::from_micros(0), 0, 1_000_000, 0.02);
        assert!(
            !loud.is_decided(),
            "four outcomes at 2% noise do not decide, however many are claimed"
        );
    }

    #[test]
    fn an_unknown_control_is_not_taken_for_a_spotless_one() {
        assert!(control_rate(0, 0) > CONTROL_FLOOR);
        assert_eq!(control_rate(10_000, 0), CONTROL_FLOOR);
        assert!((control_rate(9_800, 200) - 0.02).abs() < 0.001);
    }
}
