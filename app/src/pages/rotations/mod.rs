//! To be drawn.

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::frame::Place;
use crate::reader::ReadError;

#[component]
pub fn RotationsPage() -> impl IntoView {
    page(
        Heading::new(Place::Rotations, "Rotations"),
        |_| async { Ok::<(), ReadError>(()) },
        |(), _| (),
    )
}
