//! What runs out and when: what is late, a month as a calendar, and the same as a list.

mod calendar;

use leptos::prelude::*;
use time::{Date, Month};

use self::calendar::{calendar, month_address};
use super::{Heading, page, query};
use crate::components::badge::Badge;
use crate::components::credential_table::next_rotation;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::views::expiry::{ExpiriesQuery, ExpiriesView, ExpiryLine, YearMonth};
use crate::views::frame::Frame;
use crate::words;

#[component]
pub fn ExpiriesPage() -> impl IntoView {
    let month = query("month").and_then(|text| parse_month(&text));
    let day = query("day").and_then(|text| text.parse().ok());
    let asked = ExpiriesQuery {
        month,
        day: month.and_then(|month| Date::from_calendar_date(month.year, month.month, day?).ok()),
    };
    page(
        Heading::new(Place::Expiries, "Expiries"),
        move |reader| async move { reader.expiries(asked).await },
        move |view, frame| draw(&view, asked.day, &frame),
    )
}

/// "2026-11"
fn parse_month(text: &str) -> Option<YearMonth> {
    let (year, month) = text.split_once('-')?;
    let year: i32 = year.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Some(YearMonth { year, month })
}

fn draw(view: &ExpiriesView, day: Option<Date>, frame: &Frame) -> AnyView {
    let heading = sentence(view);
    let late = (!view.late.is_empty()).then(|| {
        let rest = view.late_total.saturating_sub(view.late.len() as u64);
        let aside = format!(
            "{} lived longer than {} may",
            words::count(view.late_total),
            words::choose(view.late_total, "its policy says it", "their policies say they")
        );
        let late = table(view.late.clone(), frame, "Credentials that are late");
        view! {
            <Panel title="Late" aside=aside class="panel--late" live="late">
                {late}
                {more(rest, "/credentials?status=overdue")}
            </Panel>
        }
    });
    let month = month_name(view.month);
    let list_title = match day {
        Some(day) => format!("On {} {}", day.day(), day.month()),
        None => format!("In {month}"),
    };
    let rest = view.items_total.saturating_sub(view.items.len() as u64);
    let list = if view.items.is_empty() {
        view! { <p class="lack">"Nothing runs out then."</p> }.into_any()
    } else {
        table(view.items.clone(), frame, "Credentials that run out")
    };
    let (calendar, whole_month) = (calendar(view, day), month_address(view.month));
    view! {
        <Sentence>{heading}</Sentence>
        {late}
        <Panel title=month live="calendar">
            {calendar}
        </Panel>
        <Panel title=list_title live="list">
            {list} {(rest > 0).then(|| view! { <p class="lack">{format!("{} more: choose a day in the calendar.", words::count(rest))}</p> })}
            {day.map(|_| view! { <p><a href=whole_month>"The whole month"</a></p> })}
        </Panel>
    }
    .into_any()
}

fn month_name(month: YearMonth) -> String {
    format!("{} {}", month.month, month.year)
}

/// "1 is late. 6 run out in November 2026, all of which rotate by themselves."
fn sentence(view: &ExpiriesView) -> String {
    let late = match view.late_total {
        0 => "None is late.".to_owned(),
        number => format!(
            "{} {} late.",
            words::count(number),
            words::choose(number, "is", "are")
        ),
    };
    format!(
        "{late} {} {} the end of {} life in {}.",
        words::counted(view.items_total, "credential"),
        words::choose(view.items_total, "reaches", "reach"),
        words::choose(view.items_total, "its", "their"),
        month_name(view.month)
    )
}

fn more(rest: u64, address: &'static str) -> AnyView {
    (rest > 0)
        .then(|| {
            view! {
                <p>
                    <a href=address>{format!("and {} more", words::count(rest))}</a>
                </p>
            }
        })
        .into_any()
}

fn table(items: Vec<ExpiryLine>, frame: &Frame, label: &'static str) -> AnyView {
    let now = frame.now;
    let rows = items
        .into_iter()
        .map(|line| {
            let address = format!("/credentials/{}", words::segment(&line.credential));
            let owner = match line.team {
                Some(team) => view! { <bdi>{team}</bdi> }.into_any(),
                None => view! { <span class="lack">"nobody"</span> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row" class="name-cell">
                        <a class="name" href=address>
                            <bdi>{line.credential}</bdi>
                        </a>
                    </th>
                    <td data-label="Runs out">
                        <Moment at=line.expires_at style=Style::Relative now />
                        <span class="reason">
                            <Moment at=line.expires_at />
                        </span>
                    </td>
                    <td data-label="Policy">
                        <Badge tone=line.status word=line.status.word() />
                    </td>
                    <td data-label="Rotates next">{next_rotation(line.next_rotation, now)}</td>
                    <td data-label="Owner">{owner}</td>
                    <td data-label="Environment">
                        <bdi>{line.environment}</bdi>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label=label>
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Credential"</th>
                        <th scope="col">"Runs out"</th>
                        <th scope="col">"Policy"</th>
                        <th scope="col">"Rotates next"</th>
                        <th scope="col">"Owner"</th>
                        <th scope="col">"Environment"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_of_the_address_is_a_month() {
        let november = YearMonth {
            year: 2026,
            month: Month::November,
        };
        assert_eq!(parse_month("2026-11"), Some(november));
        for text in ["", "2026", "2026-13", "2026-0", "99999-1", "x-y", "2026-11-01"] {
            assert_eq!(parse_month(text), None, "{text}");
        }
    }
}
