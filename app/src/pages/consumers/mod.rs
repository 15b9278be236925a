//! All consumers: the programs that use credentials, and whether they are alive.

use leptos::prelude::*;

use super::issuers::filters;
use super::{Heading, page, query};
use crate::components::badge::{Badge, Tone};
use crate::components::credential_table::sandbox_mark;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::pagination::Pagination;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::islands::quick_filter::QuickFilter;
use crate::views::catalog::CatalogQuery;
use crate::views::consumer::{ConsumerLine, ConsumersView};
use crate::views::frame::Frame;
use crate::words;

const FILTERS: &str = "consumer-filters";

#[component]
pub fn ConsumersPage() -> impl IntoView {
    let asked = CatalogQuery {
        text: query("q"),
        environment: query("environment"),
        cursor: query("cursor"),
    };
    let question = asked.clone();
    page(
        Heading::new(Place::Consumers, "Consumers"),
        move |reader| async move { reader.consumers(question).await },
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
    const WHAT: &str = "A consumer is a program that uses credentials. It fetches them with its own token, says which version it has loaded, and reports what was refused: that is what makes a rotation safe.";
    if may_operate {
        view! {
            <EmptyState
                title="No consumer yet"
                text=format!("{WHAT} To see some first, start the server with ROTA_SANDBOX=1.")
                next=("Add a consumer", "/consumers/new".into())
            />
        }
        .into_any()
    } else {
        view! { <EmptyState title="No consumer yet" text=format!("{WHAT} An operator can add one.") /> }
            .into_any()
    }
}

fn draw(view: ConsumersView, asked: &CatalogQuery, frame: &Frame) -> AnyView {
    let list_address = |cursor: Option<&str>| {
        super::address(
            "/consumers",
            [
                ("q", asked.text.as_deref()),
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
        .map(|line| row(&line, now))
        .collect_view();
    let add: ViewFn = if view.may_operate {
        ViewFn::from(add_button)
    } else {
        ViewFn::default()
    };
    view! {
        <Sentence end=add>{heading}</Sentence>
        {filters(FILTERS, "/consumers", "Name or service", asked, frame)}
        <div class="panel" data-live="list">
            {if shown == 0 {
                view! { <p class="lack">"No consumer matches these filters. " <a href="/consumers">"Show all"</a></p> }
                    .into_any()
            } else {
                view! {
                    <div class="table-box" tabindex="0" role="region" aria-label="Consumers">
                        <table class="table table--lines">
                            <thead>
                                <tr>
                                    <th scope="col">"Consumer"</th>
                                    <th scope="col">"Service"</th>
                                    <th scope="col">"Environment"</th>
                                    <th scope="col" class="number">
                                        "Credentials"
                                    </th>
                                    <th scope="col">"Instances"</th>
                                    <th scope="col">"Last seen"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }} <Pagination shown total noun="consumer" next first=first />
        </div>
        <QuickFilter form=FILTERS.to_owned() />
    }
    .into_any()
}

/// "16 consumers with 214 live instances. None was refused at its last report."
fn sentence(view: &ConsumersView) -> String {
    let refused = match view.failing_instances {
        0 => "None was refused at its last report.".to_owned(),
        number => format!(
            "{} {} refused at the last report.",
            words::count(number),
            words::choose(number, "was", "were")
        ),
    };
    format!(
        "{} with {}. {refused}",
        words::counted(view.listing.unfiltered_total, "consumer"),
        words::counted(view.live_instances, "live instance"),
    )
}

fn add_button() -> impl IntoView {
    view! {
        <a class="button button--primary" href="/consumers/new">
            "Add a consumer"
        </a>
    }
}

fn row(line: &ConsumerLine, now: time::OffsetDateTime) -> AnyView {
    let address = format!("/consumers/{}", words::segment(&line.name));
    let seen = match line.last_seen {
        Some(at) => view! { <Moment at style=Style::Relative now /> }.into_any(),
        None => view! { <span class="lack">"never"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <a class="name" href=address>
                    <bdi>{line.name.clone()}</bdi>
                </a>
                {line.sandbox.then(sandbox_mark)}
            </th>
            <td data-label="Service">
                <bdi>{line.service.clone()}</bdi>
            </td>
            <td data-label="Environment">
                <bdi>{line.environment.clone()}</bdi>
            </td>
            <td data-label="Credentials" class="number">
                {words::count(line.credentials)}
            </td>
            <td data-label="Instances">{instances(line)}</td>
            <td data-label="Last seen">{seen}</td>
        </tr>
    }
    .into_any()
}

/// "5 live", "1 refused", "2 absent": the gravest first.
fn instances(line: &ConsumerLine) -> AnyView {
    let part = |number: u64, tone: Tone, word: &'static str| {
        (number > 0).then(|| view! { <Badge tone word=format!("{} {word}", words::count(number)) /> " " })
    };
    let total = line.live_instances + line.absent_instances + line.failing_instances;
    if total == 0 {
        return view! { <span class="lack">"none yet"</span> }.into_any();
    }
    view! {
        {part(line.failing_instances, Tone::Stale, "refused")}
        {part(line.live_instances, Tone::Fresh, "live")}
        {part(line.absent_instances, Tone::Neutral, "absent")}
    }
    .into_any()
}
