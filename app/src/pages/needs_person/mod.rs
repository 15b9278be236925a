//! What needs a person: what, since when, who, and the one next action.

use leptos::prelude::*;

use super::{Heading, page, query};
use crate::components::frame::Place;
use crate::components::need_list::NeedList;
use crate::components::pagination::Pagination;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::views::credential::Severity;
use crate::views::frame::Frame;
use crate::views::need::NeedsPersonView;
use crate::words;

#[component]
pub fn NeedsPersonPage() -> impl IntoView {
    let cursor = query("cursor");
    let asked = cursor.clone();
    page(
        Heading::new(Place::Needs, "Needs a person"),
        move |reader| async move { reader.needs_person(asked.as_deref()).await },
        move |view, frame| draw(view, cursor.is_some(), &frame),
    )
}

fn draw(view: NeedsPersonView, is_later: bool, frame: &Frame) -> AnyView {
    if view.listing.is_first_use() {
        return view! {
            <EmptyState
                title="Nothing needs a person"
                text="Here stands what Rota cannot decide by itself: a rollback that failed, an approval that is missing, a credential that nobody owns. Everything else runs by itself."
            />
        }
        .into_any();
    }
    let heading = sentence(&view);
    let listing = view.listing;
    let next = listing
        .next_cursor
        .as_deref()
        .map(|cursor| super::address("/needs-a-person", [("cursor", Some(cursor))]));
    let first = is_later.then(|| "/needs-a-person".to_owned());
    let (shown, total, now) = (listing.items.len(), listing.total, frame.now);
    view! {
        <Sentence>{heading}</Sentence>
        <div class="panel" data-live="list">
            <NeedList items=listing.items now />
            <Pagination shown total noun="matter" next first=first />
        </div>
    }
    .into_any()
}

/// "3 matters need a person, the gravest first. 1 is critical: something may be refused right now."
fn sentence(view: &NeedsPersonView) -> String {
    let total = view.listing.total;
    let critical = view
        .listing
        .items
        .iter()
        .filter(|line| line.severity == Severity::Critical)
        .count() as u64;
    let all = format!(
        "{} {} a person, the gravest first.",
        words::counted(total, "matter"),
        words::choose(total, "needs", "need")
    );
    match critical {
        0 => format!("{all} None is critical."),
        number if number == view.listing.items.len() as u64 && number < total => all,
        number => format!(
            "{all} {} {} critical.",
            words::count(number),
            words::choose(number, "is", "are")
        ),
    }
}
