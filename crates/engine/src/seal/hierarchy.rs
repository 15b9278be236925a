//! Separate hierarchies of wrapping keys (KEY-6): one for what Rota itself keeps, and one for each class of sensitivity.

use std::time::Duration;

use keyring::KeyId;

use crate::catalog::Sensitivity;
use crate::seal::unlock::UnlockError;

/// A line of wrapping key versions. The wrapping key of one opens nothing of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hierarchy {
    /// Credentials, issuers and everything else of Rota's own.
    Store,
    /// Keys of one class of sensitivity.
    Class(Sensitivity),
}

const DAY: u64 = 24 * 3_600;

impl Hierarchy {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Store,
        Self::Class(Sensitivity::Low),
        Self::Class(Sensitivity::Medium),
        Self::Class(Sensitivity::High),
        Self::Class(Sensitivity::Critical),
    ];

    /// Its word on the wire and in settings.
    pub fn label(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Class(Sensitivity::Low) => "low",
            Self::Class(Sensitivity::Medium) => "medium",
            Self::Class(Sensitivity::High) => "high",
            Self::Class(Sensitivity::Critical) => "critical",
        }
    }

    /// The hierarchy of a word on the wire.
    pub fn of_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hierarchy| hierarchy.label() == label)
    }

    /// The id that every envelope of it names.
    ///
    /// # Errors
    /// Never: the names are ours.
    pub fn key_id(self) -> Result<KeyId, UnlockError> {
        let id = match self {
            Self::Store => "rota.store".to_owned(),
            Self::Class(_) => format!("rota.class.{}", self.label()),
        };
        KeyId::parse(&id).map_err(|error| UnlockError::Damaged(error.to_string()))
    }

    /// A version older than this is rotated without being asked: the stricter the class, the sooner.
    pub fn greatest_age(self) -> Duration {
        let days = match self {
            Self::Store | Self::Class(Sensitivity::High) => 60,
            Self::Class(Sensitivity::Critical) => 30,
            Self::Class(Sensitivity::Medium) => 90,
            Self::Class(Sensitivity::Low) => 180,
        };
        Duration::from_secs(days * DAY)
    }

    /// What the names of its settings begin with.
    pub(crate) fn prefix(self) -> String {
        match self {
            Self::Store => "wrapping_key.".to_owned(),
            Self::Class(_) => format!("wrapping_key.class.{}.", self.label()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_have_names_of_their_own_and_stricter_ones_live_shorter() {
        for one in Hierarchy::ALL {
            assert_eq!(Hierarchy::of_label(one.label()), Some(one));
            for other in Hierarchy::ALL {
                assert_eq!(one.key_id().unwrap() == other.key_id().unwrap(), one == other);
            }
        }
        let ages: Vec<_> = Hierarchy::ALL[1..]
            .iter()
            .map(|class| class.greatest_age())
            .collect();
        assert!(ages.windows(2).all(|pair| pair[0] > pair[1]), "{ages:?}");
    }
}
