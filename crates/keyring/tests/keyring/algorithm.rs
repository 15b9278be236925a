//! Every algorithm: what it promises alike, and that a key has one purpose.

use crate::keys::{key_id, version, versioned_keys};
use crate::randomness::SeededRandomness;
use keyring::{
    Algorithm, Context, InvalidKeyring, KeyMaterial, KeyState, Keyring, MacRing, Malformed, OpenError,
    Purpose, SigningRing, inspect,
};

const ENCRYPT: [Algorithm; 3] = [
    Algorithm::Aes256Gcm,
    Algorithm::Aes256GcmSiv,
    Algorithm::ChaCha20Poly1305,
];

fn keyring(algorithm: Algorithm, states: &[KeyState]) -> Keyring {
    Keyring::with_algorithm(key_id(), algorithm, versioned_keys(states)).unwrap()
}

#[test]
fn each_cipher_seals_opens_and_rewraps() {
    let randomness = SeededRandomness::new(20);
    let context = Context::of_caller("tenant 7");
    for algorithm in ENCRYPT {
        let before = keyring(algorithm, &[KeyState::Active]);
        let after = keyring(algorithm, &[KeyState::Deprecated, KeyState::Active]);
        for length in [0, 1, 15, 16, 17, 64, 1_000, 70_000] {
            let value = vec![length as u8; length];
            let sealed = before.seal(&randomness, &context, &value).unwrap();
            let header = inspect(sealed.as_bytes()).unwrap();
            assert_eq!((header.algorithm, header.version), (algorithm, version(1)));
            let rewrapped = after.rewrap(&randomness, sealed.as_bytes()).unwrap();
            assert_eq!(inspect(rewrapped.as_bytes()).unwrap().algorithm, algorithm);
            for envelope in [&sealed, &rewrapped] {
                let opened = after.open(&context, envelope.as_bytes()).unwrap();
                assert_eq!(opened.expose_bytes(), value, "{algorithm}, {length} bytes");
            }
            let elsewhere = after.open(&Context::of_caller("tenant 8"), sealed.as_bytes());
            assert_eq!(elsewhere.unwrap_err(), OpenError::NotAuthentic);
        }
    }
}

#[test]
fn no_flipped_bit_opens_under_any_cipher() {
    let context = Context::new("t", "r", "f");
    for algorithm in ENCRYPT {
        let keyring = keyring(algorithm, &[KeyState::Active]);
        // One that opens the other ciphers too: rewriting the algorithm must not help.
        let lenient = ENCRYPT
            .into_iter()
            .fold(self::keyring(algorithm, &[KeyState::Active]), |keyring, also| {
                keyring.opening_also(also).unwrap()
            });
        let sealed = keyring
            .seal(&SeededRandomness::new(21), &context, b"value")
            .unwrap()
            .into_bytes();
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[position] ^= 1 << bit;
                assert!(
                    keyring.open(&context, &changed).is_err(),
                    "{algorithm}: {bit} of {position}"
                );
                assert!(
                    lenient.open(&context, &changed).is_err(),
                    "{algorithm}: {bit} of {position}"
                );
            }
        }
        for other in ENCRYPT.into_iter().filter(|other| *other != algorithm) {
            let mut changed = sealed.clone();
            changed[4] = match other {
                Algorithm::Aes256Gcm => 1,
                Algorithm::Aes256GcmSiv => 2,
                _ => 3,
            };
            assert_eq!(
                lenient.open(&context, &changed).unwrap_err(),
                OpenError::NotAuthentic
            );
        }
    }
}

#[test]
fn a_key_opens_its_own_algorithm_and_those_it_had() {
    let (randomness, context) = (SeededRandomness::new(22), Context::of_caller("orders"));
    let old = keyring(Algorithm::ChaCha20Poly1305, &[KeyState::Active]);
    let sealed = old.seal(&randomness, &context, b"value").unwrap();
    let strict = keyring(Algorithm::Aes256Gcm, &[KeyState::Active]);
    let refused = strict.open(&context, sealed.as_bytes()).unwrap_err();
    assert_eq!(refused, OpenError::Malformed(Malformed::UnknownAlgorithm(3)));
    let moved = strict.opening_also(Algorithm::ChaCha20Poly1305).unwrap();
    assert_eq!(
        moved.open(&context, sealed.as_bytes()).unwrap().expose_bytes(),
        b"value"
    );
    // The payload is not touched by a rewrap, so neither is its algorithm; what is new is of the new one.
    let rewrapped = moved.rewrap(&randomness, sealed.as_bytes()).unwrap();
    assert_eq!(
        inspect(rewrapped.as_bytes()).unwrap().algorithm,
        Algorithm::ChaCha20Poly1305
    );
    let fresh = moved.seal(&randomness, &context, b"value").unwrap();
    assert_eq!(inspect(fresh.as_bytes()).unwrap().algorithm, Algorithm::Aes256Gcm);
}

