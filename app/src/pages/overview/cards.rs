//! The four figures for leadership.

use leptos::prelude::*;

use crate::components::stat_card::{Change, StatCard, Welcome};
use crate::views::Point;
use crate::views::overview::OverviewView;
use crate::words;

/// The share of services that should rotate by themselves.
const AUTOMATED_GOAL: f64 = 98.0;

pub(super) fn cards(view: &OverviewView) -> AnyView {
    let days = view.span.days();
    view! {
        <div class="stats">
            {automated(view)} {mean_age(view)} {rotations(view, days)} {incidents(view)}
        </div>
    }
    .into_any()
}

fn automated(view: &OverviewView) -> AnyView {
    let change = change_of(&view.automated_trend, "point", Welcome::Better);
    view! {
        <StatCard
            title="Automated"
            figure=words::percent(view.services_automated, view.services)
            change=change
            meaning=format!(
                "{} of {} rotate without a person, in every credential",
                words::count(view.services_automated),
                words::counted(view.services, "service"),
            )
            address="/consumers".to_owned()
            trend=view.automated_trend.clone()
            goal=AUTOMATED_GOAL
            without_trend="The trend starts today."
        />
    }
    .into_any()
}

fn mean_age(view: &OverviewView) -> AnyView {
    let change = change_of(&view.mean_age_trend, "day", Welcome::Worse);
    view! {
        <StatCard
            title="Mean age"
            figure=view.mean_age.map_or("–".to_owned(), words::duration_short)
            change=change
            meaning="of current versions, every credential counted once"
            address="/credentials?sort=age".to_owned()
            trend=view.mean_age_trend.clone()
            without_trend="The trend starts today."
        />
    }
    .into_any()
}

fn rotations(view: &OverviewView, days: u32) -> AnyView {
    let tally = &view.rotations;
    let change = tally.previous_total.map(|previous| Change {
        amount: words::count(tally.total().abs_diff(previous)),
        rises: tally.total() >= previous,
        welcome: Welcome::Neither,
    });
    let other = match tally.other {
        0 => String::new(),
        number => format!(", {} cancelled", words::count(number)),
    };
    view! {
        <StatCard
            title="Rotations"
            figure=words::count(tally.total())
            change=change
            meaning=format!(
                "in {days} days: {} done, {} rolled back{other}",
                words::count(tally.completed),
                words::count(tally.rolled_back),
            )
            address="/rotations".to_owned()
            trend=tally.per_day.clone()
            without_trend="The trend starts with the second day."
        />
    }
    .into_any()
}

fn incidents(view: &OverviewView) -> AnyView {
    let before = match view.incidents.year_before {
        Some(number) => format!("{} in the year before", words::count(number)),
        None => match view.incidents.since {
            Some(day) => format!(
                "Counted since {} {} {}.",
                day.day(),
                words::month_short(day.month()),
                day.year()
            ),
            None => "Counted from today on.".to_owned(),
        },
    };
    view! {
        <StatCard
            title="Incidents"
            figure=words::count(view.incidents.last_year)
            meaning="emergency rotations of leaked or expired credentials, in 12 months"
            address="/rotations".to_owned()
            without_trend=""
            note=before
        />
    }
    .into_any()
}

/// The change from the first point to the last; `when_rising` says whether a rise is welcome.
fn change_of(trend: &[Point], unit: &str, when_rising: Welcome) -> Option<Change> {
    let (first, last) = (trend.first()?, trend.last()?);
    let difference = last.value - first.value;
    let size = difference.abs().round() as u64;
    if trend.len() < 2 || size == 0 {
        return None;
    }
    let rises = difference > 0.0;
    let welcome = match (when_rising, rises) {
        (Welcome::Neither, _) => Welcome::Neither,
        (Welcome::Better, true) | (Welcome::Worse, false) => Welcome::Better,
        (Welcome::Better, false) | (Welcome::Worse, true) => Welcome::Worse,
    };
    Some(Change {
        amount: words::counted(size, unit),
        rises,
        welcome,
    })
}
