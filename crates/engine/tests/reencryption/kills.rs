//! Workers killed at random points beside writers that never stop (R7).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::id::KeyId;
use engine::reencryption::Mode;
use keyring::{Context, KeyState};

use crate::house::{House, administrator, new_job};
use crate::place::Place;

/// `make bench` asks for a hundred in each database.
fn kills() -> u64 {
    let asked = std::env::var("ROTA_MOVER_KILLS").ok();
    asked.and_then(|number| number.parse().ok()).unwrap_or(20)
}

const RECORDS: i64 = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_killed_workers_lose_skip_and_overwrite_nothing() {
    let house = House::new(11).await;
    let place = Place::postgres().await;
    killed_again_and_again(house, place, 11).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_killed_workers_lose_skip_and_overwrite_nothing() {
    let house = House::new(12).await;
    let place = Place::sqlite(&house).await;
    killed_again_and_again(house, place, 12).await;
}

/// What each row must hold in the end.
type Expected = Arc<Mutex<BTreeMap<i64, String>>>;

async fn killed_again_and_again(house: House, place: Place, seed: u64) {
    println!("seed {seed}");
    let mut states = vec![KeyState::Active];
    let key = house.new_key(&states).await;
    let expected = Expected::default();
    for id in 0..RECORDS {
        let text = format!("first of {id}");
        let sealed = house.seal(&key, &context(id), &text);
        place.insert(id, &tenant(id), &sealed).await;
        expected.lock().unwrap().insert(id, text);
    }
    place.register(&house).await;

    let (house, place) = (Arc::new(house), Arc::new(place));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2)
        .map(|half| {
            let (house, place) = (Arc::clone(&house), Arc::clone(&place));
            let (key, expected, stop) = (key.clone(), Arc::clone(&expected), Arc::clone(&stop));
            tokio::spawn(async move { write(&house, &place, &key, half, &expected, &stop).await })
        })
        .collect();

    let wanted = self::kills();
    let mut kills = 0;
    let mut conflicts = 0;
    while kills < wanted {
        // As often as a job is through before it was killed often enough, the key gets another version.
        *states.last_mut().unwrap() = KeyState::Deprecated;
        states.push(KeyState::Active);
        house.keys.put(&key, &states);
        let mut new = new_job("orders", Mode::Rewrap);
        new.tuning.batch_size = Some(25);
        let job = house.services.start_reencryption(&administrator(), new).await;
        let job = job.unwrap();
        while kills < wanted && !house.job(&job.id).await.state.is_terminal() {
            // The same holder, as after a restart: it need not wait for its own lease.
            let replica = house.replica("replica");
            tokio::time::sleep(Duration::from_micros(500 + house.dice.below(25_000))).await;
            replica.kill().await;
            kills += 1;
        }
        if kills == wanted {
            stop.store(true, Ordering::SeqCst);
        }
        let last = house.replica("replica");
        let ended = house.completed(&job.id).await;
        last.kill().await;
        conflicts += ended.done.conflicts;
        assert_eq!((ended.done.unreadable, ended.done.left), (0, 0), "{ended:#?}");
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let active = u32::try_from(states.len()).unwrap();
    println!("{kills} kills, {} versions, {conflicts} conflicts", states.len());
    // The writers' last values came after their job's last pass, under the active version.
    let rows = place.all().await;
    let expected = expected.lock().unwrap();
    assert_eq!(rows.len(), expected.len(), "rows were lost or made");
    for (id, tenant, sealed) in rows {
        let (text, version) = house.open(&key, &format!("{tenant}/{id}"), &sealed);
        assert_eq!(
            text, expected[&id],
            "record {id} holds something else than was last written"
        );
        assert_eq!(version, active, "record {id} was skipped");
    }
}

/// An application that knows of new versions a little late, as replicas do, and writes without a pause: new values over
/// old rows, and new rows everywhere.
async fn write(house: &House, place: &Place, key: &KeyId, half: i64, expected: &Expected, stop: &AtomicBool) {
    let mut count = 0;
    let mut known = house.keys.get(key);
    while !stop.load(Ordering::SeqCst) {
        count += 1;
        if count % 10 == 0 {
            known = house.keys.get(key);
        }
        let below = i64::try_from(house.dice.below(RECORDS.unsigned_abs() / 2)).unwrap();
        let id = 2 * below + half;
        let (id, is_new) = if count % 10 == 5 {
            // Odd numbers below and above all others: wherever the cursor is, some appear behind it.
            (
                if below % 2 == 0 {
                    -1 - id - 2 * RECORDS * count
                } else {
                    id + 2 * RECORDS * count
                },
                true,
            )
        } else {
            (id, false)
        };
        let text = format!("write {count} of {id}");
        let context = Context::of_caller(context(id));
        let sealed = known.seal(house.dice.as_ref(), &context, text.as_bytes());
        let sealed = sealed.unwrap().into_bytes();
        if is_new {
            place.insert(id, &tenant(id), &sealed).await;
        } else {
            place.update(id, &sealed).await;
        }
        expected.lock().unwrap().insert(id, text);
    }
}

fn tenant(id: i64) -> String {
    format!("t{}", id.rem_euclid(7))
}

fn context(id: i64) -> String {
    format!("{}/{id}", tenant(id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_workers_range_is_taken_over_within_five_seconds() {
    let house = House::new(13).await;
    let place = Place::postgres().await;
    let key = house.new_key(&[KeyState::Active]).await;
    for id in 0..400 {
        let sealed = house.seal(&key, &context(id), "text");
        place.insert(id, &tenant(id), &sealed).await;
    }
    place.register(&house).await;
    house.keys.put(&key, &[KeyState::Deprecated, KeyState::Active]);
    let mut new = new_job("orders", Mode::Rewrap);
    new.tuning.batch_size = Some(10);
    new.tuning.concurrency = Some(1);
    new.tuning.rate = Some(100);
    let job = house
        .services
        .start_reencryption(&administrator(), new)
        .await
        .unwrap();
    let first = house.replica("first");
    house
        .until_ranges(&job.id, |job, ranges| job.counts(ranges).moved > 0)
        .await;
    let second = house.replica("second");
    first.kill().await;
    let died = tokio::time::Instant::now();
    let ranges = house.services.store.ranges(&job.id).await.unwrap();
    let before = house.job(&job.id).await.counts(&ranges).moved;
    house
        .until_ranges(&job.id, |job, ranges| job.counts(ranges).moved != before)
        .await;
    let took = died.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let faster = engine::reencryption::service::TuningUpdate {
        rate: Some(0),
        ..Default::default()
    };
    house
        .services
        .tune_reencryption(&administrator(), &job.id, faster)
        .await
        .unwrap();
    let ended = house.completed(&job.id).await;
    assert_eq!((ended.done.scanned, ended.done.current), (400, 400));
    second.kill().await;
}
