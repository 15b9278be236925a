//! Rotations in every stage. The id chooses: `018f-1` soaks, `-2` is stuck, `-3` was rolled back, `-4` is done.

use std::sync::OnceLock;
use std::time::Duration as Length;

use app::views::credential::InstanceHealth;
use app::views::rotation::{
    Action, Conclusion, Holds, LogKind, LogLine, RotationLine, RotationView, RotationsView, ServiceSquares,
    Square, Stage, StepLine, StepState, Tone, Verb, Verdict, WayBack, WayBackState,
};
use app::views::{Listing, Point};
use time::Duration;

use crate::fixtures::{Scene, ago, now};

const REFUSED: &str = "checkout-7d9f8-1 was refused 4 times in a row with version 13 (401), while version 12 was never refused.";

/// The id `018f-7` moves while it is looked at.
const LIVE: u64 = 7;

fn seconds_shown() -> u64 {
    static FIRST_SHOWN: OnceLock<tokio::time::Instant> = OnceLock::new();
    FIRST_SHOWN
        .get_or_init(tokio::time::Instant::now)
        .elapsed()
        .as_secs()
}

fn stage(kind: u64) -> Stage {
    match kind % 6 {
        1 => Stage::Wave {
            number: 2,
            of: 3,
            percent: 25,
            soak_until: Some(now() + Duration::seconds(18)),
        },
        2 => Stage::NeedsOperator {
            reason: "The rollback failed: version 12 was refused too.".into(),
        },
        3 => Stage::RolledBack {
            reason: REFUSED.into(),
        },
        4 => Stage::Completed,
        5 => Stage::AwaitingApproval { given: 1, needed: 2 },
        _ => Stage::Grace {
            until: Some(now() + Duration::minutes(41)),
        },
    }
}

fn line(scene: Scene, index: u64, kind: u64) -> RotationLine {
    let stage = stage(kind);
    RotationLine {
        id: format!("018f-{kind}"),
        credential: scene.name(["orders-app", "ledger-writer", "stripe-webhook"][index as usize % 3]),
        environment: "production".into(),
        finished_at: stage
            .is_over()
            .then(|| ago(Duration::hours(index as i64 * 5)) + Duration::seconds(74)),
        stage,
        from_version: (index != 4).then_some(12),
        to_version: 13,
        started_at: if index == 0 {
            ago(Duration::seconds(52))
        } else {
            ago(Duration::hours(index as i64 * 5))
        },
        started_by: if index.is_multiple_of(2) {
            scene.person("ada")
        } else {
            "schedule".into()
        },
        emergency: index == 3,
    }
}

pub(crate) fn lines(scene: Scene, number: u64) -> Vec<RotationLine> {
    (0..number)
        .map(|index| line(scene, index, [4, 3, 4, 4, 2, 0][index as usize % 6]))
        .collect()
}

pub(crate) fn in_flight(scene: Scene) -> Vec<RotationLine> {
    (0..scene.of(2, 6))
        .map(|index| line(scene, index, [1, 5][index as usize % 2]))
        .collect()
}

pub(crate) fn list(scene: Scene) -> RotationsView {
    let mut items = in_flight(scene);
    items.extend(lines(scene, scene.of(6, 94)));
    RotationsView {
        listing: Listing {
            items,
            total: scene.of(8, 48_211),
            unfiltered_total: scene.of(8, 48_211),
            next_cursor: (scene == Scene::Many).then(|| "x".into()),
        },
        in_flight: scene.of(2, 31),
        needs_operator: scene.of(1, 4),
        completed: scene.of(405, 40_500),
        rolled_back: scene.of(7, 612),
    }
}

pub(crate) fn one(scene: Scene, id: &str) -> RotationView {
    let kind = id
        .rsplit('-')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let mut own = line(scene, 0, kind);
    own.id = id.to_owned();
    let is_live = kind == 1 || kind == LIVE;
    RotationView {
        sandbox: false,
        reason: scene.person("Quarterly change, ticket 991"),
        steps: steps(kind),
        fleet: fleet(scene, kind),
        way_back: Some(WayBack {
            version: 12,
            proven_at: Some(ago(Duration::seconds(4))),
            estimate: Some(Length::from_millis(260)),
            state: match kind {
                2 => WayBackState::Closed { reason: "Version 12 is refused, so there is nothing to return to.".into() },
                3 => WayBackState::Taken,
                4 => WayBackState::Closed { reason: "Version 12 was retired and is refused by the issuer.".into() },
                _ => WayBackState::Open,
            },
        }),
        verdict: Some(verdict(kind)),
        log: log(),
        actions: if is_live { live_actions() } else if kind == 2 { stuck_actions() } else { Vec::new() },
        operator_note: (kind == 2).then(|| {
            "Version 13 logs in. Version 12 does not: the issuer answers 28P01 since 12:00:41. Instances still holding version 12 are refused.".into()
        }),
        line: own,
    }
}

