//! The audit trail: who did what, in a chain that shows when it was touched.

use leptos::prelude::*;
use time::Date;

use super::{Heading, page, query};
use crate::components::badge::{Badge, Tone};
use crate::components::field::{Field, Select};
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::pagination::Pagination;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::form::FormState;
use crate::islands::quick_filter::QuickFilter;
use crate::views::audit::{AuditLine, AuditQuery, AuditView, ChainState};
use crate::views::frame::Frame;
use crate::words;

const FILTERS: &str = "audit-filters";
/// Enough of a hash to compare by eye.
const SHORT: usize = 10;

#[component]
pub fn AuditPage() -> impl IntoView {
    let asked = AuditQuery {
        text: query("q"),
        actor: query("actor"),
        subject: query("subject"),
        action: query("action"),
        from: query("from").and_then(|text| parse_date(&text)),
        until: query("until").and_then(|text| parse_date(&text)),
        cursor: query("cursor"),
    };
    let question = asked.clone();
    page(
        Heading::new(Place::Audit, "Audit"),
        move |reader| async move { reader.audit(question).await },
        move |view, frame| {
            if view.listing.is_first_use() {
                first_use()
            } else {
                draw(view, &asked, &frame)
            }
        },
    )
}

fn first_use() -> AnyView {
    view! {
        <EmptyState
            title="Nothing has happened yet"
            text="Every change, every sign-in and every first delivery of a version will stand here, each entry bound to the one before it."
        />
    }
    .into_any()
}

/// "2026-11-21"
fn parse_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let year: i32 = parts
        .next()?
        .parse()
        .ok()
        .filter(|year| (1970..=9999).contains(year))?;
    let month = time::Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()
}

fn date_value(date: Option<Date>) -> String {
    date.map_or(String::new(), |date| {
        format!(
            "{:04}-{:02}-{:02}",
            date.year(),
            u8::from(date.month()),
            date.day()
        )
    })
}

