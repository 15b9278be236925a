//! All rotations: under way, waiting, over.

use leptos::prelude::*;

use super::{Heading, page, query};
use crate::components::field::{Field, Select};
use crate::components::frame::Place;
use crate::components::pagination::Pagination;
use crate::components::rotation_table::{RotationTable, Subject};
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::form::FormState;
use crate::islands::quick_filter::QuickFilter;
use crate::views::frame::Frame;
use crate::views::rotation::{RotationsQuery, RotationsView, StageKind};
use crate::words;

const FILTERS: &str = "rotation-filters";

#[component]
pub fn RotationsPage() -> impl IntoView {
    let asked = RotationsQuery {
        text: query("q"),
        environment: query("environment"),
        stage: query("stage").and_then(|text| StageKind::parse(&text)),
        cursor: query("cursor"),
    };
    let question = asked.clone();
    page(
        Heading::new(Place::Rotations, "Rotations"),
        move |reader| async move { reader.rotations(question).await },
        move |view, frame| {
            if view.listing.is_first_use() && frame.environment.is_none() {
                first_use().into_any()
            } else {
                draw(view, &asked, &frame).into_any()
            }
        },
    )
    .into_any()
}

fn first_use() -> AnyView {
    view! {
        <EmptyState
            title="No rotation yet"
            text="Open a credential and press “Rotate now”: what it will do, and to whom, is shown before it starts."
            next=("Choose a credential", "/credentials".into())
        />
    }
    .into_any()
}

fn draw(view: RotationsView, asked: &RotationsQuery, frame: &Frame) -> AnyView {
    let list_address = |cursor: Option<&str>| {
        super::address(
            "/rotations",
            [
                ("q", asked.text.as_deref()),
                ("environment", asked.environment.as_deref()),
                ("stage", asked.stage.map(StageKind::slug)),
                ("cursor", cursor),
            ],
        )
    };
    let next = view
        .listing
        .next_cursor
        .as_deref()
        .map(|cursor| list_address(Some(cursor)));
    let first = asked.cursor.as_ref().map(|_| list_address(None));
    let heading = sentence(&view);
    let items = view.listing.items;
    let (shown, total, now) = (items.len(), view.listing.total, frame.now);
    view! {
        <Sentence>{heading}</Sentence>
        {filters(asked)}
        <div class="panel" data-live="list">
            {if shown == 0 {
                view! {
                    <p class="lack">"No rotation matches these filters. " <a href="/rotations">"Show all"</a></p>
                }
                    .into_any()
            } else {
                view! { <RotationTable items now subject=Subject::Named label="Rotations" /> }.into_any()
            }}
            <Pagination shown total noun="rotation" next first=first />
        </div>
        <QuickFilter form=FILTERS.to_owned() />
    }
    .into_any()
}

/// "2 rotations under way. In 30 days 405 were completed and 7 rolled back."
fn sentence(view: &RotationsView) -> String {
    let moving = match view.in_flight {
        0 => "No rotation is under way.".to_owned(),
        number => format!("{} under way.", words::counted(number, "rotation")),
    };
    let stuck = match view.needs_operator {
        0 => String::new(),
        number => format!(
            " {} {} an operator.",
            words::count(number),
            words::choose(number, "needs", "need")
        ),
    };
    format!(
        "{moving}{stuck} In 30 days {} completed, {} rolled back.",
        words::count(view.completed),
        words::count(view.rolled_back),
    )
}

fn filters(asked: &RotationsQuery) -> AnyView {
    let stages = std::iter::once((String::new(), "any stage".to_owned()))
        .chain(StageKind::ALL.map(|kind| (kind.slug().to_owned(), kind.word().to_owned())))
        .collect();
    let none = FormState::default;
    view! {
        <form class="filters" id=FILTERS method="get" action="/rotations" role="search" aria-label="Filter the list">
            <Field state=none() name="q" id_prefix="filter" label="Credential" kind="search" value=asked.text.clone().unwrap_or_default() />
            <Select
                state=none()
                name="stage"
                label="Stage"
                choices=stages
                value=asked.stage.map(StageKind::slug).unwrap_or_default()
            />
            <button class="button" type="submit">
                "Filter"
            </button>
        </form>
    }
    .into_any()
}
