//! The contract of every port, run on SQLite and on a real PostgreSQL.

mod access;
mod audit;
mod catalog;
mod concurrency;
mod fixture;
mod life;
mod replicas;
mod rotation;
mod server_side;
