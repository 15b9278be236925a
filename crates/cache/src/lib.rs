//! A cache of sealed values in Redis, for programs that seal with keys of Rota (REENC-4, REENC-9).
//!
//! An entry is an envelope, never a plaintext: what is no envelope is refused. Each entry has a lifetime and stands in
//! the index of the key version that sealed it, so that a revocation removes exactly the entries of that version, in
//! batches, without a look at any other. From the moment a version is revoked its entries are misses, before they are
//! removed, and nothing new under it is taken.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let (sealed, key) = (Vec::<u8>::new(), keyring::KeyId::parse("0198")?);
//! # let version = keyring::KeyVersion::FIRST;
//! use std::time::Duration;
//!
//! let client = cache::redis::Client::open("rediss://cache.example.com/")?;
//! let connection = client.get_multiplexed_async_connection().await?;
//! let cache = cache::EnvelopeCache::new(connection, "orders:")?;
//! cache.put("order/17", &sealed, Duration::from_secs(300)).await?;
//! if let Some(cached) = cache.get("order/17").await? {
//!     // POST cached.envelope to /api/v1/keys/{name}/decrypt.
//! }
//! // Rota revoked a version: nobody reads its entries any more, and they go.
//! cache.revoke(&key, version).await?;
//! println!("{}", cache.counts().exposition());
//! # Ok(()) }
//! ```
//!
//! | Redis key | holds |
//! |---|---|
//! | `<prefix>e:<name>` | an entry: `<key>:<version>`, a line end, the envelope |
//! | `<prefix>v:<key>:<version>` | the index: a sorted set of names by the time they expire |
//! | `<prefix>r` | the set of revoked `<key>:<version>` |
//!
//! Every change is one script, so two writers, or a writer and a revocation, never see half of each other. An index
//! expires with the last of its entries and drops expired ones as others come in. All keys of a cache must lie on one
//! server: with Redis Cluster put a hash tag into the prefix, such as `{orders}:`. The server must not evict keys of the
//! index before entries: `noeviction`, or a `volatile-…` policy with memory to spare; a version stays unreadable either
//! way for whoever heard of its revocation.

mod cache;
mod counts;
mod script;

pub use cache::{CacheError, CachedEnvelope, EnvelopeCache, LONGEST_LIFETIME};
pub use counts::Counts;
pub use redis;
