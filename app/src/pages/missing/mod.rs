//! No page at this address.

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::frame::Place;
use crate::pages::sign_in::Door;
use crate::reader::{ReadError, SharedReader};

/// Who is not signed in gets it without the frame, which tells of the server.
#[component]
pub fn MissingPage() -> impl IntoView {
    if use_context::<SharedReader>().is_none() {
        return apart();
    }
    page(
        Heading::new(Place::Nowhere, "Not found"),
        |_| async { Err::<(), _>(ReadError::NotFound) },
        |(), _| (),
    )
    .into_any()
}

fn apart() -> AnyView {
    view! {
        <Door title="Not found">
            <p class="door__text">{ReadError::NotFound.to_string()}</p>
            <a class="button" href="/">
                "To the overview"
            </a>
        </Door>
    }
    .into_any()
}
