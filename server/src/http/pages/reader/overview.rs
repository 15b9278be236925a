//! The overview: the board's figures in the page's terms.

use std::time::Duration;

use app::reader::ReadError;
use app::views::Point;
use app::views::overview::{
    DayCount, IncidentTally, OverviewView, RolledBack, RotationTally, Span, TeamAges,
};
use engine::board::DayCount as EngineDayCount;
use engine::rotation::{Rotation, RotationState};

use super::credential::line as credential_line;
use super::needs::need_line;
use super::rotation::line as rotation_line;
use super::words::{count, moment};
use super::{PageReader, unavailable};

/// Lines of each list on the overview; the rest is a click away.
const SHOWN: usize = 6;

impl PageReader {
    pub(super) async fn read_overview(&self, span: Span) -> Result<OverviewView, ReadError> {
        let window = Duration::from_secs(u64::from(span.days()) * 86_400);
        let board = self
            .state
            .services
            .board(&self.actor, window)
            .await
            .map_err(unavailable)?;
        let totals = board.totals;
        Ok(OverviewView {
            span,
            credentials: totals.credentials,
            services: totals.services,
            credentials_automated: totals.credentials_automated,
            services_automated: totals.services_automated,
            // Measured once a day from the first day on; until there are two, there is no trend to draw.
            automated_trend: Vec::new(),
            mean_age: totals.mean_age,
            mean_age_trend: Vec::new(),
            rotations: RotationTally {
                completed: board.rotations.completed,
                rolled_back: board.rotations.rolled_back,
                other: board.rotations.other,
                previous_total: Some(board.rotations.previous_total).filter(|total| *total > 0),
                per_day: board.rotations.per_day.iter().map(point).collect(),
            },
            incidents: IncidentTally::default(),
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
