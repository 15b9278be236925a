use serde_json::json;

use super::*;
use crate::catalog::facts::Surroundings;
use crate::catalog::model::Breaker;
use crate::catalog::{
    Consumer, Credential, CredentialKind, NextRotation, Policy, Sensitivity, Strategy, Version,
    VersionNumber, VersionState,
};
use crate::freeze::Freeze;
use crate::id::{ConsumerId, CredentialId, FreezeId, IssuerId, RotationId};
use crate::name::Name;
use crate::rotation::{Hold, RollbackCause, Trigger};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
pub(crate) const NOW: Timestamp = at(1_000 * DAY + 5 * HOUR);

pub(crate) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn id(number: u32) -> String {
    format!("01890a5d-ac96-774b-bcce-{number:012}")
}

pub(crate) fn credential(number: u32, change: impl FnOnce(&mut Credential)) -> Credential {
    let mut credential = Credential {
        id: CredentialId::parse(&id(number)).expect("an id"),
        name: name(&format!("credential-{number}")),
        kind: CredentialKind::DatabasePassword,
        issuer: name("main"),
        owner_team: Some("orders".to_owned()),
        backup_contact: None,
        purpose: "test".to_owned(),
        sensitivity: Sensitivity::Low,
        environment: name("production"),
        strategy: Strategy::Alternating,
        config: json!({}),
        consumers: vec![name("shop")],
        tags: Vec::new(),
        review_every: None,
        policy: Policy::default(),
        age_thresholds: None,
        current: Some(VersionNumber(1)),
        last_number: VersionNumber(1),
        schedule_hold: None,
        adopted: false,
        sandbox: false,
        created_at: at(0),
        last_rotated_at: None,
        revision: 1,
    };
    change(&mut credential);
    credential
}

/// The facts of credentials whose current versions are so many seconds old.
pub(crate) fn facts(
    credentials: Vec<(Credential, Option<i64>)>,
    rotations: Vec<Rotation>,
    freezes: Vec<Freeze>,
) -> Vec<CredentialFacts> {
    let current = credentials.iter().filter_map(|(credential, age)| {
        Some(Version {
            credential: credential.id.clone(),
            number: VersionNumber(1),
            state: VersionState::Current,
            identity: "app_a".to_owned(),
            created_at: NOW.before(Duration::from_secs(u64::try_from((*age)?).expect("not negative"))),
            promoted_at: None,
            retired_at: None,
            last_proved_at: None,
            failure: None,
        })
    });
    let consumer = |number, service: &str| Consumer {
        id: ConsumerId::parse(&id(number)).expect("an id"),
        name: name(service),
        service: service.to_uppercase(),
        environment: name("production"),
        labels: BTreeMap::new(),
        sandbox: false,
        created_at: at(0),
        revision: 1,
    };
    let consumers = vec![consumer(901, "shop"), consumer(902, "billing")];
    let surroundings = Surroundings::new(
        current.collect(),
        rotations,
        consumers,
        vec![issuer(None)],
        freezes,
    );
    credentials
        .into_iter()
        .map(|(credential, _)| surroundings.facts_of(credential, NOW))
        .collect()
}

fn issuer(opened_at: Option<Timestamp>) -> Issuer {
    Issuer {
        id: IssuerId::parse(&id(800)).expect("an id"),
        name: name("main"),
        kind: "postgresql".to_owned(),
        environment: name("production"),
        config: json!({}),
        admin_username: None,
        breaker: Breaker {
            consecutive_errors: 3,
            opened_at,
        },
        findings: vec!["the administrator is a superuser".to_owned()],
        sandbox: false,
        created_at: at(0),
        revision: 1,
    }
}

pub(crate) fn rotation(
    number: u32,
    credential: &Credential,
    state: RotationState,
    finished_at: Option<Timestamp>,
) -> Rotation {
    Rotation {
        id: RotationId::parse(&id(number)).expect("an id"),
        credential: credential.id.clone(),
        credential_name: credential.name.clone(),
        issuer: name("main"),
        environment: name("production"),
        strategy: Strategy::Alternating,
        from: Some(VersionNumber(1)),
        to: VersionNumber(2),
        policy: Policy::default(),
        reason: "test".to_owned(),
        trigger: Trigger::Person,
        emergency: false,
        started_by: "account:ada".to_owned(),
        approvals: Vec::new(),
        state,
        pause: None,
        hold: None,
        retry: None,
        way_back_proved_at: None,
        cut_off: Vec::new(),
        sandbox: credential.sandbox,
        created_at: at(0),
        finished_at,
        revision: 1,
    }
}

