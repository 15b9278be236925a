//! Judging versions by what consumers report (§4).
//!
//! `outcome` is what a report says, `likelihood` the sequential test, `watch` the tests of one rotation,
//! `detector` all of them in memory, `service` takes reports in and records verdicts.

pub mod detector;
pub mod likelihood;
pub mod outcome;
pub mod service;
pub mod watch;

pub use detector::{Detector, Rates, Verdict};
pub use outcome::{Counts, OutcomeClass, Report};
