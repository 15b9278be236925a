//! Which credential to rotate first (CAT-3): reach x sensitivity x age, a published formula.
//!
//! ```text
//! score = round(100 * reach * sensitivity * age)
//!   reach        1 + number of consumers bound
//!   sensitivity  low 1, medium 2, high 4, critical 8
//!   age          the share of its lifetime that is used: age / max_age, at least 0.01; 1 before the first version
//! ```
//!
//! 100 is a credential of low sensitivity that nobody uses, at the end of its life. The score orders work; it is no
//! measure of anything else.

use std::time::Duration;

use crate::catalog::Sensitivity;

/// The weight of a sensitivity.
pub fn weight(sensitivity: Sensitivity) -> u64 {
    match sensitivity {
        Sensitivity::Low => 1,
        Sensitivity::Medium => 2,
        Sensitivity::High => 4,
        Sensitivity::Critical => 8,
    }
}

/// The score of a credential with so many consumers. `age` is None before the first version: nothing could be more
/// in need of a rotation.
pub fn score(consumers: usize, sensitivity: Sensitivity, age: Option<Duration>, max_age: Duration) -> u64 {
    let reach = 1.0 + consumers as f64;
    let share = match age {
        Some(age) if !max_age.is_zero() => (age.as_secs_f64() / max_age.as_secs_f64()).max(0.01),
        _ => 1.0,
    };
    (100.0 * reach * weight(sensitivity) as f64 * share).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    /// Published in the documentation: a change here is a change of the contract.
    #[test]
    fn the_published_formula() {
        let score = |consumers, sensitivity, days| score(consumers, sensitivity, Some(DAY * days), DAY * 90);
        assert_eq!(score(0, Sensitivity::Low, 90), 100);
        assert_eq!(score(0, Sensitivity::Low, 0), 1);
        assert_eq!(score(3, Sensitivity::Low, 45), 200);
        assert_eq!(score(3, Sensitivity::Medium, 45), 400);
        assert_eq!(score(3, Sensitivity::High, 45), 800);
        assert_eq!(score(3, Sensitivity::Critical, 45), 1_600);
        assert_eq!(
            score(3, Sensitivity::Critical, 180),
            6_400,
            "being late counts on"
        );
        assert_eq!(
            super::score(1, Sensitivity::Medium, None, DAY * 90),
            400,
            "before the first version"
        );
    }
}
