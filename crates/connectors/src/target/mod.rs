//! Targets: the places where callers keep values sealed with Rota's keys. PostgreSQL's tables stand in
//! [`crate::postgresql`], beside what else speaks with that server.

mod columns;
mod keys;
mod mysql;
mod redis;
mod s3;
mod sqlite;

pub(crate) use columns::{TableFields, login_of, unreadable};
pub(crate) use keys::{between, cursor_of, keys_of, locator_of, misread, read_cursor};
pub use mysql::MySqlTables;
pub use redis::RedisKeys;
pub use s3::S3Objects;
pub use sqlite::SqliteTables;
