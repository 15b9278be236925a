//! Takes reports in and records verdicts: the way from a refusal to the previous credential (DET-2, DET-3).

use std::collections::BTreeMap;

use crate::access::Actor;
use crate::catalog::VersionNumber;
use crate::clock::Timestamp;
use crate::delivery::LiveCredential;
use crate::delivery::service::instance_key;
use crate::detection::detector::{Observation, Verdict};
use crate::detection::outcome::{Counts, Report};
use crate::detection::watch::{InstanceKey, START_UP};
use crate::name::Name;
use crate::ports::OutcomeBucket;
use crate::rotation::{RollbackCause, Rotation};
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// Lines one post may hold.
pub const MAX_LINES: usize = 1_000;

impl Services {
    /// Takes a consumer's report in. Lines that it may not make are refused together, before any is counted.
    ///
    /// # Errors
    /// Not bound, or a version this instance was never handed.
    pub async fn report(&self, actor: &Actor, instance: &str, reports: &[Report]) -> Result<(), Refusal> {
        let key = instance_key(actor, instance)?;
        if reports.len() > MAX_LINES {
            return Err(Refusal::rule(
                "/signals",
                format!("at most {MAX_LINES} signals in one request"),
            ));
        }
        let grouped = self.checked(&key, reports).await?;
        let now = self.clock.now();
        let mut buckets = Vec::new();
        for (live, version, counts) in &grouped {
            buckets.push(bucket(live, *version, &key, *counts, now));
            self.judge(live, *version, &key, *counts, now).await?;
        }
        for report in reports {
            self.meter
                .outcomes(&report.credential, report.status_label(), u64::from(report.count));
        }
        self.live.collect(buckets);
        Ok(())
    }

    async fn checked(&self, key: &InstanceKey, reports: &[Report]) -> Result<Vec<Line>, Refusal> {
        let mut lines: BTreeMap<(Name, VersionNumber), Line> = BTreeMap::new();
        let mut broken = Vec::new();
        for (index, report) in reports.iter().enumerate() {
            let live = self.bound(&key.0, &report.credential).await?;
            let handed = live.instances.iter().any(|stored| {
                stored.consumer == key.0
                    && stored.instance == key.1
                    && stored.versions_handed.contains(&report.version)
            }) || self.was_handed_as_previous(&live, key, report.version);
            if !handed {
                let detail = format!("version {} was never handed to this instance", report.version);
                broken.push(RuleError::new(format!("/signals/{index}/version"), detail));
                continue;
            }
            lines
                .entry((report.credential.clone(), report.version))
                .or_insert_with(|| (live, report.version, Counts::default()))
                .2
                .add(report.counts());
        }
        if broken.is_empty() {
            Ok(lines.into_values().collect())
        } else {
            Err(Refusal::Rules(broken))
        }
    }

    /// The version before is handed out beside the candidate, so an instance may have used it.
    fn was_handed_as_previous(
        &self,
        live: &LiveCredential,
        key: &InstanceKey,
        version: VersionNumber,
    ) -> bool {
        let holds_candidate = |rotation: &Rotation| {
            live.instances.iter().any(|stored| {
                stored.consumer == key.0
                    && stored.instance == key.1
                    && stored.versions_handed.contains(&rotation.to)
            })
        };
        live.rotation
            .as_ref()
            .is_some_and(|rotation| rotation.from == Some(version) && holds_candidate(rotation))
    }

    async fn judge(
        &self,
        live: &LiveCredential,
        version: VersionNumber,
        key: &InstanceKey,
        mut counts: Counts,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let id = &live.credential.id;
        if self.live.is_new(id, key, now, START_UP) {
            counts.refused = 0;
        }
        if counts.good > 0 {
            self.live.acknowledged(id, key, version, now);
        } else {
            self.live.seen(id, key, now);
        }
        let is_watched = |rotation: &Rotation| rotation.state.is_watched();
        if live.rotation.as_ref().is_some_and(is_watched) {
            self.live.watched(id, key, version, counts);
        }
        self.weigh(live, version, key, counts, now).await
    }

    /// Puts outcomes to the tests that run, and records what follows. Any replica may, also one that only heard of them.
    pub(crate) async fn weigh(
        &self,
        live: &LiveCredential,
        version: VersionNumber,
        key: &InstanceKey,
        counts: Counts,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let watched = live
            .rotation
            .as_ref()
            .filter(|rotation| rotation.state.is_watched());
        let under_test = watched.and_then(|rotation| Some((&rotation.id, rotation.from?, rotation.to)));
        let observation = Observation {
            credential: &live.credential.id,
            version,
            instance: key,
            counts,
            rotation: under_test,
        };
        match (self.detector.observe(now, &observation), watched) {
            (Verdict::Broken { detail, first_bad_at }, Some(rotation)) => {
                let cause = RollbackCause::Refusals { detail, first_bad_at };
                self.roll_back_by_verdict(&rotation.id, cause).await
            }
            (Verdict::ControlFails { detail }, Some(rotation)) => {
                self.hold_rotation(&rotation.id, &detail).await
            }
            _ => Ok(()),
        }
    }
}

type Line = (std::sync::Arc<LiveCredential>, VersionNumber, Counts);

fn bucket(
    live: &LiveCredential,
    version: VersionNumber,
    key: &InstanceKey,
    counts: Counts,
    now: Timestamp,
) -> OutcomeBucket {
    const MINUTE: i64 = 60_000_000;
    let as_i64 = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    OutcomeBucket {
        credential: live.credential.id.clone(),
        version,
        consumer: key.0.clone(),
        minute: Timestamp::from_micros(now.as_micros() / MINUTE * MINUTE),
        good: as_i64(counts.good),
        refused: as_i64(counts.refused),
        errors: as_i64(counts.errors),
    }
}
