//! The overview: is all well, in five seconds.

use std::time::Duration;

use time::{Date, OffsetDateTime};

use super::Point;
use super::credential::CredentialLine;
use super::need::NeedLine;
use super::rotation::RotationLine;

/// The span that trends and tallies cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    #[default]
    Month,
    Quarter,
    Year,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Month, Self::Quarter, Self::Year];

    pub fn days(self) -> u32 {
        match self {
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
        }
    }

    pub fn slug(self) -> &'static str {
        match self {
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::Year => "1y",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Month => "30 d",
            Self::Quarter => "90 d",
            Self::Year => "1 y",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.slug() == text)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OverviewView {
    pub span: Span,
    pub credentials: u64,
    pub services: u64,
    /// Credentials that rotate without a person.
    pub credentials_automated: u64,
    /// Services whose every credential rotates without a person (the formula of UI-1).
    pub services_automated: u64,
    /// Percent of services fully automated, over time; empty at first.
    pub automated_trend: Vec<Point>,
    pub mean_age: Option<Duration>,
    /// Mean age in days, over time; empty at first.
    pub mean_age_trend: Vec<Point>,
    /// The days of the span that were measured, oldest first.
    pub days: Vec<DayFigures>,
    pub rotations: RotationTally,
    pub incidents: IncidentTally,
    /// Largest team first.
    pub teams: Vec<TeamAges>,
    /// Thirty days from today, and before them one entry for all that is late.
    pub expiries: Vec<DayCount>,
    pub late_expiries: u64,
    pub in_flight: Vec<RotationLine>,
    pub needs_person: Vec<NeedLine>,
    pub needs_person_total: u64,
    pub rolled_back: Vec<RolledBack>,
    pub longest_lived: Vec<CredentialLine>,
}

/// Rotations that ended within the span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RotationTally {
    pub completed: u64,
    pub rolled_back: u64,
    pub other: u64,
    pub previous_total: Option<u64>,
    /// Ended rotations per day.
    pub per_day: Vec<Point>,
}

impl RotationTally {
    pub fn total(&self) -> u64 {
        self.completed + self.rolled_back + self.other
    }
}

/// Incidents from expired or leaked secrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncidentTally {
    pub last_year: u64,
    pub year_before: Option<u64>,
    /// The first day that was measured.
    pub since: Option<Date>,
}

/// What was measured on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct DayFigures {
    pub day: Date,
    /// Of services; `None` while there is none.
    pub percent_automated: Option<f64>,
    pub mean_age_days: Option<f64>,
    pub fresh: u64,
    pub ageing: u64,
    pub stale: u64,
    pub completed: u64,
    pub rolled_back: u64,
    pub incidents: u64,
}

/// Credentials of one team by age band.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamAges {
    /// `None`: nobody owns them.
    pub team: Option<String>,
    pub fresh: u64,
    pub ageing: u64,
    pub stale: u64,
}

impl TeamAges {
    pub fn total(&self) -> u64 {
        self.fresh + self.ageing + self.stale
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DayCount {
    pub day: Date,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RolledBack {
    pub rotation: String,
    pub credential: String,
    pub at: OffsetDateTime,
    /// Why, in words a person can act on.
    pub reason: String,
}
