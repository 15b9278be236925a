//! New against old: what the tests counted, or what was stored of it.

use std::collections::BTreeMap;

use app::views::Point;
use app::views::rotation::{Conclusion, Verdict};
use engine::Timestamp;
use engine::catalog::VersionNumber;
use engine::detection::{Counts, Rates};
use engine::ports::OutcomeBucket;
use engine::rotation::{Rotation, RotationState};

use super::words::moment;

const MINUTE_MICROS: i64 = 60_000_000;

/// The comparison, once there is something on both sides.
pub(super) fn verdict(rotation: &Rotation, rates: Rates, buckets: &[OutcomeBucket]) -> Option<Verdict> {
    let from = rotation.from?;
    let of = |version| {
        let mut points: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for bucket in buckets.iter().filter(|bucket| bucket.version == version) {
            let point = points.entry(bucket.minute.as_micros()).or_default();
            point.0 += bucket.refused;
            point.1 += bucket.good + bucket.refused;
        }
        points
            .into_iter()
            .filter(|(_, (_, judged))| *judged > 0)
            .map(|(minute, (refused, judged))| Point {
                at: moment(Timestamp::from_micros(minute)),
                value: refused as f64 / judged as f64 * 100.0,
            })
            .collect::<Vec<_>>()
    };
    let rates = heard(rotation, from, rates, buckets);
    let (new, old) = (rates.candidate, rates.control);
    // Outcomes reach the store some seconds after they were counted: until then an ended rotation has one side only.
    let one_sided = rotation.state.is_terminal() && new.judged() == 0;
    if one_sided || new.judged() + old.judged() == 0 {
        return None;
    }
    Some(Verdict {
        new_total: new.judged(),
        new_failed: new.refused,
        old_total: old.judged(),
        old_failed: old.refused,
        conclusion: conclusion(rotation, rates),
        new_rates: of(rotation.to),
        old_rates: of(from),
        rollback_rate: 50.0,
    })
}

/// The minute in which it was: outcomes are kept by the minute.
pub(super) fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros() - at.as_micros().rem_euclid(MINUTE_MICROS))
}

/// What the running tests counted; once they are over, or after a restart, what was stored of the rotation's time.
fn heard(rotation: &Rotation, from: VersionNumber, rates: Rates, buckets: &[OutcomeBucket]) -> Rates {
    if rates.candidate.judged() + rates.control.judged() > 0 {
        return rates;
    }
    let until = rotation.finished_at;
    let sum = |version: VersionNumber| {
        let mut counts = Counts::default();
        for bucket in buckets {
            if bucket.version == version && until.is_none_or(|until| bucket.minute <= until) {
                counts.good += u64::try_from(bucket.good).unwrap_or(0);
                counts.refused += u64::try_from(bucket.refused).unwrap_or(0);
            }
        }
        counts
    };
    Rates {
        candidate: sum(rotation.to),
        control: sum(from),
    }
}

fn conclusion(rotation: &Rotation, rates: Rates) -> Conclusion {
    let (new, old) = (rates.candidate, rates.control);
    let went_back = matches!(
        rotation.state,
        RotationState::RollingBack(_) | RotationState::RolledBack { .. }
    );
    if went_back && new.refused > 0 {
        Conclusion::NewIsWorse
    } else if old.refused > 2 && old.refused * 4 > old.judged() {
        Conclusion::BothFail
    } else if new.good < 5 {
        Conclusion::TooLittle
    } else {
        Conclusion::NoDifference
    }
}
