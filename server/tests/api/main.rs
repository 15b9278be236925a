//! The HTTP API of the real program, by the front door.

#[cfg(test)]
#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the journeys use the rest of the harness")]
mod harness;

#[cfg(test)]
mod access;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod destruction;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod key_operations;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod page_acts;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod reencrypt_command;
mod replicas;
#[cfg(test)]
mod seal;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod targets;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tombstones;
#[cfg(test)]
mod walkthroughs;
