//! The pages' one port, answered for one signed-in person: engine facts in, views out. Nothing is decided here.

mod audit;
mod consumer;
mod credential;
mod expiries;
mod forms;
mod frame;
mod issuer;
mod key;
mod key_form;
mod key_moves;
mod log;
mod needs;
mod overview;
mod recovery;
mod reencryption;
mod rotation;
mod settings;
mod steps;
mod verdict;
mod words;

use std::error::Error as _;

use app::reader::{ReadError, Reader};
use app::views::audit::{AuditQuery, AuditView};
use app::views::catalog::CatalogQuery;
use app::views::consumer::{ConsumerFormView, ConsumerView, ConsumersView};
use app::views::credential::{CredentialFormView, CredentialView, CredentialsQuery, CredentialsView};
use app::views::expiry::{ExpiriesQuery, ExpiriesView};
use app::views::frame::Frame;
use app::views::issuer::{IssuerFormView, IssuerView, IssuersView};
use app::views::key::{KeyFormView, KeyView, KeysQuery, KeysView};
use app::views::need::NeedsPersonView;
use app::views::overview::{OverviewView, Span};
use app::views::recovery::RecoveryView;
use app::views::reencryption::{JobView, ReencryptionsView, TargetFormView, TargetView};
use app::views::root::RootView;
use app::views::rotation::{RotationView, RotationsQuery, RotationsView};
use app::views::settings::SettingsView;
use async_trait::async_trait;
use engine::access::{Actor, Role};
use engine::catalog::Environment;
use engine::{Refusal, Timestamp};

use crate::http::AppState;

/// Reads for one person; what they may not see is refused by the services.
#[derive(Debug)]
pub(super) struct PageReader {
    state: AppState,
    actor: Actor,
    /// What they narrowed the pages to.
    environment: Option<String>,
}

impl PageReader {
    /// A reader bound to whoever is signed in.
    pub(super) fn new(state: AppState, actor: Actor, environment: Option<String>) -> Self {
        Self {
            state,
            actor,
            environment,
        }
    }

    fn now(&self) -> Timestamp {
        self.state.services.clock.now()
    }

    /// What the viewer narrowed the pages to; what is no name narrows nothing.
    fn environment(&self) -> Option<Environment> {
        Environment::parse(self.environment.as_deref()?).ok()
    }

    /// Whether something of this environment is among what the viewer wants to see.
    fn is_within(&self, environment: &Environment) -> bool {
        self.environment().is_none_or(|wanted| wanted == *environment)
    }

    fn may_operate(&self) -> bool {
        self.actor.require(Role::Operator).is_ok()
    }

    fn may_administer(&self) -> bool {
        self.actor.require(Role::Administrator).is_ok()
    }
}

/// Why a page has nothing to show.
fn unavailable(error: impl Into<Refusal>) -> ReadError {
    match error.into() {
        Refusal::NotFound { .. } => ReadError::NotFound,
        Refusal::Forbidden(_) | Refusal::Unauthenticated => ReadError::Forbidden,
        other => {
            let cause = other
                .source()
                .map_or_else(|| other.to_string(), ToString::to_string);
            tracing::warn!(error.cause = %cause, "a page could not be read");
            ReadError::Unavailable(other.to_string())
        }
    }
}

#[async_trait]
impl Reader for PageReader {
    async fn frame(&self) -> Frame {
        self.read_frame().await
    }

    async fn overview(&self, span: Span) -> Result<OverviewView, ReadError> {
        self.read_overview(span).await
    }

    async fn credentials(&self, query: CredentialsQuery) -> Result<CredentialsView, ReadError> {
        self.read_credentials(query).await
    }

    async fn credential(&self, name: &str) -> Result<CredentialView, ReadError> {
        self.read_credential(name).await
    }

    async fn rotations(&self, query: RotationsQuery) -> Result<RotationsView, ReadError> {
        self.read_rotations(query).await
    }

    async fn rotation(&self, id: &str) -> Result<RotationView, ReadError> {
        self.read_rotation(id).await
    }

    async fn credential_form(&self, name: Option<&str>) -> Result<CredentialFormView, ReadError> {
        self.read_credential_form(name).await
    }

    async fn issuers(&self, query: CatalogQuery) -> Result<IssuersView, ReadError> {
        self.read_issuers(query).await
    }

    async fn issuer(&self, name: &str) -> Result<IssuerView, ReadError> {
        self.read_issuer(name).await
    }

    async fn issuer_form(&self, name: Option<&str>) -> Result<IssuerFormView, ReadError> {
        self.read_issuer_form(name).await
    }

    async fn consumers(&self, query: CatalogQuery) -> Result<ConsumersView, ReadError> {
        self.read_consumers(query).await
    }

    async fn consumer(&self, name: &str) -> Result<ConsumerView, ReadError> {
        self.read_consumer(name).await
    }

    async fn consumer_form(&self, name: Option<&str>) -> Result<ConsumerFormView, ReadError> {
        self.read_consumer_form(name).await
    }

    async fn expiries(&self, query: ExpiriesQuery) -> Result<ExpiriesView, ReadError> {
        self.read_expiries(query).await
    }

    async fn needs_person(&self, cursor: Option<&str>) -> Result<NeedsPersonView, ReadError> {
        self.read_needs_person(cursor).await
    }

    async fn keys(&self, query: KeysQuery) -> Result<KeysView, ReadError> {
        self.read_keys(query).await
    }

    async fn key(&self, name: &str) -> Result<KeyView, ReadError> {
        self.read_key(name).await
    }

    async fn key_form(&self, name: Option<&str>) -> Result<KeyFormView, ReadError> {
        self.read_key_form(name).await
    }

    async fn reencryptions(&self, cursor: Option<&str>) -> Result<ReencryptionsView, ReadError> {
        self.read_reencryptions(cursor).await
    }

    async fn reencryption(&self, id: &str) -> Result<JobView, ReadError> {
        self.read_reencryption(id).await
    }

    async fn target(&self, name: &str) -> Result<TargetView, ReadError> {
        self.read_target(name).await
    }

    async fn target_form(&self, name: Option<&str>) -> Result<TargetFormView, ReadError> {
        self.read_target_form(name).await
    }

    async fn recovery(&self) -> Result<RecoveryView, ReadError> {
        self.read_recovery().await
    }

    async fn root(&self) -> Result<RootView, ReadError> {
        self.read_root().await
    }

    async fn audit(&self, query: AuditQuery) -> Result<AuditView, ReadError> {
        self.read_audit(query).await
    }

    async fn settings(&self) -> Result<SettingsView, ReadError> {
        self.read_settings().await
    }
}
