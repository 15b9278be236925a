//! Targets: the places where callers keep values sealed with Rota's keys. PostgreSQL's tables stand in
//! [`crate::postgresql`], beside what else speaks with that server.

mod columns;
mod redis;
mod sqlite;

pub(crate) use columns::{TableFields, login_of, unreadable};
pub use redis::RedisKeys;
pub use sqlite::SqliteTables;
