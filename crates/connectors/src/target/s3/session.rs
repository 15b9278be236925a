//! One session with the objects of a bucket.

use async_trait::async_trait;
use engine::ports::{Batch, Bounds, ConnectorError, Cursor, Locator, StoredRecord, Swap, TargetSession};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::listing::{Listed, PAGE, Page};
use super::store::{LARGEST, Store};
use super::{BucketConfig, refuse};

/// Requests under way at once.
const AT_ONCE: usize = 16;
/// The most that one batch holds in memory.
const BATCH_BYTES: u64 = 64 * 1024 * 1024;
/// Pages that an estimate counts: a million objects.
const COUNTED_PAGES: u32 = 1_000;

/// Objects below a prefix.
pub(super) struct ObjectSession {
    store: Store,
    prefix: String,
    /// The context names the key.
    names_key: bool,
}

impl ObjectSession {
    /// Looks whether the bucket is there and whether nothing can be lost in it.
    pub(super) async fn open(
        store: Store,
        config: &BucketConfig,
        names_key: bool,
    ) -> Result<Self, ConnectorError> {
        store.list(&config.prefix, None, 1).await?;
        if !config.old_versions_expire && store.keeps_old_versions().await? {
            return Err(refuse(format!(
                "bucket `{}` keeps what is overwritten, so every old envelope stays there under its old key version; \
                 let a lifecycle rule remove noncurrent versions and set old_versions_expire to true, and destroy no \
                 key version before they are gone",
                config.bucket
            )));
        }
        store.require_conditional_writes(&config.prefix).await?;
        Ok(Self {
            store,
            prefix: config.prefix.clone(),
            names_key,
        })
    }

    /// The next page, as much of it as one batch may hold.
    async fn page(&self, after: Option<&str>, limit: u32) -> Result<Page, ConnectorError> {
        let mut page = self.store.list(&self.prefix, after, limit).await?;
        let mut bytes = 0;
        let mut fitting = 0;
        for Listed { key, size } in &page.objects {
            if *size > LARGEST as u64 {
                return Err(refuse(format!(
                    "object `{key}` has {size} bytes, and one envelope of at most {LARGEST} is expected; choose a \
                     prefix without it"
                )));
            }
            bytes += size;
            if bytes > BATCH_BYTES && fitting > 0 {
                break;
            }
            fitting += 1;
        }
        if fitting < page.objects.len() {
            page.objects.truncate(fitting);
            page.next = page.objects.last().map(|last| last.key.clone());
        }
        Ok(page)
    }

    async fn fetch(&self, keys: Vec<String>) -> Result<Vec<StoredRecord>, ConnectorError> {
        let found: Vec<Option<StoredRecord>> = stream::iter(keys)
            .map(|key| async move {
                let object = self.store.object(&key).await?;
                Ok(object.map(|object| StoredRecord {
                    fields: if self.names_key {
                        vec![key.clone()]
                    } else {
                        Vec::new()
                    },
                    locator: Locator(key),
                    stored: object.body,
                }))
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn swap(&self, swap: &Swap) -> Result<bool, ConnectorError> {
        let key = &swap.locator.0;
        match self.store.object(key).await? {
            Some(object) if object.body == swap.before => {
                self.store.put(key, &object, swap.after.clone()).await
            }
            _ => Ok(false),
        }
    }
}

#[async_trait]
impl TargetSession for ObjectSession {
    async fn estimate(&mut self) -> Result<u64, ConnectorError> {
        let mut count = 0;
        let mut after = None;
        for _ in 0..COUNTED_PAGES {
            let page = self.store.list(&self.prefix, after.as_deref(), PAGE).await?;
            count += page.objects.len() as u64;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(count)
    }

    async fn split(&mut self, _parts: u32) -> Result<Vec<Bounds>, ConnectorError> {
        Ok(vec![Bounds::default()])
    }

    async fn scan(
        &mut self,
        _bounds: &Bounds,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Batch, ConnectorError> {
        let page = self.page(cursor.map(|cursor| cursor.0.as_str()), limit).await?;
        let keys = page.objects.into_iter().map(|object| object.key).collect();
        Ok(Batch {
            records: self.fetch(keys).await?,
            next: page.next.map(Cursor),
        })
    }

    async fn read(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError> {
        self.fetch(locators.iter().map(|locator| locator.0.clone()).collect())
            .await
    }

    fn locate(&self, fields: &[String]) -> Vec<Locator> {
        let belongs = |key: &&String| self.names_key && key.starts_with(&self.prefix);
        let key = fields.first().filter(belongs);
        key.map(|key| Locator(key.clone())).into_iter().collect()
    }

    async fn replace(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError> {
        let session = &*self;
        let replacing: Vec<_> = swaps.iter().map(|swap| session.swap(swap)).collect();
        stream::iter(replacing).buffered(AT_ONCE).try_collect().await
    }
}
