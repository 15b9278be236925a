//! The one port through which pages get their data.
//!
//! The server provides an `Arc<dyn Reader>` by context, already bound to the signed-in person, so that no page can ask in
//! somebody else's name. Every method is one question and answers with the page's whole view.

use std::sync::Arc;

use async_trait::async_trait;

use crate::views::audit::{AuditQuery, AuditView};
use crate::views::catalog::CatalogQuery;
use crate::views::consumer::{ConsumerFormView, ConsumerView, ConsumersView};
use crate::views::credential::{CredentialFormView, CredentialView, CredentialsQuery, CredentialsView};
use crate::views::expiry::{ExpiriesQuery, ExpiriesView};
use crate::views::frame::Frame;
use crate::views::issuer::{IssuerFormView, IssuerView, IssuersView};
use crate::views::key::{KeyFormView, KeyView, KeysQuery, KeysView};
use crate::views::need::NeedsPersonView;
use crate::views::overview::{OverviewView, Span};
use crate::views::recovery::RecoveryView;
use crate::views::reencryption::{JobView, ReencryptionsView, TargetFormView, TargetView};
use crate::views::root::RootView;
use crate::views::rotation::{RotationView, RotationsQuery, RotationsView};
use crate::views::settings::SettingsView;

/// Why a page has nothing to show; each has its own designed state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("Your role may not see this.")]
    Forbidden,
    /// What is away, in words for people: "The database does not answer."
    #[error("{0}")]
    Unavailable(String),
}

/// What pages ask.
#[async_trait]
pub trait Reader: Send + Sync {
    /// The frame; must answer even when nothing else does.
    async fn frame(&self) -> Frame;
    async fn overview(&self, span: Span) -> Result<OverviewView, ReadError>;
    async fn credentials(&self, query: CredentialsQuery) -> Result<CredentialsView, ReadError>;
    async fn credential(&self, name: &str) -> Result<CredentialView, ReadError>;
    async fn rotations(&self, query: RotationsQuery) -> Result<RotationsView, ReadError>;
    async fn rotation(&self, id: &str) -> Result<RotationView, ReadError>;
    /// `None` is a new one; only those who may make or change it get an answer.
    async fn credential_form(&self, name: Option<&str>) -> Result<CredentialFormView, ReadError>;
    async fn issuers(&self, query: CatalogQuery) -> Result<IssuersView, ReadError>;
    async fn issuer(&self, name: &str) -> Result<IssuerView, ReadError>;
    async fn issuer_form(&self, name: Option<&str>) -> Result<IssuerFormView, ReadError>;
    async fn consumers(&self, query: CatalogQuery) -> Result<ConsumersView, ReadError>;
    async fn consumer(&self, name: &str) -> Result<ConsumerView, ReadError>;
    async fn consumer_form(&self, name: Option<&str>) -> Result<ConsumerFormView, ReadError>;
    async fn expiries(&self, query: ExpiriesQuery) -> Result<ExpiriesView, ReadError>;
    async fn needs_person(&self, cursor: Option<&str>) -> Result<NeedsPersonView, ReadError>;
    async fn keys(&self, query: KeysQuery) -> Result<KeysView, ReadError>;
    async fn key(&self, name: &str) -> Result<KeyView, ReadError>;
    /// `None` is a new one; only those who may make or change it get an answer.
    async fn key_form(&self, name: Option<&str>) -> Result<KeyFormView, ReadError>;
    async fn reencryptions(&self, cursor: Option<&str>) -> Result<ReencryptionsView, ReadError>;
    async fn reencryption(&self, id: &str) -> Result<JobView, ReadError>;
    /// Only those who may change it get an answer.
    async fn target(&self, name: &str) -> Result<TargetView, ReadError>;
    /// `None` is a new one; only those who may register or change it get an answer.
    async fn target_form(&self, name: Option<&str>) -> Result<TargetFormView, ReadError>;
    async fn recovery(&self) -> Result<RecoveryView, ReadError>;
    async fn root(&self) -> Result<RootView, ReadError>;
    async fn audit(&self, query: AuditQuery) -> Result<AuditView, ReadError>;
    async fn settings(&self) -> Result<SettingsView, ReadError>;
}

/// The reader as it is provided by context.
pub type SharedReader = Arc<dyn Reader>;
