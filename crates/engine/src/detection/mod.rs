//! Judging versions by what consumers report.
