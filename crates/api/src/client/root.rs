//! The root of trust.

use super::{Client, ClientError, transport::segment};
use crate::root::{BeginMigration, GiveShare, MigrationCommand, RootStatus, Seal, Unseal};

#[expect(clippy::missing_errors_doc, reason = "every method fails as ClientError says")]
impl Client {
    pub async fn root(&self) -> Result<RootStatus, ClientError> {
        self.get("/api/v1/root").await
    }

    pub async fn seal(&self, seal: &Seal) -> Result<RootStatus, ClientError> {
        self.post("/api/v1/seal", seal).await
    }

    pub async fn unseal(&self, unseal: &Unseal) -> Result<RootStatus, ClientError> {
        self.post("/api/v1/unseal", unseal).await
    }

    pub async fn begin_root_migration(&self, begin: &BeginMigration) -> Result<RootStatus, ClientError> {
        self.post("/api/v1/root/migrations", begin).await
    }

    pub async fn give_migration_share(&self, id: &str, share: &GiveShare) -> Result<RootStatus, ClientError> {
        let path = format!("/api/v1/root/migrations/{}/shares", segment(id));
        self.post(&path, share).await
    }

    pub async fn command_root_migration(
        &self,
        id: &str,
        command: &str,
        body: &MigrationCommand,
    ) -> Result<RootStatus, ClientError> {
        let path = format!("/api/v1/root/migrations/{}/{}", segment(id), segment(command));
        self.post(&path, body).await
    }
}
