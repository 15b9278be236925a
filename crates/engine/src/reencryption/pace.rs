//! How fast: a rate that people set, and a share that gives way to those in the foreground.

use std::time::Duration;

use crate::clock::Timestamp;

/// No pause is longer; the rate may have been turned meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Beside callers a batch is cut to what takes so long: whoever comes in the middle waits no longer than that.
const BURST: Duration = Duration::from_millis(2);
/// But to no fewer records, or a target far away would be waited for more than worked on.
const LEAST_BURST: u32 = 16;

/// One worker's pace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Tenths of records that were worked ahead of the rate.
    debt: f64,
    since: Option<Timestamp>,
    /// Work that is still to be paid for with time, in seconds.
    busy: f64,
    /// Seconds that a record of the last batch took; 0: not known.
    each: f64,
}

impl Pace {
    /// Notes a batch: its records, what it cost in tenths of records, how long it took, and the part of the time, 0 to 1,
    /// that may be spent working.
    pub fn note(&mut self, records: u64, cost_tenths: u64, took: Duration, share: f64) {
        self.debt += cost_tenths as f64;
        self.busy += took.as_secs_f64() / share;
        self.each = took.as_secs_f64() / records.max(1) as f64;
    }

    /// Records of the next batch: what was set, but at most what the rate allows within a second, and beside callers no
    /// more than keep them waiting briefly.
    pub fn batch_size(&self, set: u32, rate: Option<f64>, is_busy: bool) -> u32 {
        let by_rate = rate.map_or(f64::from(u32::MAX), |rate| rate.ceil().max(1.0));
        let by_callers = match (is_busy, self.each > 0.0) {
            (false, _) => f64::from(u32::MAX),
            (true, false) => f64::from(LEAST_BURST),
            (true, true) => (BURST.as_secs_f64() / self.each).max(f64::from(LEAST_BURST)),
        };
        set.max(1).min(by_rate.min(by_callers) as u32)
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
            pace.note(50, 500, Duration::from_millis(5), 1.0);
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
    fn a_share_is_kept_by_resting() {
        let mut pace = Pace::default();
        pace.rest(at(0), None);
        pace.note(1, 1, Duration::from_millis(10), 0.1);
        assert_eq!(pace.rest(at(10), None).as_millis(), 90);
        assert_eq!(pace.rest(at(60), None).as_millis(), 40);
        assert!(pace.rest(at(100), None).is_zero());
        pace.note(1, 1, Duration::from_millis(10), 1.0);
        assert!(pace.rest(at(110), None).is_zero());
    }

    #[test]
    fn a_slow_rate_and_waiting_callers_make_small_batches() {
        let mut pace = Pace::default();
        assert_eq!(pace.batch_size(1_000, Some(10.0), false), 10);
        assert_eq!(pace.batch_size(1_000, Some(0.1), false), 1);
        assert_eq!(pace.batch_size(1_000, None, false), 1_000);
        assert_eq!(pace.batch_size(1_000, None, true), LEAST_BURST, "not known yet");
        pace.note(100, 0, Duration::from_millis(10), 1.0);
        assert_eq!(pace.batch_size(1_000, None, false), 1_000, "alone it takes all");
        assert_eq!(pace.batch_size(1_000, None, true), 20);
        assert_eq!(pace.batch_size(10, None, true), 10);
        pace.note(100, 0, Duration::from_secs(10), 1.0);
        assert_eq!(pace.batch_size(1_000, None, true), LEAST_BURST);
    }
}
