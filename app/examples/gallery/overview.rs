//! The overview.

use std::time::Duration as Length;

use app::views::Point;
use app::views::overview::{
    DayCount, DayFigures, IncidentTally, OverviewView, RolledBack, RotationTally, Span, TeamAges,
};
use time::Duration;

use crate::fixtures::{Scene, ago, now};
use crate::{credentials, others, rotations};

pub(crate) fn overview(scene: Scene, span: Span) -> OverviewView {
    let trend = |from: f64, step: f64, wobble: f64| -> Vec<Point> {
        (0..30)
            .map(|day| Point {
                at: ago(Duration::days(30 - day)),
                value: from + step * day as f64 + wobble * ((day * 7 % 5) as f64 - 2.0),
            })
            .collect()
    };
    let is_young = scene == Scene::Hostile;
    OverviewView {
        span,
        credentials: scene.of(12, 12_408),
        services: scene.of(16, 2_210),
        credentials_automated: scene.of(11, 11_700),
        services_automated: scene.of(15, 2_080),
        automated_trend: if is_young {
            Vec::new()
        } else {
            trend(91.0, 0.1, 0.4)
        },
        mean_age: (scene != Scene::Empty).then(|| Length::from_secs(11 * 86_400)),
        mean_age_trend: if is_young {
            Vec::new()
        } else {
            trend(14.0, -0.1, 0.3)
        },
        days: if is_young { Vec::new() } else { figures(scene) },
        rotations: RotationTally {
            completed: scene.of(405, 40_500),
            rolled_back: scene.of(7, 612),
            other: 0,
            previous_total: (!is_young).then_some(390),
            per_day: if is_young {
                Vec::new()
            } else {
                trend(12.0, 0.05, 2.0)
            },
        },
        incidents: IncidentTally {
            last_year: 1,
            year_before: (!is_young).then_some(4),
            since: is_young.then(|| now().date()),
        },
        teams: teams(scene),
        expiries: days(scene),
        late_expiries: scene.of(1, 88),
        in_flight: rotations::in_flight(scene),
        needs_person: others::needs(scene, scene.of(3, 5)),
        needs_person_total: scene.of(3, 1_204),
        rolled_back: rolled_back(scene),
        longest_lived: credentials::lines(scene, scene.of(5, 5)),
    }
}

fn teams(scene: Scene) -> Vec<TeamAges> {
    let team = |name: &str, fresh, ageing, stale| TeamAges {
        team: Some(scene.person(name)),
        fresh,
        ageing,
        stale,
    };
    let scale = scene.of(1, 700);
    vec![
        team("Orders", 3 * scale, 2 * scale, 0),
        team("Payments", scale, 2 * scale, scale),
        team("Search", 2 * scale, 0, 0),
        TeamAges {
            team: None,
            fresh: 0,
            ageing: 0,
            stale: scale,
        },
    ]
}

fn days(scene: Scene) -> Vec<DayCount> {
    (0..30)
        .map(|index| DayCount {
            day: (now() + Duration::days(index)).date(),
            count: match index {
                3 | 11 | 17 => scene.of(1, 40 + index as u64),
                9 => scene.of(3, 120),
                _ => 0,
            },
        })
        .collect()
}

fn rolled_back(scene: Scene) -> Vec<RolledBack> {
    [
        ("orders-app", "checkout-7d9f8-1 was refused 4 times in a row with version 13 (401), while version 12 was never refused.", 5),
        ("stripe-webhook", "The new key could not list charges: the probe's allowed act was refused (403).", 90),
    ]
    .into_iter()
    .take(scene.of(2, 2) as usize)
    .map(|(name, reason, hours)| RolledBack {
        rotation: "018f-3".into(),
        credential: scene.name(name),
        at: ago(Duration::hours(hours)),
        reason: reason.into(),
    })
    .collect()
}

fn figures(scene: Scene) -> Vec<DayFigures> {
    (0..30)
        .map(|day| DayFigures {
            day: ago(Duration::days(29 - day)).date(),
            percent_automated: Some(91.0 + 0.1 * day as f64),
            mean_age_days: Some(14.0 - 0.1 * day as f64),
            fresh: scene.of(3, 4_000) + day as u64 / 10,
            ageing: scene.of(6, 7_000).saturating_sub(day as u64 / 8),
            stale: scene.of(4, 1_400).saturating_sub(day as u64 / 15),
            completed: scene.of(12, 1_300),
            rolled_back: (day % 9 == 0).into(),
            incidents: (day == 11).into(),
        })
        .collect()
}
