//! Issuers, consumers, credentials, findings and freezes.

use reqwest::{Method, RequestBuilder, header};

use super::{Client, ClientError, transport::segment};
use crate::{
    Consumer, ConsumerCreated, CreateConsumer, CreateCredential, CreateFreeze, CreateIssuer, Credential,
    Finding, Freeze, Issuer, Page, PageQuery,
    consumer::UpdateConsumer,
    credential::{CredentialQuery, UpdateCredential},
    issuer::{IssuerTest, UpdateIssuer},
    token::{CreateConsumerToken, TokenCreated},
};

/// Which state of an object a change was made against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revision {
    /// Change it whatever it is now.
    Any,
    /// Refuse with 412 if it has moved on.
    Exactly(i64),
}

impl Revision {
    fn apply(self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Any => request,
            Self::Exactly(revision) => request.header(header::IF_MATCH, format!("\"{revision}\"")),
        }
    }
}

#[expect(clippy::missing_errors_doc, reason = "every method fails as ClientError says")]
impl Client {
    pub async fn create_issuer(&self, issuer: &CreateIssuer) -> Result<Issuer, ClientError> {
        self.post("/api/v1/issuers", issuer).await
    }

    pub async fn issuers(&self, page: &PageQuery) -> Result<Page<Issuer>, ClientError> {
        self.get_with("/api/v1/issuers", page).await
    }

    pub async fn issuer(&self, name: &str) -> Result<Issuer, ClientError> {
        self.get(&format!("/api/v1/issuers/{}", segment(name))).await
    }

    pub async fn update_issuer(
        &self,
        name: &str,
        change: &UpdateIssuer,
        revision: Revision,
    ) -> Result<Issuer, ClientError> {
        let request = self
            .request(Method::PATCH, &format!("/api/v1/issuers/{}", segment(name)))
            .json(change);
        self.json(revision.apply(request)).await
    }

    pub async fn delete_issuer(&self, name: &str, revision: Revision) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/api/v1/issuers/{}", segment(name)));
        self.nothing(revision.apply(request)).await
    }

    /// Tries the connection.
    pub async fn test_issuer(&self, name: &str) -> Result<IssuerTest, ClientError> {
        self.json(self.request(Method::POST, &format!("/api/v1/issuers/{}/test", segment(name))))
            .await
    }

    pub async fn create_consumer(&self, consumer: &CreateConsumer) -> Result<ConsumerCreated, ClientError> {
        self.post("/api/v1/consumers", consumer).await
    }

    pub async fn consumers(&self, page: &PageQuery) -> Result<Page<Consumer>, ClientError> {
        self.get_with("/api/v1/consumers", page).await
    }

    pub async fn consumer(&self, name: &str) -> Result<Consumer, ClientError> {
        self.get(&format!("/api/v1/consumers/{}", segment(name))).await
    }

    pub async fn update_consumer(
        &self,
        name: &str,
        change: &UpdateConsumer,
        revision: Revision,
    ) -> Result<Consumer, ClientError> {
        let request = self
            .request(Method::PATCH, &format!("/api/v1/consumers/{}", segment(name)))
            .json(change);
        self.json(revision.apply(request)).await
    }

    pub async fn delete_consumer(&self, name: &str, revision: Revision) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/api/v1/consumers/{}", segment(name)));
        self.nothing(revision.apply(request)).await
    }

    /// A further token; the one before stays valid.
    pub async fn create_consumer_token(
        &self,
        name: &str,
        token: &CreateConsumerToken,
    ) -> Result<TokenCreated, ClientError> {
        self.post(&format!("/api/v1/consumers/{}/tokens", segment(name)), token)
            .await
    }

    /// Revokes every token but the newest: the end of a change of tokens.
    pub async fn revoke_older_consumer_tokens(&self, name: &str) -> Result<(), ClientError> {
        let path = format!("/api/v1/consumers/{}/tokens", segment(name));
        self.nothing(self.request(Method::DELETE, &path)).await
    }

    pub async fn create_credential(&self, credential: &CreateCredential) -> Result<Credential, ClientError> {
        self.post("/api/v1/credentials", credential).await
    }

    pub async fn credentials(&self, query: &CredentialQuery) -> Result<Page<Credential>, ClientError> {
        self.get_with("/api/v1/credentials", query).await
    }

    pub async fn credential(&self, name: &str) -> Result<Credential, ClientError> {
        self.get(&format!("/api/v1/credentials/{}", segment(name))).await
    }

    pub async fn update_credential(
        &self,
        name: &str,
        change: &UpdateCredential,
        revision: Revision,
    ) -> Result<Credential, ClientError> {
        let request = self
            .request(Method::PATCH, &format!("/api/v1/credentials/{}", segment(name)))
            .json(change);
        self.json(revision.apply(request)).await
    }

    pub async fn delete_credential(&self, name: &str, revision: Revision) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/api/v1/credentials/{}", segment(name)));
        self.nothing(revision.apply(request)).await
    }

    pub async fn findings(&self, page: &PageQuery) -> Result<Page<Finding>, ClientError> {
        self.get_with("/api/v1/findings", page).await
    }

    pub async fn create_freeze(&self, freeze: &CreateFreeze) -> Result<Freeze, ClientError> {
        self.post("/api/v1/freezes", freeze).await
    }

    pub async fn freezes(&self, page: &PageQuery) -> Result<Page<Freeze>, ClientError> {
        self.get_with("/api/v1/freezes", page).await
    }

    pub async fn delete_freeze(&self, id: &str) -> Result<(), ClientError> {
        self.nothing(self.request(Method::DELETE, &format!("/api/v1/freezes/{}", segment(id))))
            .await
    }
}
