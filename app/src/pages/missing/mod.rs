//! No page at this address.

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::frame::Place;
use crate::reader::ReadError;

#[component]
pub fn MissingPage() -> impl IntoView {
    page(
        Heading::new(Place::Nowhere, "Not found"),
        |_| async { Err::<(), _>(ReadError::NotFound) },
        |(), _| (),
    )
    .into_any()
}
