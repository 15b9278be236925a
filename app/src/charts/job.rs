//! How fast a job went, with the limit that it keeps to, and a table behind it.

use leptos::prelude::*;

use super::plot::{Series, plot};
use super::sparkline::by_time;
use super::versions::rate;
use crate::components::moment::{Moment, Style};
use crate::views::Point;
use crate::words;

/// Rows of the table: the latest of them.
const ROWS: usize = 60;

/// Records per second over time; `limit`: as many as it may move.
#[component]
pub fn JobChart(points: Vec<Point>, #[prop(optional_no_strip)] limit: Option<f64>) -> impl IntoView {
    let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) else {
        return view! { <p class="chart__empty">"Its course is drawn from the second look on, two seconds after it began."</p> }
            .into_any();
    };
    let highest = points.iter().map(|point| point.value).fold(1.0, f64::max);
    // A limit far above what is reached would press the course flat; then only the words name it.
    let limit = limit.filter(|limit| *limit <= highest * 2.0);
    let top = highest.max(limit.unwrap_or(0.0)) * 1.2;
    let mut course: Vec<(f64, f64)> = by_time(&points)
        .into_iter()
        .map(|(at, value)| (at, value / top))
        .collect();
    // One look back tells of the whole span before it.
    if let [(_, height)] = course[..] {
        course.push((1.0, height));
    }
    let mut series = vec![Series {
        class: "series-new",
        points: course,
        filled: false,
    }];
    let named = limit.map(|limit| {
        series.push(Series {
            class: "series-goal",
            points: vec![(0.0, limit / top), (1.0, limit / top)],
            filled: false,
        });
        let height = format!("{:.1}%", 100.0 - limit / top * 100.0);
        view! {
            <text class="chart__limit chart__limit--calm" x="0" y=height dy="-4">
                {format!("limit {} a second", words::count(limit as u64))}
            </text>
        }
    });
    let mean = points.iter().map(|point| point.value).sum::<f64>() / points.len() as f64;
    let text = format!(
        "{} a second now, {} on average, {} at most",
        rate(last.value),
        rate(mean),
        rate(highest)
    );
    view! {
        <figure class="chart">
            <p class="chart__now">{text}</p>
            <div class="chart__box">
                <svg class="chart__grid" width="100%" height="100%" aria-hidden="true">
                    <line class="chart__axis" x1="0" x2="100%" y1="100%" y2="100%" />
                    {named}
                </svg>
                {plot("chart__plot", &series)}
            </div>
            <figcaption class="chart__span">
                <Moment at=first.at style=Style::Clock />
                <Moment at=last.at style=Style::Clock />
            </figcaption>
            {table(&points)}
        </figure>
    }
    .into_any()
}

fn table(points: &[Point]) -> AnyView {
    let rows = points
        .iter()
        .rev()
        .take(ROWS)
        .map(|point| {
            view! {
                <tr>
                    <th scope="row">
                        <Moment at=point.at style=Style::Clock />
                    </th>
                    <td class="number">{rate(point.value)}</td>
                </tr>
            }
        })
        .collect_view();
    let older = points.len().saturating_sub(ROWS) as u64;
    let older = (older > 0).then(|| {
        view! { <p class="lack">{format!("and {} before", words::counted(older, "look"))}</p> }
    });
    view! {
        <details class="behind">
            <summary>"As a table"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="Records a second">
                <table class="table table--tight">
                    <thead>
                        <tr>
                            <th scope="col">"Until"</th>
                            <th scope="col" class="number">
                                "Records a second"
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {older}
        </details>
    }
    .into_any()
}
