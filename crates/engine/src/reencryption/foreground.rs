//! How those feel who wait, and the share of the time that this leaves to the jobs of this replica.
//!
//! Additive increase, multiplicative decrease, as TCP does it (RFC 5681): a quarter second in which notably more than one
//! request of a hundred took notably longer than it does without jobs halves the share; every other one adds a little.
//! The share outlives ranges and jobs, so that the next job does not find out anew, at the callers' cost, what they bear.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;

/// Buckets: each holds twice the microseconds of the one before, in four steps.
const BUCKETS: usize = 96;
/// A second, and fewer requests than this in it say nothing.
const LEAST: u32 = 20;
/// Up to this factor over the idle latency a request is as it was. The goal is 2; this leaves room to react.
const TOLERATED: f64 = 1.3;
/// What is judged at once, in microseconds.
const TICK: i64 = 250_000;
/// Of the requests of a tick, smoothed, this many of a thousand may be slow. A quiet replica has fewer than 10, by what
/// a 99th percentile is.
const SLOW_PER_MILLE: u32 = 10;
/// Nobody has waited for so many ticks: then nobody suffers.
const ALONE_AFTER: i64 = 8;
/// Shares are in thousandths of a job's own time. The least: a job always gets on.
const LEAST_SHARE: u32 = 20;
const WHOLE: u32 = 1_000;
/// Where the first job beside callers begins.
const FIRST_SHARE: u32 = 100;
const GROWTH: u32 = 10;

/// Latencies of foreground requests, now and while no job runs, and what follows for jobs.
#[derive(Debug)]
pub struct Foreground {
    second: AtomicI64,
    counts: Vec<AtomicU32>,
    /// The 99th percentile while no job ran, and of the last second, in microseconds; 0: unknown.
    idle: AtomicU64,
    latest: AtomicU64,
    /// When a job last worked, in ticks.
    worked: AtomicI64,
    tick: AtomicI64,
    /// Of this tick.
    requests: AtomicU32,
    slow: AtomicU32,
    /// Of this tick and those before, each weighing half of the next, times 32.
    smoothed_requests: AtomicU32,
    smoothed_slow: AtomicU32,
    /// The last tick with a request.
    asked: AtomicI64,
    share: AtomicU32,
}

