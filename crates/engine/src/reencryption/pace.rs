//! How fast: a rate that people set, and a share that gives way to those in the foreground.

use std::time::Duration;

use crate::clock::Timestamp;

/// The least share of its own time that a job works: it always gets on.
const LEAST_SHARE: f64 = 0.02;
/// What a share grows by when nobody suffers.
const GROWTH: f64 = 0.05;
/// No pause is longer; the rate may have been turned meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One worker's pace.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Tenths of records that were worked ahead of the rate.
    debt: f64,
    since: Option<Timestamp>,
    /// The part of the time that may be spent working, 0 to 1.
    share: f64,
    /// Work that is still to be paid for with rest, in seconds.
    busy: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            debt: 0.0,
            since: None,
            share: 1.0,
            busy: 0.0,
        }
    }
}

impl Pace {
    /// Notes a batch: what it cost in tenths of records, how long it took, and whether the foreground suffers.
    pub fn note(&mut self, cost_tenths: u64, took: Duration, suffers: bool) {
        self.debt += cost_tenths as f64;
        self.share = if suffers {
            (self.share / 2.0).max(LEAST_SHARE)
        } else {
            (self.share + GROWTH).min(1.0)
        };
        self.busy += took.as_secs_f64() * (1.0 / self.share - 1.0);
    }

    /// How long to rest now. `rate` is this worker's part, in records per second; None: no limit. To be asked again
    /// after the rest: it is never longer than a second.
    pub fn rest(&mut self, now: Timestamp, rate: Option<f64>) -> Duration {
        let elapsed = self
            .since
            .map_or(Duration::ZERO, |since| now.since(since))
            .as_secs_f64();
        self.since = Some(now);
        self.busy = (self.busy - elapsed).max(0.0);
        let by_rate = match rate {
            Some(rate) => {
                let tenths = rate.max(0.01) * 10.0;
                self.debt = (self.debt - elapsed * tenths).max(0.0);
                self.debt / tenths
            }
            None => {
                self.debt = 0.0;
                0.0
            }
        };
        Duration::from_secs_f64(by_rate.max(self.busy).min(LONGEST_PAUSE.as_secs_f64()))
    }
}

/// Records of the next batch: what was set, but at most what the rate allows within a second.
pub fn batch_size(set: u32, rate: Option<f64>) -> u32 {
    let by_rate = rate.map_or(f64::from(u32::MAX), |rate| rate.ceil().max(1.0));
    set.max(1).min(by_rate as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn the_rate_holds_on_average() {
        let mut pace = Pace::default();
        let (mut now, mut records) = (0, 0);
        pace.rest(at(now), Some(100.0));
        while now < 60_000 {
            pace.note(500, Duration::from_millis(5), false);
            records += 50;
            loop {
                let rest = pace.rest(at(now), Some(100.0));
                if rest.is_zero() {
                    break;
                }
                now += i64::try_from(rest.as_millis()).unwrap() + 1;
            }
        }
        assert!((5_800..=6_100).contains(&records), "{records}");
    }

    #[test]
    fn a_job_gives_way_and_comes_back() {
        let mut pace = Pace::default();
        pace.rest(at(0), None);
        for _ in 0..10 {
            pace.note(1, Duration::from_millis(10), true);
        }
        assert!(pace.rest(at(0), None) >= Duration::from_millis(400));
        let mut recovered = pace;
        for _ in 0..40 {
            recovered.note(1, Duration::ZERO, false);
        }
        assert!(recovered.rest(at(60_000), None).is_zero());
        recovered.note(1, Duration::from_millis(10), false);
        assert!(recovered.rest(at(60_000), None).is_zero());
    }

    #[test]
    fn a_slow_rate_makes_small_batches() {
        assert_eq!(batch_size(1_000, Some(10.0)), 10);
        assert_eq!(batch_size(1_000, Some(0.1)), 1);
        assert_eq!(batch_size(1_000, None), 1_000);
    }
}
