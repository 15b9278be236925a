//! Expiries: a month as calendar and list.

use time::{Date, Month, OffsetDateTime};

use super::PolicyStatus;
use super::credential::NextRotation;
use super::overview::DayCount;

/// A month of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearMonth {
    pub year: i32,
    pub month: Month,
}

/// Which month, and which of its days; without them the current month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpiriesQuery {
    pub month: Option<YearMonth>,
    /// Narrows the list to one day.
    pub day: Option<Date>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExpiriesView {
    pub month: YearMonth,
    pub today: Date,
    /// What has run out already, whatever the month, the latest first; at most 100.
    pub late: Vec<ExpiryLine>,
    pub late_total: u64,
    /// Days of the month on which something runs out.
    pub days: Vec<DayCount>,
    /// Of the month or the chosen day, by time; at most 100.
    pub items: Vec<ExpiryLine>,
    pub items_total: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExpiryLine {
    pub credential: String,
    pub team: Option<String>,
    pub environment: String,
    /// When its policy's lifetime ends.
    pub expires_at: OffsetDateTime,
    pub status: PolicyStatus,
    pub next_rotation: NextRotation,
}
