use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

struct Seeded(AtomicU64);

impl Randomness for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

fn seeded(seed: u64) -> Seeded {
    Seeded(AtomicU64::new(seed))
}

fn root_key(seed: u64) -> RootKey {
    RootKey::generate(&seeded(seed))
}

fn typed(line: &str) -> SecretText {
    SecretText::new(line.to_owned())
}

#[test]
fn multiplication_is_that_of_the_standards_examples() {
    // FIPS 197, section 4.2.
    assert_eq!(multiply(0x57, 0x83), 0xc1);
    assert_eq!(multiply(0x57, 0x13), 0xfe);
    for value in 1..=255 {
        assert_eq!(multiply(value, inverse(value)), 1, "{value}");
    }
}

/// The test case of the Internet draft on threshold secret sharing (draft-mcgrew-tss-03, section 9).
#[test]
fn the_published_shares_give_the_published_secret() {
    let one = hex::decode("b9fa07e185").unwrap();
    let two = hex::decode("f5409b4511").unwrap();
    let secret = combine(&[(1, &one), (2, &two)]);
    assert_eq!(secret.expose_bytes(), b"test\0");
    let swapped = combine(&[(2, &two), (1, &one)]);
    assert_eq!(swapped.expose_bytes(), b"test\0");
}

#[test]
fn every_quorum_gives_the_key_and_one_share_less_does_not() {
    let key = root_key(1);
    let (set, shares) = ShareSet::split(&key, 3, 5, &seeded(2)).unwrap();
    for a in 0..5 {
        for b in (0..5).filter(|b| *b != a) {
            assert!(set.combine(&[&shares[a], &shares[b]]).is_none());
            for c in (0..5).filter(|c| *c != a && *c != b) {
                let found = set.combine(&[&shares[a], &shares[b], &shares[c]]).unwrap();
                assert_eq!(found.fingerprint(), key.fingerprint());
            }
        }
    }
    let all: Vec<&Share> = shares.iter().collect();
    assert!(set.combine(&all).is_some(), "more than the threshold do no harm");
}

/// Leaving zero out of the coefficients would let shares tell of the secret (RUSTSEC-2024-0398).
#[test]
fn one_share_takes_every_value_equally_often_whatever_the_secret() {
    let randomness = seeded(3);
    let mut seen = [0u32; 256];
    for _ in 0..64 * 256 {
        seen[usize::from(split(&[0x42], 2, 2, &randomness)[0].expose_bytes()[0])] += 1;
    }
    // 64 are expected; 24 to 120 is seven deviations.
    assert!(seen.iter().all(|count| (24..120).contains(count)), "{seen:?}");
}

#[test]
fn a_share_reads_back_however_it_is_typed_and_a_mistyped_one_is_named_without_its_value() {
    let (set, shares) = ShareSet::split(&root_key(1), 2, 3, &seeded(4)).unwrap();
    let line = shares[1].expose_line();
    let line = line.expose_text();
    for same in [
        line.to_owned(),
        line.to_uppercase(),
        format!("  {}\n", line.replace('.', " . ")),
    ] {
        let share = Share::parse(&typed(&same)).unwrap();
        assert_eq!((share.index(), set.check(&share)), (2, Ok(())));
    }
    for position in 0..line.len() {
        let mut changed: Vec<char> = line.chars().collect();
        changed[position] = if changed[position] == '7' { '8' } else { '7' };
        let changed: String = changed.into_iter().collect();
        assert_eq!(
            Share::parse(&typed(&changed)).unwrap_err(),
            InvalidShare::Mistyped,
            "{position}"
        );
        assert_eq!(
            Share::parse(&typed(&line[..position])).unwrap_err(),
            InvalidShare::Mistyped
        );
    }
}

#[test]
fn a_share_of_another_set_or_one_that_was_never_given_out_does_not_count() {
    let key = root_key(1);
    let (set, _) = ShareSet::split(&key, 2, 3, &seeded(5)).unwrap();
    let (_, others) = ShareSet::split(&key, 2, 3, &seeded(6)).unwrap();
    assert!(matches!(
        set.check(&others[0]),
        Err(InvalidShare::OtherSet { .. })
    ));
    let forged = Share {
        set: hex::decode(&set.id).unwrap().try_into().unwrap(),
        index: 3,
        value: SecretBytes::new(vec![9; 32]),
    };
    assert_eq!(
        set.check(&Share::parse(&forged.expose_line()).unwrap())
            .unwrap_err(),
        InvalidShare::Forged {
            index: 3,
            set: set.id.clone()
        }
    );
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let split = |threshold, shares| ShareSet::split(&root_key(1), threshold, shares, &seeded(7));
    for (threshold, shares) in [(0, 3), (1, 3), (3, 2), (2, MOST_SHARES + 1)] {
        assert!(split(threshold, shares).is_err(), "{threshold} of {shares}");
    }
    assert!(split(2, 2).is_ok() && split(MOST_SHARES, MOST_SHARES).is_ok());
}
