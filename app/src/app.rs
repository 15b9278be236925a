//! The route table.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::pages::credential::CredentialPage;
use crate::pages::credentials::CredentialsPage;
use crate::pages::missing::MissingPage;
use crate::pages::overview::OverviewPage;
use crate::pages::rotation::RotationPage;
use crate::pages::rotations::RotationsPage;
use crate::pages::sign_in::{SignInLinkPage, SignInPage};

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
                <Route path=path!("/credentials/:name") view=CredentialPage ssr=SsrMode::Async />
                <Route path=path!("/rotations") view=RotationsPage ssr=SsrMode::Async />
                <Route path=path!("/rotations/:id") view=RotationPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}
