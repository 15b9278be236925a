//! Versions as bars on a time axis, a lane each, so that the time when two are valid is seen.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::badge::{Badge, Tone};
use super::moment::Moment;
use crate::views::credential::{VersionLane, VersionState};
use crate::views::key::{KeyState, KeyVersionLine};
use crate::words;

/// Lanes drawn; older versions stand in the table alone.
const LANES: usize = 6;
const LANE_HEIGHT: usize = 28;
const AXIS_HEIGHT: usize = 20;

/// One version on the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub number: u64,
    /// The state in a word.
    pub word: &'static str,
    pub tone: Tone,
    /// What it could do and when, oldest first; at least one.
    pub spans: Vec<Span>,
}

/// A part of a lane in which a version could do one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The look, as in `lanes__bar--<class>`.
    pub class: &'static str,
    pub from: OffsetDateTime,
    /// Until when; `None` while it lasts.
    pub until: Option<OffsetDateTime>,
}

impl Lane {
    fn begin(&self) -> OffsetDateTime {
        self.spans
            .first()
            .map_or(OffsetDateTime::UNIX_EPOCH, |span| span.from)
    }

    fn end(&self) -> Option<OffsetDateTime> {
        self.spans.last().and_then(|span| span.until)
    }
}

impl From<&VersionLane> for Lane {
    fn from(lane: &VersionLane) -> Self {
        Self {
            number: lane.number,
            word: lane.state.word(),
            tone: lane.state.into(),
            spans: vec![Span {
                class: class_of(lane.state),
                from: lane.from,
                until: lane.until,
            }],
        }
    }
}

impl From<&KeyVersionLine> for Lane {
    /// The time in which it seals, then the time in which it only opens.
    fn from(version: &KeyVersionLine) -> Self {
        let span = |class, from, until| Span { class, from, until };
        let begin = version.activated_at.unwrap_or(version.created_at);
        let since = version.state_since.max(begin);
        let ended = version.destroyed_at.unwrap_or(since);
        let spans = match version.state {
            KeyState::PreActive => vec![span("candidate", version.created_at, None)],
            KeyState::Active => vec![span("current", begin, None)],
            KeyState::Deprecated => vec![span("current", begin, Some(since)), span("previous", since, None)],
            KeyState::Suspended => vec![span("previous", begin, Some(since)), span("failed", since, None)],
            KeyState::Revoked => vec![span("previous", begin, Some(since)), span("revoked", since, None)],
            KeyState::Destroyed => vec![span("destroyed", begin, Some(ended))],
        };
        Self {
            number: version.number,
            word: version.state.word(),
            tone: version.state.into(),
            spans,
        }
    }
}

