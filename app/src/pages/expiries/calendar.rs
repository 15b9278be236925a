//! A month as weeks, with how many run out on each day.

use leptos::prelude::*;
use time::{Date, Duration, Month};

use crate::views::expiry::{ExpiriesView, YearMonth};
use crate::words;

const WEEKDAYS: [(&str, &str); 7] = [
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];

pub(super) fn calendar(view: &ExpiriesView, chosen: Option<Date>) -> AnyView {
    let heads = WEEKDAYS
        .map(|(short, long)| view! { <th scope="col" abbr=long>{short}</th> })
        .collect_view();
    let rows = weeks(view.month)
        .into_iter()
        .map(|week| {
            let cells = week
                .into_iter()
                .map(|date| cell(view, date, chosen))
                .collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    view! {
        <div class="calendar__ways">
            <a class="button" href=month_address(before(view.month)) rel="prev">
                {before(view.month).month.to_string()}
            </a>
            <a class="button" href="/expiries">
                "This month"
            </a>
            <a class="button" href=month_address(after(view.month)) rel="next">
                {after(view.month).month.to_string()}
            </a>
        </div>
        <table class="calendar">
            <thead>
                <tr>{heads}</tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn cell(view: &ExpiriesView, date: Date, chosen: Option<Date>) -> AnyView {
    if date.month() != view.month.month {
        return view! { <td class="calendar__outside"></td> }.into_any();
    }
    let count = view
        .days
        .iter()
        .find(|day| day.day == date)
        .map_or(0, |day| day.count);
    let most = view.days.iter().map(|day| day.count).max().unwrap_or(0);
    let is_today = (date == view.today).then_some("date");
    let number = date.day();
    let content = if count == 0 {
        view! { <span class="calendar__date">{number}</span> }.into_any()
    } else {
        let address = format!("{}&day={number}", month_address(view.month));
        let spoken = format!("{number} {}: {} run out", date.month(), words::count(count));
        let is_chosen = (chosen == Some(date)).then_some("true");
        view! {
            <a class="calendar__day" href=address aria-label=spoken aria-current=is_chosen>
                <span class="calendar__date">{number}</span>
                <b class="calendar__count">{words::count(count)}</b>
            </a>
        }
        .into_any()
    };
    view! {
        <td class=format!("day--weight-{}", weight(count, most)) aria-current=is_today data-past=(date < view.today).then_some("")>
            {content}
        </td>
    }
    .into_any()
}

/// Four shades by share of the fullest day; none for an empty one.
fn weight(count: u64, most: u64) -> u64 {
    if count == 0 || most == 0 {
        0
    } else {
        (count * 4).div_ceil(most).clamp(1, 4)
    }
}

/// The weeks that touch the month, Monday first, with the days of its neighbours.
fn weeks(month: YearMonth) -> Vec<Vec<Date>> {
    let Ok(first) = Date::from_calendar_date(month.year, month.month, 1) else {
        return Vec::new();
    };
    let mut day = first - Duration::days(i64::from(first.weekday().number_days_from_monday()));
    let mut weeks = Vec::new();
    loop {
        let week: Vec<Date> = (0..7).map(|offset| day + Duration::days(offset)).collect();
        if !week.iter().any(|date| date.month() == month.month) {
            return weeks;
        }
        weeks.push(week);
        day += Duration::days(7);
    }
}

pub(super) fn month_address(month: YearMonth) -> String {
    format!("/expiries?month={:04}-{:02}", month.year, u8::from(month.month))
}

fn before(month: YearMonth) -> YearMonth {
    let year = if month.month == Month::January {
        month.year - 1
    } else {
        month.year
    };
    YearMonth {
        year,
        month: month.month.previous(),
    }
}

fn after(month: YearMonth) -> YearMonth {
    let year = if month.month == Month::December {
        month.year + 1
    } else {
        month.year
    };
    YearMonth {
        year,
        month: month.month.next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_month_stands_in_one_week() {
        for (year, month, number) in [
            (2026, Month::November, 6),
            (2027, Month::February, 4),
            (2024, Month::February, 5),
        ] {
            let weeks = weeks(YearMonth { year, month });
            assert_eq!(weeks.len(), number, "{month} {year}");
            let days = weeks
                .iter()
                .flatten()
                .filter(|date| date.month() == month)
                .count();
            assert_eq!(days, usize::from(month.length(year)));
        }
    }

    #[test]
    fn the_fullest_day_is_darkest_and_an_empty_one_is_blank() {
        assert_eq!([0, 1, 25, 100].map(|count| weight(count, 100)), [0, 1, 1, 4]);
        assert_eq!(weight(0, 0), 0);
    }

    #[test]
    fn the_year_turns() {
        let january = YearMonth {
            year: 2026,
            month: Month::January,
        };
        assert_eq!(month_address(before(january)), "/expiries?month=2025-12");
        assert_eq!(after(before(january)), january);
    }
}
