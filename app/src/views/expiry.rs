//! Expiries: a month as calendar and list.

use time::{Date, Month, OffsetDateTime};

use super::PolicyStatus;
use super::credential::NextRotation;

/// A month of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearMonth {
    pub year: i32,
    pub month: Month,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExpiriesView {
    pub month: YearMonth,
    pub today: Date,
    /// Late ones first, whatever the month.
    pub late: Vec<ExpiryLine>,
    /// Of the month, by time.
    pub items: Vec<ExpiryLine>,
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
