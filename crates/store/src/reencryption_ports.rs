//! The port for targets, jobs, censuses and registered copies.

use async_trait::async_trait;
use engine::id::{JobId, TargetId};
use engine::ports::{JobFilter, ReencryptionStore, StoreError};
use engine::reencryption::{ApplicationBackup, Census, Job, Range, Target};
use engine::{Name, Timestamp};

use crate::database::Database;
use crate::job::RangeKey;
use crate::{census, job, target};

#[async_trait]
impl ReencryptionStore for Database {
    async fn target(&self, name: &Name) -> Result<Option<Target>, StoreError> {
        target::find(self.readers(), name).await
    }

    async fn target_by_id(&self, id: &TargetId) -> Result<Option<Target>, StoreError> {
        target::find_by_id(self.readers(), id).await
    }

    async fn targets(&self) -> Result<Vec<Target>, StoreError> {
        target::list(self.readers()).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        job::find(self.readers(), id).await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        job::list(self.readers(), filter).await
    }

    async fn jobs_under_way(&self) -> Result<Vec<Job>, StoreError> {
        job::list_under_way(self.readers()).await
    }

    async fn ranges(&self, id: &JobId) -> Result<Vec<Range>, StoreError> {
        job::list_ranges(self.readers(), id).await
    }

    async fn take_range(
        &self,
        job: &JobId,
        pass: u32,
        number: u32,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let range = RangeKey { job, pass, number };
        job::take_range(self.writers(), range, holder, now, until).await
    }

    async fn release_range(&self, job: &JobId, pass: u32, number: u32, token: i64) -> Result<(), StoreError> {
        let range = RangeKey { job, pass, number };
        job::release_range(self.writers(), range, token).await
    }

    async fn ranges_under_work(&self, id: &JobId, now: Timestamp) -> Result<u32, StoreError> {
        job::count_under_work(self.readers(), id, now).await
    }

    async fn latest_census(&self, target: &TargetId) -> Result<Option<Census>, StoreError> {
        census::find_latest(self.readers(), target).await
    }

    async fn censuses(&self, target: Option<&TargetId>, since: Timestamp) -> Result<Vec<Census>, StoreError> {
        census::list(self.readers(), target, since).await
    }

    async fn application_backups(&self) -> Result<Vec<ApplicationBackup>, StoreError> {
        target::list_backups(self.readers()).await
    }
}
