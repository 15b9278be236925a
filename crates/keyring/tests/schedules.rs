//! Promotion and revocation against sealing and opening, in every order that `shuttle` can think of, on the very
//! [`RingCell`] and [`Keyring`] that the server shares between its threads:
//! `cargo test -p keyring --features shuttle --test schedules`. `ROTA_SCHEDULES=100000` asks for more.
#![cfg(test)]

use std::sync::atomic::Ordering;

use keyring::{
    Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, OpenError, Randomness, RingCell, SecretBytes,
    WrappingKey,
};
use shuttle::sync::Arc;
use shuttle::sync::atomic::AtomicU64;
use shuttle::thread;

const USUAL_SCHEDULES: usize = 5_000;

/// Not random, and different from call to call is not needed here: nothing is kept.
struct Constant;

impl Randomness for Constant {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0x5a);
    }
}

fn version(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

/// What the store says at each revision: 1, version 1 alone; 2, version 2 staged; 3, promoted; 4, version 1 revoked.
fn view(revision: u64) -> Keyring {
    use KeyState::{Active, Deprecated, PreActive, Revoked};
    let states: &[KeyState] = match revision {
        1 => &[Active],
        2 => &[Active, PreActive],
        3 => &[Deprecated, Active],
        _ => &[Revoked, Active],
    };
    let keys = (1..).zip(states).map(|(number, state)| {
        let material = KeyMaterial::import(&SecretBytes::new(vec![number as u8; 32])).unwrap();
        WrappingKey::new(version(number), *state, material)
    });
    Keyring::new(KeyId::parse("orders").unwrap(), keys).unwrap()
}

fn schedules() -> usize {
    match std::env::var("ROTA_SCHEDULES") {
        Ok(number) => number.parse().expect("ROTA_SCHEDULES is a number"),
        Err(_) => USUAL_SCHEDULES,
    }
}

fn check(scenario: impl Fn() + Send + Sync + 'static) {
    let mut config = shuttle::Config::new();
    // The ciphers, built without optimisation, need more than the usual 32 KiB.
    config.stack_size = 512 * 1024;
    let scheduler = shuttle::scheduler::RandomScheduler::new(schedules());
    shuttle::Runner::new(scheduler, config).run(scenario);
}

#[test]
fn what_was_acknowledged_holds_for_everything_that_begins_later() {
    check(|| {
        let context = Context::of_caller("row 1");
        let old = view(1).seal(&Constant, &context, b"value").unwrap().into_bytes();
        let cell = Arc::new(RingCell::new(1, view(1)));
        // The newest revision whose replacement has returned: what callers have been told.
        let told = Arc::new(AtomicU64::new(1));

        // Three replicas' worth of readers: in order, late with the old, and one that skips ahead.
        let readers = [vec![2, 3], vec![2, 1], vec![4]].map(|revisions| {
            let (cell, told) = (Arc::clone(&cell), Arc::clone(&told));
            thread::spawn(move || {
                for revision in revisions {
                    cell.replace(revision, view(revision));
                    told.fetch_max(revision, Ordering::SeqCst);
                }
            })
        });
        let users = [0, 1].map(|_| {
            let (cell, told, old, context) =
                (Arc::clone(&cell), Arc::clone(&told), old.clone(), context.clone());
            thread::spawn(move || {
                let mut last_version = 1;
                for _ in 0..2 {
                    let told_before = told.load(Ordering::SeqCst);
                    let (seen, sealed, opened) = cell.with(|keyring| {
                        let sealed = keyring.seal(&Constant, &context, b"value").unwrap();
                        // Still inside: what it sealed it opens, whatever happens meanwhile.
                        assert!(keyring.open(&context, sealed.as_bytes()).is_ok());
                        let active = keyring.active_version().unwrap();
                        (active, sealed, keyring.open(&context, &old).map(|_| ()))
                    });
                    assert_eq!(sealed.version(), seen);
                    assert!(seen.number() >= last_version, "the active version went back");
                    last_version = seen.number();
                    // Promotion acknowledged: nothing seals by version 1 any more.
                    assert!(told_before < 3 || seen == version(2));
                    // Revocation acknowledged: version 1 opens nothing any more.
                    let refusal = OpenError::VersionRefused {
                        version: version(1),
                        state: KeyState::Revoked,
                    };
                    assert!(told_before < 4 || opened == Err(refusal.clone()), "{opened:?}");
                    assert!(opened == Ok(()) || opened == Err(refusal));
                }
            })
        });
        for thread in readers.into_iter().chain(users) {
            thread.join().unwrap();
        }
        assert_eq!(cell.revision(), 4);
    });
}

/// Nobody is inside an older view when a replacement returns.
#[test]
fn a_replacement_waits_for_those_who_are_inside() {
    check(|| {
        let cell = Arc::new(RingCell::new(1, view(1)));
        let inside_old = Arc::new(AtomicU64::new(0));
        let user = {
            let (cell, inside_old) = (Arc::clone(&cell), Arc::clone(&inside_old));
            thread::spawn(move || {
                for _ in 0..2 {
                    cell.with(|keyring| {
                        let is_old = u64::from(keyring.active_version() == Some(version(1)));
                        inside_old.fetch_add(is_old, Ordering::SeqCst);
                        thread::yield_now();
                        inside_old.fetch_sub(is_old, Ordering::SeqCst);
                    });
                }
            })
        };
        assert!(cell.replace(4, view(4)));
        assert_eq!(inside_old.load(Ordering::SeqCst), 0);
        user.join().unwrap();
    });
}
