//! The HTTP API of the real program, by the front door.

#[path = "../harness/mod.rs"]
mod harness;

mod access;
mod catalog;
mod command_line;
mod contract;
mod delivery;
mod idempotency;
mod sign_in;
mod telemetry;
