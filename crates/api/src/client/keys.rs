//! Data-encryption keys.

use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{Client, ClientError, transport::segment};
use crate::{
    Page, PageQuery,
    key::{
        ApproveDestruction, Batch, BatchReply, CreateKey, DataKey, Decrypt, Decrypted, Encrypt, Encrypted,
        Key, MakeDataKey, PlanDestruction, Rewrap, RotateKey, UpdateKey, UpdateKeyVersion,
    },
};

#[expect(clippy::missing_errors_doc, reason = "every method fails as ClientError says")]
impl Client {
    pub async fn create_key(&self, key: &CreateKey) -> Result<Key, ClientError> {
        self.post("/api/v1/keys", key).await
    }

    pub async fn keys(&self, page: &PageQuery) -> Result<Page<Key>, ClientError> {
        self.get_with("/api/v1/keys", page).await
    }

    pub async fn key(&self, name: &str) -> Result<Key, ClientError> {
        self.get(&format!("/api/v1/keys/{}", segment(name))).await
    }

    pub async fn update_key(&self, name: &str, change: &UpdateKey) -> Result<Key, ClientError> {
        let path = format!("/api/v1/keys/{}", segment(name));
        self.json(self.request(Method::PATCH, &path).json(change)).await
    }

    pub async fn plan_key_destruction(
        &self,
        name: &str,
        number: u32,
        plan: &PlanDestruction,
    ) -> Result<Key, ClientError> {
        let path = format!("/api/v1/keys/{}/versions/{number}/destruction", segment(name));
        self.post(&path, plan).await
    }

    pub async fn approve_key_destruction(
        &self,
        name: &str,
        number: u32,
        approval: &ApproveDestruction,
    ) -> Result<Key, ClientError> {
        let key = segment(name);
        let path = format!("/api/v1/keys/{key}/versions/{number}/destruction/approval");
        self.post(&path, approval).await
    }

    pub async fn cancel_key_destruction(&self, name: &str, number: u32) -> Result<Key, ClientError> {
        let path = format!("/api/v1/keys/{}/versions/{number}/destruction", segment(name));
        self.json(self.request(Method::DELETE, &path)).await
    }

    pub async fn rotate_key(&self, name: &str, rotate: &RotateKey) -> Result<Key, ClientError> {
        self.key_operation(name, "rotate", rotate).await
    }

    pub async fn update_key_version(
        &self,
        name: &str,
        number: u32,
        change: &UpdateKeyVersion,
    ) -> Result<Key, ClientError> {
        let path = format!("/api/v1/keys/{}/versions/{number}", segment(name));
        self.json(self.request(Method::PATCH, &path).json(change)).await
    }

    pub async fn encrypt(&self, key: &str, encrypt: &Encrypt) -> Result<Encrypted, ClientError> {
        self.key_operation(key, "encrypt", encrypt).await
    }

    pub async fn encrypt_batch(
        &self,
        key: &str,
        batch: &Batch<Encrypt>,
    ) -> Result<BatchReply<Encrypted>, ClientError> {
        self.key_operation(key, "encrypt", batch).await
    }

    pub async fn decrypt(&self, key: &str, decrypt: &Decrypt) -> Result<Decrypted, ClientError> {
        self.key_operation(key, "decrypt", decrypt).await
    }

    pub async fn decrypt_batch(
        &self,
        key: &str,
        batch: &Batch<Decrypt>,
    ) -> Result<BatchReply<Decrypted>, ClientError> {
        self.key_operation(key, "decrypt", batch).await
    }

    pub async fn rewrap(&self, key: &str, rewrap: &Rewrap) -> Result<Encrypted, ClientError> {
        self.key_operation(key, "rewrap", rewrap).await
    }

    pub async fn rewrap_batch(
        &self,
        key: &str,
        batch: &Batch<Rewrap>,
    ) -> Result<BatchReply<Encrypted>, ClientError> {
        self.key_operation(key, "rewrap", batch).await
    }

    pub async fn make_data_key(&self, key: &str, make: &MakeDataKey) -> Result<DataKey, ClientError> {
        self.key_operation(key, "data-key", make).await
    }

    async fn key_operation<B: Serialize, T: DeserializeOwned>(
        &self,
        key: &str,
        operation: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        self.post(&format!("/api/v1/keys/{}/{operation}", segment(key)), body)
            .await
    }
}
