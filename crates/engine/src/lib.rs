//! The rules of Rota and the ports they need: pure, no IO, no clock, no ambient randomness.
//!
//! One folder per noun: `model` (facts), `state` (legal moves), `service` (what people and programs may do).
//! What touches the world stands behind the ports in [`ports`]; the server composes them into [`Services`].

pub mod access;
pub mod audit;
pub mod board;
pub mod catalog;
pub mod change;
pub mod clock;
pub mod delivery;
pub mod detection;
pub mod freeze;
pub mod id;
pub mod key;
pub mod measure;
pub mod name;
pub mod ports;
pub mod recovery;
pub mod reencryption;
pub mod rotation;
pub mod rule;
pub mod seal;
pub mod services;
pub mod view;

pub use change::{Change, CommitError, Write};
pub use clock::{Clock, Randomness, Timestamp};
pub use name::Name;
pub use rule::{Refusal, RuleError};
pub use services::Services;
pub use view::Memory;
