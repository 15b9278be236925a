//! What the engine needs of the world. Small; no business logic behind any of them.

pub mod connector;
pub mod store;

pub use connector::{
    Connector, ConnectorError, Connectors, Inspection, Issued, IssuerAccess, Material, Proposal, Target,
    Values,
};
pub use store::{
    AccessStore, AuditFilter, AuditStore, CatalogStore, InstanceStore, LeaseStore, OutcomeBucket,
    OutcomeStore, RotationFilter, RotationStore, SecretRef, SettingStore, Store, StoreError,
};

use crate::change::Topic;

/// Tells those who wait that something changed: long polls, event streams, the driver. Never blocks.
pub trait Announcer: Send + Sync {
    /// Wakes everyone who waits for `topic` on this replica.
    fn announce(&self, topic: &Topic);
}
