use super::*;
use crate::board::tests::{NOW, credential, facts, name, rotation};
use crate::rotation::RollbackCause;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_day_is_measured_for_each_environment_and_for_all() {
    let staging = credential(2, |credential| {
        credential.environment = name("staging");
        credential.policy.approvals = 1;
    });
    let all = facts(
        vec![(credential(1, |_| {}), Some(0)), (staging, Some(2 * 86_400))],
        Vec::new(),
        Vec::new(),
    );
    let measures = measures(&all, &[], NOW);
    let told: Vec<_> = measures
        .iter()
        .map(|measure| {
            (
                measure.environment.as_ref().map(ToString::to_string),
                measure.credentials,
                measure.credentials_automated,
                measure.mean_age_seconds,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (None, 2, 1, Some(86_400)),
            (Some("production".to_owned()), 1, 1, Some(0)),
            (Some("staging".to_owned()), 1, 0, Some(2 * 86_400)),
        ]
    );
    assert!(measures.iter().all(|measure| measure.day == day_of(NOW)));
}

#[test]
fn what_happened_on_the_day_is_counted_and_the_sandbox_is_not() {
    let (real, toy) = (credential(1, |_| {}), credential(2, |one| one.sandbox = true));
    let done = |number, credential, finished_at| {
        rotation(number, credential, RotationState::Completed, Some(finished_at))
    };
    let mut leak = rotation(
        11,
        &real,
        RotationState::RolledBack {
            cause: RollbackCause::Person {
                by: "account:ada".to_owned(),
                reason: "test".to_owned(),
            },
        },
        Some(NOW),
    );
    leak.emergency = true;
    leak.created_at = NOW;
    let rotations = [
        leak,
        done(12, &real, NOW),
        done(13, &real, NOW.before(DAY)),
        done(14, &toy, NOW),
    ];
    let all = facts(vec![(real, Some(0)), (toy, Some(0))], Vec::new(), Vec::new());
    let whole = measures(&all, &rotations, NOW).swap_remove(0);
    assert_eq!(
        (
            whole.credentials,
            whole.completed,
            whole.rolled_back,
            whole.incidents
        ),
        (1, 1, 1, 1)
    );
    let again = whole.clone().recounted(&rotations);
    assert_eq!(again, whole, "counting again changes nothing");
}

#[test]
fn days_of_the_sandbox_alone_leave_the_trend_once_something_is_real() {
    let toy = facts(
        vec![(credential(1, |one| one.sandbox = true), Some(0))],
        Vec::new(),
        Vec::new(),
    );
    let real = facts(vec![(credential(2, |_| {}), Some(0))], Vec::new(), Vec::new());
    let first = measures(&toy, &[], NOW.before(DAY)).swap_remove(0);
    let second = measures(&toy, &[], NOW).swap_remove(0);
    assert_eq!(trend(vec![second.clone(), first.clone()]).len(), 2);
    let third = measures(&real, &[], NOW.after(DAY)).swap_remove(0);
    assert_eq!(trend(vec![first, second, third.clone()]), [third]);
    assert!(
        measures(&[], &[], NOW).is_empty(),
        "nothing is measured while there is nothing"
    );
}
