//! All keys: what applications encrypt, sign and authenticate with.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{Heading, page, query};
use crate::components::badge::{Badge, Tone};
use crate::components::credential_table::next_rotation;
use crate::components::field::{Field, Select};
use crate::components::frame::Place;
use crate::components::pagination::Pagination;
use crate::components::ring::SmallRing;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::form::FormState;
use crate::islands::live::KeepFresh;
use crate::islands::quick_filter::QuickFilter;
use crate::views::frame::Frame;
use crate::views::key::{KeyLine, KeysQuery, KeysView};
use crate::words;

const FILTERS: &str = "key-filters";

#[component]
pub fn KeysPage() -> impl IntoView {
    let asked = KeysQuery {
        text: query("q"),
        purpose: query("purpose"),
        environment: query("environment"),
        cursor: query("cursor"),
    };
    let question = asked.clone();
    page(
        Heading::new(Place::Keys, "Keys"),
        move |reader| async move { reader.keys(question).await },
        move |view, frame| {
            if view.listing.is_first_use() && frame.environment.is_none() {
                first_use(view.may_operate)
            } else {
                draw(view, &asked, &frame)
            }
        },
    )
}

fn first_use(may_operate: bool) -> AnyView {
    const WHAT: &str = "A key lets your programs encrypt, sign or authenticate without holding it: they ask Rota, and Rota replaces the key on a schedule while everything sealed before still opens.";
    if may_operate {
        view! { <EmptyState title="No key yet" text=WHAT next=("Create a key", "/keys/new".into()) /> }
            .into_any()
    } else {
        view! { <EmptyState title="No key yet" text=format!("{WHAT} An operator can create one.") /> }
            .into_any()
    }
}

fn draw(view: KeysView, asked: &KeysQuery, frame: &Frame) -> AnyView {
    let list_address = |cursor: Option<&str>| {
        super::address(
            "/keys",
            [
                ("q", asked.text.as_deref()),
                ("purpose", asked.purpose.as_deref()),
                ("environment", asked.environment.as_deref()),
                ("cursor", cursor),
            ],
        )
    };
    let heading = sentence(&view);
    let listing = view.listing;
    let next = listing
        .next_cursor
        .as_deref()
        .map(|cursor| list_address(Some(cursor)));
    let first = asked.cursor.as_ref().map(|_| list_address(None));
    let (shown, total, now) = (listing.items.len(), listing.total, frame.now);
    let rows = listing
        .items
        .into_iter()
        .map(|line| row(line, now))
        .collect_view();
    let add: ViewFn = if view.may_operate {
        ViewFn::from(add_button)
    } else {
        ViewFn::default()
    };
    view! {
        <Sentence end=add>{heading}</Sentence>
        {filters(asked)}
        <div class="panel" data-live="list">
            {if shown == 0 {
                view! { <p class="lack">"No key matches these filters. " <a href="/keys">"Show all"</a></p> }.into_any()
            } else {
                table(rows.into_any())
            }} <Pagination shown total noun="key" next first=first />
        </div>
        <QuickFilter form=FILTERS.to_owned() />
        <KeepFresh />
    }
    .into_any()
}

/// "12 keys. One is suspended: its callers are refused."
fn sentence(view: &KeysView) -> String {
    let suspended = match view.suspended {
        0 => String::new(),
        number => format!(
            " {} suspended: {} callers are refused.",
            words::counted_as(number, "is", "are"),
            words::choose(number, "its", "their")
        ),
    };
    format!(
        "{}.{suspended}",
        words::counted(view.listing.unfiltered_total, "key")
    )
}

fn add_button() -> impl IntoView {
    view! {
        <a class="button" href="/reencryptions">
            "Re-encryption"
        </a>
        <a class="button button--primary" href="/keys/new">
            "Create a key"
        </a>
    }
}

fn table(rows: AnyView) -> AnyView {
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Keys">
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Key"</th>
                        <th scope="col">"Algorithm"</th>
                        <th scope="col">"Owner"</th>
                        <th scope="col">"Active"</th>
                        <th scope="col">"Age"</th>
                        <th scope="col" class="number">
                            "Also opens"
                        </th>
                        <th scope="col">"Replaced next"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: KeyLine, now: OffsetDateTime) -> AnyView {
    let address = format!("/keys/{}", words::segment(&line.name));
    let active = match line.active {
        Some(number) => format!("version {number}").into_any(),
        None => view! { <Badge tone=Tone::Ageing word="suspended" /> }.into_any(),
    };
    let age = line
        .age
        .map_or("–".to_owned(), |age| words::duration_short(age.age));
    let band = line
        .age
        .map(|age| view! { <span class=format!("band band--{}", age.band.word())>{age.band.word()}</span> });
    let owner = match line.team {
        Some(team) => view! { <bdi>{team}</bdi> }.into_any(),
        None => view! { <span class="lack">"nobody"</span> }.into_any(),
    };
    let notes = line
        .notes
        .into_iter()
        .map(|note| view! { <span class="reason reason--ageing">{note}</span> })
        .collect_view();
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <SmallRing age=line.age />
                <a class="name" href=address>
                    <bdi>{line.name}</bdi>
                </a>
                {notes}
            </th>
            <td data-label="Algorithm">
                <span class="mono">{line.algorithm}</span>
                " "
                <span class="lack">{line.purpose}</span>
            </td>
            <td data-label="Owner">{owner}</td>
            <td data-label="Active">{active}</td>
            <td data-label="Age">
                <span class="age">
                    <span class="age__figure">{age}</span>
                    {band}
                </span>
            </td>
            <td data-label="Also opens" class="number">
                {words::counted(line.opening, "version")}
            </td>
            <td data-label="Replaced next">{next_rotation(line.next_rotation, now)}</td>
        </tr>
    }
    .into_any()
}

fn filters(asked: &KeysQuery) -> AnyView {
    let purposes = [
        ("", "any purpose"),
        ("encrypt", "encrypt"),
        ("sign", "sign"),
        ("mac", "authenticate"),
    ]
    .map(|(value, words)| (value.to_owned(), words.to_owned()))
    .to_vec();
    let none = FormState::default;
    view! {
        <form class="filters" id=FILTERS method="get" action="/keys" role="search" aria-label="Filter the list">
            <Field state=none() name="q" id_prefix="filter" label="Name or owner" kind="search" value=asked.text.clone().unwrap_or_default() />
            <Select
                state=none()
                name="purpose"
                id_prefix="filter"
                label="Purpose"
                choices=purposes
                value=asked.purpose.clone().unwrap_or_default()
            />
            <button class="button" type="submit">
                "Filter"
            </button>
        </form>
    }
    .into_any()
}
