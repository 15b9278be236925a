//! Credentials of every age, kind and state.

use std::time::Duration as Length;

use app::views::credential::{
    ConsumerGroup, CredentialLine, CredentialView, CredentialsQuery, CredentialsView, FindingLine, InFlight,
    InstanceHealth, InstanceLine, NextRotation, PolicyView, RotationPlan, Severity, VersionLane,
    VersionState,
};
use app::views::{Age, AgeBand, Listing, PolicyStatus};
use time::Duration;

use crate::fixtures::{Scene, ago, now};
use crate::rotations;

const NAMES: [&str; 12] = [
    "orders-app",
    "ledger-writer",
    "stripe-webhook",
    "search-indexer",
    "mail-relay",
    "warehouse-etl",
    "session-signer",
    "cdn-purge",
    "fraud-model",
    "billing-report",
    "legacy-ftp",
    "geo-lookup",
];
const TEAMS: [&str; 4] = ["Orders", "Payments", "Search", "Platform"];
const DAY: u64 = 86_400;

pub(crate) fn lines(scene: Scene, number: u64) -> Vec<CredentialLine> {
    (0..number).map(|index| line(scene, index)).collect()
}

fn line(scene: Scene, index: u64) -> CredentialLine {
    let plain = NAMES[index as usize % NAMES.len()];
    let plain = if index < NAMES.len() as u64 {
        plain.to_owned()
    } else {
        format!("{plain}-{index}")
    };
    let (age, band) = match index % 5 {
        0 => (6 * DAY, AgeBand::Ageing),
        1 => (1_900, AgeBand::Fresh),
        2 => (74 * DAY, AgeBand::Stale),
        3 => (19 * DAY, AgeBand::Ageing),
        _ => (3 * 3_600, AgeBand::Ageing),
    };
    let status = match index % 7 {
        2 => PolicyStatus::Overdue,
        5 => PolicyStatus::Due,
        _ => PolicyStatus::OnTime,
    };
    CredentialLine {
        name: scene.name(&plain),
        kind: if index % 3 == 2 {
            "API key"
        } else {
            "database password"
        }
        .into(),
        environment: if index % 4 == 3 { "staging" } else { "production" }.into(),
        team: (index % 6 != 4).then(|| scene.person(TEAMS[index as usize % TEAMS.len()])),
        sensitivity: ["high", "medium", "critical"][index as usize % 3].into(),
        age: (index != 9).then(|| Age {
            age: Length::from_secs(age),
            lifetime: Length::from_secs(30 * DAY),
            band,
        }),
        status,
        current_version: (index != 9).then_some(12 + index % 7),
        next_rotation: match index % 5 {
            2 => NextRotation::ByHand,
            4 => NextRotation::Held {
                reason: "until the year is closed".into(),
            },
            _ => NextRotation::At(now() + Duration::days(3 + (index as i64 * 7) % 24)),
        },
        consumers: 1 + index % 4,
        in_flight: (index == 0).then(|| InFlight {
            rotation: "018f-1".into(),
            words: "wave 2 of 3".into(),
        }),
        sandbox: index.is_multiple_of(2),
    }
}

pub(crate) fn list(scene: Scene, query: &CredentialsQuery) -> CredentialsView {
    let wanted = query.text.clone().unwrap_or_default();
    let items: Vec<CredentialLine> = lines(scene, scene.of(12, 100))
        .into_iter()
        .filter(|line| line.name.contains(&wanted))
        .collect();
    let total = if wanted.is_empty() {
        scene.of(12, 12_408)
    } else {
        items.len() as u64
    };
    CredentialsView {
        listing: Listing {
            items,
            total,
            unfiltered_total: scene.of(12, 12_408),
            next_cursor: (scene == Scene::Many).then(|| "100".into()),
        },
        teams: TEAMS.map(str::to_owned).to_vec(),
        kinds: vec!["database password".into(), "API key".into()],
        environments: vec!["production".into(), "staging".into()],
        automated: scene.of(9, 11_700),
        needs_person: scene.of(3, 1_204),
        fresh: scene.of(3, 4_100),
        ageing: scene.of(7, 7_000),
        stale: scene.of(2, 1_308),
    }
}

