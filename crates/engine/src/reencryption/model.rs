//! The facts: targets, jobs, ranges and what they count.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{JobId, KeyId, TargetId};
use crate::name::Name;
use crate::ports::{Bounds, Cursor, Locator};
use crate::reencryption::breaker::{BreakerPolicy, Window};
use crate::reencryption::census::VersionCount;
use crate::reencryption::state::JobState;
use crate::reencryption::template::ContextTemplate;

/// A place where callers keep values sealed with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub id: TargetId,
    pub name: Name,
    /// The label of its [`crate::ports::TargetKind`].
    pub kind: String,
    /// The key that its values are sealed with.
    pub key: KeyId,
    pub key_name: Name,
    /// As its kind checked it.
    pub config: serde_json::Value,
    /// Whose current version signs in there, so that Rota rotates it too.
    pub credential: Option<Name>,
    pub encoding: Encoding,
    /// How the callers' context is made from a record; only new data keys need it.
    pub context: ContextTemplate,
    /// A real job is refused until a shadow run found everything readable (KEY-15).
    pub require_shadow: bool,
    pub created_at: Timestamp,
    pub revision: i64,
}

/// How an envelope stands in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The bytes themselves.
    #[default]
    Raw,
    /// Standard base64 with padding.
    Base64,
}

/// What a job does with the records it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Wraps the data key anew; the payload stays. Records of a revoked version get a new data key all the same.
    Rewrap,
    /// New data key and payload.
    Reencrypt,
    /// Does all of it in memory, compares what comes out, keeps nothing.
    Shadow,
    /// Counts what would be moved.
    DryRun,
    /// Counts what is there, by version.
    Scan,
}

impl Mode {
    /// The word in the API.
    pub fn label(self) -> &'static str {
        match self {
            Self::Rewrap => "rewrap",
            Self::Reencrypt => "reencrypt",
            Self::Shadow => "shadow",
            Self::DryRun => "dry_run",
            Self::Scan => "scan",
        }
    }

    /// Whether it changes records.
    pub fn is_moving(self) -> bool {
        matches!(self, Self::Rewrap | Self::Reencrypt)
    }
}

/// What may be turned while it runs (GOV-8 gives the defaults).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// Records of one look.
    pub batch_size: u32,
    /// Ranges worked on at once, over all replicas.
    pub concurrency: u32,
    /// Records per second over all replicas; None: as fast as those in the foreground allow. A record that is only
    /// read counts as a tenth.
    pub rate: Option<u32>,
    pub breaker: BreakerPolicy,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            batch_size: 1_000,
            concurrency: 10,
            rate: Some(100),
            breaker: BreakerPolicy::default(),
        }
    }
}

/// One run over a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: JobId,
    pub target: TargetId,
    pub target_name: Name,
    pub key: KeyId,
    pub key_name: Name,
    pub mode: Mode,
    /// Only records under this version; None: under any but the active one.
    pub from: Option<u32>,
    pub state: JobState,
    pub tuning: Tuning,
    pub reason: String,
    pub started_by: String,
    /// Runs over the whole target so far, this one among them; 0 until the first begins.
    pub pass: u32,
    pub pass_started_at: Option<Timestamp>,
    /// About how many records a pass meets.
    pub total: Option<u64>,
    /// Of the passes that ended; those of the present one stand in its ranges.
    pub done: Counts,
    /// Of the last pass that ended.
    pub failures: Vec<FailedRecord>,
    /// Why it does not get on at present: the target or the key is away.
    pub trouble: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub revision: i64,
}

/// Part of one pass of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    pub job: JobId,
    pub pass: u32,
    pub number: u32,
    pub bounds: Bounds,
    /// Everything up to here is done. None: nothing yet.
    pub cursor: Option<Cursor>,
    pub is_finished: bool,
    pub counts: Counts,
    /// What was met, by key and version, as it was before.
    pub versions: Vec<VersionCount>,
    /// The latest outcomes, for the breaker.
    pub window: Window,
    pub failures: Vec<FailedRecord>,
    /// Who works on it; the store's columns tell, not the body.
    #[serde(skip)]
    pub lease: RangeLease,
}

