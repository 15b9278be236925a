//! Message authentication codes and signatures.

use crate::keys::{key_id, key_material, version, versioned_keys};
use keyring::{
    Algorithm, KeyId, KeyState, MacRing, Malformed, OpenError, SealError, SigningRing, Tag, VersionedKey,
    inspect_tag,
};
use proptest::prelude::*;

/// Everything that makes tags, under one roof.
enum Maker {
    Mac(MacRing),
    Sign(SigningRing),
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::HmacSha256, Algorithm::Ed25519, Algorithm::EcdsaP256];

impl Maker {
    fn new(algorithm: Algorithm, key_id: KeyId, keys: Vec<VersionedKey>) -> Self {
        match algorithm {
            Algorithm::HmacSha256 => Self::Mac(MacRing::new(key_id, keys).unwrap()),
            _ => Self::Sign(SigningRing::new(key_id, algorithm, keys).unwrap()),
        }
    }

    fn of_states(algorithm: Algorithm, states: &[KeyState]) -> Self {
        Self::new(algorithm, key_id(), versioned_keys(states))
    }

    fn make(&self, message: &[u8]) -> Result<Tag, SealError> {
        match self {
            Self::Mac(ring) => ring.mac(message),
            Self::Sign(ring) => ring.sign(message),
        }
    }

