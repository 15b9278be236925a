//! Tampering in bulk: nothing that was changed ever opens.
//!
//! Every envelope here is one to three changes away from a good one, and at least half of them read as envelopes
//! and are refused by the cipher. `ROTA_TAMPERINGS=1000000` asks for more than the usual number.

use keyring::{
    Algorithm, Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, OpenError, Randomness, WrappingKey,
};

use crate::randomness::SeededRandomness;

const KEY_ID: &str = "rota.storage";
const VERSION_OFFSET: usize = 6 + KEY_ID.len();
const PAYLOAD_OFFSET: usize = VERSION_OFFSET + 4 + 12 + 24 + 48 + 4;
const USUAL_TAMPERINGS: u32 = 20_000;
const ALGORITHMS: [Algorithm; 3] = [
    Algorithm::Aes256Gcm,
    Algorithm::Aes256GcmSiv,
    Algorithm::ChaCha20Poly1305,
];

/// One sealed value and where it belongs.
#[derive(Clone, PartialEq)]
struct Specimen {
    bytes: Vec<u8>,
    row: u32,
}

fn context(row: u32) -> Context {
    Context::new("credential_versions", row.to_string(), "values")
}

fn number_below(randomness: &SeededRandomness, limit: usize) -> usize {
    let mut bytes = [0; 4];
    randomness.fill(&mut bytes);
    u32::from_be_bytes(bytes) as usize % limit.max(1)
}

/// Changes an envelope or the context it is opened in, once.
fn tamper(randomness: &SeededRandomness, specimen: &mut Specimen, other: &Specimen) {
    let Specimen { bytes, row } = specimen;
    let length = bytes.len();
    // Most changes keep the shape, so that the cipher has to find them.
    match number_below(randomness, 16) {
        0 => bytes.truncate(number_below(randomness, length)),
        1 => bytes.push(number_below(randomness, 256) as u8),
        2 => {
            // Another algorithm, or none.
            if let Some(code) = bytes.get_mut(4) {
                *code = number_below(randomness, 5) as u8;
            }
        }
        3 | 4 => {
            // The other version's number.
            if let Some(byte) = bytes.get_mut(VERSION_OFFSET + 3) {
                *byte ^= 3;
            }
        }
        5 | 6 => *row = other.row,
        7 | 8 => {
            // The end of another envelope: from the nonce, the wrap nonce, the wrap, the length or the tag on.
            let boundaries = [4, 16, 40, 88, 92];
            let boundary = VERSION_OFFSET + boundaries[number_below(randomness, boundaries.len())];
            if let (Some(start), Some(end)) = (bytes.get(..boundary), other.bytes.get(boundary..)) {
                *bytes = [start, end].concat();
            }
        }
        9 | 10 => {
            // A payload shortened together with its length.
            let payload = length.saturating_sub(PAYLOAD_OFFSET + 16);
            if payload > 0 {
                let kept = number_below(randomness, payload);
                bytes.truncate(PAYLOAD_OFFSET + 16 + kept);
                bytes[PAYLOAD_OFFSET - 4..PAYLOAD_OFFSET].copy_from_slice(&(kept as u32).to_be_bytes());
            }
        }
        11 => {
            if let Some(byte) = bytes.get_mut(number_below(randomness, PAYLOAD_OFFSET)) {
                *byte = byte.wrapping_add(1 + number_below(randomness, 255) as u8);
            }
        }
        _ => {
            // One bit beyond the version: nonces, wrap, ciphertext or tag.
            let sealed = length.saturating_sub(VERSION_OFFSET + 4);
            let position = VERSION_OFFSET + 4 + number_below(randomness, sealed);
            let is_length = (PAYLOAD_OFFSET - 4..PAYLOAD_OFFSET).contains(&position);
            if let Some(byte) = bytes.get_mut(position).filter(|_| !is_length) {
                *byte ^= 1 << number_below(randomness, 8);
            }
        }
    }
}

/// For each algorithm one keyring that knows the first version alone, and one that has rotated to the second.
fn keyrings(randomness: &SeededRandomness, algorithm: Algorithm) -> [Keyring; 2] {
    let materials = [(); 2].map(|()| KeyMaterial::generate(randomness));
    let key = |number: u32, state| {
        let bytes = materials[number as usize - 1].expose_bytes().to_vec();
        let material = KeyMaterial::import(&keyring::SecretBytes::new(bytes)).unwrap();
        WrappingKey::new(KeyVersion::new(number).unwrap(), state, material)
    };
    let keyring = |keys: Vec<WrappingKey>| {
        let key_id = KeyId::parse(KEY_ID).unwrap();
        ALGORITHMS.into_iter().fold(
            Keyring::with_algorithm(key_id, algorithm, keys).unwrap(),
            |keyring, also| keyring.opening_also(also).unwrap(),
        )
    };
    [
        keyring(vec![key(1, KeyState::Active)]),
        keyring(vec![key(1, KeyState::Deprecated), key(2, KeyState::Active)]),
    ]
}

#[test]
fn nothing_tampered_with_opens() {
    let tamperings = match std::env::var("ROTA_TAMPERINGS") {
        Ok(number) => number.parse().expect("ROTA_TAMPERINGS is a number"),
        Err(_) => USUAL_TAMPERINGS,
    };
    let randomness = SeededRandomness::new(10);
    let rings = ALGORITHMS.map(|algorithm| keyrings(&randomness, algorithm));
    let specimens: Vec<[Specimen; 64]> = rings
        .iter()
        .map(|[early, late]| {
            std::array::from_fn(|row| {
                let (keyring, row) = (if row % 2 == 0 { early } else { late }, row as u32);
                let value = vec![row as u8; number_below(&randomness, 40)];
                let sealed = keyring.seal(&randomness, &context(row), &value).unwrap();
                let bytes = sealed.into_bytes();
                assert!(late.open(&context(row), &bytes).is_ok());
                Specimen { bytes, row }
            })
        })
        .collect();
    let (mut done, mut reached_the_cipher) = (0_u32, 0_u32);
    while done < tamperings {
        let which = number_below(&randomness, ALGORITHMS.len());
        let originals = &specimens[which];
        let original = &originals[number_below(&randomness, originals.len())];
        let mut tampered = original.clone();
        for _ in 0..=number_below(&randomness, 3) {
            let other = &originals[number_below(&randomness, originals.len())];
            tamper(&randomness, &mut tampered, other);
        }
        // Two changes may undo one another, or put another whole specimen in place.
        if originals.contains(&tampered) {
            continue;
        }
        done += 1;
        let late = &rings[which][1];
        match late.open(&context(tampered.row), &tampered.bytes) {
            Ok(_) => panic!("tampering {done} of row {} opened", original.row),
            Err(OpenError::NotAuthentic) => reached_the_cipher += 1,
            Err(_) => {}
        }
        // A rewrap proves the wrap and not the payload; it must not panic either.
        let _ = late.rewrap(&randomness, &tampered.bytes);
    }
    println!("{done} tampered envelopes, {reached_the_cipher} refused by the cipher, 0 opened");
    assert!(reached_the_cipher >= done / 2, "{reached_the_cipher} of {done}");
}
