//! Backups, restores and their rehearsal: nobody loses data to a lost key or a lost database (DR-1, DR-2).
//!
//! `form` is what stands in a backup, record by record; `header` what stands in the open before it; `writer` and
//! `reader` seal and open it in chunks, with bounded memory; `check` is what a restore verifies before it commits;
//! `model` is what is kept of backups; `rehearsal` and `probe` are what happens by itself: a restore tried out on a
//! schedule, and credentials tried at their issuers after a real one; `finding` is what is wrong; `service` is what
//! people may ask for. `tombstone` is what is remembered of destroyed key versions, `burial` what a restore does with it.

pub mod burial;
pub mod check;
pub mod finding;
pub mod form;
pub mod header;
pub mod model;
pub mod probe;
pub mod reader;
pub mod rehearsal;
pub mod service;
pub mod tombstone;
pub mod writer;

pub use burial::{Burial, Buried, OpenVersion};
pub use check::Checker;
pub use finding::{RecoveryFinding, RecoveryPolicy};
pub use form::{Cell, Manifest, Record, Summary, TableDigest, TableHead, TableSummary};
pub use header::{BackupHeader, KeyRecord};
pub use model::{Backup, Restored};
pub use probe::{Probe, ProbeAnswer, Reconciliation};
pub use reader::{BackupReader, HEADER_PREFIX, header_length};
pub use rehearsal::{Rehearsal, RehearsalCounts, RehearsalResult};
pub use service::RecoveryView;
pub use tombstone::{Tombstone, Tombstones};
pub use writer::BackupWriter;

/// Tables that no backup holds: sign-ins end with the database they were made in, kept replies live for a day, and
/// the list of migrations is made anew by the restore.
pub const LEFT_OUT: [&str; 4] = ["idempotency", "migration", "replica", "session"];

/// Why a backup cannot be written or read. Never says anything about a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// Another file, or its beginning is missing.
    #[error("this is not a backup of Rota: it does not begin as one")]
    NotABackup,
    /// A newer Rota wrote it.
    #[error(
        "the backup has format {0}, which this version of Rota does not know; use the version that wrote it, or a newer one"
    )]
    UnknownFormat(u8),
    /// What stands in the open at its beginning does not read.
    #[error("the header of the backup is damaged: {0}")]
    Header(String),
    /// A part was changed, moved, left out or cut off.
    #[error("the backup is damaged: {0}; nothing of it can be trusted, use another one")]
    Stream(#[from] keyring::StreamError),
    /// The bytes ended before the backup did.
    #[error("the backup ends too early: it was cut off; use another one")]
    CutOff,
    /// It opened, and is not what we write.
    #[error("the backup opens, but does not read: {0}")]
    Form(String),
    /// It reads, and its contents do not fit together.
    #[error("the contents of the backup do not fit together: {0}")]
    Contents(String),
}
