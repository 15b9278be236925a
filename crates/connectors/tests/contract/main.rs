//! The contract of `engine::ports::Connector`, kept by every kind and strategy against real servers.

mod acts;
mod fixture;
mod postgresql;
mod postgresql_hostile;
mod postgresql_inspect;
mod postgresql_lost;
