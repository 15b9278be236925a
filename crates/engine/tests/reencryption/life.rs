//! What a job does with records, and what stops it.

use std::time::Duration;

use engine::Refusal;
use engine::reencryption::service::{JobCommand, TuningUpdate};
use engine::reencryption::{FailureClass, JobState, Mode, PausedBy};
use keyring::KeyState;

use crate::house::{House, administrator, key_name, new_job};
use crate::place::Place;

pub(crate) async fn filled(house: &House, place: &Place, records: i64) -> engine::id::KeyId {
    let key = house.new_key(&[KeyState::Active]).await;
    for id in 0..records {
        let sealed = house.seal(&key, &format!("t/{id}"), &format!("text {id}"));
        place.insert(id, "t", &sealed).await;
    }
    place.register(house).await;
    key
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rewrapping_keeps_the_payload_and_a_revoked_version_makes_new_data_keys() {
    let house = House::new(1).await;
    let place = Place::sqlite(&house).await;
    let key = filled(&house, &place, 50).await;
    let before = place.all().await;

    house.keys.put(&key, &[KeyState::Deprecated, KeyState::Active]);
    let job = house
        .services
        .start_reencryption(&administrator(), new_job("orders", Mode::Rewrap))
        .await
        .unwrap();
    let replica = house.replica("one");
    let ended = house.completed(&job.id).await;
    assert_eq!((ended.done.moved, ended.pass), (50, 2), "{ended:?}");
    let rewrapped = place.all().await;
    for (old, new) in before.iter().zip(&rewrapped) {
        assert_ne!(old.2, new.2);
        assert_eq!(tail(&old.2), tail(&new.2), "the payload of {} was touched", old.0);
    }

    house
        .keys
        .put(&key, &[KeyState::Deprecated, KeyState::Revoked, KeyState::Active]);
    let job = house
        .services
        .start_reencryption(&administrator(), new_job("orders", Mode::Rewrap))
        .await
        .unwrap();
    let ended = house.completed(&job.id).await;
    assert_eq!((ended.done.moved, ended.done.unreadable), (50, 0));
    for (old, new) in rewrapped.iter().zip(&place.all().await) {
        assert_ne!(tail(&old.2), tail(&new.2), "{} kept its data key", old.0);
        assert_eq!(
            house.open(&key, &format!("t/{}", new.0), &new.2),
            (format!("text {}", new.0), 3)
        );
    }
    replica.kill().await;
}

/// The payload's ciphertext.
fn tail(envelope: &[u8]) -> &[u8] {
    &envelope[envelope.len() - 16..]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shadow_dry_run_and_scan_keep_nothing_and_count_everything() {
    let house = House::new(2).await;
    let place = Place::sqlite(&house).await;
    let key = filled(&house, &place, 40).await;
    house.keys.put(&key, &[KeyState::Deprecated, KeyState::Active]);
    for id in 40..45 {
        let sealed = house.seal(&key, &format!("t/{id}"), "newer");
        place.insert(id, "t", &sealed).await;
    }
    let before = place.all().await;
    let replica = house.replica("one");
    for (mode, moved) in [(Mode::DryRun, 40), (Mode::Shadow, 45), (Mode::Scan, 0)] {
        let job = house
            .services
            .start_reencryption(&administrator(), new_job("orders", mode))
            .await
            .unwrap();
        let ended = house.completed(&job.id).await;
        assert_eq!(
            (
                ended.done.scanned,
                ended.done.moved,
                ended.done.differing,
                ended.done.unreadable
            ),
            (45, moved, 0, 0),
            "{mode:?}"
        );
    }
    assert_eq!(place.all().await, before);
    let target = house.services.store.targets().await.unwrap().remove(0);
    let census = house
        .services
        .store
        .latest_census(&target.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((census.records(&key, 1), census.records(&key, 2)), (40, 5));
    assert_eq!(census.oldest(&key), Some(1));
    let since = Some(house.services.clock.now());
    let needs = |version| house.services.registered_dependents(&key, version, since);
    assert!(needs(1).await.unwrap()[0].in_words().contains("40 records"));
    let proof = house
        .services
        .registered_dependents(&key, 3, Some(census.started_at));
    assert_eq!(
        proof.await.unwrap(),
        [],
        "nothing is under version 3, and that is proven"
    );
    assert!(
        needs(3).await.unwrap()[0].in_words().contains("could still seal"),
        "a scan from before proves nothing"
    );
    replica.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_census_counts_every_record_that_is_no_envelope() {
    let house = House::new(8).await;
    let place = Place::sqlite(&house).await;
    let key = filled(&house, &place, 5).await;
    // More than a range lists by name.
    for id in 5..75 {
        place.insert(id, "t", b"no envelope").await;
    }
    let replica = house.replica("one");
    let job = house
        .services
        .start_reencryption(&administrator(), new_job("orders", Mode::Scan))
        .await
        .unwrap();
    // 75 are too few to trip the breaker.
    house.completed(&job.id).await;
    let target = house.services.store.targets().await.unwrap().remove(0);
    let census = house.services.store.latest_census(&target.id).await.unwrap();
    let census = census.unwrap();
    assert_eq!((census.malformed, census.records(&key, 1)), (70, 5));
    replica.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_breaker_pauses_a_job_and_a_person_resumes_it() {
    let house = House::new(3).await;
    let place = Place::sqlite(&house).await;
    let key = filled(&house, &place, 300).await;
    let good = place.all().await;
    for (id, _, sealed) in &good {
        if id % 4 == 0 {
            let mut damaged = sealed.clone();
            // Within the wrapped data key.
            damaged[90] ^= 1;
            place.update(*id, &damaged).await;
        }
    }
    house.keys.put(&key, &[KeyState::Deprecated, KeyState::Active]);
    let job = house
        .services
        .start_reencryption(&administrator(), new_job("orders", Mode::Rewrap))
        .await
        .unwrap();
    let replica = house.replica("one");
    let paused = house
        .until(&job.id, |job| matches!(job.state, JobState::Paused { .. }))
        .await;
    assert!(matches!(
        paused.state,
        JobState::Paused {
            by: PausedBy::Breaker,
            ..
        }
    ));
    let view = house
        .services
        .reencryption_view(&administrator(), &job.id)
        .await
        .unwrap();
    assert!((100..=140).contains(&view.counts.scanned), "{:?}", view.counts);
    assert_eq!(view.failing[0].class, FailureClass::NotAuthentic);
    assert_eq!(
        (view.failing[0].locator.0.as_str(), view.failing[0].version),
        ("0", Some(1))
    );
    assert!(
        house
            .services
            .key_alarm(&key)
            .await
            .unwrap()
            .is_none_or(|alarm| alarm.version == 1)
    );
    house
        .services
        .raise_key_alarms(&Default::default())
        .await
        .unwrap();
    let alarm = house.services.key_alarm(&key).await.unwrap().unwrap();
    assert!(alarm.in_words().contains("revoked"), "{}", alarm.in_words());
    assert!(matches!(
        house.services.require_no_key_alarm(&key).await,
        Err(Refusal::Conflict {
            code: "key_alarm",
            ..
        })
    ));
    house
        .services
        .clear_key_alarm(&administrator(), &key_name(), "found the cause")
        .await
        .unwrap();
    assert!(house.services.require_no_key_alarm(&key).await.is_ok());

    for (id, _, sealed) in &good {
        if id % 4 == 0 {
            place.update(*id, sealed).await;
        }
    }
    house
        .services
        .command_reencryption(&administrator(), &job.id, JobCommand::Resume, "mended")
        .await
        .unwrap();
    let ended = house.completed(&job.id).await;
    assert_eq!(
        ended.done.unreadable, 0,
        "the second pass met what the first could not read"
    );
    for (id, _, sealed) in place.all().await {
        assert_eq!(house.open(&key, &format!("t/{id}"), &sealed).1, 2);
    }
    replica.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_paused_turned_resumed_and_cancelled_by_people() {
    let house = House::new(4).await;
    let place = Place::sqlite(&house).await;
    let key = filled(&house, &place, 200).await;
    house.keys.put(&key, &[KeyState::Deprecated, KeyState::Active]);
    let mut new = new_job("orders", Mode::Rewrap);
    new.tuning.rate = Some(20);
    let services = &house.services;
    let job = services
        .start_reencryption(&administrator(), new.clone())
        .await
        .unwrap();
    assert!(matches!(
        services.start_reencryption(&administrator(), new).await,
        Err(Refusal::Conflict {
            code: "job_under_way",
            ..
        })
    ));
    let replica = house.replica("one");
    house.until(&job.id, |job| job.state == JobState::Running).await;
    let person = administrator();
    let command = |command| services.command_reencryption(&person, &job.id, command, "test");
    // Between two batches of a worker, which sleeps through it.
    command(JobCommand::Pause).await.unwrap();
    command(JobCommand::Resume).await.unwrap();
    command(JobCommand::Pause).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let moved = services
        .reencryption_view(&administrator(), &job.id)
        .await
        .unwrap()
        .counts
        .moved;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let later = services
        .reencryption_view(&administrator(), &job.id)
        .await
        .unwrap()
        .counts
        .moved;
    assert_eq!(moved, later, "it went on while it was paused");
    assert!(moved < 100, "the rate was not kept: {moved}");
    let faster = TuningUpdate {
        rate: Some(0),
        ..TuningUpdate::default()
    };
    services
        .tune_reencryption(&administrator(), &job.id, faster)
        .await
        .unwrap();
    command(JobCommand::Resume).await.unwrap();
    let ended = house.completed(&job.id).await;
    assert_eq!(ended.done.moved, 200, "what was moved was not counted");
    assert!(matches!(
        command(JobCommand::Cancel).await,
        Err(Refusal::Conflict {
            code: "illegal_move",
            ..
        })
    ));
    replica.kill().await;
}