/// Who works on a range and until when. The token only rises.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeLease {
    pub holder: Option<String>,
    pub token: i64,
    pub until: Timestamp,
}

/// What was done. Sums over ranges and passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub scanned: u64,
    /// Moved to the active version, or shown to be movable by a dry run or a shadow run.
    pub moved: u64,
    /// Under the active version already, or not asked for.
    pub current: u64,
    /// Sealed with another key.
    pub other_key: u64,
    /// Somebody else wrote at the same moment; read again and tried again.
    pub conflicts: u64,
    /// Still changing after several tries; the next pass meets them again.
    pub left: u64,
    /// Gone between two looks.
    pub gone: u64,
    /// Did not open, or is no envelope.
    pub unreadable: u64,
    /// A shadow run's plaintexts that came out different. Must be zero.
    pub differing: u64,
    /// Time spent on shadow records, in microseconds, and the longest of one.
    pub shadow_micros: u64,
    pub shadow_longest_micros: u64,
}

impl Counts {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.scanned += other.scanned;
        self.moved += other.moved;
        self.current += other.current;
        self.other_key += other.other_key;
        self.conflicts += other.conflicts;
        self.left += other.left;
        self.gone += other.gone;
        self.unreadable += other.unreadable;
        self.differing += other.differing;
        self.shadow_micros += other.shadow_micros;
        self.shadow_longest_micros = self.shadow_longest_micros.max(other.shadow_longest_micros);
    }

    /// These, followed by a later pass: what was moved adds up, what was met is that of the later one.
    #[must_use]
    pub fn then(&self, pass: &Self) -> Self {
        Self {
            moved: self.moved + pass.moved,
            conflicts: self.conflicts + pass.conflicts,
            gone: self.gone + pass.gone,
            ..*pass
        }
    }

    /// What a rate counts, in tenths of a record: reading is a tenth of moving.
    pub fn cost_tenths(&self) -> u64 {
        self.scanned + 9 * (self.moved + self.conflicts + self.unreadable)
    }
}

/// Why a record could not be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No envelope, or a damaged one.
    Malformed,
    /// Its tag does not match: changed, or another context.
    NotAuthentic,
    /// The state of its version forbids opening.
    VersionRefused,
    /// No such version.
    UnknownVersion,
    /// A shadow run's plaintext came out different.
    Differs,
}

impl FailureClass {
    /// The word in the API.
    pub fn label(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAuthentic => "not_authentic",
            Self::VersionRefused => "version_refused",
            Self::UnknownVersion => "unknown_version",
            Self::Differs => "differs",
        }
    }
}

/// A record that could not be moved. Names no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRecord {
    pub locator: Locator,
    pub version: Option<u32>,
    pub class: FailureClass,
    pub detail: String,
    pub at: Timestamp,
}

/// So many failing records a range lists.
pub const LISTED_PER_RANGE: usize = 20;
/// So many failing records a job shows.
pub const LISTED: usize = 100;

impl Job {
    /// What it did so far, with the ranges of its present pass.
    pub fn counts(&self, ranges: &[Range]) -> Counts {
        if self.state.is_terminal() {
            return self.done;
        }
        let mut pass = Counts::default();
        for range in self.present(ranges) {
            pass.add(&range.counts);
        }
        self.done.then(&pass)
    }

    /// The ranges of its present pass.
    pub fn present<'a>(&self, ranges: &'a [Range]) -> impl Iterator<Item = &'a Range> {
        let pass = self.pass;
        ranges.iter().filter(move |range| range.pass == pass)
    }

    /// The failing records, those of the present pass first.
    pub fn failing(&self, ranges: &[Range]) -> Vec<FailedRecord> {
        let mut failing: Vec<FailedRecord> = self
            .present(ranges)
            .flat_map(|range| range.failures.iter().cloned())
            .collect();
        for failure in &self.failures {
            if !failing.iter().any(|listed| listed.locator == failure.locator) {
                failing.push(failure.clone());
            }
        }
        failing.truncate(LISTED);
        failing
    }
}
