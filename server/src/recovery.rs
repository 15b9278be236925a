//! Backups written and restored: between the database's rows, the engine's sealed form and files.

pub mod make;
pub mod restore;
pub mod show;
pub mod source;
pub mod tombstones;

pub use make::{Spooled, make_backup, spool, spooled_backup, write_backup};
pub use restore::{Restore, RestoreFailure, RestoreReport};
pub use show::{Shown, show};
pub use source::Source;
pub use tombstones::{ExportedTombstones, KeptTombstones, export_tombstones};

/// The version that backups are written by.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
