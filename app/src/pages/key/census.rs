//! What stands under which version, by target and over time: what makes retiring a version a decision.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::charts::versions::{CensusChart, records_of, versions_of};
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::views::key::{CensusTarget, CensusView, KeyView};
use crate::words;

pub(super) fn census(view: &KeyView, now: OffsetDateTime) -> AnyView {
    let census = &view.census;
    if census.targets.is_empty() {
        return view! {
            <Panel title="What stands under which version">
                <p class="panel__text">
                    "No target is registered, so Rota does not know where values of this key stand. Register the tables, key patterns or buckets that hold them, and it counts, moves and proves."
                </p>
                <p>
                    <a class="button" href="/targets/new">
                        "Register a target"
                    </a>
                </p>
            </Panel>
        }
        .into_any();
    }
    let chart = if census.scans.len() > 1 {
        let scans = census.scans.clone();
        view! { <CensusChart scans /> }.into_any()
    } else {
        view! { <p class="lack">"With the second scan there is a course to draw."</p> }.into_any()
    };
    let (targets, scans) = (targets(census, now), scans(census));
    view! {
        <Panel title="What stands under which version" live="census">
            {chart} {targets} {scans}
            <p>
                <a href="/reencryptions">"Scan or move it"</a>
            </p>
        </Panel>
    }
    .into_any()
}

fn targets(census: &CensusView, now: OffsetDateTime) -> AnyView {
    let rows = census
        .targets
        .iter()
        .map(|target| row(target, now))
        .collect_view();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Targets">
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Target"</th>
                        <th scope="col">"Records by version"</th>
                        <th scope="col">"Scanned"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(target: &CensusTarget, now: OffsetDateTime) -> AnyView {
    let versions = target
        .versions
        .iter()
        .rev()
        .map(|(version, records)| format!("version {version}: {}", words::count(*records)))
        .collect::<Vec<_>>();
    let scanned = match target.scanned_at {
        Some(at) => view! { <Moment at style=Style::Relative now /> }.into_any(),
        None => view! { <span class="lack">"never"</span> }.into_any(),
    };
    let malformed = (target.malformed > 0).then(|| {
        view! {
            <span class="reason">
                {format!("{} no envelope: nobody knows what they need", words::counted_as(target.malformed, "record is", "records are"))}
            </span>
        }
    });
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <bdi class="mono">{target.name.clone()}</bdi>
                <span class="reason">{target.kind.clone()}</span>
            </th>
            <td data-label="Records by version" class="cell--wide">
                {if versions.is_empty() { "none".to_owned() } else { versions.join(" · ") }} {malformed}
            </td>
            <td data-label="Scanned">{scanned}</td>
        </tr>
    }
    .into_any()
}

fn scans(census: &CensusView) -> AnyView {
    if census.scans.is_empty() {
        return ().into_any();
    }
    let versions = versions_of(&census.scans);
    let heads = versions
        .iter()
        .map(|version| {
            view! {
                <th scope="col" class="number">
                    {format!("Version {version}")}
                </th>
            }
        })
        .collect_view();
    let rows = census
        .scans
        .iter()
        .rev()
        .map(|point| {
            let cells = versions
                .iter()
                .map(|version| view! { <td class="number">{words::count(records_of(point, *version))}</td> })
                .collect_view();
            view! {
                <tr>
                    <th scope="row">
                        <Moment at=point.at />
                    </th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="behind">
            <summary>"Every scan as a table"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="Scans">
                <table class="table table--tight">
                    <thead>
                        <tr>
                            <th scope="col">"Scan"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
