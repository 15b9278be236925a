//! What a consumer says happened when it used a version.

use serde::{Deserialize, Serialize};

use crate::catalog::VersionNumber;
use crate::name::Name;

/// The caller's own word for an outcome, where a status alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeClass {
    /// The credential was refused (a database has no 401).
    Auth,
    /// Something else went wrong.
    Error,
    Ok,
}

/// One line of a report: `count` uses of a version that ended alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub credential: Name,
    pub version: VersionNumber,
    pub status: u16,
    pub class: Option<OutcomeClass>,
    pub count: u32,
}

/// Outcomes by what they mean for a credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub good: u64,
    /// 401, 403 or class `auth`.
    pub refused: u64,
    /// 5xx and class `error`: shown, never held against a version.
    pub errors: u64,
}

impl Counts {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.good += other.good;
        self.refused += other.refused;
        self.errors += other.errors;
    }

    /// Outcomes that say something about the credential.
    pub fn judged(self) -> u64 {
        self.good + self.refused
    }
}

impl Report {
    /// What this line means for the credential. The class, where given, outweighs the status.
    pub fn counts(&self) -> Counts {
        let count = u64::from(self.count);
        let refused = Counts {
            refused: count,
            ..Counts::default()
        };
        let errors = Counts {
            errors: count,
            ..Counts::default()
        };
        let good = Counts {
            good: count,
            ..Counts::default()
        };
        match (self.class, self.status) {
            (Some(OutcomeClass::Auth), _) | (None, 401 | 403) => refused,
            (Some(OutcomeClass::Error), _) | (None, 500..) => errors,
            // Any other answer means that the credential was accepted: 404 is a good login.
            (Some(OutcomeClass::Ok), _) | (None, _) => good,
        }
    }

    /// The label under which it is counted in `/metrics`.
    pub fn status_label(&self) -> &'static str {
        match (self.class, self.status) {
            (_, 403) => "403",
            (Some(OutcomeClass::Auth), _) | (_, 401) => "401",
            (Some(OutcomeClass::Error), _) | (_, 500..) => "5xx",
            (_, 400..=499) => "4xx",
            _ => "2xx",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(status: u16, class: Option<OutcomeClass>) -> (u64, u64, u64) {
        let name = Name::parse("x").unwrap();
        let counts = Report {
            credential: name,
            version: VersionNumber(1),
            status,
            class,
            count: 1,
        }
        .counts();
        (counts.good, counts.refused, counts.errors)
    }

    #[test]
    fn only_refusals_count_against_a_version() {
        assert_eq!(counts(200, None), (1, 0, 0));
        assert_eq!(counts(404, None), (1, 0, 0));
        assert_eq!(counts(401, None), (0, 1, 0));
        assert_eq!(counts(403, None), (0, 1, 0));
        assert_eq!(counts(503, None), (0, 0, 1));
        assert_eq!(counts(0, Some(OutcomeClass::Auth)), (0, 1, 0));
        assert_eq!(counts(500, Some(OutcomeClass::Auth)), (0, 1, 0));
        assert_eq!(counts(200, Some(OutcomeClass::Error)), (0, 0, 1));
    }
}
