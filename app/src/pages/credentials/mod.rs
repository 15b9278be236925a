//! All credentials: search, filters, order.

use leptos::prelude::*;

use super::{Heading, page, query};
use crate::components::credential_table::CredentialTable;
use crate::components::field::{Field, Select};
use crate::components::frame::Place;
use crate::components::pagination::Pagination;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::form::FormState;
use crate::islands::quick_filter::QuickFilter;
use crate::views::credential::{CredentialOrder, CredentialsQuery, CredentialsView};
use crate::views::frame::Frame;
use crate::views::{AgeBand, PolicyStatus};
use crate::words;

const FILTERS: &str = "credential-filters";

#[component]
pub fn CredentialsPage() -> impl IntoView {
    let asked = asked();
    let question = asked.clone();
    page(
        Heading::new(Place::Credentials, "Credentials"),
        move |reader| async move { reader.credentials(question).await },
        move |view, frame| {
            if view.listing.is_first_use() && frame.environment.is_none() {
                first_use().into_any()
            } else {
                draw(&view, &asked, &frame).into_any()
            }
        },
    )
    .into_any()
}

/// The filters as they stand in the address; what is not understood is left out.
fn asked() -> CredentialsQuery {
    CredentialsQuery {
        text: query("q"),
        environment: query("environment"),
        team: query("team"),
        kind: query("kind"),
        band: query("band").and_then(|text| AgeBand::parse(&text)),
        status: query("status").and_then(|text| PolicyStatus::parse(&text)),
        sort: query("sort")
            .and_then(|text| CredentialOrder::parse(&text))
            .unwrap_or_default(),
        cursor: query("cursor"),
    }
}

/// The address of the same list from another place on.
fn address(asked: &CredentialsQuery, cursor: Option<&str>) -> String {
    let pairs = [
        ("q", asked.text.as_deref()),
        ("environment", asked.environment.as_deref()),
        ("team", asked.team.as_deref()),
        ("kind", asked.kind.as_deref()),
        ("band", asked.band.map(AgeBand::slug)),
        ("status", asked.status.map(PolicyStatus::slug)),
        (
            "sort",
            (asked.sort != CredentialOrder::default()).then(|| asked.sort.slug()),
        ),
        ("cursor", cursor),
    ];
    super::address("/credentials", pairs)
}

fn first_use() -> AnyView {
    view! {
        <EmptyState
            title="No credential yet"
            text="A credential needs an issuer that accepts it and, better, consumers that use it. To see a rotation first, start the server with ROTA_SANDBOX=1."
            next=("Add a credential", "/credentials/new".into())
        />
    }
    .into_any()
}

fn draw(view: &CredentialsView, asked: &CredentialsQuery, frame: &Frame) -> AnyView {
    let listing = &view.listing;
    let heading = sentence(view);
    let next = listing
        .next_cursor
        .as_deref()
        .map(|cursor| address(asked, Some(cursor)));
    let first = asked
        .cursor
        .as_ref()
        .map(|_| address(asked, None))
        .unwrap_or_default();
    let has_first = asked.cursor.is_some();
    let shown = listing.items.len();
    let total = listing.total;
    let items = listing.items.clone();
    let now = frame.now;
    view! {
        <Sentence end=add_button>{heading}</Sentence>
        {filters(view, asked, frame.environment.is_some())}
        <div class="panel" data-live="list">
            {if shown == 0 {
                view! { <EmptyResult /> }.into_any()
            } else {
                view! { <CredentialTable items now label="Credentials" /> }.into_any()
            }}
            <Pagination shown total noun="credential" next first=has_first.then_some(first) />
        </div>
        <QuickFilter form=FILTERS.to_owned() />
    }
    .into_any()
}

#[component]
fn EmptyResult() -> impl IntoView {
    view! {
        <p class="lack">
            "No credential matches these filters. " <a href="/credentials">"Show all"</a>
        </p>
    }
    .into_any()
}

fn add_button() -> AnyView {
    view! {
        <a class="button button--primary" href="/credentials/new">
            "Add a credential"
        </a>
    }
    .into_any()
}

fn sentence(view: &CredentialsView) -> String {
    let total = view.listing.unfiltered_total;
    let needs = match view.needs_person {
        0 => "None needs a person.".to_owned(),
        number => format!(
            "{} {} a person.",
            words::count(number),
            words::choose(number, "needs", "need")
        ),
    };
    format!(
        "{}: {} fresh, {} ageing, {} stale. {needs}",
        words::counted(total, "credential"),
        words::count(view.fresh),
        words::count(view.ageing),
        words::count(view.stale),
    )
}

fn filters(view: &CredentialsView, asked: &CredentialsQuery, is_narrowed: bool) -> AnyView {
    let none = FormState::default;
    let any = |words: &str| vec![(String::new(), words.to_owned())];
    let named = |first: &str, names: &[String]| {
        any(first)
            .into_iter()
            .chain(names.iter().map(|name| (name.clone(), name.clone())))
            .collect::<Vec<_>>()
    };
    let teams: Vec<(String, String)> = named("any owner", &view.teams)
        .into_iter()
        .chain([("none".into(), "nobody".into())])
        .collect();
    let bands = any("any age")
        .into_iter()
        .chain(
            [AgeBand::Fresh, AgeBand::Ageing, AgeBand::Stale]
                .map(|band| (band.slug().into(), band.word().into())),
        )
        .collect();
    let statuses = any("any")
        .into_iter()
        .chain(
            [PolicyStatus::OnTime, PolicyStatus::Due, PolicyStatus::Overdue]
                .map(|status| (status.slug().into(), status.word().into())),
        )
        .collect();
    let orders = CredentialOrder::ALL
        .map(|order| (order.slug().into(), order.word().into()))
        .to_vec();
    view! {
        <form class="filters" id=FILTERS method="get" action="/credentials" role="search" aria-label="Filter the list">
            <Field state=none() name="q" id_prefix="filter" label="Name or tag" kind="search" value=asked.text.clone().unwrap_or_default() />
            <Select state=none() name="team" label="Owner" choices=teams value=asked.team.clone().unwrap_or_default() />
            <Select state=none() name="kind" label="Kind" choices=named("any kind", &view.kinds) value=asked.kind.clone().unwrap_or_default() />
            {(!is_narrowed)
                .then(|| {
                    view! {
                        <Select
                            state=none()
                            name="environment"
                            label="Environment"
                            choices=named("any environment", &view.environments)
                            value=asked.environment.clone().unwrap_or_default()
                        />
                    }
                })}
            <Select state=none() name="band" label="Age" choices=bands value=asked.band.map(AgeBand::slug).unwrap_or_default() />
            <Select state=none() name="status" label="Policy" choices=statuses value=asked.status.map(PolicyStatus::slug).unwrap_or_default() />
            <Select state=none() name="sort" label="Order" choices=orders value=asked.sort.slug() />
            <button class="button" type="submit">
                "Filter"
            </button>
        </form>
    }
    .into_any()
}