impl Default for Foreground {
    fn default() -> Self {
        Self {
            second: AtomicI64::new(0),
            counts: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            idle: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            worked: AtomicI64::new(i64::MIN),
            tick: AtomicI64::new(0),
            requests: AtomicU32::new(0),
            slow: AtomicU32::new(0),
            smoothed_requests: AtomicU32::new(0),
            smoothed_slow: AtomicU32::new(0),
            asked: AtomicI64::new(i64::MIN),
            share: AtomicU32::new(FIRST_SHARE),
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
        self.asked.store(tick_of(now), Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        let idle = self.idle.load(Ordering::Relaxed);
        if idle > 0 && took.as_micros() as f64 > idle as f64 * TOLERATED {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A job worked just now.
    pub fn job_worked(&self, now: Timestamp) {
        self.roll(now);
        self.worked.store(tick_of(now), Ordering::Relaxed);
    }

    /// The 99th percentile of the last whole second that had enough requests.
    pub fn latest(&self) -> Option<Duration> {
        let micros = self.latest.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Whether anybody has asked for something of late.
    pub fn is_busy(&self, now: Timestamp) -> bool {
        tick_of(now).saturating_sub(self.asked.load(Ordering::Relaxed)) < ALONE_AFTER
    }

    /// The part of its time that a job may work now, 0 to 1: all of it when nobody else asks for anything.
    pub fn share(&self, now: Timestamp) -> f64 {
        self.roll(now);
        if self.is_busy(now) {
            f64::from(self.share.load(Ordering::Relaxed)) / f64::from(WHOLE)
        } else {
            1.0
        }
    }

    /// Closes a tick and a second that are over.
    fn roll(&self, now: Timestamp) {
        if let Some(before) = advance(&self.tick, tick_of(now)) {
            self.close_tick(before);
        }
        if let Some(before) = advance(&self.second, now.as_micros().div_euclid(1_000_000)) {
            self.close_second(before);
        }
    }

    fn close_tick(&self, tick: i64) {
        let fade = |smoothed: &AtomicU32, latest: u32| {
            let next = smoothed
                .load(Ordering::Relaxed)
                .saturating_add(latest.saturating_mul(32))
                / 2;
            smoothed.store(next, Ordering::Relaxed);
            next
        };
        let slow = self.slow.swap(0, Ordering::Relaxed);
        let all = fade(&self.smoothed_requests, self.requests.swap(0, Ordering::Relaxed));
        let all_slow = fade(&self.smoothed_slow, slow);
        if self.worked.load(Ordering::Relaxed) < tick {
            // Whether it is too much is only seen while there is something.
            return;
        }
        let share = self.share.load(Ordering::Relaxed);
        let suffers = slow > 0 && u64::from(all_slow) * 1_000 > u64::from(all) * u64::from(SLOW_PER_MILLE);
        let next = if suffers {
            (share / 2).max(LEAST_SHARE)
        } else {
            (share + GROWTH).min(WHOLE)
        };
        self.share.store(next, Ordering::Relaxed);
    }

    fn close_second(&self, second: i64) {
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
        // It was idle when no job worked in it, nor just before.
        let began = second.saturating_mul(1_000_000 / TICK);
        if self.worked.load(Ordering::Relaxed) < began - 1 {
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

/// The period before when this is the first look at a new one; for one caller only.
fn advance(current: &AtomicI64, period: i64) -> Option<i64> {
    let before = current.load(Ordering::Relaxed);
    (period != before
        && current
            .compare_exchange(before, period, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok())
    .then_some(before)
}

fn tick_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(TICK)
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

    fn at(tick: i64) -> Timestamp {
        Timestamp::from_micros(tick * TICK)
    }

    /// A hundred requests in a tick, so many of them slow.
    fn fill(foreground: &Foreground, tick: i64, slow: i64) {
        for number in 0..100 {
            let took = if number < slow { 10_000 } else { 400 };
            foreground.note(
                Timestamp::from_micros(tick * TICK + number),
                Duration::from_micros(took),
            );
        }
    }

    #[test]
    fn jobs_give_way_while_requests_are_slow_and_come_back_when_they_are_well_again() {
        let foreground = Foreground::default();
        for tick in 1..20 {
            fill(&foreground, tick, 0);
        }
        let mut share = foreground.share(at(20));
        assert!(share < 0.5, "it begins carefully beside callers: {share}");
        for tick in 20..40 {
            foreground.job_worked(at(tick));
            fill(&foreground, tick, 0);
        }
        let grown = foreground.share(at(40));
        assert!(grown > share, "{grown}");
        share = grown;
        for tick in 40..60 {
            foreground.job_worked(at(tick));
            fill(&foreground, tick, 5);
        }
        let given = foreground.share(at(60));
        assert!(given < share / 8.0, "{given}");
        for tick in 60..1_000 {
            foreground.job_worked(at(tick));
            // One of a hundred is what a 99th percentile says of a quiet replica.
            fill(&foreground, tick, i64::from(tick % 4 == 0));
        }
        assert!(foreground.share(at(1_000)) > 0.99);
    }

    #[test]
    fn what_callers_bear_is_remembered_between_jobs_and_alone_a_job_takes_all() {
        let foreground = Foreground::default();
        for tick in 1..20 {
            fill(&foreground, tick, 0);
        }
        for tick in 20..30 {
            foreground.job_worked(at(tick));
            fill(&foreground, tick, 10);
        }
        let given = foreground.share(at(30));
        for tick in 30..50 {
            fill(&foreground, tick, 0);
        }
        assert_eq!(foreground.share(at(50)), given, "no job, so nothing was learnt");
        assert_eq!(foreground.share(at(50 + ALONE_AFTER)), 1.0, "nobody is there");
        fill(&foreground, 70, 0);
        assert_eq!(foreground.share(at(70)), given);
    }
}
