//! To be drawn.

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::frame::Place;
use crate::reader::ReadError;

#[component]
pub fn OverviewPage() -> impl IntoView {
    page(
        Heading::new(Place::Overview, "Overview"),
        |_| async { Ok::<(), ReadError>(()) },
        |(), _| (),
    )
}
