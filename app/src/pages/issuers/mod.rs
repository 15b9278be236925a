//! All issuers: what accepts credentials, where it is, and whether it answers.

use leptos::prelude::*;

use super::{Heading, page, query};
use crate::components::badge::Badge;
use crate::components::badge::Tone;
use crate::components::credential_table::sandbox_mark;
use crate::components::field::{Field, Select};
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::pagination::Pagination;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::form::FormState;
use crate::islands::quick_filter::QuickFilter;
use crate::views::catalog::CatalogQuery;
use crate::views::frame::Frame;
use crate::views::issuer::{IssuerHealth, IssuerLine, IssuersView};
use crate::words;

const FILTERS: &str = "issuer-filters";

#[component]
pub fn IssuersPage() -> impl IntoView {
    let asked = CatalogQuery {
        text: query("q"),
        environment: query("environment"),
        cursor: query("cursor"),
    };
    let question = asked.clone();
    page(
        Heading::new(Place::Issuers, "Issuers"),
        move |reader| async move { reader.issuers(question).await },
        move |view, frame| {
            if view.listing.is_first_use() && frame.environment.is_none() {
                first_use(view.may_administer)
            } else {
                draw(view, &asked, &frame)
            }
        },
    )
}

fn first_use(may_administer: bool) -> AnyView {
    const WHAT: &str = "An issuer is a system that accepts or refuses credentials: a PostgreSQL server, or a service with API keys. Rota signs in to it as an administrator to make new versions and to take old ones away.";
    if may_administer {
        view! {
            <EmptyState
                title="No issuer yet"
                text=format!("{WHAT} To see one first, start the server with ROTA_SANDBOX=1.")
                next=("Add an issuer", "/issuers/new".into())
            />
        }
        .into_any()
    } else {
        view! { <EmptyState title="No issuer yet" text=format!("{WHAT} An administrator can add one.") /> }
            .into_any()
    }
}

fn draw(view: IssuersView, asked: &CatalogQuery, frame: &Frame) -> AnyView {
    let list_address = |cursor: Option<&str>| {
        super::address(
            "/issuers",
            [
                ("q", asked.text.as_deref()),
                ("environment", asked.environment.as_deref()),
                ("cursor", cursor),
            ],
        )
    };
    let listing = view.listing;
    let next = listing
        .next_cursor
        .as_deref()
        .map(|cursor| list_address(Some(cursor)));
    let first = asked.cursor.as_ref().map(|_| list_address(None));
    let heading = sentence(listing.unfiltered_total, view.failing);
    let (shown, total, now) = (listing.items.len(), listing.total, frame.now);
    let rows = listing
        .items
        .into_iter()
        .map(|line| row(line, now))
        .collect_view();
    let add: ViewFn = if view.may_administer {
        ViewFn::from(add_button)
    } else {
        ViewFn::default()
    };
    view! {
        <Sentence end=add>{heading}</Sentence>
        {filters(FILTERS, "/issuers", "Name or address", asked, frame)}
        <div class="panel" data-live="list">
            {if shown == 0 {
                view! { <p class="lack">"No issuer matches these filters. " <a href="/issuers">"Show all"</a></p> }.into_any()
            } else {
                view! {
                    <div class="table-box" tabindex="0" role="region" aria-label="Issuers">
                        <table class="table table--lines">
                            <thead>
                                <tr>
                                    <th scope="col">"Issuer"</th>
                                    <th scope="col">"Kind"</th>
                                    <th scope="col">"Environment"</th>
                                    <th scope="col">"Address"</th>
                                    <th scope="col" class="number">
                                        "Credentials"
                                    </th>
                                    <th scope="col">"State"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }} <Pagination shown total noun="issuer" next first=first />
        </div>
        <QuickFilter form=FILTERS.to_owned() />
    }
    .into_any()
}

/// "4 issuers. 2 cannot be reached, so their rotations wait."
fn sentence(total: u64, failing: u64) -> String {
    let all = words::counted(total, "issuer");
    match failing {
        0 => format!("{all}. None is known to be out of reach."),
        number => format!(
            "{all}. {} cannot be used right now, so {} rotations wait.",
            words::count(number),
            words::choose(number, "its", "their")
        ),
    }
}

fn add_button() -> impl IntoView {
    view! {
        <a class="button button--primary" href="/issuers/new">
            "Add an issuer"
        </a>
    }
}

fn row(line: IssuerLine, now: time::OffsetDateTime) -> AnyView {
    let address = format!("/issuers/{}", words::segment(&line.name));
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <a class="name" href=address>
                    <bdi>{line.name}</bdi>
                </a>
                {line.sandbox.then(sandbox_mark)}
            </th>
            <td data-label="Kind">{line.kind}</td>
            <td data-label="Environment">
                <bdi>{line.environment}</bdi>
            </td>
            <td data-label="Address" class="mono">
                <bdi>{line.address}</bdi>
            </td>
            <td data-label="Credentials" class="number">
                {words::count(line.credentials)}
            </td>
            <td data-label="State" class="cell--wide">{health(line.health, now)}</td>
        </tr>
    }
    .into_any()
}

/// The state as a badge, and since when.
pub(super) fn health(health: IssuerHealth, now: time::OffsetDateTime) -> AnyView {
    match health {
        IssuerHealth::Unknown => view! { <Badge tone=Tone::Neutral word="not tried yet" /> }.into_any(),
        IssuerHealth::Reached { at } => view! {
            <Badge tone=Tone::Fresh word="answers" />
            <span class="reason">"seen " <Moment at style=Style::Relative now /></span>
        }
        .into_any(),
        IssuerHealth::Failing { since, error } => view! {
            <Badge tone=Tone::Ageing word="fails" />
            <span class="reason">"since " <Moment at=since style=Style::Relative now /> ": " {error}</span>
        }
        .into_any(),
        IssuerHealth::BreakerOpen { since, error } => view! {
            <Badge tone=Tone::Stale word="scheduled rotations wait" />
            <span class="reason">"since " <Moment at=since style=Style::Relative now /> ": " {error}</span>
        }
        .into_any(),
    }
}

/// Search and environment, for the lists of issuers and consumers.
pub(super) fn filters(
    id: &'static str,
    action: &'static str,
    label: &'static str,
    asked: &CatalogQuery,
    frame: &Frame,
) -> AnyView {
    let choices: Vec<(String, String)> = std::iter::once((String::new(), "any environment".to_owned()))
        .chain(frame.environments.iter().map(|name| (name.clone(), name.clone())))
        .collect();
    let none = FormState::default;
    view! {
        <form class="filters" id=id method="get" action=action role="search" aria-label="Filter the list">
            <Field state=none() name="q" id_prefix="filter" label=label kind="search" value=asked.text.clone().unwrap_or_default() />
            {frame
                .environment
                .is_none()
                .then(|| {
                    view! {
                        <Select
                            state=none()
                            name="environment"
                            id_prefix="filter"
                            label="Environment"
                            choices
                            value=asked.environment.clone().unwrap_or_default()
                        />
                    }
                })}
            <button class="button" type="submit">
                "Filter"
            </button>
        </form>
    }
    .into_any()
}
