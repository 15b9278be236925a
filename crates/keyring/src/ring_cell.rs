//! Where the one current view of something lies that many threads use and a few replace.

use std::fmt;

#[cfg(not(feature = "shuttle"))]
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

#[cfg(feature = "shuttle")]
use shuttle::sync::{RwLock, RwLockReadGuard};
#[cfg(feature = "shuttle")]
use std::sync::PoisonError;

/// The current view of a key, with the revision it was read at.
///
/// Once [`RingCell::replace`] has returned, nothing runs under an older view and nothing will: uses happen inside
/// [`RingCell::with`], and a replacement waits for those that run. A view with an older revision never takes the
/// place of a newer one, however late a slow reader brings it.
pub struct RingCell<Ring>(RwLock<Held<Ring>>);

struct Held<Ring> {
    revision: u64,
    ring: Ring,
}

impl<Ring> RingCell<Ring> {
    /// The first view.
    pub fn new(revision: u64, ring: Ring) -> Self {
        Self(RwLock::new(Held { revision, ring }))
    }

    /// Does something under the current view. Keep it short: replacements wait for it.
    pub fn with<Outcome>(&self, act: impl FnOnce(&Ring) -> Outcome) -> Outcome {
        act(&self.read().ring)
    }

    /// The revision of the current view.
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// Puts a newer view in place. False when the one in place is as new or newer: then nothing changes.
    pub fn replace(&self, revision: u64, ring: Ring) -> bool {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if revision <= held.revision {
            return false;
        }
        let old = std::mem::replace(&mut *held, Held { revision, ring });
        drop(held);
        // Wiped when nobody waits for it.
        drop(old);
        true
    }

    fn read(&self) -> RwLockReadGuard<'_, Held<Ring>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Ring> fmt::Debug for RingCell<Ring> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RingCell(revision {})", self.revision())
    }
}

// Under `shuttle` its locks work only inside a schedule.
#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_view_takes_the_place() {
        let cell = RingCell::new(3, "third");
        assert!(!cell.replace(3, "third again"));
        assert!(!cell.replace(2, "second"));
        assert_eq!(cell.with(|ring| *ring), "third");
        assert!(cell.replace(5, "fifth"));
        assert!(!cell.replace(4, "fourth, late"));
        assert_eq!((cell.with(|ring| *ring), cell.revision()), ("fifth", 5));
    }
}
