//! Real servers for tests: each on a free port, in a temporary folder, stopped when the test no longer holds it.
//!
//! For dev-dependencies only. Whatever goes wrong here panics with a sentence that says what to install or mend.

mod cluster;
mod postgres;

pub use postgres::Postgres;
