//! Seals and opens with the wrapping keys in memory.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use keyring::{Context, Keyring, OpenError, Randomness, RootKey, RootKeyOrigin, SecretBytes};

use crate::clock::Timestamp;
use crate::ports::{SecretRef, Store, Values};
use crate::seal::unlock::UnlockError;
use crate::seal::values;
use crate::seal::wrapping_key::{self, ActiveVersion};

/// The wrapping keys are read from the store at most this often because of a version that is not known here.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// The open wrapping keys. One per process; shared.
pub struct Sealer {
    pub(crate) root_key: Arc<RootKey>,
    origin: RootKeyOrigin,
    pub(crate) randomness: Arc<dyn Randomness>,
    open_keys: RwLock<OpenKeys>,
    last_refresh: Mutex<Option<Timestamp>>,
}

pub(crate) struct OpenKeys {
    pub(crate) keyring: Keyring,
    pub(crate) active: ActiveVersion,
}

/// Why a value could not be sealed or opened. Never says anything about the value.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Nothing seals now, or the value is too long.
    #[error(transparent)]
    Seal(#[from] keyring::SealError),
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

impl From<SealError> for crate::rule::Refusal {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Seal(reason) => Self::Unavailable(reason.to_string()),
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
    pub(crate) fn new(
        root_key: Arc<RootKey>,
        origin: RootKeyOrigin,
        randomness: Arc<dyn Randomness>,
        open_keys: OpenKeys,
    ) -> Self {
        Self {
            root_key,
            origin,
            randomness,
            open_keys: RwLock::new(open_keys),
            last_refresh: Mutex::new(None),
        }
    }

    /// Where the root key came from, for the standing finding about a plain key file.
    pub fn origin(&self) -> RootKeyOrigin {
        self.origin
    }

    /// The version of the wrapping key that seals, and since when.
    pub fn active(&self) -> ActiveVersion {
        self.read().active
    }

    /// Seals named values for the place where they will stand.
    ///
    /// # Errors
    /// When they are longer than an envelope can hold.
    pub fn seal_values(&self, at: &SecretRef, values: &Values) -> Result<Vec<u8>, SealError> {
        self.seal_bytes(at, &values::encode(values))
    }

    /// Opens named values where they stand.
    ///
    /// # Errors
    /// When they were changed, moved, or sealed under a version that is not known here.
    pub fn open_values(&self, at: &SecretRef, sealed: &[u8]) -> Result<Values, SealError> {
        values::decode(&self.open_bytes(at, sealed)?).ok_or_else(|| SealError::Form { place: place(at) })
    }

    /// Seals bytes for the place where they will stand.
    ///
    /// # Errors
    /// As [`Sealer::seal_values`].
    pub fn seal_bytes(&self, at: &SecretRef, plaintext: &SecretBytes) -> Result<Vec<u8>, SealError> {
        let keys = self.read();
        let sealed = keys
            .keyring
            .seal(self.randomness.as_ref(), &context(at), plaintext.expose_bytes())?;
        Ok(sealed.into_bytes())
    }

    /// Opens bytes where they stand.
    ///
    /// # Errors
    /// As [`Sealer::open_values`].
    pub fn open_bytes(&self, at: &SecretRef, sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let keys = self.read();
        keys.keyring
            .open(&context(at), sealed)
            .map_err(|source| SealError::Open {
                place: place(at),
                source,
            })
    }

    /// Reads the wrapping keys from the store again: another replica may have made a new version.
    ///
    /// # Errors
    /// When the store is away or a stored wrapping key does not open; the keys in memory stay as they were.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), UnlockError> {
        let fresh = wrapping_key::open_all(store, &self.root_key).await?;
        let mut keys = self.open_keys.write().unwrap_or_else(PoisonError::into_inner);
        // A slow read must not take back what a faster one already knows.
        if fresh.active.version >= keys.active.version {
            *keys = fresh;
        }
        Ok(())
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

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, OpenKeys> {
        self.open_keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sealer")
            .field("active", &self.active())
            .finish_non_exhaustive()
    }
}

fn context(at: &SecretRef) -> Context {
    Context::new(at.table, &at.row, at.field)
}

fn place(at: &SecretRef) -> String {
    format!("{}/{}/{}", at.table, at.row, at.field)
}
