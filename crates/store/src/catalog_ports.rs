//! The ports for the catalog, settings and measurements.

use async_trait::async_trait;
use engine::catalog::{Consumer, Credential, Issuer, Version};
use engine::delivery::{Hearsay, Instance};
use engine::freeze::Freeze;
use engine::id::{CredentialId, FreezeId};
use engine::measure::Measure;
use engine::ports::{
    CatalogStore, InstanceStore, MeasureStore, OutcomeBucket, OutcomeStore, SecretRef, SettingStore,
    StoreError,
};
use engine::{Name, Timestamp};

use crate::database::Database;
use crate::dialect::Backend;
use crate::secret::{PlacedSecret, Replacement};
use crate::{
    consumer, credential, freeze, hearsay, instance, issuer, measure, outcome, secret, setting, version,
};

#[async_trait]
impl CatalogStore for Database {
    async fn issuer(&self, name: &Name) -> Result<Option<Issuer>, StoreError> {
        issuer::find(self.readers(), name).await
    }

    async fn issuers(&self) -> Result<Vec<Issuer>, StoreError> {
        issuer::list(self.readers()).await
    }

    async fn consumer(&self, name: &Name) -> Result<Option<Consumer>, StoreError> {
        consumer::find(self.readers(), name).await
    }

    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        consumer::list(self.readers()).await
    }

    async fn credential(&self, name: &Name) -> Result<Option<Credential>, StoreError> {
        credential::find(self.readers(), name).await
    }

    async fn credential_by_id(&self, id: &CredentialId) -> Result<Option<Credential>, StoreError> {
        credential::find_by_id(self.readers(), id).await
    }

    async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        credential::list(self.readers()).await
    }

    async fn versions(&self, credential: &CredentialId) -> Result<Vec<Version>, StoreError> {
        version::list(self.readers(), credential).await
    }

    async fn current_versions(&self) -> Result<Vec<Version>, StoreError> {
        version::list_current(self.readers()).await
    }

    async fn sealed(&self, at: &SecretRef) -> Result<Option<Vec<u8>>, StoreError> {
        secret::find(self.readers(), at).await
    }

    async fn all_sealed(&self) -> Result<Vec<PlacedSecret>, StoreError> {
        secret::list(self.readers()).await
    }

    async fn sealed_rows(&self, table: &str, field: &str) -> Result<Vec<String>, StoreError> {
        secret::rows(self.readers(), table, field).await
    }

    async fn replace_sealed(
        &self,
        table: &str,
        row: &str,
        field: &str,
        before: &[u8],
        after: &[u8],
    ) -> Result<bool, StoreError> {
        secret::replace(
            self.writers(),
            Replacement {
                table,
                row,
                field,
                before,
                after,
            },
        )
        .await
    }

    async fn freeze(&self, id: &FreezeId) -> Result<Option<Freeze>, StoreError> {
        freeze::find(self.readers(), id).await
    }

    async fn freezes_on(&self, now: Timestamp) -> Result<Vec<Freeze>, StoreError> {
        freeze::list_on(self.readers(), now).await
    }
}

#[async_trait]
impl InstanceStore for Database {
    async fn instances(&self, credential: &CredentialId) -> Result<Vec<Instance>, StoreError> {
        instance::list(self.readers(), credential).await
    }

    fn has_replicas(&self) -> bool {
        self.backend() == Backend::Postgres
    }

    async fn tell_replicas(&self, told: &[Hearsay]) -> Result<(), StoreError> {
        match self.backend() {
            Backend::Sqlite => Ok(()),
            Backend::Postgres => hearsay::tell(self.writers(), self.replica(), told).await,
        }
    }

    async fn all_instances(&self) -> Result<Vec<Instance>, StoreError> {
        instance::list_all(self.readers()).await
    }
}

#[async_trait]
impl OutcomeStore for Database {
    async fn add_outcomes(&self, buckets: &[OutcomeBucket]) -> Result<(), StoreError> {
        outcome::add(self.writers(), self.backend(), buckets).await
    }

    async fn outcomes(
        &self,
        credential: &CredentialId,
        since: Timestamp,
    ) -> Result<Vec<OutcomeBucket>, StoreError> {
        outcome::list(self.readers(), credential, since).await
    }
}

#[async_trait]
impl MeasureStore for Database {
    async fn put_measures(&self, measures: &[Measure]) -> Result<(), StoreError> {
        measure::put(self.writers(), self.backend(), measures).await
    }

    async fn measures(&self, since: Timestamp) -> Result<Vec<Measure>, StoreError> {
        measure::list(self.readers(), since).await
    }
}

#[async_trait]
impl SettingStore for Database {
    async fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        setting::find(self.readers(), key).await
    }

    async fn settings(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        setting::list(self.readers(), prefix).await
    }
}
