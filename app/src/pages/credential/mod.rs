//! To be drawn.

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::frame::Place;
use crate::reader::ReadError;

#[component]
pub fn CredentialPage() -> impl IntoView {
    page(
        Heading::new(Place::Credentials, "Credential"),
        |_| async { Ok::<(), ReadError>(()) },
        |(), _| (),
    )
}
