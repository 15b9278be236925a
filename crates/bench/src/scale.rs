//! How much is done at once and in all. The goals are set for the usual numbers; what was done is always printed.

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

fn number(variable: &str) -> Option<usize> {
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
