//! Seals and opens with the wrapping keys in memory, while they are there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use keyring::{Context, Keyring, OpenError, Randomness, SecretBytes, inspect};

use crate::catalog::Sensitivity;
use crate::clock::Timestamp;
use crate::ports::{RootOfTrust, Roots, SecretRef, Values};
use crate::rule::Refusal;
use crate::seal::gathering::Gathering;
use crate::seal::hierarchy::Hierarchy;
use crate::seal::migration::MigrationMemory;
use crate::seal::values;
use crate::seal::wrapping_key::{ActiveVersion, Stored};

/// The wrapping keys are read from the store at most this often because of a version that is not known here.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The open wrapping keys, or why there are none. One per process; shared.
pub struct Sealer {
    pub(crate) roots: Arc<dyn Roots>,
    pub(crate) randomness: Arc<dyn Randomness>,
    state: RwLock<State>,
    generation: AtomicU64,
    last_refresh: Mutex<Option<Timestamp>>,
    /// Shares given to unseal.
    pub(crate) gathering: Mutex<Gathering>,
    pub(crate) migration: Mutex<MigrationMemory>,
    /// When a root that stands elsewhere last answered.
    pub(crate) answered_at: Mutex<Option<Timestamp>>,
}

enum State {
    Open(Box<OpenKeys>),
    Sealed(SealedBecause),
}

/// Everything that is open. Dropping it wipes it.
pub(crate) struct OpenKeys {
    pub(crate) root: Arc<dyn RootOfTrust>,
    pub(crate) rings: BTreeMap<Hierarchy, Ring>,
    /// What all this was opened from.
    pub(crate) stored: Stored,
    /// Opened by the root that a migration goes to.
    pub(crate) under_next: bool,
}

pub(crate) struct Ring {
    pub(crate) keyring: Keyring,
    pub(crate) active: ActiveVersion,
}

/// Why no key is in memory. Says what unseals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedBecause {
    /// Nothing was opened yet.
    #[error("Rota is sealed: it has only just started")]
    Starting,
    /// Somebody sealed it; it stays so until somebody unseals it or the process starts anew.
    #[error("Rota is sealed: {by} sealed it ({reason}); an operator unseals it with `rota unseal`")]
    ByHand { by: String, reason: String },
    /// The root must be had from people, or is away.
    #[error("Rota is sealed: {0}")]
    Root(crate::ports::RootError),
}

/// Why a value could not be sealed or opened. Never says anything about the value.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No key is in memory.
    #[error(transparent)]
    Sealed(SealedBecause),
    /// Nothing seals now, or the value is too long.
    #[error(transparent)]
    Seal(#[from] keyring::SealError),
    /// A database from before there were classes, whose root is being migrated.
    #[error("there is no wrapping key for the class `{0}` yet; Rota makes it when it next starts")]
    NoClass(&'static str),
    /// It does not open where it stands.
    #[error("the sealed value at {place} does not open: {source}")]
    Open {
        /// Table, row and field.
        place: String,
        /// What the keyring said.
        source: OpenError,
    },
    /// It opened, and is not what we write.
    #[error("the sealed value at {place} opened, but holds no values as Rota writes them")]
    Form {
        /// Table, row and field.
        place: String,
    },
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Sealed(because) => Self::Sealed(because.to_string()),
            SealError::Seal(_) | SealError::NoClass(_) => Self::Unavailable(error.to_string()),
            SealError::Open { .. } | SealError::Form { .. } => {
                Self::Unavailable("a sealed value does not open; see the server's log".to_owned())
            }
        }
    }
}

impl SealError {
    /// Reading the wrapping keys again may help.
    pub(crate) fn may_be_stale(&self) -> bool {
        matches!(self, Self::Open { source, .. } if source.may_be_stale())
    }
}

