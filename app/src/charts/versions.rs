//! Figures by key version over time: records under each (stacked), operations of each (lines).
//!
//! Versions are told apart by their number at the end of the line and by a look that depends on their place from the
//! newest on, so that a version keeps its look while it is the newest but one.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::plot::{Series, plot};
use crate::components::moment::{Moment, Style};
use crate::views::key::{CensusPoint, VersionSeries};
use crate::words;

/// Looks by place from the newest on; the oldest share the last.
const FILLS: [&str; 5] = [
    "series-version--0",
    "series-version--1",
    "series-version--2",
    "series-version--3",
    "series-version--4",
];
const LINES: [&str; 5] = [
    "series-rate--0",
    "series-rate--1",
    "series-rate--2",
    "series-rate--3",
    "series-rate--4",
];

fn look(looks: &[&'static str; 5], place: usize) -> &'static str {
    looks[place.min(looks.len() - 1)]
}

/// Records under each version at each scan, stacked with the oldest on top, so that what is left of it is seen.
#[component]
pub fn CensusChart(scans: Vec<CensusPoint>) -> impl IntoView {
    let (Some(first), Some(last)) = (scans.first(), scans.last()) else {
        return ().into_any();
    };
    let (from, until) = (first.at, last.at);
    let versions = versions_of(&scans);
    let total = |point: &CensusPoint| point.versions.iter().map(|(_, records)| records).sum::<u64>();
    let top = scans.iter().map(total).max().unwrap_or(0).max(1) as f64;
    // From the whole down: each further area covers what is below it.
    let series: Vec<Series> = versions
        .iter()
        .rev()
        .enumerate()
        .map(|(place, version)| {
            let newest_place = versions.len() - 1 - place;
            Series {
                class: look(&FILLS, newest_place),
                points: scans
                    .iter()
                    .map(|point| {
                        let below: u64 = point
                            .versions
                            .iter()
                            .filter(|(number, _)| number >= version)
                            .map(|(_, records)| records)
                            .sum();
                        (share(from, until, point.at), below as f64 / top)
                    })
                    .collect(),
                filled: true,
            }
        })
        .collect();
    let labels = versions
        .iter()
        .enumerate()
        .map(|(place, version)| {
            let records = records_of(last, *version);
            label(
                place,
                format!("version {version}: {}", words::counted(records, "record")),
            )
        })
        .collect_view();
    view! {
        <figure class="chart">
            <ul class="chart__now chart__now--versions">{labels}</ul>
            {chart_box(&series)}
            {span_line(from, until)}
        </figure>
    }
    .into_any()
}

/// Operations per second of each version.
#[component]
pub fn RatesByVersion(series: Vec<VersionSeries>) -> impl IntoView {
    let mut newest_first = series;
    newest_first.sort_by_key(|one| std::cmp::Reverse(one.version));
    let points = || newest_first.iter().flat_map(|one| &one.points);
    let (Some(from), Some(until)) = (
        points().map(|point| point.at).min(),
        points().map(|point| point.at).max(),
    ) else {
        return view! { <p class="chart__empty">"No operation in the last minutes."</p> }.into_any();
    };
    let top = points().map(|point| point.value).fold(1.0, f64::max) * 1.1;
    let drawn: Vec<Series> = newest_first
        .iter()
        .enumerate()
        .map(|(place, one)| Series {
            class: look(&LINES, place),
            points: one
                .points
                .iter()
                .map(|point| (share(from, until, point.at), point.value / top))
                .collect(),
            filled: false,
        })
        .collect();
    let labels = newest_first
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let now = one.points.last().map_or(0.0, |point| point.value);
            label(
                place,
                format!("version {}: {} per second", one.version, rate(now)),
            )
        })
        .collect_view();
    view! {
        <figure class="chart">
            <ul class="chart__now chart__now--versions">{labels}</ul>
            {chart_box(&drawn)}
            {span_line(from, until)}
            {rates_table(&newest_first)}
        </figure>
    }
    .into_any()
}

fn rates_table(newest_first: &[VersionSeries]) -> AnyView {
    let mut moments: Vec<OffsetDateTime> = newest_first
        .iter()
        .flat_map(|one| one.points.iter().map(|point| point.at))
        .collect();
    moments.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
    moments.dedup();
    let heads = newest_first
        .iter()
        .map(|one| {
            view! {
                <th scope="col" class="number">
                    {format!("Version {}", one.version)}
                </th>
            }
        })
        .collect_view();
    let rows = moments
        .into_iter()
        .map(|at| {
            let cells = newest_first
                .iter()
                .map(|one| {
                    let point = one.points.iter().find(|point| point.at == at);
                    view! { <td class="number">{point.map_or("–".to_owned(), |point| rate(point.value))}</td> }
                })
                .collect_view();
            view! {
                <tr>
                    <th scope="row">
                        <Moment at style=Style::Clock />
                    </th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="behind">
            <summary>"As a table"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="Operations a second">
                <table class="table table--tight">
                    <thead>
                        <tr>
                            <th scope="col">"Until"</th>
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

fn label(place: usize, text: String) -> AnyView {
    let class = format!("series-label--version-{}", place.min(FILLS.len() - 1));
    view! { <li class=class>{text}</li> }.into_any()
}

fn chart_box(series: &[Series]) -> AnyView {
    view! {
        <div class="chart__box">
            <svg class="chart__grid" width="100%" height="100%" aria-hidden="true">
                <line class="chart__axis" x1="0" x2="100%" y1="100%" y2="100%" />
            </svg>
            {plot("chart__plot", series)}
        </div>
    }
    .into_any()
}

fn span_line(from: OffsetDateTime, until: OffsetDateTime) -> AnyView {
    view! {
        <figcaption class="chart__span">
            <Moment at=from />
            <Moment at=until />
        </figcaption>
    }
    .into_any()
}

fn share(from: OffsetDateTime, until: OffsetDateTime, at: OffsetDateTime) -> f64 {
    let span = (until - from).as_seconds_f64().max(1.0);
    ((at - from).as_seconds_f64() / span).clamp(0.0, 1.0)
}

/// "0", "0.4", "1,204".
pub fn rate(value: f64) -> String {
    if value > 0.0 && value < 10.0 {
        format!("{value:.1}")
    } else {
        words::count(value.round() as u64)
    }
}

/// Every version that was met, newest first.
pub fn versions_of(scans: &[CensusPoint]) -> Vec<u64> {
    let mut versions: Vec<u64> = scans
        .iter()
        .flat_map(|point| point.versions.iter().map(|(version, _)| *version))
        .collect();
    versions.sort_unstable_by_key(|version| std::cmp::Reverse(*version));
    versions.dedup();
    versions
}

/// Records under a version at one scan.
pub fn records_of(point: &CensusPoint, version: u64) -> u64 {
    point
        .versions
        .iter()
        .filter(|(number, _)| *number == version)
        .map(|(_, records)| records)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_met_newest_first_and_once() {
        let point = |versions: &[(u64, u64)]| CensusPoint {
            at: OffsetDateTime::UNIX_EPOCH,
            versions: versions.to_vec(),
        };
        let scans = [point(&[(1, 5), (2, 1)]), point(&[(2, 4), (3, 2)])];
        assert_eq!(versions_of(&scans), [3, 2, 1]);
        assert_eq!(records_of(&scans[1], 2), 4);
        assert_eq!(records_of(&scans[1], 1), 0);
    }
}
