//! How often a version was used: set aside in the store before it happens, so that no crash and no replica passes the
//! limit; counted here, and told to the store every second for people to see.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::lock::Mutex as AsyncMutex;

use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::model::HARD_USE_LIMIT;
use crate::key::ring::KeyRing;
use crate::ports::KeyUsage;
use crate::rule::Refusal;
use crate::services::Services;

/// A key that is used little sets little aside; each further block is twice as large, up to the largest.
const FIRST_BLOCK: u64 = 1 << 10;
const LARGEST_BLOCK: u64 = 1 << 20;

/// One version's uses on this replica.
#[derive(Debug, Default)]
pub(crate) struct VersionUses {
    /// Set aside and not used yet.
    left: AtomicU64,
    last_block: AtomicU64,
    /// Used since the store was last told.
    used: AtomicU64,
    /// When it last opened a value, in microseconds; zero: not since the store was last told.
    opened_at: AtomicI64,
    reserving: AsyncMutex<()>,
}

impl VersionUses {
    fn take(&self, count: u64) -> bool {
        self.left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(count)
            })
            .is_ok()
    }

    fn next_block(&self) -> u64 {
        let last = self.last_block.load(Ordering::Acquire);
        (last * 2).clamp(FIRST_BLOCK, LARGEST_BLOCK)
    }

    pub(crate) fn count(&self, uses: u64) {
        self.used.fetch_add(uses, Ordering::Relaxed);
    }

    pub(crate) fn opened(&self, now: Timestamp) {
        self.opened_at.fetch_max(now.as_micros(), Ordering::Relaxed);
    }

    /// Used here and not yet told to the store.
    pub(crate) fn unstored(&self) -> (u64, Option<Timestamp>) {
        let opened_at = self.opened_at.load(Ordering::Relaxed);
        let opened_at = (opened_at > 0).then(|| Timestamp::from_micros(opened_at));
        (self.used.load(Ordering::Relaxed), opened_at)
    }
}

/// The uses of every version that was used here.
#[derive(Debug, Default)]
pub(crate) struct UseCounts(Mutex<HashMap<(KeyId, u32), Arc<VersionUses>>>);

impl UseCounts {
    /// The counts of one version; they outlive the open key.
    pub(crate) fn of(&self, key: &KeyId, number: u32) -> Arc<VersionUses> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry((key.clone(), number)).or_default())
    }

    fn take_measured(&self) -> Vec<KeyUsage> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let measured = all.iter().map(|((key, number), uses)| {
            let opened_at = uses.opened_at.swap(0, Ordering::Relaxed);
            KeyUsage {
                key: key.clone(),
                number: *number,
                uses: uses.used.swap(0, Ordering::Relaxed),
                opened_at: (opened_at > 0).then(|| Timestamp::from_micros(opened_at)),
            }
        });
        measured
            .filter(|usage| usage.uses > 0 || usage.opened_at.is_some())
            .collect()
    }

    fn give_back(&self, usage: Vec<KeyUsage>) {
        for usage in usage {
            let uses = self.of(&usage.key, usage.number);
            uses.count(usage.uses);
            if let Some(at) = usage.opened_at {
                uses.opened(at);
            }
        }
    }
}

/// Whether a version still had uses left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    Yes,
    /// The hard limit is reached: nothing may be sealed under this version any more.
    Exhausted,
}

impl Services {
    /// Sets `count` uses of a version aside, for a worker that seals with [`KeyRing::seal`] itself.
    ///
    /// # Errors
    /// The version has reached its hard limit, store away.
    pub async fn reserve_uses(&self, ring: &KeyRing, number: u32, count: u64) -> Result<(), Refusal> {
        match self.reserve(ring, number, count).await? {
            Reserved::Yes => Ok(()),
            Reserved::Exhausted => Err(exhausted(ring, number)),
        }
    }

    pub(crate) async fn reserve(&self, ring: &KeyRing, number: u32, count: u64) -> Result<Reserved, Refusal> {
        let Some(uses) = ring.uses(number) else {
            return Ok(Reserved::Exhausted);
        };
        if uses.take(count) {
            return Ok(Reserved::Yes);
        }
        // What is seldom done lies apart from what every request carries along.
        Box::pin(self.reserve_block(ring, uses, number, count)).await
    }

    async fn reserve_block(
        &self,
        ring: &KeyRing,
        uses: &VersionUses,
        number: u32,
        count: u64,
    ) -> Result<Reserved, Refusal> {
        let _one_at_a_time = uses.reserving.lock().await;
        if uses.take(count) {
            return Ok(Reserved::Yes);
        }
        let key = &ring.key().id;
        for block in [uses.next_block().max(count), count] {
            if self
                .store
                .reserve_key_uses(key, number, block, HARD_USE_LIMIT)
                .await?
            {
                uses.last_block.store(block, Ordering::Release);
                // The rest is for whoever comes next; what is asked for here is not lent to anyone first.
                uses.left.fetch_add(block - count, Ordering::AcqRel);
                return Ok(Reserved::Yes);
            }
        }
        Ok(Reserved::Exhausted)
    }

    /// Tells the store what was counted. For every second or so, and at the end.
    ///
    /// # Errors
    /// Store away; then it is counted with the next turn.
    pub async fn store_key_usage(&self) -> Result<(), Refusal> {
        let measured = self.memory.uses.take_measured();
        if measured.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.store.add_key_usage(&measured).await {
            self.memory.uses.give_back(measured);
            return Err(error.into());
        }
        Ok(())
    }
}

pub(crate) fn exhausted(ring: &KeyRing, number: u32) -> Refusal {
    let detail = format!(
        "version {number} of key `{}` has been used as often as it may be; rotate the key",
        ring.key().name
    );
    Refusal::conflict("key_version_exhausted", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_was_set_aside() {
        let uses = VersionUses::default();
        assert!(!uses.take(1));
        uses.left.store(3, Ordering::Release);
        assert!(uses.take(2));
        assert!(!uses.take(2));
        assert!(uses.take(1));
    }

    #[test]
    fn blocks_grow_to_the_largest() {
        let uses = VersionUses::default();
        let mut sizes = Vec::new();
        for _ in 0..12 {
            let block = uses.next_block();
            uses.last_block.store(block, Ordering::Release);
            sizes.push(block);
        }
        assert_eq!((sizes[0], sizes[1], sizes[11]), (1 << 10, 1 << 11, 1 << 20));
    }
}
