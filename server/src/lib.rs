//! The outside world and the composition root.
//!
//! `commands` reads the command line, `config` checks it, `composition` builds the parts, `http` answers, `auth` says who is
//! asking, `workers` act without being asked. Only `composition` knows both the store and the connectors.

pub mod announcements;
pub mod assets;
pub mod auth;
pub mod commands;
pub mod composition;
pub mod config;
pub mod control;
pub mod host;
pub mod http;
pub mod memory;
pub mod recovery;
pub mod root_key;
pub mod sandbox;
pub mod telemetry;
pub mod workers;
