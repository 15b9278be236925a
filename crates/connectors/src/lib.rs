//! Issuers: the systems that accept a credential, each behind [`engine::ports::Connector`]; and targets of
//! re-encryption, each behind [`engine::ports::TargetKind`].
//!
//! Another kind of issuer is one more module here and one more line in [`all`]; nothing else knows the kinds.

pub mod aws_signature;
pub mod http_api_key;
pub mod postgresql;
pub mod target;

mod address;
mod database_server;
mod fields;
mod mask;
mod password;
mod web;

use std::sync::Arc;

use engine::ports::Connectors;
use engine::{Clock, Randomness};

/// Every kind of issuer and of target there is. `randomness` salts the password verifiers that PostgreSQL is sent,
/// `clock` dates the signatures of requests to S3.
pub fn all(randomness: Arc<dyn Randomness + Send + Sync>, clock: Arc<dyn Clock>) -> Connectors {
    Connectors::default()
        .with(Arc::new(postgresql::PostgreSql::new(randomness)))
        .with(Arc::new(http_api_key::HttpApiKey))
        .with_target(Arc::new(postgresql::PostgreSqlTables))
        .with_target(Arc::new(target::MySqlTables))
        .with_target(Arc::new(target::SqliteTables))
        .with_target(Arc::new(target::RedisKeys))
        .with_target(Arc::new(target::S3Objects::new(clock)))
}
