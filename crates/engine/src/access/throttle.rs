//! Slows guessing of passwords without locking anyone out (ACC-3). In memory: a restart forgets it, which costs an
//! attacker nothing less than the restart; several replicas count apart, which multiplies the rate by their number.
//!
//! Three counts of failures, each with some free tries and then a delay that doubles:
//! - of one account from one source: three free, then 1 s up to 15 minutes;
//! - of one source over all accounts: twenty free, then 1 s up to 15 minutes;
//! - of one account from all sources: twenty free, then 1 s up to 30 s, and never for a source that has signed in to
//!   it before. So a stranger can make the owner wait half a minute at most, and only at a new address.
//!
//! A success clears the first count. An hour without a failure clears any.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

const FORGET_AFTER: Duration = Duration::from_secs(3_600);
const LONG: Duration = Duration::from_secs(900);
const SHORT: Duration = Duration::from_secs(30);
/// Beyond so many counts the oldest are forgotten: a stranger must not fill our memory.
const MOST_COUNTS: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Pair(String, String),
    Source(String),
    Account(String),
}

impl Key {
    fn free_tries(&self) -> u32 {
        match self {
            Self::Pair(..) => 3,
            Self::Source(_) | Self::Account(_) => 20,
        }
    }

    fn longest_delay(&self) -> Duration {
        match self {
            Self::Pair(..) | Self::Source(_) => LONG,
            Self::Account(_) => SHORT,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_at: Timestamp,
}

/// Failed sign-ins of this process.
#[derive(Debug, Default)]
pub struct Throttle {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    failures: HashMap<Key, Failures>,
    /// Sources from which an account was signed in to.
    known: HashSet<(String, String)>,
}

impl Throttle {
    /// Nothing failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one try. It counts as failed until [`Throttle::succeeded`] says otherwise, so that tries in parallel
    /// count too.
    ///
    /// # Errors
    /// With how long to wait; the try was then not taken and does not count.
    pub fn attempt(&self, account: &str, source: &str, now: Timestamp) -> Result<(), Duration> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = keys(account, source);
        let is_known = counts.known.contains(&(account.to_owned(), source.to_owned()));
        let wait = keys
            .iter()
            .filter(|key| !(is_known && matches!(key, Key::Account(_))))
            .map(|key| counts.wait(key, now))
            .max()
            .unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for key in keys {
            counts.fail(key, now);
        }
        Ok(())
    }

    /// The try that was taken last was right.
    pub fn succeeded(&self, account: &str, source: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(account, source) {
            if matches!(key, Key::Pair(..)) {
                counts.failures.remove(&key);
            } else if let Some(failures) = counts.failures.get_mut(&key) {
                // Only this try is taken back: somebody with one right password must not clear the others' counts.
                failures.count = failures.count.saturating_sub(1);
            }
        }
        if counts.known.len() >= MOST_COUNTS {
            counts.known.clear();
        }
        counts.known.insert((account.to_owned(), source.to_owned()));
    }
}

impl Counts {
    fn wait(&self, key: &Key, now: Timestamp) -> Duration {
        let Some(failures) = self.failures.get(key) else {
            return Duration::ZERO;
        };
        let Some(beyond) = failures.count.checked_sub(key.free_tries()) else {
            return Duration::ZERO;
        };
        let delay = Duration::from_secs(1 << beyond.min(20)).min(key.longest_delay());
        delay.saturating_sub(now.since(failures.last_at))
    }

    fn fail(&mut self, key: Key, now: Timestamp) {
        if self.failures.len() >= MOST_COUNTS && !self.failures.contains_key(&key) {
            self.make_room(now);
        }
        let failures = self.failures.entry(key).or_insert(Failures {
            count: 0,
            last_at: now,
        });
        if now.since(failures.last_at) >= FORGET_AFTER {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last_at = now;
    }

    /// Forgets what ran out, and then the older half of what is left.
    fn make_room(&mut self, now: Timestamp) {
        self.failures
            .retain(|_, failures| now.since(failures.last_at) < FORGET_AFTER);
        if self.failures.len() < MOST_COUNTS {
            return;
        }
        let mut times: Vec<Timestamp> = self.failures.values().map(|failures| failures.last_at).collect();
        times.sort_unstable();
        let middle = times[times.len() / 2];
        self.failures.retain(|_, failures| failures.last_at > middle);
    }
}

fn keys(account: &str, source: &str) -> [Key; 3] {
    [
        Key::Pair(account.to_owned(), source.to_owned()),
        Key::Source(source.to_owned()),
        Key::Account(account.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn three_tries_are_free_then_the_delay_doubles_up_to_a_quarter_of_an_hour() {
        let throttle = Throttle::new();
        let mut now = 0;
        for _ in 0..3 {
            assert_eq!(throttle.attempt("ada", "10.0.0.1", at(now)), Ok(()));
        }
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(
                throttle.attempt("ada", "10.0.0.1", at(now)),
                Err(Duration::from_secs(expected))
            );
            now += expected as i64;
            assert_eq!(throttle.attempt("ada", "10.0.0.1", at(now)), Ok(()));
        }
        assert_eq!(
            throttle.attempt("ada", "10.0.0.1", at(now + 3_600)),
            Ok(()),
            "an hour later all is forgotten"
        );
        assert_eq!(throttle.attempt("ada", "10.0.0.1", at(now + 3_600)), Ok(()));
    }

    #[test]
    fn a_stranger_makes_the_owner_wait_half_a_minute_at_most_and_not_where_the_owner_was_before() {
        let throttle = Throttle::new();
        assert_eq!(throttle.attempt("ada", "home", at(0)), Ok(()));
        throttle.succeeded("ada", "home");
        for number in 0..400 {
            let _ = throttle.attempt("ada", &format!("bot-{number}"), at(number * 31));
        }
        let now = 400 * 31;
        assert_eq!(throttle.attempt("ada", "bot-last", at(now)), Ok(()));
        assert_eq!(throttle.attempt("ada", "hotel", at(now)), Err(SHORT));
        assert_eq!(throttle.attempt("ada", "home", at(now)), Ok(()));
        assert_eq!(
            throttle.attempt("bob", "hotel", at(now)),
            Ok(()),
            "others are not slowed"
        );
    }

    #[test]
    fn one_source_is_slowed_over_all_accounts_and_one_success_does_not_clear_that() {
        let throttle = Throttle::new();
        for number in 0..20 {
            assert_eq!(
                throttle.attempt(&format!("account-{number}"), "bot", at(0)),
                Ok(())
            );
        }
        throttle.succeeded("account-19", "bot");
        assert_eq!(
            throttle.attempt("other", "bot", at(0)),
            Ok(()),
            "the right one was taken back"
        );
        assert!(throttle.attempt("another", "bot", at(0)).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::new();
        for number in 0..30_000 {
            let _ = throttle.attempt(&format!("a{number}"), &format!("s{number}"), at(number));
        }
        let counts = throttle.counts.lock().expect("no test panicked");
        assert!(
            counts.failures.len() <= MOST_COUNTS + 3,
            "{}",
            counts.failures.len()
        );
    }
}
