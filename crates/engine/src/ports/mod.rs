//! What the engine needs of the world. Small; no business logic behind any of them.

pub mod connector;
pub mod root;
pub mod store;
pub mod target;

pub use connector::{
    Connector, ConnectorError, Connectors, Inspection, Issued, IssuerAccess, Material, Proposal, Target,
    Values,
};
pub use root::{RootError, RootOfTrust, RootWithRecord, Roots, WrapPlace};
pub use store::{
    AccessStore, AuditFilter, AuditStore, CatalogStore, InstanceStore, JobFilter, KeyStore, KeyUsage,
    LeaseStore, MeasureStore, OutcomeBucket, OutcomeStore, RecoveryStore, ReencryptionStore, RotationFilter,
    RotationStore, SecretRef, SettingStore, Store, StoreError,
};
pub use target::{Batch, Bounds, Cursor, Locator, StoredRecord, Swap, TargetKind, TargetSession};

use std::time::Duration;

use crate::change::Topic;
use crate::delivery::Hearsay;
use crate::name::Name;
use crate::reencryption::Counts;

/// Tells those who wait that something changed: long polls, event streams, the driver. Never blocks.
pub trait Announcer: Send + Sync {
    /// Wakes everyone who waits for `topic` on this replica.
    fn announce(&self, topic: &Topic);
    /// Another replica told what it heard of instances.
    fn heard(&self, told: Vec<Hearsay>);

    /// Everything that any replica committed before `ago` has been announced here (KEY-8). Only told where there can
    /// be other replicas.
    fn view_renewed(&self, ago: Duration) {
        let _nobody_minds = ago;
    }
}

/// Counts what happens, for `/metrics`. Never blocks, never sees a secret.
pub trait Meter: Send + Sync {
    /// Authentication outcomes that a consumer reported. `status` is `2xx`, `401`, `403`, `4xx` or `5xx`.
    fn outcomes(&self, credential: &Name, status: &'static str, count: u64);
    /// A rotation ended: its kind is the strategy's label, its outcome the state's.
    fn rotation_ended(&self, kind: &'static str, outcome: &'static str);
    /// From the first bad outcome received to the previous credential served again.
    fn rollback_served(&self, duration: Duration);
    /// Records of a target that a worker looked at; `mode` is the job's, or `lazy`.
    fn records_moved(&self, _target: &Name, _mode: &'static str, _counts: &Counts) {}
    /// Operations with a version of a key; None when it is not known which.
    fn key_operations(
        &self,
        key: &Name,
        version: Option<u32>,
        operation: &'static str,
        outcome: &'static str,
        count: u64,
    ) {
        let _not_counted = (key, version, operation, outcome, count);
    }
}