#[test]
fn sandbox_entries_count_until_one_real_credential_exists() {
    let sandbox = |number| {
        (
            credential(number, |credential| credential.sandbox = true),
            Some(0),
        )
    };
    let only_sandbox = facts(vec![sandbox(1), sandbox(2)], Vec::new(), Vec::new());
    let figures = totals(&counted(&only_sandbox));
    assert_eq!((figures.credentials, figures.sandbox_only), (2, true));
    let mixed = facts(
        vec![sandbox(1), (credential(2, |_| {}), Some(0))],
        Vec::new(),
        Vec::new(),
    );
    let figures = totals(&counted(&mixed));
    assert_eq!((figures.credentials, figures.sandbox_only), (1, false));
}

#[test]
fn a_service_is_automated_only_when_its_every_credential_is() {
    let held = credential(2, |credential| {
        credential.schedule_hold = Some("audit".to_owned());
    });
    let approved = credential(3, |credential| {
        credential.policy.approvals = 1;
        credential.consumers = vec![name("billing")];
    });
    let both = credential(4, |credential| {
        credential.consumers = vec![name("shop"), name("billing")];
    });
    let percent = |credentials: Vec<Credential>| {
        let all = facts(
            credentials.into_iter().map(|one| (one, Some(0))).collect(),
            Vec::new(),
            Vec::new(),
        );
        let figures = totals(&counted(&all));
        (figures.credentials_automated, figures.percent_automated())
    };
    assert_eq!(percent(vec![credential(1, |_| {})]), (1, Some(100.0)));
    assert_eq!(
        percent(vec![credential(1, |_| {}), approved.clone()]),
        (1, Some(50.0))
    );
    assert_eq!(
        percent(vec![credential(1, |_| {}), held, approved, both]),
        (2, Some(0.0))
    );
    assert_eq!(
        percent(vec![credential(1, |one| one.consumers.clear())]),
        (1, None),
        "no service"
    );
}

#[test]
fn ages_give_the_mean_the_bands_and_the_days_that_are_due() {
    let red = credential(3, |credential| credential.owner_team = None);
    let all = facts(
        vec![
            (credential(1, |_| {}), Some(0)),
            (credential(2, |_| {}), Some(2 * DAY)),
            (red, Some(85 * DAY)),
        ],
        Vec::new(),
        Vec::new(),
    );
    let all = counted(&all);
    let figures = totals(&all);
    assert_eq!((figures.green, figures.yellow, figures.red), (1, 1, 1));
    assert_eq!(figures.mean_age, Some(Duration::from_secs(29 * 86_400)));
    let ages = teams(&all);
    assert_eq!(
        ages[0],
        TeamAges {
            team: Some("orders".to_owned()),
            green: 1,
            yellow: 1,
            red: 0
        }
    );
    assert_eq!(
        ages[1],
        TeamAges {
            team: None,
            green: 0,
            yellow: 0,
            red: 1
        }
    );
    assert_eq!(
        services_by_band(&all)["SHOP"],
        AgeBand::Red,
        "the worst of its credentials"
    );
    // 90 days of life, a tenth of it before the end: due at 81 days, so four days ago, in 79 and in 81 days.
    assert_eq!(due_by_day(&all, NOW, 30), (Vec::new(), 1));
    let (days, _) = due_by_day(&all, NOW, 82);
    let expected = [79, 81].map(|days| DayCount {
        day: at(1_000 * DAY + days * DAY),
        count: 1,
    });
    assert_eq!(days, expected);
}

#[test]
fn what_stands_before_a_due_rotation_is_named() {
    let freeze = Freeze {
        id: FreezeId::parse(&id(700)).expect("an id"),
        environment: None,
        reason: "quarter end".to_owned(),
        started_by: "account:ada".to_owned(),
        created_at: at(0),
        until: None,
        ended_at: None,
        revision: 1,
    };
    let all = facts(
        vec![
            (credential(1, |_| {}), Some(100 * DAY)),
            (credential(2, |_| {}), Some(0)),
            (
                credential(3, |credential| {
                    credential.schedule_hold = Some("audit".to_owned());
                }),
                Some(0),
            ),
        ],
        Vec::new(),
        vec![freeze],
    );
    let frozen = NextRotation::Waits {
        reason: "frozen by account:ada: quarter end".to_owned(),
    };
    assert_eq!(all[0].next_rotation, frozen);
    let due_at = NOW.after(Duration::from_secs(81 * 86_400));
    assert_eq!(
        all[1].next_rotation,
        NextRotation::At(due_at),
        "a freeze now says nothing about then"
    );
    assert_eq!(
        all[2].next_rotation,
        NextRotation::Held {
            reason: "audit".to_owned()
        }
    );
}

