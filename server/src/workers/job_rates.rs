//! Records per second of jobs of re-encryption over time: differences of what was counted, in memory. Shown as long as
//! this server remembers, also after the job has ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::views::Point;
use engine::Timestamp;
use engine::ports::StoreError;
use time::OffsetDateTime;
use tokio::time::MissedTickBehavior;

use crate::http::AppState;

/// How often jobs under way are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks at one job: twice as many are made half as close, so that a job of days is drawn whole.
const MOST_LOOKS: usize = 240;
/// Jobs remembered; the oldest are forgotten first.
const MOST_JOBS: usize = 200;

/// What was seen of one job.
#[derive(Debug, Default)]
struct Course {
    looks: VecDeque<(Timestamp, u64)>,
    /// Of so many looks one is kept; more of them when there are too many.
    stride: u32,
    skipped: u32,
}

impl Course {
    fn note(&mut self, at: Timestamp, scanned: u64) {
        // A further pass counts on; only a job that is counted anew falls back.
        if self.looks.back().is_some_and(|(_, before)| scanned < *before) {
            *self = Self::default();
        }
        self.skipped += 1;
        if self.skipped < self.stride.max(1) && !self.looks.is_empty() {
            return;
        }
        self.skipped = 0;
        self.looks.push_back((at, scanned));
        if self.looks.len() > MOST_LOOKS {
            let mut number = 0;
            self.looks.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride = self.stride.max(1) * 2;
        }
    }

    fn points(&self) -> Vec<Point> {
        let looks = self.looks.iter();
        looks
            .clone()
            .zip(looks.skip(1))
            .map(|((before, fewer), (after, more))| {
                let seconds = after.since(*before).as_secs_f64().max(0.001);
                Point {
                    at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(after.as_micros()) * 1_000)
                        .unwrap_or(OffsetDateTime::UNIX_EPOCH),
                    value: more.saturating_sub(*fewer) as f64 / seconds,
                }
            })
            .collect()
    }
}

/// The course of each job, by its id: ids rise with time.
#[derive(Debug, Default)]
pub struct JobRates(Mutex<BTreeMap<String, Course>>);

impl JobRates {
    fn note(&self, job: &str, at: Timestamp, scanned: u64) {
        let mut courses = self.lock();
        courses.entry(job.to_owned()).or_default().note(at, scanned);
        if courses.len() > MOST_JOBS {
            courses.pop_first();
        }
    }

    /// Records per second over time, oldest first.
    pub fn of(&self, job: &str) -> Vec<Point> {
        self.lock().get(job).map(Course::points).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Course>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at every job under way until the server stops.
pub async fn watch_job_rates(state: AppState) {
    let mut turn = tokio::time::interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = turn.tick() => {}
        }
        if let Err(error) = look(&state).await {
            tracing::debug!(error.cause = %error, "jobs could not be looked at");
        }
    }
}

async fn look(state: &AppState) -> Result<(), StoreError> {
    let store = &state.services.store;
    for job in store.jobs_under_way().await? {
        let ranges = store.ranges(&job.id).await?;
        let now = state.services.clock.now();
        state
            .job_rates
            .note(job.id.as_str(), now, job.counts(&ranges).scanned);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_rate_is_the_difference_of_two_looks() {
        let rates = JobRates::default();
        rates.note("a", at(0), 0);
        assert_eq!(rates.of("a"), [], "one look tells nothing");
        rates.note("a", at(2), 100);
        rates.note("a", at(4), 400);
        let values: Vec<f64> = rates.of("a").iter().map(|point| point.value).collect();
        assert_eq!(values, [50.0, 150.0]);
        assert_eq!(rates.of("b"), []);
    }

    #[test]
    fn a_long_job_is_drawn_whole_with_fewer_points() {
        let rates = JobRates::default();
        for look in 0..10_000 {
            rates.note("a", at(look * 2), u64::try_from(look).unwrap() * 20);
        }
        let points = rates.of("a");
        assert!((100..=MOST_LOOKS).contains(&points.len()), "{}", points.len());
        assert!(points.iter().all(|point| (point.value - 10.0).abs() < 0.01));
        let span = points[points.len() - 1].at - points[0].at;
        assert!(span.whole_seconds() > 19_000, "{span}");
    }

    #[test]
    fn the_oldest_jobs_are_forgotten_first() {
        let rates = JobRates::default();
        for job in 0..=MOST_JOBS {
            let id = format!("{job:04}");
            rates.note(&id, at(0), 0);
            rates.note(&id, at(1), 1);
        }
        assert!(rates.of("0000").is_empty());
        assert_eq!(rates.of("0001").len(), 1);
    }
}
