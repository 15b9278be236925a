//! The open keys that this replica remembers, so that an operation costs no look into the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::lock::Mutex as AsyncMutex;
use keyring::{RingCell, SecretBytes};

use crate::clock::Timestamp;
use crate::id::KeyId;
use crate::key::model::Key;
use crate::key::ring::KeyRing;
use crate::name::Name;
use crate::ports::SecretRef;
use crate::rule::Refusal;
use crate::seal::SealError;
use crate::services::Services;
use crate::view::View;

/// A key is read again at most this often because of a version that is not known here: an attacker's bytes must not
/// make us read the store at will.
const REREAD_AT_MOST_EVERY: std::time::Duration = std::time::Duration::from_secs(1);

/// The current view of one key; none while it must be read again.
type Cell = Arc<RingCell<Option<Arc<KeyRing>>>>;

#[derive(Default)]
pub(crate) struct KeyRings {
    cells: RwLock<HashMap<Name, Cell>>,
    names: Mutex<HashMap<KeyId, Name>>,
    /// Which opening of Rota's own keys they were opened under.
    opening: AtomicU64,
    /// After a change everybody needs the key again at once: one reads it, the others wait for that one.
    reading: AsyncMutex<()>,
    reread: Mutex<HashMap<KeyId, Timestamp>>,
    /// One rotation of a key at a time on this replica; those of other replicas meet the key's revision.
    turns: Mutex<HashMap<KeyId, Arc<AsyncMutex<()>>>>,
}

/// The revision of a view that was read after change number `generation` was heard of; one of nothing, made by that
/// change, stands just below it. So a reader that began before a change never brings back what the change took away.
fn read_at(generation: u64) -> u64 {
    generation * 2 + 1
}

fn forgotten_at(generation: u64) -> u64 {
    generation * 2
}

impl KeyRings {
    fn get(&self, name: &Name) -> Option<Arc<KeyRing>> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.get(name)?.with(Clone::clone)
    }

    /// Unless the key changed since `generation` was looked at.
    fn keep(&self, ring: &Arc<KeyRing>, view: &View, generation: u64) {
        let key = ring.key();
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a key that was not known here no change could be told apart: then any change counts.
        if names.get(&key.id) != Some(&key.name) {
            if view.generation() != generation {
                return;
            }
            names.insert(key.id.clone(), key.name.clone());
        }
        let cell = {
            let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
            let empty = || Arc::new(RingCell::new(0, None));
            Arc::clone(cells.entry(key.name.clone()).or_insert_with(empty))
        };
        cell.replace(read_at(generation), Some(Arc::clone(ring)));
    }

    /// When this returns, nobody begins anything with what was remembered.
    pub(crate) fn forget(&self, id: &KeyId, view: &View) {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(name) = names.get(id) else {
            return;
        };
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(name) {
            cell.replace(forgotten_at(view.generation()), None);
        }
    }

    /// Every open key is wiped once its last user lets go: for sealing.
    fn forget_all(&self, view: &View) {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        for cell in cells.values() {
            cell.replace(forgotten_at(view.generation()), None);
        }
    }

    fn may_reread(&self, id: &KeyId, now: Timestamp) -> bool {
        let mut reread = self.reread.lock().unwrap_or_else(PoisonError::into_inner);
        let last = reread.get(id).copied();
        let allowed = last.is_none_or(|last| now < last || now.since(last) >= REREAD_AT_MOST_EVERY);
        if allowed {
            reread.insert(id.clone(), now);
        }
        allowed
    }

    /// Whose turn it is to rotate a key.
    pub(crate) fn turn(&self, id: &KeyId) -> Arc<AsyncMutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(id.clone()).or_default())
    }
}

