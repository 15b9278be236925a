//! How much is under which version, per target, over time; and what that means for a version's end (REENC-6, KEY-10).

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{JobId, KeyId, TargetId};
use crate::name::Name;
use crate::reencryption::model::{Range, Target};

/// Records under one version of one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionCount {
    /// As envelopes name it.
    pub key: String,
    pub version: u32,
    pub records: u64,
    /// Of the stored values.
    pub bytes: u64,
}

/// What one whole pass over a target met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    pub job: JobId,
    pub target: TargetId,
    pub target_name: Name,
    /// A value that was written after this may be missing; versions that could still seal then are not proven gone.
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
    /// By key and version, in their order.
    pub versions: Vec<VersionCount>,
    /// Records that are no envelope: nobody knows what they need.
    pub malformed: u64,
}

/// Adds a record.
pub fn count(versions: &mut Vec<VersionCount>, key: &str, version: u32, bytes: u64) {
    add(versions, key, version, 1, bytes);
}

fn add(versions: &mut Vec<VersionCount>, key: &str, version: u32, records: u64, bytes: u64) {
    let place = versions.binary_search_by(|known| (known.key.as_str(), known.version).cmp(&(key, version)));
    match place {
        Ok(position) => {
            if let Some(known) = versions.get_mut(position) {
                known.records += records;
                known.bytes += bytes;
            }
        }
        Err(position) => versions.insert(
            position,
            VersionCount {
                key: key.to_owned(),
                version,
                records,
                bytes,
            },
        ),
    }
}

/// The counts of several ranges as one.
pub fn sum<'a>(ranges: impl IntoIterator<Item = &'a Range>) -> Vec<VersionCount> {
    let mut sum = Vec::new();
    for counted in ranges.into_iter().flat_map(|range| &range.versions) {
        add(
            &mut sum,
            &counted.key,
            counted.version,
            counted.records,
            counted.bytes,
        );
    }
    sum
}

/// Of so many records scanned, those that named no version.
pub fn without_version(scanned: u64, versions: &[VersionCount]) -> u64 {
    scanned.saturating_sub(versions.iter().map(|counted| counted.records).sum())
}

impl Census {
    /// Records under a version of a key.
    pub fn records(&self, key: &KeyId, version: u32) -> u64 {
        self.versions
            .iter()
            .filter(|counted| counted.key == key.as_str() && counted.version == version)
            .map(|counted| counted.records)
            .sum()
    }

    /// The oldest version of a key that still has records.
    pub fn oldest(&self, key: &KeyId) -> Option<u32> {
        self.versions
            .iter()
            .filter(|counted| counted.key == key.as_str() && counted.records > 0)
            .map(|counted| counted.version)
            .min()
    }
}

/// Something that still needs a version of a key, or is not proven not to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dependent {
    /// Records in a target, by its latest scan.
    Records {
        target: Name,
        records: u64,
        scanned_at: Timestamp,
    },
    /// A registered target without a whole scan since `since`: nothing is proven.
    NotScanned {
        target: Name,
        /// The latest whole scan.
        scanned_at: Option<Timestamp>,
    },
    /// A registered copy whose retention runs.
    Copy { name: Name, until: Option<Timestamp> },
}

impl Dependent {
    /// In words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Records { target, records, .. } => format!("{records} records in target `{target}`"),
            Self::NotScanned {
                target,
                scanned_at: None,
            } => {
                format!("target `{target}`, which was never scanned")
            }
            Self::NotScanned { target, .. } => {
                format!("target `{target}`, whose last scan began while the version could still seal")
            }
            Self::Copy { name, .. } => format!("the registered copy `{name}`"),
        }
    }
}

/// What a target says about a version. `since` is when the version stopped sealing; None: it may seal still.
pub fn dependents_of_target(
    target: &Target,
    latest: Option<&Census>,
    key: &KeyId,
    version: u32,
    since: Option<Timestamp>,
) -> Option<Dependent> {
    let records = latest.map_or(0, |census| census.records(key, version));
    if let Some(census) = latest.filter(|_| records > 0) {
        return Some(Dependent::Records {
            target: target.name.clone(),
            records,
            scanned_at: census.finished_at,
        });
    }
    let is_proof = |census: &Census| since.is_some_and(|since| census.started_at >= since);
    (target.key == *key && !latest.is_some_and(is_proof)).then(|| Dependent::NotScanned {
        target: target.name.clone(),
        scanned_at: latest.map(|census| census.finished_at),
    })
}
