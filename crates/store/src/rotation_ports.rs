//! The ports for rotations, their leases and the audit.

use async_trait::async_trait;
use engine::Timestamp;
use engine::audit::{AuditEntry, ChainHead};
use engine::change::Fence;
use engine::id::{CredentialId, RotationId};
use engine::ports::{
    AuditFilter, AuditStore, LeaseStore, RecoveryStore, RotationFilter, RotationStore, StoreError,
};
use engine::recovery::{Backup, Rehearsal};
use engine::rotation::{Rotation, RotationRecord};

use crate::database::Database;
use crate::{audit, backup_record, lease, rehearsal, rotation};

#[async_trait]
impl RotationStore for Database {
    async fn rotation(&self, id: &RotationId) -> Result<Option<Rotation>, StoreError> {
        rotation::find(self.readers(), id).await
    }

    async fn rotation_in_flight(&self, credential: &CredentialId) -> Result<Option<Rotation>, StoreError> {
        rotation::find_in_flight(self.readers(), credential).await
    }

    async fn rotations_in_flight(&self) -> Result<Vec<Rotation>, StoreError> {
        rotation::list_in_flight(self.readers()).await
    }

    async fn rotations(&self, filter: &RotationFilter) -> Result<Vec<Rotation>, StoreError> {
        rotation::list(self.readers(), filter).await
    }

    async fn records(&self, rotation: &RotationId, after: i64) -> Result<Vec<RotationRecord>, StoreError> {
        rotation::list_records(self.readers(), rotation, after).await
    }
}

#[async_trait]
impl LeaseStore for Database {
    async fn take_lease(
        &self,
        rotation: &RotationId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Fence>, StoreError> {
        lease::take(self.writers(), rotation, holder, now, until).await
    }
}

#[async_trait]
impl AuditStore for Database {
    async fn audit_entries(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        audit::list(self.readers(), filter).await
    }

    async fn audit_head(&self) -> Result<ChainHead, StoreError> {
        Ok(audit::head(self.readers()).await?.chain)
    }
}

#[async_trait]
impl RecoveryStore for Database {
    async fn backups(&self, limit: u32) -> Result<Vec<Backup>, StoreError> {
        backup_record::list(self.readers(), limit).await
    }

    async fn rehearsals(&self, limit: u32) -> Result<Vec<Rehearsal>, StoreError> {
        rehearsal::list(self.readers(), limit).await
    }
}
