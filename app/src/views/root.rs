//! The root of trust: what wraps the wrapping keys, whether it is open, and what people enter to open it.

use time::OffsetDateTime;

#[derive(Clone, Debug, PartialEq)]
pub struct RootView {
    pub seal: SealState,
    /// In words: "a sealed file with a passphrase".
    pub kind: String,
    /// Where it is, without secrets.
    pub described: String,
    /// It stands elsewhere and may be away.
    pub remote: bool,
    /// A remote root answers now.
    pub answers: Option<bool>,
    pub classes: Vec<ClassLine>,
    /// A move to another root that was begun and not finished: in words.
    pub migration: Option<String>,
    pub may_operate: bool,
    pub may_administer: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealState {
    Open,
    /// Waits for shares: so many of so many were entered.
    NeedsShares {
        entered: u64,
        needed: u64,
    },
    NeedsPassphrase,
    /// A person or the server closed it, or the root is away: in words.
    Sealed {
        why: String,
    },
}

impl SealState {
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }

    /// What every page says while it is not open.
    pub fn words(&self) -> String {
        match self {
            Self::Open => "Open.".to_owned(),
            Self::NeedsShares { entered, needed } => {
                format!("Sealed: {entered} of {needed} shares are entered.")
            }
            Self::NeedsPassphrase => "Sealed: it waits for its passphrase.".to_owned(),
            Self::Sealed { why } => format!("Sealed: {why}."),
        }
    }
}

/// The wrapping key of one class of sensitivity.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassLine {
    /// In words: "critical", "Rota's own values".
    pub class: String,
    pub version: u64,
    pub since: OffsetDateTime,
    pub rotates_after_days: u64,
}
