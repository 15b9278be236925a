//! What each page shows, as plain data.
//!
//! A page draws exactly one of these and computes nothing of its own: every number on the screen stands here, put there
//! by the [`crate::reader::Reader`]. Words and layout are the page's business, figures are not.

pub mod audit;
pub mod catalog;
pub mod consumer;
pub mod credential;
pub mod expiry;
pub mod frame;
pub mod issuer;
pub mod key;
pub mod need;
pub mod overview;
pub mod recovery;
pub mod reencryption;
pub mod root;
pub mod rotation;
pub mod settings;

use std::time::Duration;

/// How old a version is, in the three bands of UI-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgeBand {
    Fresh,
    Ageing,
    Stale,
}

impl AgeBand {
    /// The word that always stands beside the colour.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Ageing => "ageing",
            Self::Stale => "stale",
        }
    }

    /// The wire's name of the band, used in filters and class names.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Fresh => "green",
            Self::Ageing => "yellow",
            Self::Stale => "red",
        }
    }

    /// Reads the wire's name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "green" => Some(Self::Fresh),
            "yellow" => Some(Self::Ageing),
            "red" => Some(Self::Stale),
            _ => None,
        }
    }
}

/// Where a credential stands against its own policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyStatus {
    OnTime,
    Due,
    Overdue,
}

impl PolicyStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::OnTime => "on time",
            Self::Due => "due",
            Self::Overdue => "overdue",
        }
    }

    pub fn slug(self) -> &'static str {
        match self {
            Self::OnTime => "on_time",
            Self::Due => "due",
            Self::Overdue => "overdue",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "on_time" => Some(Self::OnTime),
            "due" => Some(Self::Due),
            "overdue" => Some(Self::Overdue),
            _ => None,
        }
    }
}

/// The age of a current version against the lifetime its policy gives it: what the ring draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Age {
    pub age: Duration,
    pub lifetime: Duration,
    pub band: AgeBand,
}

impl Age {
    /// The share of the lifetime that is used, 0 to 1 (more than 1 is drawn as 1).
    pub fn share_used(&self) -> f64 {
        if self.lifetime.is_zero() {
            return 1.0;
        }
        self.age.as_secs_f64() / self.lifetime.as_secs_f64()
    }
}

/// One point of a trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: time::OffsetDateTime,
    pub value: f64,
}

/// A page of a long list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// How many there are with these filters, over all pages.
    pub total: u64,
    /// How many there are without any filter: tells first use from an empty result.
    pub unfiltered_total: u64,
    pub next_cursor: Option<String>,
}

impl<T> Listing<T> {
    /// Whether nothing of this kind exists yet, filters aside.
    pub fn is_first_use(&self) -> bool {
        self.unfiltered_total == 0
    }
}
