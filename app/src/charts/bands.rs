//! Credentials by age band, day by day, stacked.

use leptos::prelude::*;
use time::Date;

use super::plot::{Series, plot};
use crate::components::badge::Badge;
use crate::views::AgeBand;
use crate::views::overview::DayFigures;
use crate::words;

/// At least two days, oldest first; the table behind it is the page's.
#[component]
pub fn BandsChart(days: Vec<DayFigures>) -> impl IntoView {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return ().into_any();
    };
    let (first_day, last_day) = (first.day, last.day);
    let (from, until) = (
        first.day.midnight().assume_utc(),
        last.day.midnight().assume_utc(),
    );
    let span = (until - from).as_seconds_f64().max(1.0);
    let top = days.iter().map(total).max().unwrap_or(0).max(1) as f64;
    let place = |height: fn(&DayFigures) -> u64| -> Vec<(f64, f64)> {
        days.iter()
            .map(|day| {
                let at = day.day.midnight().assume_utc();
                ((at - from).as_seconds_f64() / span, height(day) as f64 / top)
            })
            .collect()
    };
    let filled = |class, height| Series {
        class,
        points: place(height),
        filled: true,
    };
    // The whole first: each further area covers what is below it.
    let series = [
        filled("series-band--stale", total as fn(&DayFigures) -> u64),
        filled("series-band--ageing", |day| day.fresh + day.ageing),
        filled("series-band--fresh", |day| day.fresh),
    ];
    let labels = [
        (AgeBand::Stale, last.stale),
        (AgeBand::Ageing, last.ageing),
        (AgeBand::Fresh, last.fresh),
    ]
    .map(|(band, number)| {
        view! {
            <li>
                <Badge tone=band word=format!("{} {}", words::count(number), band.word()) />
            </li>
        }
    });
    view! {
        <figure class="chart">
            <ul class="chart__now chart__now--badges">{labels.collect_view()}</ul>
            <div class="chart__box">
                <svg class="chart__grid" width="100%" height="100%" aria-hidden="true">
                    <line class="chart__axis" x1="0" x2="100%" y1="100%" y2="100%" />
                </svg>
                {plot("chart__plot", &series)}
            </div>
            <figcaption class="chart__span">
                <span>{date(first_day)}</span>
                <span>{date(last_day)}</span>
            </figcaption>
        </figure>
    }
    .into_any()
}

/// Days are those of UTC, whatever the viewer's zone.
fn date(day: Date) -> String {
    format!("{} {} {}", day.day(), words::month_short(day.month()), day.year())
}

fn total(day: &DayFigures) -> u64 {
    day.fresh + day.ageing + day.stale
}
