//! The root key: a wrong one is recognised, a damaged record is called damaged, and neither opens anything.

use crate::randomness::SeededRandomness;
use keyring::{
    DamagedRecord, InvalidRootKey, KeyId, KeyMaterial, KeyVersion, OpenWrappingKeyError, PassphraseCost,
    PassphraseError, PassphraseSalt, RootKey, RootKeyOrigin, RootKeyRecord, SecretBytes, SecretText,
};
use proptest::prelude::*;

fn key_id() -> KeyId {
    KeyId::parse("rota.storage").unwrap()
}

fn sealed(root_key: &RootKey, randomness: &SeededRandomness) -> Vec<u8> {
    let material = KeyMaterial::generate(randomness);
    root_key
        .seal_wrapping_key(randomness, &key_id(), KeyVersion::FIRST, &material)
        .unwrap()
}

#[test]
fn a_root_key_has_32_bytes() {
    for length in [0, 31, 33, 64] {
        let refused = RootKey::from_bytes(&SecretBytes::new(vec![1; length])).unwrap_err();
        assert_eq!(refused, InvalidRootKey { length });
    }
    assert!(RootKey::from_bytes(&SecretBytes::new(vec![1; 32])).is_ok());
}

#[test]
fn damage_is_never_mistaken_for_a_wrong_key() {
    let randomness = SeededRandomness::new(1);
    let root_key = RootKey::generate(&randomness);
    let record = sealed(&root_key, &randomness);
    for position in 0..record.len() {
        for bit in 0..8 {
            let mut changed = record.clone();
            changed[position] ^= 1 << bit;
            let refused = root_key
                .open_wrapping_key(&key_id(), KeyVersion::FIRST, &changed)
                .unwrap_err();
            assert!(
                matches!(refused, OpenWrappingKeyError::Damaged(_)),
                "bit {bit} of byte {position}"
            );
        }
        let cut = root_key.open_wrapping_key(&key_id(), KeyVersion::FIRST, &record[..position]);
        assert!(
            matches!(cut, Err(OpenWrappingKeyError::Damaged(_))),
            "cut at {position}"
        );
    }
}

#[test]
fn a_wrong_root_key_is_named_as_such() {
    let randomness = SeededRandomness::new(2);
    let (right, wrong) = (RootKey::generate(&randomness), RootKey::generate(&randomness));
    let record = sealed(&right, &randomness);
    let refused = wrong
        .open_wrapping_key(&key_id(), KeyVersion::FIRST, &record)
        .unwrap_err();
    assert!(matches!(refused, OpenWrappingKeyError::WrongRootKey(_)));
    assert!(refused.to_string().starts_with("wrong root key: "), "{refused}");
    assert!(
        right
            .open_wrapping_key(&key_id(), KeyVersion::FIRST, &record)
            .is_ok()
    );
}

#[test]
fn a_root_key_record_survives_no_change() {
    let randomness = SeededRandomness::new(3);
    let root_key = RootKey::generate(&randomness);
    let salt = PassphraseSalt::generate(&randomness);
    let origin = RootKeyOrigin::Passphrase {
        salt,
        cost: PassphraseCost::RECOMMENDED,
    };
    let record = RootKeyRecord::new(&root_key, origin).to_bytes();
    assert_eq!(RootKeyRecord::parse(&record).unwrap().origin(), origin);
    for position in 0..record.len() {
        let mut changed = record.clone();
        changed[position] ^= 1;
        assert!(RootKeyRecord::parse(&changed).is_err(), "byte {position}");
        assert!(
            RootKeyRecord::parse(&record[..position]).is_err(),
            "cut at {position}"
        );
    }
}

#[test]
fn each_part_of_the_passphrase_matters() {
    let derive = |passphrase: &str, salt: u8, cost: PassphraseCost| {
        let salt = PassphraseSalt::from_bytes([salt; 16]);
        RootKey::from_passphrase(&SecretText::new(passphrase.to_owned()), &salt, cost)
            .unwrap()
            .fingerprint()
    };
    let least = PassphraseCost::LEAST;
    let original = derive("long enough", 1, least);
    assert_eq!(derive("long enough", 1, least), original);
    assert_ne!(derive("long enough ", 1, least), original);
    assert_ne!(derive("long enough", 2, least), original);
    assert_ne!(
        derive(
            "long enough",
            1,
            PassphraseCost {
                iterations: 3,
                ..least
            }
        ),
        original
    );
}

#[test]
fn an_empty_passphrase_and_a_cost_outside_the_limits_are_refused() {
    let derive = |passphrase: &str, cost: PassphraseCost| {
        let salt = PassphraseSalt::from_bytes([1; 16]);
        RootKey::from_passphrase(&SecretText::new(passphrase.to_owned()), &salt, cost).map(|_| ())
    };
    let least = PassphraseCost::LEAST;
    assert_eq!(derive("", least), Err(PassphraseError::Empty));
    for cost in [
        PassphraseCost {
            memory_kib: 19 * 1024 - 1,
            ..least
        },
        PassphraseCost {
            memory_kib: u32::MAX,
            ..least
        },
        PassphraseCost {
            iterations: 1,
            ..least
        },
        PassphraseCost {
            iterations: u32::MAX,
            ..least
        },
        PassphraseCost { lanes: 0, ..least },
        PassphraseCost {
            lanes: u32::MAX,
            ..least
        },
    ] {
        assert_eq!(
            derive("long enough", cost),
            Err(PassphraseError::Cost),
            "{cost:?}"
        );
    }
}

#[test]
fn the_recommended_cost_is_within_the_limits() {
    let salt = PassphraseSalt::from_bytes([1; 16]);
    let passphrase = SecretText::new("long enough".to_owned());
    let root_key = RootKey::from_passphrase(&passphrase, &salt, PassphraseCost::RECOMMENDED).unwrap();
    let origin = RootKeyOrigin::Passphrase {
        salt,
        cost: PassphraseCost::RECOMMENDED,
    };
    let record = RootKeyRecord::parse(&RootKeyRecord::new(&root_key, origin).to_bytes()).unwrap();
    record.check(&root_key).unwrap();
}

#[test]
fn nothing_printed_shows_the_root_key() {
    let root_key = RootKey::from_bytes(&SecretBytes::new(vec![0xab; 32])).unwrap();
    let printed = format!("{root_key:?} {:?}", root_key.fingerprint());
    assert!(printed.starts_with("*** RootKeyFingerprint("));
    assert!(!printed.contains("abab"));
}

proptest! {
    #[test]
    fn noise_neither_opens_nor_panics(noise: Vec<u8>, kind in 0_usize..3) {
        let beginning: [&[u8]; 3] = [b"", b"RKW\x01\x01", b"RKC\x01\x01"];
        let noise = [beginning[kind], &noise].concat();
        let root_key = RootKey::generate(&SeededRandomness::new(0));
        let opened = root_key.open_wrapping_key(&key_id(), KeyVersion::FIRST, &noise);
        prop_assert!(matches!(opened, Err(OpenWrappingKeyError::Damaged(_))));
        prop_assert!(matches!(
            RootKeyRecord::parse(&noise),
            Err(DamagedRecord::Malformed(_) | DamagedRecord::Checksum)
        ));
    }
}
