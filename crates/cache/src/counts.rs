//! What a cache did since it was made.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counted by this process, of one cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries that were read.
    pub hits: u64,
    /// Look-ups that gave nothing; those of `unreadable` and of revoked versions are among them.
    pub misses: u64,
    /// Entries that did not parse and were deleted.
    pub unreadable: u64,
    /// Entries removed because their version was revoked.
    pub invalidations: u64,
}

impl Counts {
    /// For Prometheus, in its text format.
    pub fn exposition(&self) -> String {
        let families = [
            ("hits", "Entries read", self.hits),
            ("misses", "Look-ups that gave nothing", self.misses),
            ("unreadable", "Entries that did not parse", self.unreadable),
            (
                "invalidations",
                "Entries of revoked key versions",
                self.invalidations,
            ),
        ];
        families
            .map(|(name, help, count)| {
                format!(
                    "# HELP rota_cache_{name}_total {help}.\n# TYPE rota_cache_{name}_total counter\nrota_cache_{name}_total {count}\n"
                )
            })
            .concat()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    unreadable: AtomicU64,
    invalidations: AtomicU64,
}

impl Counters {
    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
        self.miss();
    }

    pub(crate) fn invalidated(&self, entries: u64) {
        self.invalidations.fetch_add(entries, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        Counts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
            invalidations: self.invalidations.load(Ordering::Relaxed),
        }
    }
}
