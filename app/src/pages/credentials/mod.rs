//! To be drawn.

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::frame::Place;
use crate::reader::ReadError;

#[component]
pub fn CredentialsPage() -> impl IntoView {
    page(
        Heading::new(Place::Credentials, "Credentials"),
        |_| async { Ok::<(), ReadError>(()) },
        |(), _| (),
    )
}
