//! Who is asking, accounts, tokens and the audit.

use reqwest::Method;

use super::{Client, ClientError, transport::segment};
use crate::{
    AuditCheckpoint, AuditEntry, Page, PageQuery, Whoami,
    account::{Account, CreateAccount, UpdateAccount},
    audit::AuditQuery,
    token::{CreateToken, Token, TokenCreated},
};

#[expect(clippy::missing_errors_doc, reason = "every method fails as ClientError says")]
impl Client {
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        self.get("/api/v1/whoami").await
    }

    pub async fn create_account(&self, account: &CreateAccount) -> Result<Account, ClientError> {
        self.post("/api/v1/accounts", account).await
    }

    pub async fn accounts(&self, page: &PageQuery) -> Result<Page<Account>, ClientError> {
        self.get_with("/api/v1/accounts", page).await
    }

    pub async fn update_account(&self, name: &str, change: &UpdateAccount) -> Result<Account, ClientError> {
        let path = format!("/api/v1/accounts/{}", segment(name));
        self.json(self.request(Method::PATCH, &path).json(change)).await
    }

    pub async fn create_token(&self, token: &CreateToken) -> Result<TokenCreated, ClientError> {
        self.post("/api/v1/tokens", token).await
    }

    pub async fn tokens(&self, page: &PageQuery) -> Result<Page<Token>, ClientError> {
        self.get_with("/api/v1/tokens", page).await
    }

    pub async fn delete_token(&self, id: &str) -> Result<(), ClientError> {
        self.nothing(self.request(Method::DELETE, &format!("/api/v1/tokens/{}", segment(id))))
            .await
    }

    pub async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditEntry>, ClientError> {
        self.get_with("/api/v1/audit", query).await
    }

    pub async fn audit_checkpoint(&self) -> Result<AuditCheckpoint, ClientError> {
        self.get("/api/v1/audit/checkpoint").await
    }
}
