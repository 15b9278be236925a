//! What an envelope promises, for values, contexts and damage of every kind.

use crate::randomness::SeededRandomness;
use keyring::{
    Context, InvalidKeyring, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, OpenError, RewrapError,
    SealError, SecretBytes, WrappingKey, inspect,
};
use proptest::prelude::*;

const KEY_ID: &str = "rota.storage";

/// Where the version lies in every envelope of this file, and where the payload's part begins.
const VERSION_OFFSET: usize = 6 + KEY_ID.len();
const PAYLOAD_OFFSET: usize = VERSION_OFFSET + 4 + 12 + 24 + 48;

fn version(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

fn key_material(byte: u8) -> KeyMaterial {
    KeyMaterial::import(&SecretBytes::new(vec![byte; 32])).unwrap()
}

/// Versions 1, 2, ... in the given states. A version's key depends on its number alone.
fn keyring(states: &[KeyState]) -> Keyring {
    let wrapping_keys = (1..)
        .zip(states)
        .map(|(number, state)| WrappingKey::new(version(number), *state, key_material(number as u8)));
    Keyring::new(KeyId::parse(KEY_ID).unwrap(), wrapping_keys).unwrap()
}

fn place() -> Context {
    Context::new("credential_versions", "7", "values")
}

fn parts() -> impl Strategy<Value = [Vec<u8>; 3]> {
    let part = || prop::collection::vec(any::<u8>(), 0..6);
    (part(), part(), part()).prop_map(|(table, row, field)| [table, row, field])
}

fn context(parts: &[Vec<u8>; 3]) -> Context {
    Context::new(&parts[0], &parts[1], &parts[2])
}

proptest! {
    #[test]
    fn what_was_sealed_opens(seed: u64, parts in parts(), plaintext: Vec<u8>) {
        let keyring = keyring(&[KeyState::Active]);
        let sealed = keyring.seal(&SeededRandomness::new(seed), &context(&parts), &plaintext).unwrap();
        let opened = keyring.open(&context(&parts), sealed.as_bytes()).unwrap();
        prop_assert_eq!(opened.expose_bytes(), plaintext);
    }

    #[test]
    fn another_context_does_not_open(seed: u64, here in parts(), there in parts(), plaintext: Vec<u8>) {
        prop_assume!(here != there);
        let keyring = keyring(&[KeyState::Active]);
        let sealed = keyring.seal(&SeededRandomness::new(seed), &context(&here), &plaintext).unwrap();
        let refused = keyring.open(&context(&there), sealed.as_bytes()).unwrap_err();
        prop_assert_eq!(refused, OpenError::NotAuthentic);
    }

    #[test]
    fn a_moved_boundary_in_the_context_does_not_open(seed: u64, text in "[a-c]{1,6}", at: usize, to: usize) {
        let split = |position: usize| {
            let (table, row) = text.split_at(position % (text.len() + 1));
            Context::new(table, row, "")
        };
        prop_assume!(at % (text.len() + 1) != to % (text.len() + 1));
        let keyring = keyring(&[KeyState::Active]);
        let sealed = keyring.seal(&SeededRandomness::new(seed), &split(at), b"value").unwrap();
        prop_assert!(keyring.open(&split(to), sealed.as_bytes()).is_err());
    }

    #[test]
    fn any_other_bytes_do_not_open(
        seed: u64, plaintext: Vec<u8>, at: prop::sample::Index, replacement: Vec<u8>, removed in 0_usize..40,
    ) {
        let keyring = keyring(&[KeyState::Active, KeyState::Deprecated]);
        let sealed = keyring.seal(&SeededRandomness::new(seed), &place(), &plaintext).unwrap().into_bytes();
        let mut changed = sealed.clone();
        let start = at.index(changed.len());
        let end = (start + removed).min(changed.len());
        changed.splice(start..end, replacement);
        prop_assume!(changed != sealed);
        prop_assert!(keyring.open(&place(), &changed).is_err());
    }

    #[test]
    fn noise_neither_opens_nor_panics(mut noise: Vec<u8>, dressed: bool) {
        if dressed {
            // Looks like an envelope at its beginning, so that the reader gets beyond the first bytes.
            noise.splice(0..0, [b"RKE\x01\x01".as_slice(), &[KEY_ID.len() as u8], KEY_ID.as_bytes()].concat());
        }
        let keyring = keyring(&[KeyState::Active]);
        prop_assert!(keyring.open(&place(), &noise).is_err());
        prop_assert!(keyring.rewrap(&SeededRandomness::new(0), &noise).is_err());
        prop_assert!(inspect(&noise).is_err());
    }

    #[test]
    fn a_payload_moved_to_another_envelope_does_not_open(seed: u64, left: Vec<u8>, right: Vec<u8>) {
        let keyring = keyring(&[KeyState::Active]);
        let randomness = SeededRandomness::new(seed);
        let left = keyring.seal(&randomness, &place(), &left).unwrap().into_bytes();
        let right = keyring.seal(&randomness, &place(), &right).unwrap().into_bytes();
        let mixed = [&left[..PAYLOAD_OFFSET], &right[PAYLOAD_OFFSET..]].concat();
        prop_assert_eq!(keyring.open(&place(), &mixed).unwrap_err(), OpenError::NotAuthentic);
    }

    #[test]
    fn rewrapping_needs_no_context_and_keeps_the_plaintext(seed: u64, parts in parts(), plaintext: Vec<u8>) {
        let randomness = SeededRandomness::new(seed);
        let before = keyring(&[KeyState::Active]);
        let after = keyring(&[KeyState::Deprecated, KeyState::Active]);
        let sealed = before.seal(&randomness, &context(&parts), &plaintext).unwrap();
        let rewrapped = after.rewrap(&randomness, sealed.as_bytes()).unwrap();
        prop_assert_eq!(rewrapped.version(), version(2));
        prop_assert_eq!(&rewrapped.as_bytes()[PAYLOAD_OFFSET..], &sealed.as_bytes()[PAYLOAD_OFFSET..]);
        // The first version is gone, and the value is still there.
        let without_first = keyring(&[KeyState::Destroyed, KeyState::Active]);
        let opened = without_first.open(&context(&parts), rewrapped.as_bytes()).unwrap();
        prop_assert_eq!(opened.expose_bytes(), plaintext);
        prop_assert!(without_first.open(&context(&parts), sealed.as_bytes()).is_err());
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let keyring = keyring(&[KeyState::Active, KeyState::Deprecated]);
    let randomness = SeededRandomness::new(1);
    let sealed = keyring
        .seal(&randomness, &place(), b"correct horse battery staple")
        .unwrap()
        .into_bytes();
    for position in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[position] ^= 1 << bit;
            assert!(
                keyring.open(&place(), &changed).is_err(),
                "bit {bit} of byte {position}"
            );
            let in_payload = position >= PAYLOAD_OFFSET + 4;
            // The payload is not opened by a rewrap; everything before it is proven.
            assert_eq!(
                keyring.rewrap(&randomness, &changed).is_ok(),
                in_payload,
                "bit {bit} of {position}"
            );
        }
        assert!(
            keyring.open(&place(), &sealed[..position]).is_err(),
            "cut at {position}"
        );
    }
    assert!(keyring.open(&place(), &sealed).is_ok());
}

