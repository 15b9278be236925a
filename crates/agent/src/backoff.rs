//! Waiting longer after each failure, and never in step with others.

use std::{fmt, time::Duration};

/// Where the spread between instances comes from.
pub trait Jitter: fmt::Debug + Send + Sync {
    /// A number of at least 0 and less than 1.
    fn fraction(&self) -> f64;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemJitter;

impl Jitter for SystemJitter {
    fn fraction(&self) -> f64 {
        let mut bytes = [0_u8; 4];
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where the agent meets real randomness"
        )]
        let filled = getrandom::fill(&mut bytes);
        match filled {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            // Without randomness the middle is as good as any: only the spread is lost.
            Err(_) => 0.5,
        }
    }
}

/// Delays that double up to a limit, each shortened at random by up to a half.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    limit: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, limit: Duration) -> Self {
        Self {
            first,
            limit,
            next: first,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// The next delay; never shorter than what the server asked for.
    pub(crate) fn delay(&mut self, jitter: &dyn Jitter, asked: Option<Duration>) -> Duration {
        let delay = self.next.mul_f64(1.0 - jitter.fraction() / 2.0);
        self.next = (self.next * 2).min(self.limit);
        match asked {
            // Spread, so that all who were told "in 5 seconds" do not come back at once.
            Some(asked) => delay.max(asked.mul_f64(1.0 + jitter.fraction() / 4.0)),
            None => delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed(f64);

    impl Jitter for Fixed {
        fn fraction(&self) -> f64 {
            self.0
        }
    }

    #[test]
    fn doubles_to_its_limit_and_begins_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(350));
        let delays: Vec<_> = (0..4)
            .map(|_| backoff.delay(&Fixed(0.0), None).as_millis())
            .collect();
        assert_eq!(delays, [100, 200, 350, 350]);
        backoff.reset();
        assert_eq!(backoff.delay(&Fixed(0.5), None), Duration::from_millis(75));
        assert_eq!(
            backoff.delay(&Fixed(0.0), Some(Duration::from_secs(5))),
            Duration::from_secs(5)
        );
    }

    #[test]
    fn the_system_spreads() {
        let drawn: Vec<f64> = (0..64).map(|_| SystemJitter.fraction()).collect();
        assert!(drawn.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        assert!(
            drawn.iter().any(|fraction| *fraction < 0.5) && drawn.iter().any(|fraction| *fraction >= 0.5)
        );
    }
}
