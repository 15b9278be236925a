//! Re-encryption, recovery and the root of trust.

use std::time::Duration as Length;

use app::views::recovery::{BackupLine, RecoveryView, RehearsalLine, RestoredLine};
use app::views::reencryption::{
    FailingRecord, JobCounts, JobLine, JobMode, JobState, JobTuning, JobView, PresentTarget,
    ReencryptionsView, TargetFormView, TargetKind, TargetLine, TargetView,
};
use app::views::root::{ClassLine, RootView, SealState};
use app::views::{Listing, Point};
use time::Duration;

use crate::fixtures::{Scene, ago, now};

fn line(scene: Scene, index: u64) -> JobLine {
    let (mode, state) = match index % 5 {
        0 => (JobMode::Rewrap, JobState::Running),
        1 => (
            JobMode::Reencrypt,
            JobState::Paused {
                why: "7 of the last 100 records did not open".into(),
                by_breaker: true,
            },
        ),
        2 => (JobMode::Shadow, JobState::Completed),
        3 => (
            JobMode::Rewrap,
            JobState::Cancelled {
                why: "the wrong table".into(),
            },
        ),
        _ => (JobMode::Scan, JobState::Completed),
    };
    JobLine {
        id: format!("018f-{index}"),
        target: scene.name("orders-cards"),
        key: scene.name("cards"),
        mode,
        state,
        from: (index % 5 == 1).then_some(1),
        scanned: 128_400 + index,
        total: Some(461_800),
        started_by: scene.person("ada"),
        created_at: ago(Duration::minutes(4 + index as i64 * 50)),
        finished_at: None,
    }
}

pub(crate) fn list(scene: Scene) -> ReencryptionsView {
    let total = scene.of(5, 312);
    ReencryptionsView {
        listing: Listing {
            items: (0..scene.of(5, 50)).map(|index| line(scene, index)).collect(),
            total,
            unfiltered_total: total,
            next_cursor: (scene == Scene::Many).then(|| "50".into()),
        },
        running: scene.of(1, 4),
        paused: scene.of(1, 2),
        targets: (0..scene.of(2, 40)).map(|index| target(scene, index)).collect(),
        may_operate: true,
        may_administer: true,
    }
}

pub(crate) fn to_remove(scene: Scene, _: &str) -> TargetView {
    TargetView {
        line: target(scene, 0),
        versions: vec![(1, 1_204), (2, 182_400), (3, 278_200)],
        job: (scene == Scene::Hostile).then(|| "018f-1".into()),
        copies: vec![scene.name("nightly-dump")],
    }
}

fn target(scene: Scene, index: u64) -> TargetLine {
    TargetLine {
        name: scene.name(&format!("target-{index}")),
        kind: if index.is_multiple_of(2) {
            "PostgreSQL table"
        } else {
            "Redis keys"
        }
        .into(),
        key: scene.name("cards"),
        credential: index.is_multiple_of(2).then(|| scene.name("orders-app")),
        settings: vec![
            ("host".into(), "db.internal".into()),
            ("table".into(), "customer".into()),
            ("columns".into(), "card, iban".into()),
        ],
        scanned_at: index.is_multiple_of(2).then(|| ago(Duration::hours(3))),
        records: index.is_multiple_of(2).then_some(461_804),
        oldest_version: index.is_multiple_of(2).then_some(1),
        needs_shadow: index == 1,
    }
}

pub(crate) fn one(scene: Scene, _: &str) -> JobView {
    let is_stuck = scene == Scene::Hostile;
    JobView {
        line: line(scene, u64::from(is_stuck)),
        reason: "version 1 stood in a log".into(),
        counts: JobCounts {
            scanned: 128_400,
            moved: 91_200,
            current: 37_100,
            other_key: 0,
            conflicts: 12,
            left: 1,
            unreadable: if is_stuck { 7 } else { 0 },
            differing: 0,
        },
        rate: Some(982.4),
        left: Some(Length::from_secs(340)),
        rates: (0..30)
            .map(|index| Point {
                at: ago(Duration::seconds(300 - index * 10)),
                value: 900.0 + (index * 7 % 5) as f64 * 30.0,
            })
            .collect(),
        tuning: JobTuning {
            batch_size: 1_000,
            concurrency: 10,
            rate: Some(1_000),
            breaker_percent: 5.0,
        },
        ranges: 10,
        ranges_done: 3,
        workers: 4,
        trouble: is_stuck.then(|| "the target does not answer: connection refused.".into()),
        failing: if is_stuck {
            (0..7)
                .map(|index| FailingRecord {
                    locator: format!("customer(id={})/card", 9_000 + index),
                    version: Some(1),
                    why: "its tag does not match: changed, or another context".into(),
                    at: ago(Duration::seconds(20)),
                })
                .collect()
        } else {
            Vec::new()
        },
        may_operate: true,
    }
}

