//! How fresh this replica's view of what others change is (KEY-8), and what it remembers meanwhile.
//!
//! Whoever is alone on its database is always up to date. Beside other replicas a view counts for a bounded time
//! after it was last known to be complete; then nothing that is remembered is used, and the store is asked each time.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::access::KnownTokens;
use crate::change::Topic;
use crate::id::KeyId;
use crate::key::{KeyRings, UseCounts};

/// A view counts for so long, unless something else is set.
pub const USUAL_BOUND: Duration = Duration::from_secs(1);

/// When this replica last knew everything, by a clock that never steps.
#[derive(Debug, Default)]
pub struct View {
    /// Raised by every change that was heard of.
    generation: AtomicU64,
    /// In microseconds; zero: there are no other replicas.
    bound: AtomicU64,
    /// In microseconds of uptime.
    renewed_at: AtomicU64,
}

impl View {
    /// Other replicas may change things: from now on the view counts only for `bound` after each renewal.
    pub fn depend_on_renewal(&self, bound: Duration) {
        self.bound.store(micros(bound).max(1), Ordering::Release);
    }

    /// Everything that was committed before `uptime` is known here.
    pub fn renew(&self, uptime: Duration) {
        self.renewed_at.fetch_max(micros(uptime), Ordering::AcqRel);
    }

    /// How long the view counts after a renewal; None when this replica is alone.
    pub fn bound(&self) -> Option<Duration> {
        let bound = self.bound.load(Ordering::Acquire);
        (bound > 0).then(|| Duration::from_micros(bound))
    }

    /// Whether what is remembered may be used at `uptime`.
    pub fn is_fresh(&self, uptime: Duration) -> bool {
        let bound = self.bound.load(Ordering::Acquire);
        bound == 0 || micros(uptime).saturating_sub(self.renewed_at.load(Ordering::Acquire)) <= bound
    }

    /// What is read from the store after this look may be kept only while this number stays.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn change(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What this replica keeps in memory of the keyring and of tokens. One per process; shared.
#[derive(Default)]
pub struct Memory {
    pub view: View,
    /// Tokens that were recognised.
    pub(crate) tokens: KnownTokens,
    /// Open keys.
    pub(crate) rings: KeyRings,
    /// Uses of key versions, reserved and counted.
    pub(crate) uses: UseCounts,
}

impl Memory {
    /// Nothing yet, and alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what a change has made old. The server's announcer calls it before it wakes anyone.
    pub fn invalidate(&self, topic: &Topic) {
        // Raised before anything is forgotten: whoever reads meanwhile keeps nothing of it.
        self.view.change();
        match topic {
            Topic::Key(id) => self.rings.forget(id, &self.view),
            Topic::Catalog => self.tokens.forget_all(),
            Topic::Credential(_) | Topic::Rotation(_) | Topic::Reencryption(_) => {}
        }
    }

    /// The key is read again by whoever needs it next.
    pub(crate) fn forget_key(&self, id: &KeyId) {
        self.view.change();
        self.rings.forget(id, &self.view);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Memory")
            .field("view", &self.view)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_beside_others_counts_for_its_bound_and_alone_for_ever() {
        let view = View::default();
        let second = Duration::from_secs(1);
        assert!(view.is_fresh(1_000 * second), "alone");
        view.depend_on_renewal(second);
        assert!(!view.is_fresh(5 * second), "never renewed");
        view.renew(5 * second);
        assert!(view.is_fresh(6 * second));
        assert!(!view.is_fresh(6 * second + Duration::from_micros(1)));
        view.renew(4 * second);
        assert!(view.is_fresh(6 * second), "a late answer takes nothing back");
    }
}