    fn verify(&self, message: &[u8], tag: &[u8]) -> Result<u32, OpenError> {
        match self {
            Self::Mac(ring) => ring.verify(message, tag),
            Self::Sign(ring) => ring.verify(message, tag),
        }
        .map(keyring::KeyVersion::number)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_made_verifies_and_nothing_else_does(
        which in 0_usize..3, message: Vec<u8>, other: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8,
    ) {
        prop_assume!(message != other);
        let maker = Maker::of_states(ALGORITHMS[which], &[KeyState::Deprecated, KeyState::Active]);
        let tag = maker.make(&message).unwrap();
        prop_assert_eq!(maker.verify(&message, tag.as_bytes()), Ok(2));
        prop_assert_eq!(maker.verify(&other, tag.as_bytes()), Err(OpenError::NotAuthentic));
        let mut changed = tag.clone().into_bytes();
        changed[at.index(tag.as_bytes().len())] ^= 1 << bit;
        prop_assert!(maker.verify(&message, &changed).is_err());
        let longer = [tag.as_bytes(), &[0]].concat();
        prop_assert_eq!(maker.verify(&message, &longer), Err(OpenError::Malformed(Malformed::TrailingBytes)));
        let shorter = &tag.as_bytes()[..tag.as_bytes().len() - 1];
        prop_assert_eq!(maker.verify(&message, shorter), Err(OpenError::Malformed(Malformed::Truncated)));
    }

    #[test]
    fn noise_neither_verifies_nor_panics(which in 0_usize..3, kind in 0_usize..3, mut noise: Vec<u8>) {
        let kinds: [&[u8]; 3] = [b"", b"RKM\x01\x04\x01k\x00\x00\x00\x01", b"RKS\x01\x05\x01k\x00\x00\x00\x01"];
        noise.splice(0..0, kinds[kind].iter().copied());
        let maker = Maker::of_states(ALGORITHMS[which], &[KeyState::Active]);
        prop_assert!(maker.verify(b"message", &noise).is_err());
        let _ = inspect_tag(&noise);
    }
}

#[test]
fn tags_say_by_which_key_they_were_made() {
    for algorithm in ALGORITHMS {
        let maker = Maker::of_states(algorithm, &[KeyState::Deprecated, KeyState::Active]);
        let tag = maker.make(b"message").unwrap();
        assert_eq!(tag.version(), version(2));
        let header = inspect_tag(tag.as_bytes()).unwrap();
        assert_eq!(
            (header.key_id, header.version, header.algorithm),
            (key_id(), version(2), algorithm)
        );
        assert!(tag.as_bytes().ends_with(tag.raw()));
        assert_eq!(
            tag.raw().len(),
            if algorithm == Algorithm::HmacSha256 {
                32
            } else {
                64
            }
        );
        // Nothing is random: the same message is signed alike.
        assert_eq!(maker.make(b"message").unwrap(), tag);
    }
}

#[test]
fn each_state_allows_what_it_should() {
    for algorithm in ALGORITHMS {
        let tag = Maker::of_states(algorithm, &[KeyState::Active])
            .make(b"message")
            .unwrap();
        for state in KeyState::ALL {
            let maker = Maker::of_states(algorithm, &[state]);
            let refusal = OpenError::VersionRefused {
                version: version(1),
                state,
            };
            let expected = if state.may_open() { Ok(1) } else { Err(refusal) };
            assert_eq!(
                maker.verify(b"message", tag.as_bytes()),
                expected,
                "{algorithm}, {state}"
            );
            let made = maker.make(b"message").map(|tag| tag.version());
            let none = Err(SealError::NoActiveVersion { key_id: key_id() });
            let expected = if state.may_seal() { Ok(version(1)) } else { none };
            assert_eq!(made, expected, "{algorithm}, {state}");
        }
    }
}

#[test]
fn the_named_key_and_version_are_taken_and_no_other() {
    for algorithm in ALGORITHMS {
        let maker = Maker::of_states(algorithm, &[KeyState::Active, KeyState::Deprecated]);
        let tag = maker.make(b"message").unwrap().into_bytes();
        let version_at = 6 + key_id().as_str().len();
        let with_version = |number: u32| {
            let mut changed = tag.clone();
            changed[version_at..version_at + 4].copy_from_slice(&number.to_be_bytes());
            maker.verify(b"message", &changed)
        };
        assert_eq!(with_version(1), Ok(1));
        assert_eq!(with_version(2), Err(OpenError::NotAuthentic));
        assert_eq!(
            with_version(3),
            Err(OpenError::UnknownVersion { version: version(3) })
        );
        assert_eq!(
            with_version(0),
            Err(OpenError::Malformed(Malformed::InvalidVersion))
        );
        let other = KeyId::parse("other").unwrap();
        let elsewhere = Maker::new(algorithm, other.clone(), versioned_keys(&[KeyState::Active]));
        let refusal = OpenError::OtherKey {
            expected: other,
            found: key_id(),
        };
        assert_eq!(elsewhere.verify(b"message", &tag), Err(refusal));
    }
}

#[test]
fn public_keys_are_to_be_had_until_the_key_is_gone() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let states = [KeyState::Destroyed, KeyState::Revoked, KeyState::Active];
        let ring = SigningRing::new(key_id(), algorithm, versioned_keys(&states)).unwrap();
        assert_eq!(ring.public_key(version(1)), None);
        assert_eq!(ring.public_key(version(4)), None);
        let public = ring.public_key(version(3)).unwrap();
        assert_ne!(ring.public_key(version(2)).as_ref(), Some(&public));
        let read_back = keyring::PublicKey::from_raw(algorithm, &public.raw());
        assert_eq!(read_back.as_ref(), Some(&public));
        assert!(public.verifies(b"message", ring.sign(b"message").unwrap().raw()));
        assert!(!public.verifies(b"massage", ring.sign(b"message").unwrap().raw()));
    }
}

#[test]
fn nothing_printed_shows_a_key() {
    let keys = || versioned_keys(&[KeyState::Active]);
    let shown = format!(
        "{:?} {:?} {:?}",
        MacRing::new(key_id(), keys()).unwrap(),
        SigningRing::new(key_id(), Algorithm::Ed25519, keys()).unwrap(),
        key_material(0xab),
    );
    let id = key_id();
    assert_eq!(
        shown,
        format!(
            "MacRing {{ key_id: {id:?}, versions: {{1: Active}} }} \
             SigningRing {{ key_id: {id:?}, algorithm: Ed25519, versions: {{1: Active}} }} ***"
        )
    );
}
