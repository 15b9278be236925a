//! The cache: put, get, revoke.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyring::{KeyId, KeyVersion, Malformed, inspect};
use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, Script, ServerErrorKind, Value};

use crate::counts::{Counters, Counts};
use crate::script;

/// No entry lives longer.
pub const LONGEST_LIFETIME: Duration = Duration::from_secs(30 * 86_400);
/// Longer names cost more than what they name.
const LONGEST_NAME: usize = 512;
/// Entries removed at a time: the server does nothing else meanwhile.
const BATCH: usize = 1_000;

/// Why the cache did not do what it was asked. An error of `get` is best taken for a miss.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A plaintext, or damaged.
    #[error("only envelopes are cached, and this is none ({0}); seal it with /api/v1/keys/…/encrypt first")]
    NoEnvelope(#[from] Malformed),
    /// Sealed under a version that must not be used any more.
    #[error("version {version} of key {key} is revoked; seal the value anew before it is cached")]
    Revoked { key: String, version: u32 },
    /// Every entry ends.
    #[error("a lifetime must be at least a millisecond and at most 30 days, and {} ms is not", .0.as_millis())]
    Lifetime(Duration),
    /// A name that is none.
    #[error("a name must have 1 to {LONGEST_NAME} bytes, and this has {0}")]
    Name(usize),
    /// A prefix that is none.
    #[error(
        "a prefix must have 1 to {LONGEST_NAME} bytes, and this has {0}; it keeps this cache apart from others"
    )]
    Prefix(usize),
    /// Redis is away, or refuses.
    #[error("the cache's server: {0}")]
    Redis(#[from] RedisError),
}

/// An entry. Only Rota, or whoever holds the key, opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedEnvelope {
    pub key: KeyId,
    pub version: KeyVersion,
    pub envelope: Vec<u8>,
}

/// A cache of envelopes. Clones share the connection and the counts.
#[derive(Clone)]
pub struct EnvelopeCache<C> {
    connection: C,
    shared: Arc<Shared>,
}

struct Shared {
    prefix: String,
    put: Script,
    get: Script,
    remove: Script,
    sweep: Script,
    counters: Counters,
    /// Labels of the versions that this process knows to be revoked, in case the server forgets.
    revoked: RwLock<HashSet<String>>,
}

impl<C> EnvelopeCache<C> {
    /// A cache whose keys all begin with `prefix`.
    ///
    /// # Errors
    /// [`CacheError::Prefix`].
    pub fn new(connection: C, prefix: &str) -> Result<Self, CacheError> {
        if prefix.is_empty() || prefix.len() > LONGEST_NAME {
            return Err(CacheError::Prefix(prefix.len()));
        }
        Ok(Self {
            connection,
            shared: Arc::new(Shared {
                prefix: prefix.to_owned(),
                put: Script::new(script::PUT),
                get: Script::new(script::GET),
                remove: Script::new(script::REMOVE),
                sweep: Script::new(script::SWEEP),
                counters: Counters::default(),
                revoked: RwLock::default(),
            }),
        })
    }

    /// What it did since it was made.
    pub fn counts(&self) -> Counts {
        self.shared.counters.read()
    }
}

impl<C: ConnectionLike + Clone> EnvelopeCache<C> {
    /// Puts an envelope in the place of whatever has this name, for so long.
    ///
    /// # Errors
    /// It is no envelope, its version is revoked, the lifetime or the name is none, Redis is away.
    pub async fn put(&self, name: &str, envelope: &[u8], lifetime: Duration) -> Result<(), CacheError> {
        self.put_many(&[(name, envelope)], lifetime).await
    }

