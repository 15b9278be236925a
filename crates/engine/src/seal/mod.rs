//! Secrets at rest: sealed on the way to the store, opened only where they are used.
//!
//! `sealer` seals and opens while the keys are in memory, `hierarchy` names them, `values` is the byte form of named
//! values, `unlock` opens the keys, `wrapping_key` is what the store keeps of them, `rewrap` rotates them. `record` is
//! what is stored about the root, `local` are roots in our own memory, `shares` and `gathering` are roots that people
//! hold, `migration` goes from one root to another. `service`, `root_service` and `migration_service` are for the others.

pub mod copy;
pub mod gathering;
pub mod hierarchy;
pub mod local;
pub mod migration;
mod migration_service;
pub mod record;
pub mod rewrap;
mod root_service;
pub mod sealer;
pub mod service;
pub mod shares;
pub mod unlock;
pub mod values;
pub mod wrapping_key;

pub use copy::is_key_record;
pub use gathering::Progress;
pub use hierarchy::Hierarchy;
pub use local::LocalRoot;
pub use migration::{MigrationStep, MigrationTarget};
pub use migration_service::NewShares;
pub use record::{RemoteRoot, RootRecord};
pub use rewrap::{RewrapProgress, WrappingKeyStatus};
pub use root_service::{Key, MigrationStatus, RootStatus, USUAL_GRACE};
pub use sealer::{SealError, SealedBecause, Sealer};
pub use unlock::{RootKeySource, UnlockError};
