//! The envelope and the versioned wrapping keys: pure, no IO, no clock, no ambient randomness.
#![forbid(unsafe_code)]

mod randomness;
mod secret;

pub use randomness::Randomness;
pub use secret::{NotText, SecretBytes, SecretText};
