//! Re-encryption: jobs that move data to another key version, the places they move it in, and one job, live.

use std::time::Duration;

use time::OffsetDateTime;

use super::{Listing, Point};
use crate::forms::Values;

#[derive(Clone, Debug, PartialEq)]
pub struct ReencryptionsView {
    pub listing: Listing<JobLine>,
    pub running: u64,
    pub paused: u64,
    pub targets: Vec<TargetLine>,
    pub may_operate: bool,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct JobLine {
    pub id: String,
    pub target: String,
    pub key: String,
    pub mode: JobMode,
    pub state: JobState,
    /// Only records under this version.
    pub from: Option<u64>,
    pub scanned: u64,
    /// About how many records there are.
    pub total: Option<u64>,
    pub started_by: String,
    pub created_at: OffsetDateTime,
    pub finished_at: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobMode {
    Rewrap,
    Reencrypt,
    Shadow,
    DryRun,
    Scan,
}

impl JobMode {
    pub const ALL: [Self; 5] = [
        Self::Rewrap,
        Self::Reencrypt,
        Self::Shadow,
        Self::DryRun,
        Self::Scan,
    ];

    /// The wire's name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Rewrap => "rewrap",
            Self::Reencrypt => "reencrypt",
            Self::Shadow => "shadow",
            Self::DryRun => "dry_run",
            Self::Scan => "scan",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Rewrap => "rewrap",
            Self::Reencrypt => "re-encrypt",
            Self::Shadow => "shadow run",
            Self::DryRun => "dry run",
            Self::Scan => "scan",
        }
    }

    /// What it does to the records.
    pub fn effect(self) -> &'static str {
        match self {
            Self::Rewrap => {
                "Wraps each record's data key anew under the active version; the payload stays. Records of a revoked version get a new data key all the same."
            }
            Self::Reencrypt => {
                "Gives each record a new data key and writes its payload anew. Slower; for after a compromise."
            }
            Self::Shadow => {
                "Does all of it in memory beside the real data, compares what comes out, keeps nothing."
            }
            Self::DryRun => "Counts what would be moved. Changes nothing.",
            Self::Scan => "Counts what stands under which version. Changes nothing.",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.slug() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    Planned,
    Running,
    Paused {
        why: String,
        /// Too many records did not open; only a person resumes it.
        by_breaker: bool,
    },
    Completed,
    Failed {
        why: String,
    },
    Cancelled {
        why: String,
    },
}

impl JobState {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Paused { .. } => "paused",
            Self::Completed => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Paused { why, .. } | Self::Failed { why } | Self::Cancelled { why } => Some(why),
            Self::Planned | Self::Running | Self::Completed => None,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed { .. } | Self::Cancelled { .. }
        )
    }
}

/// A job's own page.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    pub line: JobLine,
    pub reason: String,
    pub counts: JobCounts,
    /// Records per second, over the last seconds.
    pub rate: Option<f64>,
    pub left: Option<Duration>,
    /// Records per second, over time.
    pub rates: Vec<Point>,
    pub tuning: JobTuning,
    pub ranges: u64,
    pub ranges_done: u64,
    /// Replicas that work on it now.
    pub workers: u64,
    /// Why it does not get on at present.
    pub trouble: Option<String>,
    pub failing: Vec<FailingRecord>,
    pub may_operate: bool,
}

/// What was done, over all passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub scanned: u64,
    pub moved: u64,
    pub current: u64,
    pub other_key: u64,
    pub conflicts: u64,
    pub left: u64,
    pub unreadable: u64,
    pub differing: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobTuning {
    pub batch_size: u32,
    pub concurrency: u32,
    /// `None`: as fast as those in the foreground allow.
    pub rate: Option<u32>,
    /// Percent of records that do not open, at which it pauses itself.
    pub breaker_percent: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FailingRecord {
    /// Where it stands: never what it holds.
    pub locator: String,
    pub version: Option<u64>,
    pub why: String,
    pub at: OffsetDateTime,
}

/// A place in which sealed values stand.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetLine {
    pub name: String,
    /// In words: "PostgreSQL table".
    pub kind: String,
    pub key: String,
    pub credential: Option<String>,
    /// Settings in reading order, without secrets.
    pub settings: Vec<(String, String)>,
    pub scanned_at: Option<OffsetDateTime>,
    pub records: Option<u64>,
    pub oldest_version: Option<u64>,
    /// A real job needs a shadow run that found everything readable first.
    pub needs_shadow: bool,
}

/// A target before it is taken off the list: what then changes.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetView {
    pub line: TargetLine,
    /// Version of its key and records, as the latest scan counted them.
    pub versions: Vec<(u64, u64)>,
    /// The job under way: until it ends, nothing is changed.
    pub job: Option<String>,
    /// Registered copies of what stands there.
    pub copies: Vec<String>,
}

/// What the form of a target offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetFormView {
    pub kinds: Vec<TargetKind>,
    pub keys: Vec<String>,
    pub credentials: Vec<String>,
    /// The target that is changed; `None`: a new one.
    pub present: Option<PresentTarget>,
}

/// A target before it is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresentTarget {
    pub name: String,
    /// In words: "PostgreSQL table with values of key cards".
    pub fixed: String,
    pub values: Values,
}

/// The kinds of places that can be a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Postgresql,
    Mysql,
    Sqlite,
    Redis,
    S3,
}

impl TargetKind {
    pub const ALL: [Self; 5] = [Self::Postgresql, Self::Mysql, Self::Sqlite, Self::Redis, Self::S3];

    /// The wire's name.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Sqlite => "sqlite",
            Self::Redis => "redis",
            Self::S3 => "s3",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Postgresql => "PostgreSQL table",
            Self::Mysql => "MySQL or MariaDB table",
            Self::Sqlite => "SQLite table",
            Self::Redis => "Redis keys",
            Self::S3 => "S3 objects",
        }
    }

    pub fn remark(self) -> &'static str {
        match self {
            Self::Postgresql | Self::Mysql => {
                "One column of a table, its rows found again by the primary key."
            }
            Self::Sqlite => "One column of a table in a file on this machine.",
            Self::Redis => "Values of the keys that match a pattern.",
            Self::S3 => "Objects below a prefix of an S3-compatible store.",
        }
    }

    /// What the field “Where” may hold.
    pub fn example(self) -> &'static str {
        match self {
            Self::Postgresql => {
                r#"{"host": "db.internal", "port": 5432, "database": "orders", "table": "customer", "column": "card"}"#
            }
            Self::Mysql => {
                r#"{"host": "db.internal", "port": 3306, "database": "orders", "table": "customer", "column": "card"}"#
            }
            Self::Sqlite => r#"{"file": "/var/lib/orders/orders.db", "table": "customer", "column": "card"}"#,
            Self::Redis => r#"{"host": "cache.internal", "port": 6379, "pattern": "session:*"}"#,
            Self::S3 => {
                r#"{"endpoint": "https://s3.internal", "region": "eu-central-1", "bucket": "invoices", "prefix": "2026/"}"#
            }
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == text)
    }
}
