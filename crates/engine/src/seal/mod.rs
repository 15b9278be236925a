//! Secrets at rest: sealed on the way to the store, opened only where they are used.
//!
//! `sealer` seals and opens, `values` is the byte form of named values, `unlock` opens the wrapping keys at start-up,
//! `wrapping_key` is what the store keeps of them, `rewrap` rotates them, `service` is for the other services.

pub mod copy;
pub mod rewrap;
pub mod sealer;
pub mod service;
pub mod unlock;
pub mod values;
pub mod wrapping_key;

pub use copy::is_key_record;
pub use rewrap::{RewrapProgress, WrappingKeyStatus};
pub use sealer::{SealError, Sealer};
pub use unlock::{RootKeySource, UnlockError};
