//! The contract of `engine::ports::Connector`, kept by every kind and strategy against real servers.

#![expect(
    clippy::unwrap_used,
    reason = "in helpers of tests as in tests, a panic is the report"
)]

mod acts;
mod fixture;
mod http_api_key;
mod http_rules;
mod key_service;
mod link;
mod postgresql;
mod postgresql_hostile;
mod postgresql_inspect;
mod postgresql_lost;
mod postgresql_tls;
mod target_mysql;
mod target_s3;
mod targets;
