//! Rotations from end to end: the real program, a real PostgreSQL as issuer, and consumers that use the real client
//! library to log in with what they are handed.

#[cfg(test)]
#[path = "../harness/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the API's tests use the rest of the harness"
)]
mod harness;

#[cfg(test)]
mod commands;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod rollbacks;
#[cfg(test)]
mod rotations;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod world;