#[test]
fn a_version_written_over_another_is_refused() {
    let keyring = keyring(&[KeyState::Active, KeyState::Deprecated]);
    let sealed = keyring
        .seal(&SeededRandomness::new(2), &place(), b"value")
        .unwrap()
        .into_bytes();
    let with_version = |number: u32| {
        let mut changed = sealed.clone();
        changed[VERSION_OFFSET..VERSION_OFFSET + 4].copy_from_slice(&number.to_be_bytes());
        keyring.open(&place(), &changed).map(|_| ())
    };
    assert_eq!(with_version(1), Ok(()));
    assert_eq!(with_version(2), Err(OpenError::NotAuthentic));
    assert_eq!(
        with_version(3),
        Err(OpenError::UnknownVersion { version: version(3) })
    );
}

#[test]
fn sealing_the_same_value_twice_gives_different_envelopes() {
    let keyring = keyring(&[KeyState::Active]);
    let randomness = SeededRandomness::new(3);
    let seal = || {
        keyring
            .seal(&randomness, &place(), b"value")
            .unwrap()
            .into_bytes()
    };
    let (left, right) = (seal(), seal());
    assert_ne!(
        left[VERSION_OFFSET + 4..PAYLOAD_OFFSET],
        right[VERSION_OFFSET + 4..PAYLOAD_OFFSET]
    );
    assert_ne!(left[PAYLOAD_OFFSET + 4..], right[PAYLOAD_OFFSET + 4..]);
}

