//! From the engine's facts to the wire's shapes. One file per noun; nothing is decided here.

mod access;
mod audit;
mod catalog;
mod key;
mod recovery;
mod reencryption;
mod root;
mod rotation;

pub use catalog::CredentialParts;
pub use rotation::RotationParts;

use std::time::Duration;

use crate::{IsoDuration, Timestamp};

impl From<engine::Timestamp> for Timestamp {
    fn from(time: engine::Timestamp) -> Self {
        Self::from_micros(time.as_micros())
    }
}

impl From<Timestamp> for engine::Timestamp {
    fn from(time: Timestamp) -> Self {
        Self::from_micros(time.as_micros())
    }
}

impl From<Duration> for IsoDuration {
    fn from(duration: Duration) -> Self {
        Self::from_seconds(duration.as_secs())
    }
}

impl From<IsoDuration> for Duration {
    fn from(duration: IsoDuration) -> Self {
        Self::from_secs(duration.as_seconds())
    }
}

/// Enums that have the same words on both sides.
macro_rules! same_words {
    ($($wire:path = $engine:path { $($word:ident),+ $(,)? })+) => {$(
        impl From<$engine> for $wire {
            fn from(value: $engine) -> Self {
                match value { $(<$engine>::$word => Self::$word),+ }
            }
        }

        impl From<$wire> for $engine {
            fn from(value: $wire) -> Self {
                match value { $(<$wire>::$word => Self::$word),+ }
            }
        }
    )+};
}

pub(crate) use same_words;

/// Counts are never negative in truth; a damaged one shows as zero.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
