//! How much is done at once and in all. The goals are set for the usual numbers; what was done is always printed.

use std::str::FromStr;
use std::time::Duration;

/// So many credentials side by side, each so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub credentials: usize,
    pub rounds: usize,
}

impl Scale {
    /// `total` repetitions over `credentials` at once. For a look on a busy machine, `ROTA_BENCH_PARALLEL` changes how
    /// many run at once and `ROTA_BENCH_TOTAL` how many there are in all.
    pub fn of(total: usize, credentials: usize) -> Self {
        Self::with(
            number("ROTA_BENCH_TOTAL").unwrap_or(total),
            number("ROTA_BENCH_PARALLEL").unwrap_or(credentials),
        )
    }

    fn with(total: usize, credentials: usize) -> Self {
        let credentials = credentials.clamp(1, total.max(1));
        Self {
            credentials,
            rounds: total.div_ceil(credentials),
        }
    }

    pub fn total(self) -> usize {
        self.credentials * self.rounds
    }
}

/// So many repetitions in all, unless `ROTA_BENCH_TOTAL` says otherwise.
pub fn total(usual: usize) -> usize {
    number("ROTA_BENCH_TOTAL").unwrap_or(usual).max(1)
}

/// How often everything that is compared takes its turn, and for how long each time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turns {
    pub rounds: usize,
    pub lasts: Duration,
}

impl Turns {
    /// As usual, unless `ROTA_BENCH_ROUNDS` and `ROTA_BENCH_SECONDS` say otherwise.
    pub fn of(rounds: usize, seconds: f64) -> Self {
        let given: Option<f64> = number("ROTA_BENCH_SECONDS");
        Self {
            rounds: number("ROTA_BENCH_ROUNDS").unwrap_or(rounds).max(1),
            lasts: Duration::from_secs_f64(given.unwrap_or(seconds).clamp(0.05, 3_600.0)),
        }
    }
}

fn number<Number: FromStr>(variable: &str) -> Option<Number> {
    std::env::var(variable).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out() {
        assert_eq!(
            Scale::with(100, 10),
            Scale {
                credentials: 10,
                rounds: 10
            }
        );
        assert_eq!(Scale::with(100, 3).total(), 102);
        assert_eq!(
            Scale::with(2, 10),
            Scale {
                credentials: 2,
                rounds: 1
            }
        );
    }
}
