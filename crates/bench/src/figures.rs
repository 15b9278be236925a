//! Numbers, each printed with its goal.

use std::time::Duration;

/// What is measured, and how it stands against its goal.
#[derive(Debug)]
struct Line {
    section: &'static str,
    text: String,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Met,
    Missed,
    /// No goal: it explains the others.
    Shown,
}

impl Standing {
    fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Shown => "",
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Figures(Vec<Line>);

impl Figures {
    /// A number with a goal.
    pub fn goal(&mut self, section: &'static str, text: impl Into<String>, met: bool) {
        self.add(section, text.into(), Standing::of(met));
    }

    /// A number without one.
    pub fn shown(&mut self, section: &'static str, text: impl Into<String>) {
        self.add(section, text.into(), Standing::Shown);
    }

    fn add(&mut self, section: &'static str, text: String, standing: Standing) {
        let line = Line {
            section,
            text,
            standing,
        };
        println!("{}", line.in_words());
        self.0.push(line);
    }

    /// All lines once more, with how to repeat each; false when a goal was missed.
    pub fn close(&self) -> bool {
        println!("\nmeasured:");
        let mut last = "";
        for line in &self.0 {
            if line.section != last {
                println!("  cargo run --release -p bench -- {}", line.section);
                last = line.section;
            }
            println!("    {}", line.in_words());
        }
        let missed = self
            .0
            .iter()
            .filter(|line| line.standing == Standing::Missed)
            .count();
        println!("{missed} goals missed");
        missed == 0
    }
}

impl Line {
    fn in_words(&self) -> String {
        format!("{:<14} {:<7} {}", self.section, self.standing.word(), self.text)
    }
}

/// The value below which this share of the samples lies, by the nearest rank. Zero where there is none.
pub fn quantile(samples: &[Duration], share: f64) -> Duration {
    let mut sorted = samples.to_vec();
    sorted.sort();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A histogram in the text form of Prometheus: cumulative counts by upper bound.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: Vec<(f64, f64)>,
    pub sum: f64,
    pub count: f64,
}

impl Histogram {
    /// Reads one without labels out of a scrape.
    pub fn of(scrape: &str, name: &str) -> Self {
        let mut histogram = Self::default();
        for line in scrape.lines() {
            let Some((key, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value = value.parse().unwrap_or(0.0);
            let Some(rest) = key.strip_prefix(name) else {
                continue;
            };
            match rest {
                "_sum" => histogram.sum = value,
                "_count" => histogram.count = value,
                bucket => {
                    let bound = bucket
                        .strip_prefix("_bucket{le=\"")
                        .and_then(|rest| rest.strip_suffix("\"}"));
                    if let Some(bound) = bound.and_then(|bound| bound.parse().ok()) {
                        histogram.buckets.push((bound, value));
                    }
                }
            }
        }
        histogram
    }

    /// The smallest bound that holds at least this share of the observations.
    pub fn bound_of(&self, share: f64) -> f64 {
        self.buckets
            .iter()
            .find(|(_, below)| *below >= share * self.count)
            .map_or(f64::INFINITY, |(bound, _)| *bound)
    }

    pub fn mean(&self) -> f64 {
        if self.count == 0.0 {
            0.0
        } else {
            self.sum / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_go_by_the_nearest_rank() {
        let samples: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&samples, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&samples, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&samples, 1.0), Duration::from_millis(100));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_histogram_is_read_from_a_scrape() {
        let scrape = "x_bucket{le=\"0.1\"} 1\nx_bucket{le=\"0.3\"} 9\nx_bucket{le=\"+Inf\"} 10\nx_sum 2\nx_count 10\ny 1\n";
        let histogram = Histogram::of(scrape, "x");
        assert_eq!(histogram.bound_of(0.5), 0.3);
        assert_eq!(histogram.bound_of(0.99), f64::INFINITY);
        assert_eq!(histogram.mean(), 0.2);
    }
}
