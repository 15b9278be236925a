//! A trend in a line's height: its course, its goal, its last point.

use leptos::prelude::*;

use super::plot::{Series, plot};
use crate::views::Point;

#[component]
pub fn Sparkline(points: Vec<Point>, #[prop(optional_no_strip)] goal: Option<f64>) -> impl IntoView {
    let values = points.iter().map(|point| point.value).chain(goal);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let span = if (high - low).abs() < f64::EPSILON {
        1.0
    } else {
        high - low
    };
    let scaled = |value: f64| (value - low) / span * 0.9 + 0.05;
    let course = by_time(&points)
        .into_iter()
        .map(|(at, value)| (at, scaled(value)))
        .collect::<Vec<_>>();
    let mut series = vec![
        Series {
            class: "series-area",
            points: course.clone(),
            filled: true,
        },
        Series {
            class: "series-line",
            points: course,
            filled: false,
        },
    ];
    if let Some(goal) = goal {
        series.push(Series {
            class: "series-goal",
            points: vec![(0.0, scaled(goal)), (1.0, scaled(goal))],
            filled: false,
        });
    }
    let named_goal =
        goal.map(|goal| view! { <span class="sparkline__goal">{format!("goal {goal:.0}")}</span> });
    view! {
        <span class="sparkline">
            {plot("sparkline__plot", &series)} {named_goal}
        </span>
    }
    .into_any()
}

/// Points with their time as a share of the whole span.
pub(super) fn by_time(points: &[Point]) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let span = (last.at - first.at).as_seconds_f64().max(1.0);
    points
        .iter()
        .map(|point| ((point.at - first.at).as_seconds_f64() / span, point.value))
        .collect()
}