#[component]
pub fn Lanes(
    lanes: Vec<Lane>,
    planned: Option<OffsetDateTime>,
    now: OffsetDateTime,
    /// What begins and ends with a bar: "Accepted".
    #[prop(default = "Accepted")]
    what: &'static str,
    /// Said while there is none.
    #[prop(default = "No version yet: the first rotation makes one.")]
    empty: &'static str,
) -> impl IntoView {
    let table = table(&lanes, what);
    let drawn: Vec<Lane> = lanes.iter().rev().take(LANES).cloned().collect();
    let Some(axis) = Axis::over(&drawn, planned, now) else {
        return view! { <p class="lack">{empty}</p> }.into_any();
    };
    let next_number = lanes.iter().map(|lane| lane.number).max().unwrap_or(0) + 1;
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
    fn over(lanes: &[Lane], planned: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Self> {
        let from = lanes.iter().map(Lane::begin).min()?;
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

fn bar(axis: &Axis, lane: &Lane, row: usize, now: OffsetDateTime) -> AnyView {
    let top = row * LANE_HEIGHT + 4;
    let bars = lane
        .spans
        .iter()
        .map(|span| {
            let start = axis.share(span.from);
            let width = (axis.share(span.until.unwrap_or(now)) - start).max(0.4);
            view! {
                <rect
                    class=format!("lanes__bar lanes__bar--{}", span.class)
                    x=format!("{start:.2}%")
                    y=top.to_string()
                    width=format!("{width:.2}%")
                    height="20"
                    rx="3"
                />
            }
        })
        .collect_view();
    let start = axis.share(lane.begin());
    let width = (axis.share(lane.end().unwrap_or(now)) - start).max(0.4);
    // Words inside stand upon the first part, when that is wide enough for them.
    let first = lane.spans.first();
    let first_width = first.map_or(width, |span| axis.share(span.until.unwrap_or(now)) - start);
    let label = LabelPlace::of(start, width, first_width);
    let class = first.map_or("", |span| span.class);
    view! {
        {bars}
        <text
            class=format!("lanes__label lanes__label--{} lanes__label--{class}", label.slug)
            x=format!("{:.2}%", label.x)
            dx=label.shift
            y=(top + 14).to_string()
            text-anchor=label.anchor
        >
            {format!("{} {}", lane.number, lane.word)}
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

    fn of(start: f64, width: f64, first_width: f64) -> Self {
        if first_width >= Self::ROOM {
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
    let labels = AxisLabels::of(axis, now);
    let start = labels.start.map(|text| {
        view! {
            <text class="lanes__tick" x="0" y=y.clone()>
                {text}
            </text>
        }
    });
    view! {
        {start}
        <text class="lanes__tick" x=axis.x(now) y=y.clone() text-anchor=labels.anchor>
            {labels.now}
        </text>
    }
    .into_any()
}

/// The words below the axis: where it begins, and the present.
struct AxisLabels {
    start: Option<String>,
    now: String,
    anchor: &'static str,
}

impl AxisLabels {
    /// The share of the axis that both labels need side by side on a phone.
    const ROOM: f64 = 34.0;

    /// When the first version is so young that both would stand in one place, one label says both.
    fn of(axis: &Axis, now: OffsetDateTime) -> Self {
        let began = words::relative(axis.from, now);
        if axis.share(now) >= Self::ROOM {
            return Self {
                start: Some(began),
                now: "now".to_owned(),
                anchor: "middle",
            };
        }
        Self {
            start: None,
            now: if began == "just now" {
                "now".to_owned()
            } else {
                format!("now; begins {began}")
            },
            anchor: "start",
        }
    }
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

fn table(lanes: &[Lane], what: &'static str) -> AnyView {
    let rows = lanes
        .iter()
        .rev()
        .map(|lane| {
            let until = match lane.end() {
                Some(at) => view! { <Moment at /> }.into_any(),
                None => "not over".into_any(),
            };
            view! {
                <tr>
                    <th scope="row" class="number">
                        {words::count(lane.number)}
                    </th>
                    <td>
                        <Badge tone=lane.tone word=lane.word />
                    </td>
                    <td>
                        <Moment at=lane.begin() />
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
                            <th scope="col">{format!("{what} from")}</th>
                            <th scope="col">{format!("{what} until")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(age: i64, planned: i64) -> AxisLabels {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(400);
        let lane = Lane::from(&VersionLane {
            number: 1,
            state: VersionState::Current,
            from: now - time::Duration::seconds(age),
            until: None,
        });
        let planned = now + time::Duration::seconds(planned);
        let axis = Axis::over(&[lane], Some(planned), now).unwrap();
        AxisLabels::of(&axis, now)
    }

    #[test]
    fn a_version_of_some_seconds_has_one_label_below_the_axis() {
        let young = labels(4, 30 * 86_400);
        assert_eq!(
            (young.start, young.now.as_str()),
            (None, "now; begins 4 seconds ago")
        );
        let old = labels(20 * 86_400, 10 * 86_400);
        assert_eq!(
            (old.start.as_deref(), old.now.as_str()),
            (Some("20 days ago"), "now")
        );
    }
}
