//! How those feel who wait: latencies of foreground requests, now and while no job runs.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;

/// Buckets: each holds twice the microseconds of the one before, in four steps.
const BUCKETS: usize = 96;
/// A second, and fewer requests than this in it say nothing.
const LEAST: u32 = 20;
/// Up to this factor over the idle latency a job goes on as it does. The goal is 2; this leaves room to react.
const TOLERATED: f64 = 1.5;

/// One counter of latencies: this second's are collected, the last whole second's are judged.
#[derive(Debug)]
pub struct Foreground {
    second: AtomicI64,
    counts: Vec<AtomicU32>,
    /// The 99th percentile while no job ran, and of the last second, in microseconds; 0: unknown.
    idle: AtomicU64,
    latest: AtomicU64,
    latest_second: AtomicI64,
    /// When a job last worked, in seconds.
    worked: AtomicI64,
}

impl Default for Foreground {
    fn default() -> Self {
        Self {
            second: AtomicI64::new(0),
            counts: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            idle: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            latest_second: AtomicI64::new(0),
            worked: AtomicI64::new(i64::MIN),
        }
    }
}

impl Foreground {
    /// A request of the foreground was answered.
    pub fn note(&self, now: Timestamp, took: Duration) {
        self.roll(now);
        if let Some(count) = self.counts.get(bucket_of(took)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A job worked just now.
    pub fn job_worked(&self, now: Timestamp) {
        self.worked.store(second_of(now), Ordering::Relaxed);
    }

    /// The 99th percentile of the last whole second that had enough requests.
    pub fn latest(&self) -> Option<Duration> {
        let micros = self.latest.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Whether requests take notably longer than they do without a job.
    pub fn suffers(&self, now: Timestamp) -> bool {
        self.roll(now);
        let recent = second_of(now) - self.latest_second.load(Ordering::Relaxed) <= 2;
        let idle = self.idle.load(Ordering::Relaxed);
        let latest = self.latest.load(Ordering::Relaxed);
        recent && idle > 0 && latest as f64 > idle as f64 * TOLERATED
    }

    /// Closes a second that is over.
    fn roll(&self, now: Timestamp) {
        let second = second_of(now);
        let before = self.second.load(Ordering::Relaxed);
        if second == before
            || self
                .second
                .compare_exchange(before, second, Ordering::AcqRel, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let counts: Vec<u32> = self
            .counts
            .iter()
            .map(|count| count.swap(0, Ordering::Relaxed))
            .collect();
        let all: u32 = counts.iter().sum();
        if all < LEAST {
            return;
        }
        let percentile = percentile_99(&counts, all);
        self.latest.store(percentile, Ordering::Relaxed);
        self.latest_second.store(before, Ordering::Relaxed);
        // The second that just ended was idle when no job worked in it, nor in the one before.
        if before.saturating_sub(self.worked.load(Ordering::Relaxed)) > 1 {
            let idle = self.idle.load(Ordering::Relaxed);
            let smoothed = if idle == 0 {
                percentile
            } else {
                (idle * 7 + percentile) / 8
            };
            self.idle.store(smoothed, Ordering::Relaxed);
        }
    }
}

fn second_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

fn bucket_of(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let power = micros.ilog2() as usize;
    // The two bits below the highest one.
    let step = if power >= 2 {
        (micros >> (power - 2)) & 3
    } else {
        0
    };
    (power * 4 + step as usize).min(BUCKETS - 1)
}

/// The upper end of the bucket that holds the 99th percentile, in microseconds.
fn percentile_99(counts: &[u32], all: u32) -> u64 {
    let rank = u64::from(all) * 99 / 100;
    let mut below = 0;
    for (bucket, count) in counts.iter().enumerate() {
        below += u64::from(*count);
        if below > rank {
            let base = 1_u64 << (bucket / 4);
            return base + base * (bucket as u64 % 4 + 1) / 4;
        }
    }
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_told_when_requests_get_slower_and_when_they_are_well_again() {
        let foreground = Foreground::default();
        let fill = |second: i64, micros: u64| {
            for number in 0..100 {
                let now = Timestamp::from_micros(second * 1_000_000 + number);
                foreground.note(now, Duration::from_micros(micros));
            }
        };
        for second in 1..5 {
            fill(second, 400);
        }
        foreground.job_worked(Timestamp::from_micros(5_000_000));
        assert!(!foreground.suffers(Timestamp::from_micros(5_000_000)));
        fill(5, 1_000);
        foreground.job_worked(Timestamp::from_micros(6_000_000));
        assert!(foreground.suffers(Timestamp::from_micros(6_000_000)));
        fill(6, 420);
        assert!(!foreground.suffers(Timestamp::from_micros(7_000_000)));
        assert!(!foreground.suffers(Timestamp::from_micros(20_000_000)));
    }
}
