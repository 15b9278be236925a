//! Operations per second by key version, of the last minutes: differences of the counted uses, in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::views::Point;
use app::views::key::VersionSeries;
use engine::Timestamp;
use engine::access::Actor;
use time::OffsetDateTime;
use tokio::time::MissedTickBehavior;

use crate::http::AppState;

/// How often uses are looked at, and how many looks are remembered.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const REMEMBERED: usize = 61;

/// The uses of one key version at each of the last looks, by the key's name and the version.
type Looks = BTreeMap<(String, u32), VecDeque<(Timestamp, u64)>>;

/// The last looks at each version's uses.
#[derive(Debug, Default)]
pub struct KeyRates(Mutex<Looks>);

impl KeyRates {
    fn note(&self, key: &str, version: u32, at: Timestamp, uses: u64) {
        let mut looks = self.lock();
        let own = looks.entry((key.to_owned(), version)).or_default();
        own.push_back((at, uses));
        if own.len() > REMEMBERED {
            own.pop_front();
        }
    }

    /// The versions of a key that were used in the last minutes, each with its course.
    pub fn of(&self, key: &str) -> Vec<VersionSeries> {
        let looks = self.lock();
        looks
            .range((key.to_owned(), 0)..=(key.to_owned(), u32::MAX))
            .map(|((_, version), own)| VersionSeries {
                version: u64::from(*version),
                points: course(own),
            })
            .filter(|series| series.points.iter().any(|point| point.value > 0.0))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Looks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn course(looks: &VecDeque<(Timestamp, u64)>) -> Vec<Point> {
    looks
        .iter()
        .zip(looks.iter().skip(1))
        .map(|((before, fewer), (after, more))| {
            let seconds = after.since(*before).as_secs_f64().max(1.0);
            Point {
                at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(after.as_micros()) * 1_000)
                    .unwrap_or(OffsetDateTime::UNIX_EPOCH),
                value: more.saturating_sub(*fewer) as f64 / seconds,
            }
        })
        .collect()
}

/// Looks at every key's uses until the server stops.
pub async fn watch_key_rates(state: AppState) {
    let mut turn = tokio::time::interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let actor = Actor::system("key-rates");
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = turn.tick() => {}
        }
        // An outage of the database is told by whoever needs it more.
        let Ok(views) = state.services.keys_view(&actor).await else {
            continue;
        };
        let now = state.services.clock.now();
        for view in views {
            for placed in view.versions {
                state.key_rates.note(
                    view.key.id.as_str(),
                    placed.version.number,
                    now,
                    placed.version.uses,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_difference_of_two_looks() {
        let rates = KeyRates::default();
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        rates.note("cards", 1, at(0), 5);
        assert_eq!(rates.of("cards"), [], "one look tells nothing");
        rates.note("cards", 1, at(10), 105);
        rates.note("other", 1, at(10), 9);
        let series = rates.of("cards");
        assert_eq!((series.len(), series[0].points[0].value), (1, 10.0));
    }
}
