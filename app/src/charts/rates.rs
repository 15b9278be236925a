//! Failure rate of the new version against the old, with the rate at which the rotation rolls back.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::plot::{Series, plot};
use crate::components::moment::{Moment, Style};
use crate::views::Point;
use crate::views::rotation::Verdict;

/// The chart and, behind it, its table.
#[component]
pub fn RatesChart(verdict: Verdict) -> impl IntoView {
    let Verdict {
        new_rates,
        old_rates,
        rollback_rate,
        ..
    } = verdict;
    let Some(axis) = Axis::over(&new_rates, &old_rates, rollback_rate) else {
        return view! { <p class="chart__empty">"No outcome has been reported yet."</p> }.into_any();
    };
    let series = [
        Series {
            class: "series-old",
            points: axis.place(&old_rates),
            filled: false,
        },
        Series {
            class: "series-new",
            points: axis.place(&new_rates),
            filled: false,
        },
        Series {
            class: "series-limit",
            points: vec![
                (0.0, axis.height(rollback_rate)),
                (1.0, axis.height(rollback_rate)),
            ],
            filled: false,
        },
    ];
    let limit_top = format!("{:.1}%", 100.0 - axis.height(rollback_rate) * 100.0);
    let ends = [
        ("New", "series-label--new", new_rates.last()),
        ("Old", "series-label--old", old_rates.last()),
    ];
    let labels = ends
        .into_iter()
        .filter_map(|(name, class, point)| point.map(|point| (name, class, point.value)))
        .map(|(name, class, rate)| view! { <li class=class>{name} " " {rate_words(rate)}</li> })
        .collect_view();
    view! {
        <figure class="chart">
            <ul class="chart__now">{labels}</ul>
            <div class="chart__box">
                <svg class="chart__grid" width="100%" height="100%" aria-hidden="true">
                    <line class="chart__axis" x1="0" x2="100%" y1="100%" y2="100%" />
                    <text class="chart__limit" x="0" y=limit_top dy="-4">
                        {format!("rolls back at {}", rate_words(rollback_rate))}
                    </text>
                </svg>
                {plot("chart__plot", &series)}
            </div>
            <figcaption class="chart__span">
                <Moment at=axis.from style=Style::Clock />
                <Moment at=axis.until style=Style::Clock />
            </figcaption>
            {table(&new_rates, &old_rates)}
        </figure>
    }
    .into_any()
}

struct Axis {
    from: OffsetDateTime,
    until: OffsetDateTime,
    top: f64,
}

impl Axis {
    fn over(new_rates: &[Point], old_rates: &[Point], rollback_rate: f64) -> Option<Self> {
        let points = || new_rates.iter().chain(old_rates);
        let from = points().map(|point| point.at).min()?;
        let until = points().map(|point| point.at).max()?;
        let highest = points().map(|point| point.value).fold(rollback_rate, f64::max);
        // A fifth of air above, so that the limit's name is never cut.
        Some(Self {
            from,
            until,
            top: (highest * 1.2).max(1.0),
        })
    }

    fn height(&self, rate: f64) -> f64 {
        rate / self.top
    }

    fn place(&self, points: &[Point]) -> Vec<(f64, f64)> {
        let span = (self.until - self.from).as_seconds_f64().max(1.0);
        points
            .iter()
            .map(|point| {
                (
                    (point.at - self.from).as_seconds_f64() / span,
                    self.height(point.value),
                )
            })
            .collect()
    }
}

fn rate_words(rate: f64) -> String {
    if rate >= 10.0 || rate == 0.0 {
        format!("{rate:.0}%")
    } else {
        format!("{rate:.1}%")
    }
}

fn table(new_rates: &[Point], old_rates: &[Point]) -> AnyView {
    let mut moments: Vec<OffsetDateTime> = new_rates.iter().chain(old_rates).map(|point| point.at).collect();
    moments.sort_unstable();
    moments.dedup();
    let at = |points: &[Point], moment| {
        points
            .iter()
            .find(|point| point.at == moment)
            .map_or("–".to_owned(), |point| rate_words(point.value))
    };
    let rows = moments
        .into_iter()
        .map(|moment| {
            view! {
                <tr>
                    <th scope="row">
                        <Moment at=moment style=Style::Clock />
                    </th>
                    <td class="number">{at(new_rates, moment)}</td>
                    <td class="number">{at(old_rates, moment)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="behind">
            <summary>"As a table"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="Failure rates">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"From"</th>
                            <th scope="col" class="number">
                                "New version"
                            </th>
                            <th scope="col" class="number">
                                "Old version"
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