#[test]
fn rotations_are_tallied_by_outcome_within_the_span() {
    let credential = credential(1, |_| {});
    let ended =
        |number, state, days: i64| rotation(number, &credential, state, Some(at(1_000 * DAY - days * DAY)));
    let cause = RollbackCause::Probe {
        detail: "refused".to_owned(),
    };
    let rotations = [
        ended(1, RotationState::Completed, 0),
        ended(2, RotationState::Completed, 3),
        ended(3, RotationState::RolledBack { cause }, 3),
        ended(
            4,
            RotationState::Cancelled {
                reason: "no".to_owned(),
            },
            29,
        ),
        ended(5, RotationState::Completed, 31),
        ended(6, RotationState::Completed, 61),
        rotation(7, &credential, RotationState::Planned, None),
    ];
    let tally = rotation_tally(&rotations, NOW, Duration::from_secs(30 * 86_400));
    assert_eq!(
        (
            tally.completed,
            tally.rolled_back,
            tally.other,
            tally.previous_total
        ),
        (2, 1, 1, 1)
    );
    assert_eq!(
        tally.per_day.iter().map(|day| day.count).collect::<Vec<_>>(),
        [1, 2, 1]
    );
}

#[test]
fn whatever_needs_a_person_is_listed_the_gravest_first() {
    let stuck = credential(1, |_| {});
    let asking = credential(2, |_| {});
    let waiting = credential(3, |_| {});
    let unowned = credential(4, |credential| credential.owner_team = None);
    let mut needs_operator = rotation(1, &stuck, RotationState::Planned, None);
    needs_operator.state = RotationState::NeedsOperator {
        before: Box::new(RotationState::Planned),
        problem: "the undo failed".to_owned(),
        since: at(7),
    };
    let mut held = rotation(3, &waiting, RotationState::Verified, None);
    held.hold = Some(Hold {
        reason: "silent".to_owned(),
        since: NOW.before(Duration::from_secs(3_601)),
        alerted: false,
    });
    let rotations = vec![
        needs_operator,
        rotation(2, &asking, RotationState::AwaitingApproval, None),
        held.clone(),
    ];
    let credentials = vec![
        (stuck, Some(0)),
        (asking, Some(0)),
        (waiting, Some(0)),
        (unowned, Some(0)),
        (credential(5, |_| {}), Some(91 * DAY)),
        (credential(6, |credential| credential.current = None), None),
        (credential(7, |credential| credential.consumers.clear()), Some(0)),
        (credential(8, |_| {}), Some(0)),
    ];
    let all = facts(credentials, rotations, Vec::new());
    let listed = needs(&counted(&all), &[issuer(Some(at(5)))], &[], NOW);
    let mut codes: Vec<&str> = listed.iter().map(|need| need.code).collect();
    assert_eq!(
        codes[..2],
        ["no_owner", "needs_operator"],
        "critical ones first, by age"
    );
    codes.sort_unstable();
    let expected = [
        "awaiting_approval",
        "breaker_open",
        "held",
        "needs_operator",
        "no_evidence",
        "no_owner",
        "no_version",
        "overdue",
    ];
    assert_eq!(codes, expected, "and nothing of the credential that is well");

    held.hold = Some(Hold {
        reason: "silent".to_owned(),
        since: NOW,
        alerted: false,
    });
    let all = facts(vec![(credential(3, |_| {}), Some(0))], vec![held], Vec::new());
    assert!(
        needs(&counted(&all), &[], &[], NOW).is_empty(),
        "a short hold needs nobody"
    );
}

#[test]
fn overridden_rules_and_what_tests_noticed_are_notices() {
    let lax = credential(1, |credential| {
        credential.config = json!({"allow_privileged_role": true, "allow_x": false});
    });
    let all = facts(vec![(lax, Some(0))], Vec::new(), Vec::new());
    let listed = notices(&counted(&all), &[issuer(None)]);
    assert_eq!(
        listed.iter().map(|notice| notice.code).collect::<Vec<_>>(),
        ["override", "issuer"]
    );
}
