//! The services on a real store, and where an issuer is needed, on a real PostgreSQL.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop at the first surprise, as the tests do"
)]

mod access;
mod audit;
mod callers;
mod catalog;
mod destruction;
mod house;
mod key_gates;
mod key_notes;
mod key_transfer;
mod keys;
mod root;
mod root_migration;
mod roots;
mod seal;
