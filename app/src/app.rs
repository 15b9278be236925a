//! The route table.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::pages::audit::AuditPage;
use crate::pages::consumer::ConsumerPage;
use crate::pages::consumer_form::{EditConsumerPage, NewConsumerPage};
use crate::pages::consumers::ConsumersPage;
use crate::pages::credential::CredentialPage;
use crate::pages::credential_form::{EditCredentialPage, NewCredentialPage};
use crate::pages::credentials::CredentialsPage;
use crate::pages::delete_credential::DeleteCredentialPage;
use crate::pages::delete_target::DeleteTargetPage;
use crate::pages::expiries::ExpiriesPage;
use crate::pages::issuer::IssuerPage;
use crate::pages::issuer_form::{EditIssuerPage, NewIssuerPage};
use crate::pages::issuers::IssuersPage;
use crate::pages::key::KeyPage;
use crate::pages::key_form::{EditKeyPage, NewKeyPage};
use crate::pages::keys::KeysPage;
use crate::pages::missing::MissingPage;
use crate::pages::needs_person::NeedsPersonPage;
use crate::pages::overview::OverviewPage;
use crate::pages::recovery::RecoveryPage;
use crate::pages::reencryption::ReencryptionPage;
use crate::pages::reencryptions::ReencryptionsPage;
use crate::pages::root::RootPage;
use crate::pages::rotation::RotationPage;
use crate::pages::rotations::RotationsPage;
use crate::pages::settings::SettingsPage;
use crate::pages::sign_in::{SignInLinkPage, SignInPage};
use crate::pages::start_rotation::StartRotationPage;
use crate::pages::target_form::{EditTargetPage, NewTargetPage};

/// Every page, waiting for its data before the first byte leaves (`SsrMode::Async`), so that its status is right.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=|| view! { <MissingPage /> }>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <Route path=path!("/sign-in/link") view=SignInLinkPage ssr=SsrMode::Async />
                <Route path=path!("/") view=OverviewPage ssr=SsrMode::Async />
                <Route path=path!("/credentials") view=CredentialsPage ssr=SsrMode::Async />
                <Route path=path!("/credentials/new") view=NewCredentialPage ssr=SsrMode::Async />
                <Route path=path!("/credentials/:name") view=CredentialPage ssr=SsrMode::Async />
                <Route path=path!("/credentials/:name/edit") view=EditCredentialPage ssr=SsrMode::Async />
                <Route path=path!("/credentials/:name/rotate") view=StartRotationPage ssr=SsrMode::Async />
                <Route path=path!("/credentials/:name/delete") view=DeleteCredentialPage ssr=SsrMode::Async />
                <Route path=path!("/rotations") view=RotationsPage ssr=SsrMode::Async />
                <Route path=path!("/rotations/:id") view=RotationPage ssr=SsrMode::Async />
                <Route path=path!("/needs-a-person") view=NeedsPersonPage ssr=SsrMode::Async />
                <Route path=path!("/expiries") view=ExpiriesPage ssr=SsrMode::Async />
                <Route path=path!("/issuers") view=IssuersPage ssr=SsrMode::Async />
                <Route path=path!("/issuers/new") view=NewIssuerPage ssr=SsrMode::Async />
                <Route path=path!("/issuers/:name") view=IssuerPage ssr=SsrMode::Async />
                <Route path=path!("/issuers/:name/edit") view=EditIssuerPage ssr=SsrMode::Async />
                <Route path=path!("/consumers") view=ConsumersPage ssr=SsrMode::Async />
                <Route path=path!("/consumers/new") view=NewConsumerPage ssr=SsrMode::Async />
                <Route path=path!("/consumers/:name") view=ConsumerPage ssr=SsrMode::Async />
                <Route path=path!("/consumers/:name/edit") view=EditConsumerPage ssr=SsrMode::Async />
                <Route path=path!("/keys") view=KeysPage ssr=SsrMode::Async />
                <Route path=path!("/keys/new") view=NewKeyPage ssr=SsrMode::Async />
                <Route path=path!("/keys/:name") view=KeyPage ssr=SsrMode::Async />
                <Route path=path!("/keys/:name/edit") view=EditKeyPage ssr=SsrMode::Async />
                <Route path=path!("/reencryptions") view=ReencryptionsPage ssr=SsrMode::Async />
                <Route path=path!("/reencryptions/:id") view=ReencryptionPage ssr=SsrMode::Async />
                <Route path=path!("/targets/new") view=NewTargetPage ssr=SsrMode::Async />
                <Route path=path!("/targets/:name/edit") view=EditTargetPage ssr=SsrMode::Async />
                <Route path=path!("/targets/:name/delete") view=DeleteTargetPage ssr=SsrMode::Async />
                <Route path=path!("/recovery") view=RecoveryPage ssr=SsrMode::Async />
                <Route path=path!("/root") view=RootPage ssr=SsrMode::Async />
                <Route path=path!("/audit") view=AuditPage ssr=SsrMode::Async />
                <Route path=path!("/settings") view=SettingsPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
