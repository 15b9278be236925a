//! Keys: what applications encrypt, sign and authenticate with (KEY-1..16).
//!
//! `model` facts · `moves` the legal moves of versions (pure) · `ring` an open key · `rings` those in memory ·
//! `uses` counts and their reservation · `create`, `update`, `views`, `rotate`, `version` what people do ·
//! `operation`, `signing` what programs do, `told` how that is told, `noticed` what it shows beside ·
//! `transfer` import and export · `drained` what still needs a version · `finding` what is not as it should be ·
//! `tend` what happens by itself.

pub mod create;
pub mod drained;
pub mod finding;
pub mod model;
pub mod moves;
mod noticed;
pub mod operation;
pub mod ring;
mod rings;
pub mod rotate;
pub mod signing;
pub mod tend;
mod told;
pub mod transfer;
pub mod update;
mod uses;
pub mod version;
pub mod views;

pub use create::{NewKey, NewKeyPolicy};
pub use drained::Dependents;
pub use finding::{KeyFinding, KeyNotes};
pub use model::{DestructionRequest, Key, KeyPolicy, KeyVersion, Origin};
pub use operation::{Decrypt, Decrypted, Encrypt, Encrypted, MadeDataKey, MakeDataKey};
pub use ring::KeyRing;
pub(crate) use rings::KeyRings;
pub use signing::{Tagged, Verified, Verify, VersionPublicKey};
pub use tend::KeyTurn;
pub use transfer::{ExportedKey, KeyImport};
pub use update::KeyUpdate;
pub(crate) use uses::UseCounts;
pub use version::{Destruction, VersionMove};
pub use views::{KeyVersionView, KeyView};
