//! Thirty days as cells with counts; what is late stands first.

use leptos::prelude::*;
use time::Weekday;

use crate::views::overview::DayCount;
use crate::words;

pub(super) fn next_days(days: &[DayCount], late: u64) -> AnyView {
    let highest = days.iter().map(|day| day.count).max().unwrap_or(0);
    let cells = days
        .iter()
        .enumerate()
        .map(|(index, day)| cell(index, day, highest))
        .collect_view();
    let late_cell = (late > 0).then(|| {
        view! {
            <a class="late" href="/expiries">
                <b>{words::count(late)}</b>
                " late"
            </a>
        }
    });
    let all_free = highest == 0 && late == 0;
    view! {
        {late_cell}
        <ol class="days">{cells}</ol>
        {all_free.then(|| view! { <p class="lack">"No lifetime ends within 30 days."</p> })}
    }
    .into_any()
}

fn cell(index: usize, day: &DayCount, highest: u64) -> AnyView {
    let date = day.day;
    let shows_month = index == 0 || date.day() == 1;
    let label = if shows_month {
        format!("{} {}", date.day(), words::month_short(date.month()))
    } else {
        date.day().to_string()
    };
    let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    // Four steps of weight: enough to see a bunch, few enough to be told apart.
    let weight = if highest == 0 {
        0
    } else {
        (day.count * 4).div_ceil(highest)
    };
    let spoken = format!(
        "{} {}: {}",
        date.day(),
        date.month(),
        words::counted_as(day.count, "lifetime ends", "lifetimes end")
    );
    view! {
        <li
            class=format!("day day--weight-{weight}")
            data-weekend=is_weekend.then_some("")
            data-today=(index == 0).then_some("")
            title=spoken.clone()
        >
            <span class="hidden">{spoken.clone()}</span>
            <span class="day__date" aria-hidden="true">
                {label}
            </span>
            <span class="day__count" aria-hidden="true">
                {(day.count > 0).then(|| words::count(day.count))}
            </span>
        </li>
    }
    .into_any()
}
