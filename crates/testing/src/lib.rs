//! Real servers for tests: each on a free port, in a temporary folder, stopped when the test no longer holds it.
//!
//! For dev-dependencies only. Whatever goes wrong here panics with a sentence that says what to install or mend.

mod cluster;
mod mariadb;
mod moto;
mod postgres;
mod process;
mod redis;
mod soft_hsm;

pub use mariadb::MariaDb;
pub use moto::Moto;
pub use postgres::Postgres;
pub use redis::Redis;
pub use soft_hsm::SoftHsm;