pub(crate) fn one(scene: Scene, name: &str) -> CredentialView {
    let mut own = line(scene, 0);
    own.name = name.to_owned();
    own.in_flight = None;
    let is_blocked = scene == Scene::Hostile;
    CredentialView {
        line: own,
        purpose: "Lets the orders services read and write the orders database.".into(),
        backup_contact: Some("platform-on-call".into()),
        tags: vec!["pci".into(), "tier-1".into()],
        issuer: "orders-db".into(),
        issuer_kind: "PostgreSQL".into(),
        strategy: "alternating: two logins, each used in turn".into(),
        strategy_warning: None,
        policy: PolicyView {
            max_age: Length::from_secs(30 * DAY),
            grace: Length::from_secs(3_600),
            soak: Length::from_secs(60),
            waves: vec![5, 25, 100],
            approvals: if is_blocked { 2 } else { 0 },
            evidence: "signals".into(),
        },
        schedule_hold: is_blocked.then(|| scene.person("The audit of November")),
        versions: versions(),
        planned: Some(now() + Duration::days(9)),
        consumers: groups(scene),
        plan: if is_blocked {
            RotationPlan::Blocked {
                reason: "A rotation is in progress.".into(),
                rotation: Some("018f-1".into()),
            }
        } else {
            RotationPlan::Ready {
                next_version: 13,
                services: 4,
                instances: 20,
                first_wave: 1,
                approvals: 0,
            }
        },
        history: rotations::lines(scene, 5),
        findings: findings(scene),
        may_operate: true,
        may_administer: true,
    }
}

fn versions() -> Vec<VersionLane> {
    let lane = |number, state, from, until: Option<i64>| VersionLane {
        number,
        state,
        from: ago(Duration::hours(from)),
        until: until.map(|hours| ago(Duration::hours(hours))),
    };
    vec![
        lane(8, VersionState::Retired, 24 * 52, Some(24 * 40)),
        lane(9, VersionState::Retired, 24 * 41, Some(24 * 30)),
        lane(10, VersionState::Failed, 24 * 33, Some(24 * 33 - 3)),
        lane(11, VersionState::Previous, 24 * 31, None),
        lane(12, VersionState::Current, 24 * 6, None),
    ]
}

fn groups(scene: Scene) -> Vec<ConsumerGroup> {
    ["checkout", "fulfilment", "returns", "orders-report"]
        .iter()
        .enumerate()
        .map(|(group, service)| ConsumerGroup {
            name: (*service).to_owned(),
            service: scene.name(service),
            instances: (0..scene.of(5, 600))
                .map(|index| instance(service, group as u64, index))
                .collect(),
        })
        .collect()
}

fn instance(service: &str, group: u64, index: u64) -> InstanceLine {
    let health = match (group, index) {
        (1, 3) => InstanceHealth::Failing,
        (3, 4) => InstanceHealth::Absent,
        _ => InstanceHealth::Well,
    };
    InstanceLine {
        name: format!("{service}-7d9f8-{index}"),
        version: Some(if (group, index) == (1, 3) { 11 } else { 12 }),
        last_seen: Some(ago(Duration::seconds(4 + index as i64 * 11))),
        health,
    }
}

fn findings(scene: Scene) -> Vec<FindingLine> {
    if scene != Scene::Hostile {
        return Vec::new();
    }
    vec![FindingLine {
        severity: Severity::Warning,
        title: "The issuer's administrator is a superuser.".into(),
        remedy: "Give it a role with CREATEROLE and pg_signal_backend instead.".into(),
        since: ago(Duration::days(40)),
    }]
}