impl Services {
    /// The open key of that name. A replica whose view is too old reads the store each time.
    ///
    /// # Errors
    /// Store away, sealed, or a stored version that does not open.
    pub(crate) async fn key_ring_named(&self, name: &Name) -> Result<Option<Arc<KeyRing>>, Refusal> {
        // Sealed meanwhile: what was opened before is no longer at hand.
        let opening = self.sealer.generation();
        let known = &self.memory.rings.opening;
        if known.load(Ordering::Acquire) != opening && known.swap(opening, Ordering::AcqRel) != opening {
            self.forget_open_keys();
        }
        let is_fresh = || self.memory.view.is_fresh(self.clock.uptime());
        if is_fresh()
            && let Some(ring) = self.memory.rings.get(name)
        {
            return Ok(Some(ring));
        }
        // What is seldom done lies apart from what every request carries along.
        Box::pin(self.read_key_ring(name)).await
    }

    /// Reads it from the store, and remembers it.
    async fn read_key_ring(&self, name: &Name) -> Result<Option<Arc<KeyRing>>, Refusal> {
        let is_fresh = || self.memory.view.is_fresh(self.clock.uptime());
        // While nothing may be remembered nobody can read for the others.
        let _one_reader = if is_fresh() {
            Some(self.memory.rings.reading.lock().await)
        } else {
            None
        };
        if is_fresh()
            && let Some(ring) = self.memory.rings.get(name)
        {
            return Ok(Some(ring));
        }
        let generation = self.memory.view.generation();
        let Some(key) = self.store.key(name).await? else {
            return Ok(None);
        };
        let ring = Arc::new(self.open_key(key).await?);
        if is_fresh() {
            self.memory.rings.keep(&ring, &self.memory.view, generation);
        }
        Ok(Some(ring))
    }

    /// The open key, for workers of ours: whoever may use it was asked before.
    ///
    /// # Errors
    /// No such key, store away, sealed.
    pub async fn key_ring(&self, id: &KeyId) -> Result<Arc<KeyRing>, Refusal> {
        let missing = || Refusal::not_found("key", id.as_str());
        let key = self.store.key_by_id(id).await?.ok_or_else(missing)?;
        self.key_ring_named(&key.name).await?.ok_or_else(missing)
    }

    /// The same read anew, because an envelope names a version that is not known here; None when that was done a
    /// moment ago already.
    pub(crate) async fn reread_key_ring(&self, ring: &KeyRing) -> Result<Option<Arc<KeyRing>>, Refusal> {
        let id = &ring.key().id;
        if !self.memory.rings.may_reread(id, self.clock.now()) {
            return Ok(None);
        }
        self.memory.forget_key(id);
        self.key_ring_named(&ring.key().name).await
    }

    /// Forgets every open key.
    pub fn forget_open_keys(&self) {
        self.memory.view.change();
        self.memory.rings.forget_all(&self.memory.view);
    }

    /// A wrapping key version that is not known here makes us read the wrapping keys once more.
    pub(crate) async fn opened_material(
        &self,
        at: &SecretRef,
        sealed: &[u8],
    ) -> Result<SecretBytes, Refusal> {
        let opened = self.sealer.open_bytes(at, sealed);
        let is_stale = opened.as_ref().is_err_and(SealError::may_be_stale);
        if is_stale && self.sealer.may_refresh(self.clock.now()) {
            self.sealer.refresh(self.store.as_ref()).await?;
            return Ok(self.sealer.open_bytes(at, sealed)?);
        }
        Ok(opened?)
    }

    async fn open_key(&self, key: Key) -> Result<KeyRing, Refusal> {
        // The versions first: one that is made meanwhile has material and no version, and is left out.
        let versions = self.store.key_versions(&key.id).await?;
        let mut materials = BTreeMap::new();
        let mut uses = BTreeMap::new();
        for (number, sealed) in self.store.key_materials(&key.id).await? {
            let at = SecretRef::key_material(&key.id, number);
            materials.insert(number, self.opened_material(&at, &sealed).await?);
        }
        for version in &versions {
            uses.insert(version.number, self.memory.uses.of(&key.id, version.number));
        }
        Ok(KeyRing::new(key, versions, materials, uses)?)
    }
}
