//! Keys: the list and one of them, with its versions, what depends on them and what they do.

use std::time::Duration;

use time::OffsetDateTime;

use super::credential::{FindingLine, NextRotation};
use super::{Age, Listing, Point};
use crate::forms::Values;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeysQuery {
    pub text: Option<String>,
    pub purpose: Option<String>,
    pub environment: Option<String>,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct KeysView {
    pub listing: Listing<KeyLine>,
    /// Keys that encrypt or sign nothing now, since their newest version is suspended.
    pub suspended: u64,
    pub may_operate: bool,
}

/// One key in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyLine {
    pub name: String,
    /// As on the wire: "aes256-gcm".
    pub algorithm: String,
    /// In a word: "encrypt", "sign", "authenticate".
    pub purpose: String,
    pub sensitivity: String,
    pub environment: Option<String>,
    pub team: Option<String>,
    /// `None` while the newest version is suspended.
    pub active: Option<u64>,
    /// Of the active version, against the age at which it is replaced.
    pub age: Option<Age>,
    pub next_rotation: NextRotation,
    /// Versions that still open values, besides the active one.
    pub opening: u64,
    /// What about it waits for a person, in few words each: "version 1 is not drained".
    pub notes: Vec<String>,
}

/// A key's own page.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyView {
    pub line: KeyLine,
    /// What it is for, in its owner's words.
    pub description: Option<String>,
    pub tags: Vec<(String, String)>,
    pub policy: KeyPolicyView,
    /// By number.
    pub versions: Vec<KeyVersionLine>,
    /// When the active version is replaced, for the dotted lane.
    pub planned: Option<OffsetDateTime>,
    /// The version that is being handed to every replica before it becomes active.
    pub promoting: Option<u64>,
    pub rotate: RotateKey,
    pub census: CensusView,
    /// Operations per second by version, of the last minutes.
    pub operations: Vec<VersionSeries>,
    pub findings: Vec<FindingLine>,
    /// The address that programs reach this server at.
    pub server_url: String,
    /// Its data does not open, and nobody has said yet that they looked.
    pub has_alarm: bool,
    pub may_operate: bool,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct KeyPolicyView {
    pub rotate_every: Option<Duration>,
    pub grace: Duration,
    pub max_uses: u64,
    pub exportable: bool,
    pub minimum_version: u64,
    /// Empty: operators, or administrators of a critical key.
    pub callers: Vec<String>,
}

/// What pressing "Rotate now" would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotateKey {
    Ready {
        next_version: u64,
    },
    /// The version before is not drained: going on must be confirmed.
    NotDrained {
        next_version: u64,
        /// In words: what still stands under it.
        why: String,
    },
    Blocked {
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct KeyVersionLine {
    pub number: u64,
    pub state: KeyState,
    pub imported: bool,
    pub created_at: OffsetDateTime,
    pub activated_at: Option<OffsetDateTime>,
    pub state_since: OffsetDateTime,
    /// Why it is in its state.
    pub reason: String,
    pub destroy_at: Option<OffsetDateTime>,
    /// Who asked for that.
    pub destruction: Option<DestructionLine>,
    pub destroyed_at: Option<OffsetDateTime>,
    pub uses: u64,
    pub opened_at: Option<OffsetDateTime>,
    /// What needs it, a line each; empty: nothing is known to.
    pub dependents: Vec<String>,
    /// What the viewer may do with it now.
    pub moves: Vec<KeyMove>,
}

/// A destruction that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestructionLine {
    pub asked_by: String,
    pub reason: String,
    /// `None`: it waits for a second person.
    pub approved_by: Option<String>,
    /// Its time passed before anybody agreed.
    pub lapsed: bool,
    /// The viewer asked, so somebody else must agree.
    pub is_own: bool,
}

/// The states of NIST SP 800-57, in its words but for `deprecated`, which opens and no longer seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    PreActive,
    Active,
    Deprecated,
    Suspended,
    Revoked,
    Destroyed,
}

impl KeyState {
    pub fn word(self) -> &'static str {
        match self {
            Self::PreActive => "pre-active",
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Destroyed => "destroyed",
        }
    }

    /// What a version in this state does.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::PreActive => "made and handed to every replica, used for nothing yet",
            Self::Active => "seals and opens",
            Self::Deprecated => "opens only",
            Self::Suspended => "refuses everybody until it is resumed",
            Self::Revoked => "refuses everybody; only moving data away may open it",
            Self::Destroyed => "its material is shredded; what is under it is lost",
        }
    }
}

/// A button beside a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMove {
    pub verb: KeyVerb,
    /// What pressing it does, to whom.
    pub effect: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVerb {
    Suspend,
    Resume,
    Revoke,
    UndoRevocation,
    ScheduleDestruction,
    ApproveDestruction,
    KeepMaterial,
}

impl KeyVerb {
    pub const ALL: [Self; 7] = [
        Self::Suspend,
        Self::Resume,
        Self::Revoke,
        Self::UndoRevocation,
        Self::ScheduleDestruction,
        Self::ApproveDestruction,
        Self::KeepMaterial,
    ];

    /// The value of the form's `action` field.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
            Self::UndoRevocation => "undo_revocation",
            Self::ScheduleDestruction => "schedule_destruction",
            Self::ApproveDestruction => "approve_destruction",
            Self::KeepMaterial => "keep_material",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.slug() == text)
    }

    /// What the button says of version `number`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend",
            Self::Resume => "Resume",
            Self::Revoke => "Revoke",
            Self::UndoRevocation => "Undo revocation",
            Self::ScheduleDestruction => "Ask for destruction",
            Self::ApproveDestruction => "Approve destruction",
            Self::KeepMaterial => "Keep it",
        }
    }

    pub fn is_grave(self) -> bool {
        matches!(
            self,
            Self::Suspend | Self::Revoke | Self::ScheduleDestruction | Self::ApproveDestruction
        )
    }
}

/// How much stands under which version, over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CensusView {
    /// Whole scans, oldest first, over all targets.
    pub scans: Vec<CensusPoint>,
    pub targets: Vec<CensusTarget>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CensusPoint {
    pub at: OffsetDateTime,
    /// Version and records, by version.
    pub versions: Vec<(u64, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CensusTarget {
    pub name: String,
    pub kind: String,
    pub scanned_at: Option<OffsetDateTime>,
    /// Version and records, by version.
    pub versions: Vec<(u64, u64)>,
    pub malformed: u64,
}

/// Operations of one version per second.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionSeries {
    pub version: u64,
    pub points: Vec<Point>,
}

/// What the form of a new key offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFormView {
    pub algorithms: Vec<AlgorithmChoice>,
    pub environments: Vec<String>,
    pub teams: Vec<String>,
    /// The key that is changed; `None`: a new one.
    pub present: Option<PresentKey>,
}

/// A key before it is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentKey {
    pub name: String,
    /// What the fields hold before anything is typed.
    pub values: Values,
    /// What stays for good, in words: "aes256-gcm, encrypt, medium sensitivity".
    pub fixed: String,
    pub newest_version: u64,
    pub exportable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmChoice {
    /// As on the wire.
    pub name: String,
    /// "encrypt", "sign", "authenticate".
    pub purpose: String,
    /// When to choose it.
    pub remark: String,
}
