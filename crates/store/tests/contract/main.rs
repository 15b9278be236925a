//! The contract of every port, run on SQLite and on a real PostgreSQL.

// `cfg(test)` always holds here; it is what clippy goes by when it allows `unwrap` in tests.
#[cfg(test)]
mod access;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod life;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod server_side;
#[cfg(test)]
mod torn;
