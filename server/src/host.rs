//! The host's clock and randomness: the one place that reads them.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::{Clock, Randomness, Timestamp};

/// The host's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "everything else takes this clock as an argument"
        )]
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Duration {
        static BEGAN: OnceLock<tokio::time::Instant> = OnceLock::new();
        BEGAN.get_or_init(tokio::time::Instant::now).elapsed()
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(
            clippy::disallowed_methods,
            reason = "everything else takes this source as an argument"
        )]
        let filled = getrandom::fill(buffer);
        if filled.is_err() {
            // Going on with predictable bytes would be worse than stopping.
            tracing::error!("the operating system gives no random bytes, so Rota stops");
            std::process::abort();
        }
    }
}