impl Sealer {
    /// A sealer that has nothing open yet; [`Sealer::open`] opens it.
    pub fn new(roots: Arc<dyn Roots>, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            roots,
            randomness,
            state: RwLock::new(State::Sealed(SealedBecause::Starting)),
            generation: AtomicU64::new(0),
            last_refresh: Mutex::new(None),
            gathering: Mutex::default(),
            migration: Mutex::default(),
            answered_at: Mutex::default(),
        }
    }

    /// Why nothing opens now; None while the keys are in memory.
    pub fn sealed_because(&self) -> Option<SealedBecause> {
        match &*self.read() {
            State::Open(_) => None,
            State::Sealed(because) => Some(because.clone()),
        }
    }

    /// Goes on only while the keys are in memory.
    ///
    /// # Errors
    /// [`Refusal::Sealed`].
    pub fn require_open(&self) -> Result<(), Refusal> {
        match self.sealed_because() {
            None => Ok(()),
            Some(because) => Err(Refusal::Sealed(because.to_string())),
        }
    }

    /// Changes with every sealing and unsealing. Whoever keeps anything that was opened drops it when this changes.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The version of Rota's own wrapping key that seals, and since when; None while sealed.
    pub fn active(&self) -> Option<ActiveVersion> {
        self.active_of(Hierarchy::Store)
    }

    /// The version of a hierarchy that seals, and since when; None while sealed.
    pub fn active_of(&self, hierarchy: Hierarchy) -> Option<ActiveVersion> {
        let ring = |keys: &OpenKeys| Some(keys.rings.get(&hierarchy)?.active);
        self.with_keys(|keys| Ok::<_, SealError>(ring(keys)))
            .ok()
            .flatten()
    }

    /// The kind of the open root, and whether it stands elsewhere; None while sealed.
    pub fn root_kind(&self) -> Option<(&'static str, bool)> {
        self.root().ok().map(|root| (root.kind(), root.is_remote()))
    }

    /// Seals named values for the place where they will stand.
    ///
    /// # Errors
    /// When they are longer than an envelope can hold, or the keys are not in memory.
    pub fn seal_values(&self, at: &SecretRef, values: &Values) -> Result<Vec<u8>, SealError> {
        self.seal_bytes(at, &values::encode(values))
    }

    /// Opens named values where they stand.
    ///
    /// # Errors
    /// When they were changed, moved, or sealed under a version that is not known here, or the keys are not in memory.
    pub fn open_values(&self, at: &SecretRef, sealed: &[u8]) -> Result<Values, SealError> {
        values::decode(&self.open_bytes(at, sealed)?).ok_or_else(|| SealError::Form { place: place(at) })
    }

    /// Seals bytes for the place where they will stand, under Rota's own wrapping key.
    ///
    /// # Errors
    /// As [`Sealer::seal_values`].
    pub fn seal_bytes(&self, at: &SecretRef, plaintext: &SecretBytes) -> Result<Vec<u8>, SealError> {
        self.seal_under(Hierarchy::Store, at, plaintext)
    }

    /// Seals bytes for the place where they will stand, under the wrapping key of a class of sensitivity.
    ///
    /// # Errors
    /// As [`Sealer::seal_values`].
    pub fn seal_bytes_for(
        &self,
        class: Sensitivity,
        at: &SecretRef,
        plaintext: &SecretBytes,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_under(Hierarchy::Class(class), at, plaintext)
    }

    fn seal_under(
        &self,
        hierarchy: Hierarchy,
        at: &SecretRef,
        plaintext: &SecretBytes,
    ) -> Result<Vec<u8>, SealError> {
        self.with_keys(|keys| {
            let ring = keys
                .rings
                .get(&hierarchy)
                .ok_or(SealError::NoClass(hierarchy.label()))?;
            let randomness = self.randomness.as_ref();
            let sealed = ring
                .keyring
                .seal(randomness, &context(at), plaintext.expose_bytes())?;
            Ok(sealed.into_bytes())
        })
    }

    /// Opens bytes where they stand, whichever hierarchy sealed them: the envelope names it.
    ///
    /// # Errors
    /// As [`Sealer::open_values`].
    pub fn open_bytes(&self, at: &SecretRef, sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let failed = |source| SealError::Open {
            place: place(at),
            source,
        };
        self.with_keys(|keys| {
            let header = inspect(sealed).map_err(|malformed| failed(OpenError::Malformed(malformed)))?;
            let ring = keys.ring_of(&header.key_id);
            ring.keyring.open(&context(at), sealed).map_err(failed)
        })
    }

    /// Whether a refresh for an unknown version may happen now: an attacker's bytes must not make us read the store
    /// at will.
    pub(crate) fn may_refresh(&self, now: Timestamp) -> bool {
        let mut last = self.last_refresh.lock().unwrap_or_else(PoisonError::into_inner);
        let allowed = last.is_none_or(|last| now < last || now.since(last) >= REFRESH_AT_MOST_EVERY);
        if allowed {
            *last = Some(now);
        }
        allowed
    }

    /// The open root. The guard is not held over what it is asked.
    pub(crate) fn root(&self) -> Result<Arc<dyn RootOfTrust>, SealError> {
        self.with_keys(|keys| Ok(Arc::clone(&keys.root)))
    }

    pub(crate) fn with_keys<T, E: From<SealError>>(
        &self,
        use_keys: impl FnOnce(&OpenKeys) -> Result<T, E>,
    ) -> Result<T, E> {
        match &*self.read() {
            State::Open(keys) => use_keys(keys),
            State::Sealed(because) => Err(SealError::Sealed(because.clone()).into()),
        }
    }

    /// Puts fresh keys in place of those of `generation`. False: somebody sealed or unsealed meanwhile, and that counts.
    pub(crate) fn install(&self, keys: OpenKeys, generation: u64) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation() != generation {
            return false;
        }
        match &mut *state {
            State::Open(open) => {
                // A slow read must not take back what a faster one already knows.
                let is_older = open.rings.iter().any(|(hierarchy, ring)| {
                    let fresh = keys.rings.get(hierarchy).map_or(0, |fresh| fresh.active.version);
                    fresh < ring.active.version
                });
                if !is_older {
                    **open = keys;
                }
            }
            State::Sealed(_) => {
                *state = State::Open(Box::new(keys));
                self.generation.fetch_add(1, Ordering::AcqRel);
            }
        }
        true
    }

    /// Wipes every key from memory.
    pub(crate) fn close(&self, because: SealedBecause) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Open(_)) {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        *state = State::Sealed(because);
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenKeys {
    /// The ring that an envelope names. An envelope that names no ring of ours is refused by the store's, by the right
    /// name.
    pub(crate) fn ring_of(&self, key_id: &keyring::KeyId) -> &Ring {
        let named = self.rings.values().find(|ring| ring.keyring.key_id() == key_id);
        named.unwrap_or_else(|| self.ring_of_store())
    }

    /// Rota's own; there whenever anything is open.
    pub(crate) fn ring_of_store(&self) -> &Ring {
        &self.rings[&Hierarchy::Store]
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sealer")
            .field("active", &self.active())
            .field("sealed", &self.sealed_because())
            .finish_non_exhaustive()
    }
}

fn context(at: &SecretRef) -> Context {
    Context::new(at.table, &at.row, at.field)
}

fn place(at: &SecretRef) -> String {
    format!("{}/{}/{}", at.table, at.row, at.field)
}
