//! `/metrics`: every family of the contract, counted or measured here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use engine::ports::{Meter, StoreError};
use engine::reencryption::Counts;
use engine::{Name, Services};
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use super::metrics::catalog::measure;

mod catalog;

/// Counts how often a label value may still be new.
#[derive(Debug, Default)]
struct Known(std::sync::Mutex<BTreeSet<String>>);

macro_rules! families {
    ($($(#[doc = $help:literal])+ $field:ident: $kind:ty = $name:literal $(, [$($label:literal),+])?;)+) => {
        /// Every family; the doc comment of a field is its help text.
        #[derive(Debug)]
        pub struct Metrics {
            registry: Registry,
            /// At most this many series that name one object.
            series_limit: usize,
            counted: Known,
            $($(#[doc = $help])+ $field: $kind,)+
        }

        impl Metrics {
            /// All families, present from the start.
            ///
            /// # Errors
            /// When two families have one name, which a test would have shown.
            pub fn new(series_limit: usize) -> Result<Self, prometheus::Error> {
                let registry = Registry::new();
                $(
                    let help = concat!($($help),+).trim();
                    let $field = <$kind as Family>::make($name, help, &[$($($label),+)?])?;
                    registry.register(Box::new($field.clone()))?;
                )+
                Ok(Self { registry, series_limit, counted: Known::default(), $($field),+ })
            }

            /// Families that have no series yet are named all the same, so that an alert can tell "none" from "gone".
            const FAMILIES: &[(&str, &str, &str)] =
                &[$(($name, concat!($($help),+), <$kind as Family>::TYPE)),+];
        }
    };
}

families! {
    /// Authentication outcomes that consumers reported, by class of status.
    auth_outcomes: IntCounterVec = "rota_auth_outcomes_total", ["credential", "status"];
    /// Rotations that ended, by strategy and outcome.
    rotations: IntCounterVec = "rota_rotations_total", ["kind", "outcome"];
    /// Rotations under way, by state.
    rotations_in_flight: IntGaugeVec = "rota_rotations_in_flight", ["state"];
    /// Credentials by environment and age band.
    credentials: IntGaugeVec = "rota_credentials", ["environment", "age_band"];
    /// Age of the current version of a credential.
    credential_age: IntGaugeVec = "rota_credential_age_seconds", ["credential"];
    /// When the current version of a credential reaches the greatest age its policy allows.
    credential_expires: IntGaugeVec = "rota_credential_expires_timestamp_seconds", ["credential"];
    /// From the first bad outcome received to the previous credential served.
    rollback_duration: Histogram = "rota_rollback_duration_seconds";
    /// Operations with keys of the keyring.
    key_operations: IntCounterVec = "rota_key_operations_total", ["key", "version", "operation", "outcome"];
    /// Entries of the audit chain.
    audit_entries: IntCounter = "rota_audit_entries_total";
    /// Questions to the root of trust, by its kind.
    root_operations: IntCounterVec = "rota_root_operations_total", ["kind", "operation", "outcome"];
    /// Time the root of trust takes to answer.
    root_duration: HistogramVec = "rota_root_duration_seconds", ["kind"];
    /// 1 while the keys are not in memory.
    sealed: IntGauge = "rota_sealed";
    /// Records that jobs looked at, by target, mode and outcome.
    reencrypted_records: IntCounterVec = "rota_reencrypted_records_total", ["target", "mode", "outcome"];
    /// Jobs of re-encryption under way, by state.
    reencryptions: IntGaugeVec = "rota_reencryptions_under_way", ["state"];
    /// How far the present pass of a target's job is, in percent.
    reencryption_progress: IntGaugeVec = "rota_reencryption_progress_percent", ["target"];
    /// Records under a version of a key in a target, by its latest whole scan.
    key_records: IntGaugeVec = "rota_key_records", ["target", "key_id", "version"];
    /// The oldest version of a key that a target still holds, by its latest whole scan.
    oldest_version: IntGaugeVec = "rota_oldest_key_version_in_use", ["target", "key_id"];
    /// 1 while values under a version of a key do not open and its rotation waits for a person.
    key_alarm: IntGaugeVec = "rota_key_alarm", ["key", "version"];
    /// When the last backup was made; 0: never.
    backup_last_success: IntGauge = "rota_backup_last_success_timestamp_seconds";
    /// When a backup was last restored elsewhere and found whole; 0: never.
    rehearsal_last_success: IntGauge = "rota_rehearsal_last_success_timestamp_seconds";
    /// How long it took to restore and read the last backup that was found whole.
    rehearsal_duration: Gauge = "rota_rehearsal_duration_seconds";
    /// Requests answered, by method, route and class of status.
    http_requests: IntCounterVec = "rota_http_requests_total", ["method", "route", "status"];
    /// Time to answer a request; waiting polls and event streams are left out.
    http_duration: HistogramVec = "rota_http_request_duration_seconds", ["route"];
    /// Objects left out of the families that name one object, because the limit of series is reached.
    series_left_out: IntGauge = "rota_metrics_series_left_out";
}

/// How a family is made.
trait Family: Sized {
    const TYPE: &'static str;
    fn make(name: &str, help: &str, labels: &[&str]) -> Result<Self, prometheus::Error>;
}

impl Family for IntCounterVec {
    const TYPE: &'static str = "counter";
    fn make(name: &str, help: &str, labels: &[&str]) -> Result<Self, prometheus::Error> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Family for IntCounter {
    const TYPE: &'static str = "counter";
    fn make(name: &str, help: &str, _labels: &[&str]) -> Result<Self, prometheus::Error> {
        Self::new(name, help)
    }
}

impl Family for IntGauge {
    const TYPE: &'static str = "gauge";
    fn make(name: &str, help: &str, _labels: &[&str]) -> Result<Self, prometheus::Error> {
        Self::new(name, help)
    }
}

impl Family for Gauge {
    const TYPE: &'static str = "gauge";
    fn make(name: &str, help: &str, _labels: &[&str]) -> Result<Self, prometheus::Error> {
        Self::new(name, help)
    }
}

impl Family for IntGaugeVec {
    const TYPE: &'static str = "gauge";
    fn make(name: &str, help: &str, labels: &[&str]) -> Result<Self, prometheus::Error> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Family for Histogram {
    const TYPE: &'static str = "histogram";
    fn make(name: &str, help: &str, _labels: &[&str]) -> Result<Self, prometheus::Error> {
        let buckets = vec![
            0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0,
        ];
        Self::with_opts(HistogramOpts::new(name, help).buckets(buckets))
    }
}

impl Family for HistogramVec {
    const TYPE: &'static str = "histogram";
    fn make(name: &str, help: &str, labels: &[&str]) -> Result<Self, prometheus::Error> {
        let buckets = vec![
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
        ];
        Self::new(HistogramOpts::new(name, help).buckets(buckets), labels)
    }
}

impl Metrics {
    /// Measures what is measured, and gives everything as text.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn scrape(&self, services: &Services) -> Result<String, StoreError> {
        measure(self, services).await?;
        self.sealed.set(i64::from(!services.sealer.is_open()));
        let families = self.registry.gather();
        let mut text = String::new();
        for (name, help, kind) in Self::FAMILIES {
            if !families.iter().any(|family| family.name() == *name) {
                let _infallible = write!(text, "# HELP {name} {}\n# TYPE {name} {kind}\n", help.trim());
            }
        }
        if let Err(error) = TextEncoder::new().encode_utf8(&families, &mut text) {
            tracing::error!(error.cause = %error, "metrics could not be written as text");
        }
        Ok(text)
    }

    /// A request was answered. `route` is the pattern, never the path.
    pub fn request_answered(&self, method: &str, route: &str, status: u16, elapsed: Option<Duration>) {
        let class = format!("{}xx", status / 100);
        self.http_requests
            .with_label_values(&[method, route, &class])
            .inc();
        if let Some(elapsed) = elapsed {
            self.http_duration
                .with_label_values(&[route])
                .observe(elapsed.as_secs_f64());
        }
    }
}

impl Metrics {
    /// The root of trust was asked something.
    pub fn root_asked(&self, kind: &str, operation: &'static str, outcome: &'static str, elapsed: Duration) {
        self.root_operations
            .with_label_values(&[kind, operation, outcome])
            .inc();
        self.root_duration
            .with_label_values(&[kind])
            .observe(elapsed.as_secs_f64());
    }
}

impl Known {
    /// Whether `value` is known already, or may become known.
    fn admit(&self, value: &str, limit: usize) -> bool {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.contains(value) || (known.len() < limit && known.insert(value.to_owned()))
    }
}

impl Meter for Metrics {
    fn outcomes(&self, credential: &Name, status: &'static str, count: u64) {
        if self.counted.admit(credential.as_str(), self.series_limit) {
            self.auth_outcomes
                .with_label_values(&[credential.as_str(), status])
                .inc_by(count);
        }
    }

    fn key_operations(
        &self,
        key: &Name,
        version: Option<u32>,
        operation: &'static str,
        outcome: &'static str,
        count: u64,
    ) {
        if self.counted.admit(key.as_str(), self.series_limit) {
            let version = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
            self.key_operations
                .with_label_values(&[key.as_str(), &version, operation, outcome])
                .inc_by(count);
        }
    }

    fn rotation_ended(&self, kind: &'static str, outcome: &'static str) {
        self.rotations.with_label_values(&[kind, outcome]).inc();
    }

    fn rollback_served(&self, duration: Duration) {
        self.rollback_duration.observe(duration.as_secs_f64());
    }

    fn records_moved(&self, target: &Name, mode: &'static str, counts: &Counts) {
        if !self.counted.admit(target.as_str(), self.series_limit) {
            return;
        }
        for (outcome, count) in [
            ("moved", counts.moved),
            ("current", counts.current),
            ("other_key", counts.other_key),
            ("conflict", counts.conflicts),
            ("unreadable", counts.unreadable + counts.differing),
        ] {
            if count > 0 {
                self.reencrypted_records
                    .with_label_values(&[target.as_str(), mode, outcome])
                    .inc_by(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_registers_and_series_are_bounded() {
        let metrics = Metrics::new(2).unwrap();
        for number in 0..5 {
            metrics.outcomes(&Name::parse(&format!("c{number}")).unwrap(), "2xx", 1);
        }
        let families = metrics.registry.gather();
        let outcomes = families
            .iter()
            .find(|family| family.name() == "rota_auth_outcomes_total")
            .unwrap();
        assert_eq!(outcomes.get_metric().len(), 2);
        assert_eq!(Metrics::FAMILIES.len(), 24);
    }
}