    /// Puts several at once. All are checked first; of envelopes whose version was revoked a moment ago the others are
    /// put all the same.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub async fn put_many(&self, entries: &[(&str, &[u8])], lifetime: Duration) -> Result<(), CacheError> {
        let milliseconds = milliseconds(lifetime)?;
        let mut pipe = redis::pipe();
        let mut placed = Vec::with_capacity(entries.len());
        for (name, envelope) in entries {
            check_name(name)?;
            let header = inspect(envelope)?;
            let label = label(&header.key_id, header.version);
            if self.is_known_revoked(&label) {
                return Err(revoked(&header.key_id, header.version));
            }
            pipe.cmd("EVALSHA")
                .arg(self.shared.put.get_hash())
                .arg(3)
                .arg(self.shared.entry(name))
                .arg(self.shared.index(&label))
                .arg(self.shared.revoked_set())
                .arg(&label)
                .arg(*envelope)
                .arg(milliseconds)
                .arg(name)
                .arg(self.shared.indexes());
            placed.push((header.key_id, header.version));
        }
        if placed.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.clone();
        let taken: Vec<u8> = match pipe.query_async(&mut connection).await {
            // The server has not seen the script, or was started anew. Putting twice changes nothing.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.shared.put.load_async(&mut connection).await?;
                pipe.query_async(&mut connection).await?
            }
            taken => taken?,
        };
        match placed.iter().zip(taken).find(|(_, taken)| *taken == 0) {
            Some(((key, version), _)) => Err(revoked(key, *version)),
            None => Ok(()),
        }
    }

    /// The envelope of this name. None: there is none, its version is revoked, or what was there did not parse and is
    /// gone now.
    ///
    /// # Errors
    /// Redis is away, the name is none.
    pub async fn get(&self, name: &str) -> Result<Option<CachedEnvelope>, CacheError> {
        check_name(name)?;
        let shared = &self.shared;
        let mut connection = self.connection.clone();
        let found: Value = shared
            .get
            .key(shared.entry(name))
            .key(shared.revoked_set())
            .arg(name)
            .arg(shared.indexes())
            .invoke_async(&mut connection)
            .await?;
        let stored = match found {
            Value::BulkString(stored) => stored,
            Value::Int(0) => {
                shared.counters.unreadable();
                return Ok(None);
            }
            Value::Int(_) => {
                shared.counters.invalidated(1);
                shared.counters.miss();
                return Ok(None);
            }
            _ => {
                shared.counters.miss();
                return Ok(None);
            }
        };
        let Some(cached) = CachedEnvelope::parse(&stored) else {
            shared.counters.unreadable();
            self.remove_if(name, Some(&stored)).await?;
            return Ok(None);
        };
        if self.is_known_revoked(&label(&cached.key, cached.version)) {
            shared.counters.miss();
            return Ok(None);
        }
        shared.counters.hit();
        Ok(Some(cached))
    }

    /// Removes the entry of this name.
    ///
    /// # Errors
    /// Redis is away, the name is none.
    pub async fn remove(&self, name: &str) -> Result<(), CacheError> {
        check_name(name)?;
        self.remove_if(name, None).await
    }

    /// Makes every entry of a version unreadable at once, then removes them, a batch at a time; gives how many were
    /// removed. May be repeated, and go on after a failure.
    ///
    /// # Errors
    /// Redis is away; this process reads nothing of the version even so.
    pub async fn revoke(&self, key: &KeyId, version: KeyVersion) -> Result<u64, CacheError> {
        let (shared, label) = (&self.shared, label(key, version));
        shared
            .revoked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(label.clone());
        let mut connection = self.connection.clone();
        let _was_new: u64 = redis::cmd("SADD")
            .arg(shared.revoked_set())
            .arg(&label)
            .query_async(&mut connection)
            .await?;
        let mut sweep = shared.sweep.key(shared.index(&label));
        sweep.arg(&label).arg(shared.entry("")).arg(BATCH);
        let mut all = 0;
        loop {
            let (looked_at, removed): (u64, u64) = sweep.invoke_async(&mut connection).await?;
            shared.counters.invalidated(removed);
            all += removed;
            if looked_at == 0 {
                return Ok(all);
            }
        }
    }

    /// Takes a version again whose revocation was a mistake. What was removed stays removed.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn take_back(&self, key: &KeyId, version: KeyVersion) -> Result<(), CacheError> {
        let label = label(key, version);
        let mut connection = self.connection.clone();
        let _was_revoked: u64 = redis::cmd("SREM")
            .arg(self.shared.revoked_set())
            .arg(&label)
            .query_async(&mut connection)
            .await?;
        self.shared
            .revoked
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&label);
        Ok(())
    }

    async fn remove_if(&self, name: &str, stored: Option<&[u8]>) -> Result<(), CacheError> {
        let shared = &self.shared;
        let mut remove = shared.remove.key(shared.entry(name));
        remove.arg(name).arg(shared.indexes());
        if let Some(stored) = stored {
            remove.arg(stored);
        }
        let _removed: u64 = remove.invoke_async(&mut self.connection.clone()).await?;
        Ok(())
    }

    fn is_known_revoked(&self, label: &str) -> bool {
        let revoked = self.shared.revoked.read();
        revoked.unwrap_or_else(PoisonError::into_inner).contains(label)
    }
}

impl Shared {
    fn entry(&self, name: &str) -> String {
        format!("{}e:{name}", self.prefix)
    }

    fn indexes(&self) -> String {
        format!("{}v:", self.prefix)
    }

    fn index(&self, label: &str) -> String {
        format!("{}v:{label}", self.prefix)
    }

    fn revoked_set(&self) -> String {
        format!("{}r", self.prefix)
    }
}

impl CachedEnvelope {
    /// An entry as it stands in Redis; None when it is none of ours.
    fn parse(stored: &[u8]) -> Option<Self> {
        let stop = stored.iter().position(|byte| *byte == b'\n')?;
        let (stored_label, rest) = stored.split_at(stop);
        let envelope = rest.get(1..)?;
        let header = inspect(envelope).ok()?;
        let (key, version) = (header.key_id, header.version);
        (label(&key, version).as_bytes() == stored_label).then(|| Self {
            key,
            version,
            envelope: envelope.to_vec(),
        })
    }
}

impl<C> fmt::Debug for EnvelopeCache<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EnvelopeCache")
            .field("prefix", &self.shared.prefix)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

fn label(key: &KeyId, version: KeyVersion) -> String {
    format!("{key}:{version}")
}

fn revoked(key: &KeyId, version: KeyVersion) -> CacheError {
    CacheError::Revoked {
        key: key.to_string(),
        version: version.number(),
    }
}

fn milliseconds(lifetime: Duration) -> Result<u64, CacheError> {
    let fits = lifetime >= Duration::from_millis(1) && lifetime <= LONGEST_LIFETIME;
    u64::try_from(lifetime.as_millis())
        .ok()
        .filter(|_| fits)
        .ok_or(CacheError::Lifetime(lifetime))
}

fn check_name(name: &str) -> Result<(), CacheError> {
    if (1..=LONGEST_NAME).contains(&name.len()) {
        Ok(())
    } else {
        Err(CacheError::Name(name.len()))
    }
}
