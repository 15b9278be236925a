//! Backups written and restored: between the database's rows, the engine's sealed form and files.

pub mod make;
pub mod restore;
pub mod source;

pub use make::{Spooled, make_backup, spool, spooled_backup, write_backup};
pub use restore::{Restore, RestoreFailure, RestoreReport};
pub use source::Source;

/// The version that backups are written by.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
