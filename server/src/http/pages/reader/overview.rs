//! The overview: the board's figures in the page's terms.

use std::time::Duration;

use app::reader::ReadError;
use app::views::Point;
use app::views::overview::{
    DayCount, DayFigures, IncidentTally, OverviewView, RolledBack, RotationTally, Span, TeamAges,
};
use engine::Timestamp;
use engine::board::DayCount as EngineDayCount;
use engine::measure::Measure;
use engine::rotation::{Rotation, RotationState};
use time::Date;

use super::credential::line as credential_line;
use super::needs::need_line;
use super::rotation::line as rotation_line;
use super::words::{count, moment};
use super::{PageReader, unavailable};

const YEAR: Duration = Duration::from_secs(365 * 86_400);
const TWO_YEARS: Duration = Duration::from_secs(2 * 365 * 86_400);
/// Lines of each list on the overview; the rest is a click away.
const SHOWN: usize = 6;

impl PageReader {
    pub(super) async fn read_overview(&self, span: Span) -> Result<OverviewView, ReadError> {
        let window = Duration::from_secs(u64::from(span.days()) * 86_400);
        let services = &self.state.services;
        let environment = self.environment();
        let board = services
            .board(&self.actor, window, environment.as_ref())
            .await
            .map_err(unavailable)?;
        let measures = services
            .measures(&self.actor, environment.as_ref(), TWO_YEARS)
            .await
            .map_err(unavailable)?;
        let totals = board.totals;
        let days = days(&measures, self.now().before(window));
        Ok(OverviewView {
            span,
            credentials: totals.credentials,
            services: totals.services,
            credentials_automated: totals.credentials_automated,
            services_automated: totals.services_automated,
            automated_trend: days
                .iter()
                .filter_map(|day| point_of(day.day, day.percent_automated))
                .collect(),
            mean_age: totals.mean_age,
            mean_age_trend: days
                .iter()
                .filter_map(|day| point_of(day.day, day.mean_age_days))
                .collect(),
            days,
            rotations: RotationTally {
                completed: board.rotations.completed,
                rolled_back: board.rotations.rolled_back,
                other: board.rotations.other,
                previous_total: Some(board.rotations.previous_total).filter(|total| *total > 0),
                per_day: board.rotations.per_day.iter().map(point).collect(),
            },
            incidents: incidents(&measures, self.now()),
            teams: board
                .teams
                .into_iter()
                .map(|team| TeamAges {
                    team: team.team,
                    fresh: team.green,
                    ageing: team.yellow,
                    stale: team.red,
                })
                .collect(),
            expiries: board.due.iter().map(day).collect(),
            late_expiries: board.late,
            in_flight: board.in_flight.iter().take(SHOWN).map(rotation_line).collect(),
            needs_person_total: count(board.needs.len()),
            needs_person: board.needs.iter().take(SHOWN).map(need_line).collect(),
            rolled_back: board
                .rolled_back
                .iter()
                .take(SHOWN)
                .filter_map(rolled_back)
                .collect(),
            longest_lived: board
                .longest_lived
                .iter()
                .take(SHOWN)
                .map(credential_line)
                .collect(),
        })
    }
}

/// A day's count as pages draw it.
pub(super) fn day(day: &EngineDayCount) -> DayCount {
    DayCount {
        day: moment(day.day).date(),
        count: day.count,
    }
}

/// The measured days from `since` on, as pages draw them.
fn days(measures: &[Measure], since: Timestamp) -> Vec<DayFigures> {
    measures
        .iter()
        .filter(|measure| measure.day >= since)
        .map(|measure| DayFigures {
            day: moment(measure.day).date(),
            percent_automated: measure.percent_automated(),
            mean_age_days: measure.mean_age().map(|age| age.as_secs_f64() / 86_400.0),
            fresh: measure.green,
            ageing: measure.yellow,
            stale: measure.red,
            completed: measure.completed,
            rolled_back: measure.rolled_back,
            incidents: measure.incidents,
        })
        .collect()
}

fn point_of(day: Date, value: Option<f64>) -> Option<Point> {
    value.map(|value| Point {
        at: day.midnight().assume_utc(),
        value,
    })
}

/// Incidents of the last twelve months, and of the twelve before once something was measured then.
fn incidents(measures: &[Measure], now: Timestamp) -> IncidentTally {
    let (newer, older): (Vec<&Measure>, Vec<&Measure>) = measures
        .iter()
        .partition(|measure| measure.day >= now.before(YEAR));
    IncidentTally {
        last_year: newer.iter().map(|measure| measure.incidents).sum(),
        year_before: (!older.is_empty()).then(|| older.iter().map(|measure| measure.incidents).sum()),
        since: measures.first().map(|measure| moment(measure.day).date()),
    }
}

fn point(day: &EngineDayCount) -> Point {
    Point {
        at: moment(day.day),
        value: day.count as f64,
    }
}

fn rolled_back(rotation: &Rotation) -> Option<RolledBack> {
    let RotationState::RolledBack { cause } = &rotation.state else {
        return None;
    };
    Some(RolledBack {
        rotation: rotation.id.to_string(),
        credential: rotation.credential_name.to_string(),
        at: moment(rotation.finished_at.unwrap_or(rotation.created_at)),
        reason: cause.in_words(),
    })
}
