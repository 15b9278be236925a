//! Wire types of HTTP v1: what requests and replies look like, and nothing else.
//!
//! One module per noun. Requests refuse unknown fields; replies may grow. Rules of the domain (names, limits,
//! legal moves) live in the engine: what stands here only says which JSON is understood.
//!
//! Invariant: this crate knows no database, no clock and no HTTP server, and builds for wasm32. The feature
//! `client` adds a typed HTTP client, `openapi` adds schemas.

pub mod account;
pub mod audit;
#[cfg(feature = "engine")]
pub mod body;
#[cfg(feature = "client")]
pub mod client;
pub mod consumer;
pub mod credential;
pub mod delivery;
pub mod duration;
pub mod finding;
pub mod freeze;
#[cfg(feature = "engine")]
pub mod from_engine;
pub mod issuer;
pub mod key;
pub mod page;
pub mod policy;
pub mod problem;
pub mod recovery;
pub mod reencryption;
pub mod root;
pub mod rotation;
pub mod secret;
pub mod signal;
pub mod timestamp;
pub mod token;
pub mod version;

pub use account::{Role, Whoami};
pub use audit::{AuditCheckpoint, AuditEntry};
#[cfg(feature = "client")]
pub use client::{Client, ClientError, ClientOptions};
pub use consumer::{Consumer, ConsumerCreated, CreateConsumer, Instance};
pub use credential::{AgeBand, CreateCredential, Credential, PolicyStatus};
pub use delivery::{Ack, AckStatus, Delivered, Delivery, Values};
pub use duration::IsoDuration;
pub use finding::Finding;
pub use freeze::{CreateFreeze, Freeze};
pub use issuer::{CreateIssuer, Issuer};
pub use page::{Page, PageQuery};
pub use policy::{Evidence, Policy, PolicyInput};
pub use problem::{FieldError, Problem};
pub use recovery::{Backup, Recovery, Rehearsal, Restored, Tombstone};
pub use reencryption::{ApplicationBackup, Census, Reencryption, Target};
pub use rotation::{Rotation, RotationCommand, RotationEvent, RotationState, StartRotation};
pub use secret::Secret;
pub use signal::{Signal, SignalBatch, SignalClass};
pub use timestamp::Timestamp;
pub use version::{Version, VersionState};
