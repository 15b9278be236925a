//! The ports of the engine over SQLite and PostgreSQL: one SQL text for both.
//!
//! [`Database`] is the one public face. Reads go to a pool; every [`engine::Change`] goes to one writer (`group`)
//! that folds several into one transaction and answers each after it is durable. What differs between the two
//! databases lives in `dialect` and nowhere else. Beside the ports of the engine stand the sign-in sessions
//! (`session`) and the replies to idempotent requests (`idempotency`), which only the server knows.
//!
//! To add a noun: a table in a new migration of both databases, a file here with one statement per function, the
//! match arm in `commit`, and its lines in the contract suite (`tests/contract`).

mod access_ports;
mod account;
mod announce;
mod audit;
mod backup;
mod backup_record;
mod catalog_ports;
mod census;
mod commit;
mod consumer;
mod credential;
mod database;
mod dialect;
mod document;
mod failure;
mod file_lock;
mod freeze;
mod group;
mod hearsay;
mod idempotency;
mod instance;
mod issuer;
mod job;
mod key;
mod key_ports;
mod lease;
mod listener;
mod measure;
mod migration;
mod outcome;
mod record;
mod reencryption_ports;
mod rehearsal;
mod replica;
mod restore;
mod rotation;
mod rotation_ports;
mod secret;
mod session;
mod setting;
mod shape;
mod sign_in_link;
mod soundness;
mod sqlite_path;
mod target;
mod token;
mod version;

pub use backup::Snapshot;
pub use database::{AuditDurability, Database, OpenError, Options};
pub use dialect::Backend;
pub use idempotency::{IdempotencyKey, Reservation};
pub use migration::MigrationError;
pub use restore::{Restoration, RestoreError};
pub use session::StoredSession;
pub use shape::{ColumnKind, TableShape};
