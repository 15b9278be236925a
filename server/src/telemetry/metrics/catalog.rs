//! What is measured at each scrape: ages, bands, rotations under way, the length of the audit.

use std::collections::{BTreeMap, HashMap};

use engine::Services;
use engine::catalog::{AgeBand, Credential, Version};
use engine::id::CredentialId;
use engine::ports::StoreError;
use engine::recovery::RehearsalResult;

use super::Metrics;

/// Reads the catalog once and sets every gauge anew, so that nothing stays of what is gone.
pub(super) async fn measure(metrics: &Metrics, services: &Services) -> Result<(), StoreError> {
    let credentials = services.store.credentials().await?;
    let versions = services.store.current_versions().await?;
    let rotations = services.store.rotations_in_flight().await?;
    let head = services.store.audit_head().await?;

    metrics.rotations_in_flight.reset();
    for rotation in &rotations {
        metrics
            .rotations_in_flight
            .with_label_values(&[rotation.label()])
            .inc();
    }
    let entries = u64::try_from(head.sequence).unwrap_or(0);
    metrics
        .audit_entries
        .inc_by(entries.saturating_sub(metrics.audit_entries.get()));
    measure_credentials(metrics, services, &credentials, versions);
    measure_data(metrics, services).await?;
    measure_recovery(metrics, services).await
}

/// What is under which version, and how far the jobs are.
async fn measure_data(metrics: &Metrics, services: &Services) -> Result<(), StoreError> {
    metrics.reencryptions.reset();
    metrics.reencryption_progress.reset();
    for job in services.store.jobs_under_way().await? {
        metrics
            .reencryptions
            .with_label_values(&[job.state.label()])
            .inc();
        let ranges = services.store.ranges(&job.id).await?;
        let scanned = job.counts(&ranges).scanned;
        let total = job.total.unwrap_or(0).max(1);
        let percent = i64::try_from((100 * scanned / total).min(100)).unwrap_or(100);
        metrics
            .reencryption_progress
            .with_label_values(&[job.target_name.as_str()])
            .set(percent);
    }
    metrics.key_alarm.reset();
    for alarm in services.alarms_of_keys().await? {
        metrics
            .key_alarm
            .with_label_values(&[alarm.name.as_str(), &alarm.version.to_string()])
            .set(1);
    }
    metrics.key_records.reset();
    metrics.oldest_version.reset();
    let targets = services.store.targets().await?;
    for target in targets.iter().take(metrics.series_limit) {
        let Some(census) = services.store.latest_census(&target.id).await? else {
            continue;
        };
        for counted in &census.versions {
            let version = counted.version.to_string();
            let records = i64::try_from(counted.records).unwrap_or(i64::MAX);
            metrics
                .key_records
                .with_label_values(&[target.name.as_str(), &counted.key, &version])
                .set(records);
            let oldest = metrics
                .oldest_version
                .with_label_values(&[target.name.as_str(), &counted.key]);
            let number = i64::from(counted.version);
            if counted.records > 0 && (oldest.get() == 0 || number < oldest.get()) {
                oldest.set(number);
            }
        }
    }
    Ok(())
}

/// Rehearsals that are read to find the last good one.
const REHEARSALS: u32 = 50;

async fn measure_recovery(metrics: &Metrics, services: &Services) -> Result<(), StoreError> {
    let backups = services.store.backups(1).await?;
    let made_at = backups.first().map_or(0, |backup| backup.made_at.as_micros());
    metrics.backup_last_success.set(made_at / 1_000_000);
    let rehearsals = services.store.rehearsals(REHEARSALS).await?;
    let passed = rehearsals.iter().find_map(|rehearsal| match &rehearsal.result {
        Some(RehearsalResult::Passed(counts)) => Some((rehearsal.passed_at()?, counts)),
        _ => None,
    });
    if let Some((at, counts)) = passed {
        metrics.rehearsal_last_success.set(at.as_micros() / 1_000_000);
        metrics.rehearsal_duration.set(counts.restore.as_secs_f64());
    }
    Ok(())
}

fn measure_credentials(
    metrics: &Metrics,
    services: &Services,
    credentials: &[Credential],
    versions: Vec<Version>,
) {
    let now = services.clock.now();
    let versions: HashMap<CredentialId, Version> = versions
        .into_iter()
        .map(|version| (version.credential.clone(), version))
        .collect();
    metrics.credential_age.reset();
    metrics.credential_expires.reset();
    metrics.credentials.reset();
    let mut bands: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (position, credential) in credentials.iter().enumerate() {
        let Some(version) = versions.get(&credential.id) else {
            continue;
        };
        let age = now.since(version.created_at);
        let band = credential.age_thresholds.unwrap_or_default().band(age);
        *bands
            .entry((credential.environment.as_str(), word(band)))
            .or_default() += 1;
        if position < metrics.series_limit {
            let label = [credential.name.as_str()];
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            metrics.credential_age.with_label_values(&label).set(seconds);
            let expires = version.created_at.after(credential.policy.max_age).as_micros() / 1_000_000;
            metrics.credential_expires.with_label_values(&label).set(expires);
        }
    }
    for ((environment, band), count) in bands {
        metrics
            .credentials
            .with_label_values(&[environment, band])
            .set(count);
    }
    let left_out = credentials.len().saturating_sub(metrics.series_limit);
    metrics
        .series_left_out
        .set(i64::try_from(left_out).unwrap_or(i64::MAX));
}

fn word(band: AgeBand) -> &'static str {
    match band {
        AgeBand::Green => "green",
        AgeBand::Yellow => "yellow",
        AgeBand::Red => "red",
    }
}
