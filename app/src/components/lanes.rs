//! Versions as bars on a time axis, a lane each, so that the time when two are valid is seen.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::badge::{Badge, Tone};
use super::moment::Moment;
use crate::views::credential::{VersionLane, VersionState};
use crate::words;

/// Lanes drawn; older versions stand in the table alone.
const LANES: usize = 6;
const LANE_HEIGHT: usize = 28;
const AXIS_HEIGHT: usize = 20;

#[component]
pub fn Lanes(
    versions: Vec<VersionLane>,
    planned: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> impl IntoView {
    let table = table(&versions);
    let drawn: Vec<VersionLane> = versions.iter().rev().take(LANES).cloned().collect();
    let Some(axis) = Axis::over(&drawn, planned, now) else {
        return view! { <p class="lack">"No version yet: the first rotation makes one."</p> }.into_any();
    };
    let next_number = versions.iter().map(|lane| lane.number).max().unwrap_or(0) + 1;
    let planned_lane = planned
        .filter(|at| *at > now)
        .map(|at| planned_bar(&axis, at, next_number));
    let first_row = usize::from(planned_lane.is_some());
    let bars = drawn
        .iter()
        .enumerate()
        .map(|(row, lane)| bar(&axis, lane, row + first_row, now))
        .collect_view();
    let height = (drawn.len() + first_row) * LANE_HEIGHT + AXIS_HEIGHT;
    view! {
        <figure class="lanes">
            <svg
                class="lanes__plot"
                width="100%"
                height=height.to_string()
                role="img"
                aria-label="Versions over time; the same stands in the table below"
            >
                <line class="lanes__now" x1=axis.x(now) x2=axis.x(now) y1="0" y2=(height - AXIS_HEIGHT).to_string() />
                {planned_lane}
                {bars}
                {ticks(&axis, now, height)}
            </svg>
            {table}
        </figure>
    }
    .into_any()
}

struct Axis {
    from: OffsetDateTime,
    until: OffsetDateTime,
}

impl Axis {
    fn over(lanes: &[VersionLane], planned: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Self> {
        let from = lanes.iter().map(|lane| lane.from).min()?;
        let until = planned.into_iter().chain([now]).max()?;
        // Air on the right for the planned version's bar and the word "now".
        let span: time::Duration = until - from;
        let air = span
            .checked_div(10)
            .unwrap_or(span)
            .max(time::Duration::seconds(1));
        Some(Self {
            from,
            until: until + air,
        })
    }

    fn share(&self, at: OffsetDateTime) -> f64 {
        let span = (self.until - self.from).as_seconds_f64();
        ((at - self.from).as_seconds_f64() / span * 100.0).clamp(0.0, 100.0)
    }

    fn x(&self, at: OffsetDateTime) -> String {
        format!("{:.2}%", self.share(at))
    }
}

fn bar(axis: &Axis, lane: &VersionLane, row: usize, now: OffsetDateTime) -> AnyView {
    let end = lane.until.unwrap_or(now);
    let width = (axis.share(end) - axis.share(lane.from)).max(0.4);
    let top = row * LANE_HEIGHT + 4;
    let class = format!("lanes__bar lanes__bar--{}", class_of(lane.state));
    let start = axis.share(lane.from);
    let label = LabelPlace::of(start, width);
    view! {
        <rect class=class x=format!("{start:.2}%") y=top.to_string() width=format!("{width:.2}%") height="20" rx="3" />
        <text
            class=format!("lanes__label lanes__label--{} lanes__label--{}", label.slug, class_of(lane.state))
            x=format!("{:.2}%", label.x)
            dx=label.shift
            y=(top + 14).to_string()
            text-anchor=label.anchor
        >
            {format!("{} {}", lane.number, lane.state.word())}
        </text>
    }
    .into_any()
}

/// Where a bar's words stand: inside when there is room on a phone, else on the side that has some.
struct LabelPlace {
    slug: &'static str,
    x: f64,
    shift: &'static str,
    anchor: &'static str,
}

impl LabelPlace {
    /// The share of the axis below which a bar is too short for its words on a phone.
    const ROOM: f64 = 26.0;

    fn of(start: f64, width: f64) -> Self {
        if width >= Self::ROOM {
            Self {
                slug: "inside",
                x: start,
                shift: "8",
                anchor: "start",
            }
        } else if start >= Self::ROOM {
            Self {
                slug: "before",
                x: start,
                shift: "-6",
                anchor: "end",
            }
        } else {
            Self {
                slug: "after",
                x: start + width,
                shift: "6",
                anchor: "start",
            }
        }
    }
}

fn planned_bar(axis: &Axis, at: OffsetDateTime, number: u64) -> AnyView {
    let start = axis.share(at);
    view! {
        <rect class="lanes__bar lanes__bar--planned" x=format!("{start:.2}%") y="4" width=format!("{:.2}%", 100.0 - start) height="20" rx="3" />
        <text class="lanes__label" x=format!("{start:.2}%") dx="-6" y="18" text-anchor="end">
            {format!("{number} planned")}
        </text>
    }
    .into_any()
}

fn ticks(axis: &Axis, now: OffsetDateTime, height: usize) -> AnyView {
    let y = (height - 5).to_string();
    let age = words::relative(axis.from, now);
    view! {
        <text class="lanes__tick" x="0" y=y.clone()>
            {age}
        </text>
        <text class="lanes__tick" x=axis.x(now) y=y text-anchor="middle">
            "now"
        </text>
    }
    .into_any()
}

fn class_of(state: VersionState) -> &'static str {
    match state {
        VersionState::Candidate => "candidate",
        VersionState::Current => "current",
        VersionState::Previous => "previous",
        VersionState::Retired => "retired",
        VersionState::Failed => "failed",
        VersionState::Destroyed => "destroyed",
    }
}

fn table(versions: &[VersionLane]) -> AnyView {
    let rows = versions
        .iter()
        .rev()
        .map(|lane| {
            let until = match lane.until {
                Some(at) => view! { <Moment at /> }.into_any(),
                None => "still accepted".into_any(),
            };
            view! {
                <tr>
                    <th scope="row" class="number">
                        {words::count(lane.number)}
                    </th>
                    <td>
                        <Badge tone=Tone::from(lane.state) word=lane.state.word() />
                    </td>
                    <td>
                        <Moment at=lane.from />
                    </td>
                    <td>{until}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="behind">
            <summary>"As a table"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="Versions">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col" class="number">
                                "Version"
                            </th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Accepted from"</th>
                            <th scope="col">"Accepted until"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