fn steps(kind: u64) -> Vec<StepLine> {
    let names = [
        "Rehearse the way back",
        "Store version 13, sealed",
        "Create it at the issuer",
        "Log in with version 13",
        "Wave 1: 1 instance",
        "Wave 2: 5 instances",
        "Wave 3: all 20",
        "Promote",
        "Grace",
        "Retire version 12",
    ];
    let reached = match kind {
        4 => names.len(),
        LIVE => seconds_shown() as usize % names.len(),
        _ => 5,
    };
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let state = match (index, kind) {
                (5, 2 | 3) => StepState::Failed,
                _ if index < reached => StepState::Done,
                (index, _) if index == reached => StepState::Running,
                _ => StepState::Ahead,
            };
            let started = (index <= reached).then(|| ago(Duration::seconds(52 - index as i64 * 8)));
            StepLine {
                name: (*name).to_owned(),
                state,
                started_at: started,
                finished_at: started
                    .filter(|_| state == StepState::Done)
                    .map(|at| at + Duration::seconds(7)),
                detail: match (index, state) {
                    (2, _) => Some("role orders_b, password set".into()),
                    (5, StepState::Running) => Some("soaking for 60 seconds".into()),
                    (5, StepState::Failed) => Some("refused 4 times in a row".into()),
                    _ => None,
                },
            }
        })
        .collect()
}

fn fleet(scene: Scene, kind: u64) -> Vec<ServiceSquares> {
    ["checkout", "fulfilment", "returns", "orders-report"]
        .iter()
        .enumerate()
        .map(|(group, service)| ServiceSquares {
            service: scene.name(service),
            instances: (0..scene.of([8, 6, 4, 2][group], 900))
                .map(|index| square(service, group, index, kind))
                .collect(),
        })
        .collect()
}

fn square(service: &str, group: usize, index: u64, kind: u64) -> Square {
    let holds = match (kind, index) {
        (4, _) | (_, 0) => Holds::New,
        (LIVE, _) if index < seconds_shown() % 10 => Holds::New,
        (3, _) => Holds::Old,
        (_, 1) => Holds::Handed,
        _ => Holds::Old,
    };
    let health = match (group, index) {
        (0, 1) if kind != 4 => InstanceHealth::Failing,
        (2, 3) => InstanceHealth::Absent,
        _ => InstanceHealth::Well,
    };
    Square {
        instance: format!("{service}-7d9f8-{index}"),
        holds,
        health,
        wave: Some(index as u32 % 3 + 1),
    }
}

fn verdict(kind: u64) -> Verdict {
    let rates = |rate: fn(i64) -> f64, from: i64| {
        (from..26)
            .map(|window| Point {
                at: ago(Duration::seconds(52 - window * 2)),
                value: rate(window),
            })
            .collect()
    };
    let is_bad = kind == 2 || kind == 3;
    Verdict {
        new_total: 1_480,
        new_failed: if is_bad { 6 } else { 0 },
        old_total: 5_911,
        old_failed: 1,
        conclusion: if is_bad {
            Conclusion::NewIsWorse
        } else {
            Conclusion::NoDifference
        },
        new_rates: if is_bad {
            rates(
                |window| {
                    if window > 22 {
                        28.0 * (window - 22) as f64
                    } else {
                        0.0
                    }
                },
                14,
            )
        } else {
            rates(|window| if window == 19 { 1.2 } else { 0.0 }, 14)
        },
        old_rates: rates(|window| if window == 7 { 2.0 } else { 0.0 }, 0),
        rollback_rate: 50.0,
    }
}

fn log() -> Vec<LogLine> {
    let entries = [
        (52, "Planned by ada: Quarterly change, ticket 991", Tone::Plain),
        (
            44,
            "Version 12 logged in at orders-db; the way back is open",
            Tone::Good,
        ),
        (36, "Version 13 stored, sealed under key version 3", Tone::Plain),
        (28, "Role orders_b accepts version 13", Tone::Plain),
        (
            20,
            "Version 13 logged in; select 1 allowed, create role refused",
            Tone::Good,
        ),
        (19, "Wave 1: checkout-7d9f8-0 was handed version 13", Tone::Plain),
        (12, "checkout-7d9f8-0 acknowledged version 13", Tone::Good),
        (9, "checkout-7d9f8-1 was refused with version 13 (401)", Tone::Bad),
    ];
    entries
        .iter()
        .enumerate()
        .map(|(index, (seconds, words, tone))| LogLine {
            at: ago(Duration::seconds(*seconds)),
            words: (*words).to_owned(),
            correlation_id: format!("018f3c7a-{index:04x}"),
            tone: *tone,
            kind: match index % 3 {
                0 => LogKind::State,
                1 => LogKind::Step,
                _ => LogKind::Person,
            },
        })
        .collect()
}

fn live_actions() -> Vec<Action> {
    vec![
        Action { verb: Verb::Pause, effect: "No further instance moves until you go on. Both versions stay accepted, and a failure still rolls back.".into() },
        Action { verb: Verb::Promote, effect: "All 20 instances of 4 services move to version 13 now, without waiting for the soak.".into() },
        Action { verb: Verb::Rollback, effect: "5 instances of 4 services return to version 12; version 13 is revoked once they have.".into() },
    ]
}

fn stuck_actions() -> Vec<Action> {
    vec![
        Action {
            verb: Verb::Retry,
            effect: "Tries the rollback again, from the step that failed.".into(),
        },
        Action {
            verb: Verb::Resolve,
            effect: "Records what you found to be true; nothing is changed at the issuer.".into(),
        },
    ]
}
