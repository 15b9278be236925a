//! The port for keys, and what replicas know of each other.

use std::time::Duration;

use async_trait::async_trait;
use engine::Name;
use engine::id::KeyId;
use engine::key::{Key, KeyVersion};
use engine::ports::{KeyStore, KeyUsage, StoreError};

use crate::database::Database;
use crate::dialect::Backend;
use crate::{audit, key, replica};

/// Between two looks whether every replica has heard.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A replica that lives and has not heard after this has something the matter with it.
const HEARD_WITHIN: Duration = Duration::from_secs(5);

#[async_trait]
impl KeyStore for Database {
    async fn key(&self, name: &Name) -> Result<Option<Key>, StoreError> {
        key::find(self.readers(), name).await
    }

    async fn key_by_id(&self, id: &KeyId) -> Result<Option<Key>, StoreError> {
        key::find_by_id(self.readers(), id).await
    }

    async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        key::list(self.readers()).await
    }

    async fn key_versions(&self, key: &KeyId) -> Result<Vec<KeyVersion>, StoreError> {
        key::versions(self.readers(), key).await
    }

    async fn all_key_versions(&self) -> Result<Vec<KeyVersion>, StoreError> {
        key::all_versions(self.readers()).await
    }

    async fn keys_of_note(&self) -> Result<Vec<Key>, StoreError> {
        key::list_of_note(self.readers()).await
    }

    async fn key_versions_to_destroy(&self) -> Result<Vec<KeyVersion>, StoreError> {
        key::versions_to_destroy(self.readers()).await
    }

    async fn key_materials(&self, key: &KeyId) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
        key::materials(self.readers(), key).await
    }

    async fn reserve_key_uses(
        &self,
        key: &KeyId,
        number: u32,
        count: u64,
        limit: u64,
    ) -> Result<bool, StoreError> {
        key::reserve_uses(self.writers(), key, number, count, limit).await
    }

    async fn add_key_usage(&self, usage: &[KeyUsage]) -> Result<(), StoreError> {
        key::add_usage(self.writers(), self.backend(), usage).await
    }

    async fn has_other_replicas(&self) -> Result<bool, StoreError> {
        match self.backend() {
            Backend::Sqlite => Ok(false),
            Backend::Postgres => {
                let (living, _) = self.other_replicas(0).await?;
                Ok(living > 0)
            }
        }
    }

    async fn heard_by_all(&self) -> Result<(), StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(());
        }
        let commits = audit::head(self.readers()).await?.commits;
        let waiting = async {
            loop {
                let (_, behind) = self.other_replicas(commits).await?;
                if behind == 0 {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(HEARD_WITHIN, waiting)
            .await
            .unwrap_or_else(|_| {
                let detail = "another replica lives and does not hear what is committed".to_owned();
                Err(StoreError::Unavailable(detail))
            })
    }
}

impl Database {
    /// Replicas that use what they remember: how many there are, and how many have not heard of `commits`.
    async fn other_replicas(&self, commits: i64) -> Result<(i64, i64), StoreError> {
        // A report may be a poll's interval older than what it vouches for.
        let window = self.view_bound() + Duration::from_millis(500);
        replica::others(self.readers(), self.replica(), window, commits).await
    }
}