#[test]
fn each_state_allows_what_it_should() {
    let randomness = SeededRandomness::new(4);
    let sealed = keyring(&[KeyState::Active])
        .seal(&randomness, &place(), b"value")
        .unwrap()
        .into_bytes();
    for state in KeyState::ALL {
        // (opens, opens for re-encryption, is explained by a view out of date)
        let (opens, opens_for_reencryption, may_be_stale) = match state {
            KeyState::Active | KeyState::Deprecated => (true, true, false),
            KeyState::Revoked => (false, true, false),
            KeyState::PreActive => (false, false, true),
            KeyState::Suspended | KeyState::Destroyed => (false, false, false),
        };
        let keyring = keyring(&[state]);
        let refusal = OpenError::VersionRefused {
            version: version(1),
            state,
        };
        let opened = keyring.open(&place(), &sealed).map(|_| ());
        assert_eq!(
            opened,
            if opens { Ok(()) } else { Err(refusal.clone()) },
            "{state}"
        );
        assert_eq!(
            keyring.open_for_reencryption(&place(), &sealed).is_ok(),
            opens_for_reencryption,
            "{state}"
        );
        assert_eq!(refusal.may_be_stale(), may_be_stale, "{state}");
        let resealed = keyring
            .seal(&randomness, &place(), b"value")
            .map(|sealed| sealed.version());
        let key_id = KeyId::parse(KEY_ID).unwrap();
        let expected = Err(SealError::NoActiveVersion { key_id });
        assert_eq!(
            resealed,
            if state == KeyState::Active {
                Ok(version(1))
            } else {
                expected
            },
            "{state}"
        );
    }
}

#[test]
fn a_revoked_version_is_never_rewrapped() {
    let randomness = SeededRandomness::new(5);
    let sealed = keyring(&[KeyState::Active])
        .seal(&randomness, &place(), b"value")
        .unwrap();
    let after = keyring(&[KeyState::Revoked, KeyState::Active]);
    let refusal = OpenError::VersionRefused {
        version: version(1),
        state: KeyState::Revoked,
    };
    assert_eq!(
        after.rewrap(&randomness, sealed.as_bytes()),
        Err(RewrapError::Open(refusal))
    );
}

#[test]
fn another_keys_envelope_is_refused_even_under_the_same_bytes() {
    let sealed = keyring(&[KeyState::Active])
        .seal(&SeededRandomness::new(6), &place(), b"value")
        .unwrap();
    let wrapping_key = WrappingKey::new(version(1), KeyState::Active, key_material(1));
    let other = Keyring::new(KeyId::parse("other").unwrap(), [wrapping_key]).unwrap();
    let (expected, found) = (KeyId::parse("other").unwrap(), KeyId::parse(KEY_ID).unwrap());
    assert_eq!(
        other.open(&place(), sealed.as_bytes()).unwrap_err(),
        OpenError::OtherKey { expected, found }
    );
}

#[test]
fn a_keyring_has_each_version_once_and_at_most_one_active() {
    let key_id = || KeyId::parse(KEY_ID).unwrap();
    let key = |number, state| WrappingKey::new(version(number), state, key_material(1));
    let twice = Keyring::new(key_id(), [key(1, KeyState::Active), key(1, KeyState::Active)]).unwrap_err();
    assert_eq!(
        twice,
        InvalidKeyring::VersionTwice {
            key_id: key_id(),
            version: version(1)
        }
    );
    let two = Keyring::new(key_id(), [key(1, KeyState::Active), key(2, KeyState::Active)]).unwrap_err();
    assert_eq!(
        two,
        InvalidKeyring::TwoActive {
            key_id: key_id(),
            first: version(1),
            second: version(2)
        }
    );
    let none = Keyring::new(key_id(), [key(1, KeyState::Suspended)]).unwrap();
    assert_eq!(none.active_version(), None);
}

#[test]
fn nothing_printed_shows_a_key() {
    let keyring = keyring(&[KeyState::Active, KeyState::PreActive]);
    let expected = "Keyring { key_id: KeyId(\"rota.storage\"), algorithm: Aes256Gcm, \
                    versions: {1: Active, 2: PreActive} }";
    assert_eq!(format!("{keyring:?}"), expected);
}