pub(crate) fn form(scene: Scene, name: Option<&str>) -> TargetFormView {
    TargetFormView {
        kinds: TargetKind::ALL.to_vec(),
        keys: vec![scene.name("cards"), "mail-bodies".into()],
        credentials: vec![scene.name("orders-app")],
        present: name.map(|name| PresentTarget {
            name: scene.name(name),
            fixed: "PostgreSQL table with values of key cards".into(),
            values: [
                ("credential", scene.name("orders-app")),
                ("config", TargetKind::Postgresql.example().to_owned()),
                ("encoding", "raw".to_owned()),
                ("revision", "7".to_owned()),
            ]
            .map(|(field, value)| (field.to_owned(), value))
            .into(),
        }),
    }
}

pub(crate) fn recovery(scene: Scene) -> RecoveryView {
    let is_young = scene == Scene::Empty;
    let backup = |index: u64| BackupLine {
        id: format!("018f-{index}"),
        made_at: ago(Duration::hours(6 + 24 * index as i64)),
        made_by: scene.person("system:backup"),
        bytes: 1_240_000 + index * 31_000,
        rows: 12_408,
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        audit_sequence: 48_210 - index * 900,
    };
    RecoveryView {
        backups: if is_young {
            Vec::new()
        } else {
            (0..3).map(backup).collect()
        },
        rehearsals: if is_young {
            Vec::new()
        } else {
            vec![
                RehearsalLine {
                    at: ago(Duration::days(2)),
                    passed: scene != Scene::Hostile,
                    words: if scene == Scene::Hostile {
                        "version/018f/12/values did not open: its wrapping key is missing in the backup"
                            .into()
                    } else {
                        "12,408 rows and 1,204 sealed values read; the audit is whole up to entry 48,210"
                            .into()
                    },
                    seconds: 3.4,
                },
                RehearsalLine {
                    at: ago(Duration::days(9)),
                    passed: true,
                    words: "12,001 rows and 1,190 sealed values read; the audit is whole up to entry 41,002"
                        .into(),
                    seconds: 3.1,
                },
            ]
        },
        next_rehearsal: Some(now() + Duration::days(5)),
        rehearsing: false,
        restored: (scene == Scene::Hostile).then(|| RestoredLine {
            at: ago(Duration::days(30)),
            backup: "018f-9".into(),
            backup_made_at: ago(Duration::days(31)),
        }),
        may_administer: true,
    }
}

pub(crate) fn root(scene: Scene) -> RootView {
    let is_sealed = scene == Scene::Hostile;
    let class = |class: &str, version: u64, days: u64| ClassLine {
        class: class.into(),
        version,
        since: ago(Duration::days(12)),
        rotates_after_days: days,
    };
    RootView {
        seal: if is_sealed {
            SealState::NeedsShares {
                entered: 2,
                needed: 3,
            }
        } else {
            SealState::Open
        },
        kind: if is_sealed {
            "shares held by people"
        } else {
            "a sealed file with a passphrase"
        }
        .into(),
        described: if is_sealed {
            "3 of 5 shares"
        } else {
            "/var/lib/rota/root.key"
        }
        .into(),
        remote: false,
        answers: (scene == Scene::Many).then_some(true),
        classes: if is_sealed {
            Vec::new()
        } else {
            vec![
                class("Rota's own values", 4, 90),
                class("low", 1, 365),
                class("medium", 2, 180),
                class("high", 3, 90),
                class("critical", 7, 30),
            ]
        },
        migration: None,
        may_operate: true,
        may_administer: true,
    }
}