#[test]
fn a_key_has_one_purpose() {
    for algorithm in Algorithm::ALL {
        let keys = || versioned_keys(&[KeyState::Active]);
        let refusal = InvalidKeyring::OtherPurpose {
            key_id: key_id(),
            algorithm,
        };
        let encrypts = Keyring::with_algorithm(key_id(), algorithm, keys()).map(|_| ());
        let signs = SigningRing::new(key_id(), algorithm, keys()).map(|_| ());
        let expected = |purpose| {
            if algorithm.purpose() == purpose {
                Ok(())
            } else {
                Err(refusal.clone())
            }
        };
        assert_eq!(encrypts, expected(Purpose::Encrypt), "{algorithm}");
        assert_eq!(signs, expected(Purpose::Sign), "{algorithm}");
    }
}

/// What was made for one purpose is nothing to a key of another one, even under the same 32 bytes.
#[test]
fn no_ring_accepts_what_another_kind_made() {
    let keys = || versioned_keys(&[KeyState::Active]);
    let (randomness, context) = (SeededRandomness::new(23), Context::of_caller("m"));
    let keyring = Keyring::new(key_id(), keys()).unwrap();
    let mac_ring = MacRing::new(key_id(), keys()).unwrap();
    let ed25519 = SigningRing::new(key_id(), Algorithm::Ed25519, keys()).unwrap();
    let p256 = SigningRing::new(key_id(), Algorithm::EcdsaP256, keys()).unwrap();
    let made = [
        keyring.seal(&randomness, &context, b"m").unwrap().into_bytes(),
        mac_ring.mac(b"m").unwrap().into_bytes(),
        ed25519.sign(b"m").unwrap().into_bytes(),
        p256.sign(b"m").unwrap().into_bytes(),
    ];
    for (index, bytes) in made.iter().enumerate() {
        let accepted = [
            keyring.open(&context, bytes).is_ok(),
            mac_ring.verify(b"m", bytes).is_ok(),
            ed25519.verify(b"m", bytes).is_ok(),
            p256.verify(b"m", bytes).is_ok(),
        ];
        let mut expected = [false; 4];
        expected[index] = true;
        assert_eq!(accepted, expected, "kind {index}");
    }
}

#[test]
fn a_data_key_is_what_its_envelope_opens_to() {
    let (randomness, context) = (SeededRandomness::new(24), Context::of_caller("file 1"));
    let keyring = keyring(Algorithm::Aes256Gcm, &[KeyState::Active]);
    let (data_key, sealed) = keyring.data_key(&randomness, &context).unwrap();
    assert_eq!(data_key.len(), 32);
    assert!(
        keyring
            .open(&context, sealed.as_bytes())
            .unwrap()
            .ct_eq(&data_key)
    );
    let (another, _) = keyring.data_key(&randomness, &context).unwrap();
    assert!(!another.ct_eq(&data_key));
}

#[test]
fn every_algorithm_generates_keys_of_its_own() {
    let randomness = SeededRandomness::new(25);
    for algorithm in Algorithm::ALL {
        let material = KeyMaterial::generate_for(algorithm, &randomness);
        assert!(material.is_valid_for(algorithm));
    }
    // The order of P-256 is below 2^256, and zero is no key.
    for byte in [0x00, 0xff] {
        let material = crate::keys::key_material(byte);
        assert!(!material.is_valid_for(Algorithm::EcdsaP256), "{byte}");
        assert!(material.is_valid_for(Algorithm::Ed25519), "{byte}");
        let key = keyring::VersionedKey::new(version(1), KeyState::Active, material);
        let refused = SigningRing::new(key_id(), Algorithm::EcdsaP256, [key]).map(|_| ());
        let expected = InvalidKeyring::NoKey {
            key_id: key_id(),
            version: version(1),
        };
        assert_eq!(refused, Err(expected));
    }
}