fn draw(view: AuditView, asked: &AuditQuery, frame: &Frame) -> AnyView {
    let (from, until) = (date_value(asked.from), date_value(asked.until));
    let list_address = |cursor: Option<&str>| {
        let filled = |text: &'_ str| !text.is_empty();
        super::address(
            "/audit",
            [
                ("q", asked.text.as_deref()),
                ("actor", asked.actor.as_deref()),
                ("subject", asked.subject.as_deref()),
                ("action", asked.action.as_deref()),
                ("from", Some(from.as_str()).filter(|text| filled(text))),
                ("until", Some(until.as_str()).filter(|text| filled(text))),
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
    let heading = sentence(&view.chain, view.listing.unfiltered_total);
    let seal = seal(&view.chain, frame);
    let (shown, total, now) = (view.listing.items.len(), view.listing.total, frame.now);
    let filters = filters(&view.actions, asked);
    let rows = view
        .listing
        .items
        .into_iter()
        .map(|line| row(line, now))
        .collect_view();
    view! {
        <Sentence>{heading}</Sentence>
        {seal}
        {filters}
        <div class="panel" data-live="list">
            {if shown == 0 {
                view! { <p class="lack">"No entry matches these filters. " <a href="/audit">"Show all"</a></p> }.into_any()
            } else {
                view! {
                    <div class="table-box" tabindex="0" role="region" aria-label="Audit entries">
                        <table class="table table--lines">
                            <thead>
                                <tr>
                                    <th scope="col" class="number">
                                        "Entry"
                                    </th>
                                    <th scope="col">"When"</th>
                                    <th scope="col">"Who"</th>
                                    <th scope="col">"What"</th>
                                    <th scope="col">"To what"</th>
                                    <th scope="col">"Result"</th>
                                    <th scope="col">"Hash"</th>
                                    <th scope="col">"Correlation"</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }} <Pagination shown total noun="audit record" next first=first />
        </div>
        <QuickFilter form=FILTERS.to_owned() />
    }
    .into_any()
}

/// "48,213 entries. The chain is whole." The chain's state in one sentence.
fn sentence(chain: &ChainState, total: u64) -> String {
    let all = words::counted_as(total, "entry", "entries");
    match chain {
        ChainState::NotVerified => {
            format!("{all}. The chain has not been verified since the server started.")
        }
        ChainState::Whole { .. } => {
            format!("{all}. The chain is whole: none was changed, removed or put in.")
        }
        ChainState::Broken { sequence, .. } => {
            format!(
                "The chain is broken at entry {}. What stands from there on cannot be trusted.",
                words::count(*sequence)
            )
        }
    }
}

/// What the sentence rests on.
fn seal(chain: &ChainState, frame: &Frame) -> AnyView {
    match chain {
        ChainState::NotVerified => view! {
            <p class="panel__text">"To verify it now, run " <code>"rota audit verify"</code> " on the server."</p>
        }
        .into_any(),
        ChainState::Whole { entries, verified_at, head } => view! {
            <p class="panel__text">
                {format!("{} verified ", words::counted_as(*entries, "entry", "entries"))}
                <Moment at=*verified_at style=Style::Relative now=frame.now /> "; the last hash is "
                <code title=head.clone()>{short(head)}</code> ". Keep it elsewhere to prove later that nothing was cut off."
            </p>
        }
        .into_any(),
        ChainState::Broken { sequence, what } => view! {
            <div class="notice notice--stale" role="alert">
                <p>
                    {format!("Entry {}: {}. ", words::count(*sequence), what)}
                    "Keep a copy of the database before anything else, then compare it with the last backup: "
                    <code>"rota audit verify"</code> " names the first bad entry in both."
                </p>
            </div>
        }
        .into_any(),
    }
}

fn short(hash: &str) -> String {
    hash.chars().take(SHORT).collect()
}

fn row(line: AuditLine, now: time::OffsetDateTime) -> AnyView {
    let is_fine = matches!(line.result.as_str(), "ok" | "done");
    let result = if is_fine {
        view! { <span>"done"</span> }.into_any()
    } else {
        view! { <Badge tone=Tone::Ageing word=line.result /> }.into_any()
    };
    let subject = match line.address {
        Some(address) => view! {
            <a class="name" href=address>
                <bdi>{line.subject}</bdi>
            </a>
        }
        .into_any(),
        None => view! { <bdi class="mono">{line.subject}</bdi> }.into_any(),
    };
    let detail = line.detail.map(|text| {
        view! {
            <span class="reason">
                <bdi>{text}</bdi>
            </span>
        }
    });
    let same = super::address("/audit", [("q", Some(line.correlation_id.as_str()))]);
    view! {
        <tr id=format!("entry-{}", line.sequence)>
            <th scope="row" class="number name-cell--short">
                {words::count(line.sequence)}
            </th>
            <td data-label="When">
                <Moment at=line.at style=Style::Relative now />
            </td>
            <td data-label="Who">
                <bdi>{line.actor}</bdi>
            </td>
            <td data-label="What" class="mono">
                {line.action}
            </td>
            <td data-label="To what" class="cell--wide">
                {subject}
                {detail}
            </td>
            <td data-label="Result">{result}</td>
            <td data-label="Hash" class="mono" title=line.hash.clone()>
                {short(&line.hash)}
            </td>
            <td data-label="Correlation" class="mono">
                <a class="correlation" href=same title="Everything with this correlation id">
                    {line.correlation_id.clone()}
                </a>
            </td>
        </tr>
    }
    .into_any()
}

fn filters(actions: &[String], asked: &AuditQuery) -> AnyView {
    let choices: Vec<(String, String)> = std::iter::once((String::new(), "anything".to_owned()))
        .chain(actions.iter().map(|action| (action.clone(), action.clone())))
        .collect();
    let none = FormState::default;
    let typed = |text: &Option<String>| text.clone().unwrap_or_default();
    view! {
        <form class="filters" id=FILTERS method="get" action="/audit" role="search" aria-label="Filter the audit trail">
            <Field state=none() name="q" id_prefix="filter" label="Text or correlation" kind="search" value=typed(&asked.text) />
            <Field state=none() name="actor" id_prefix="filter" label="Who" kind="search" value=typed(&asked.actor) />
            <Field state=none() name="subject" id_prefix="filter" label="To what" kind="search" value=typed(&asked.subject) />
            <Select state=none() name="action" id_prefix="filter" label="What" choices value=typed(&asked.action) />
            <Field state=none() name="from" id_prefix="filter" label="From" kind="date" value=date_value(asked.from) />
            <Field state=none() name="until" id_prefix="filter" label="Until" kind="date" value=date_value(asked.until) />
            <button class="button" type="submit">
                "Filter"
            </button>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_the_address_comes_back() {
        assert_eq!(date_value(parse_date("2026-11-21")), "2026-11-21");
        for text in ["", "2026", "2026-11", "2026-02-30", "x", "2026-11-21-1"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn the_chain_s_state_is_one_sentence() {
        let broken = ChainState::Broken {
            sequence: 4_711,
            what: "altered".into(),
        };
        assert!(sentence(&broken, 9_000).starts_with("The chain is broken at entry 4,711."));
        assert!(sentence(&ChainState::NotVerified, 1).starts_with("1 entry."));
    }
}
