//! Tampering in bulk: nothing that was changed ever opens.
//!
//! `ROTA_TAMPERINGS=1000000` asks for more than the usual number.

use keyring::{Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, Randomness, WrappingKey};

use crate::randomness::SeededRandomness;

const KEY_ID: &str = "rota.storage";
const VERSION_OFFSET: usize = 6 + KEY_ID.len();
const USUAL_TAMPERINGS: u32 = 20_000;

/// One sealed value and where it belongs.
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
    u32::from_be_bytes(bytes) as usize % limit
}

/// Changes an envelope or the context it is opened in, each kind of change in turn.
fn tamper(kind: u32, randomness: &SeededRandomness, original: &Specimen, other: &Specimen) -> Specimen {
    let mut bytes = original.bytes.clone();
    let mut row = original.row;
    match kind % 7 {
        0 => bytes[number_below(randomness, original.bytes.len())] ^= 1 << number_below(randomness, 8),
        1 => bytes.truncate(number_below(randomness, original.bytes.len())),
        2 => bytes.push(number_below(randomness, 256) as u8),
        3 => {
            let version = 1 + u8::from(original.bytes[VERSION_OFFSET + 3] == 1);
            bytes[VERSION_OFFSET + 3] = version;
        }
        4 => row = other.row,
        5 => {
            // The payload of another envelope, or its wrap: everything from one boundary on.
            let boundary = VERSION_OFFSET + [4, 16, 40, 88][number_below(randomness, 4)];
            bytes = [&bytes[..boundary], &other.bytes[boundary..]].concat();
        }
        _ => {
            let position = number_below(randomness, original.bytes.len());
            bytes[position] = bytes[position].wrapping_add(1 + number_below(randomness, 255) as u8);
        }
    }
    Specimen { bytes, row }
}

#[test]
fn nothing_tampered_with_opens() {
    let tamperings = match std::env::var("ROTA_TAMPERINGS") {
        Ok(number) => number.parse().expect("ROTA_TAMPERINGS is a number"),
        Err(_) => USUAL_TAMPERINGS,
    };
    let randomness = SeededRandomness::new(10);
    // Each of two keyrings seals by its own version; the second opens both.
    let (first_key, second_key) = (
        KeyMaterial::generate(&randomness),
        KeyMaterial::generate(&randomness),
    );
    let root_key = keyring::RootKey::generate(&randomness);
    let key_id = KeyId::parse(KEY_ID).unwrap();
    let version = |number| KeyVersion::new(number).unwrap();
    let first_sealed = root_key
        .seal_wrapping_key(&randomness, &key_id, version(1), &first_key)
        .unwrap();
    let first_again = root_key
        .open_wrapping_key(&key_id, version(1), &first_sealed)
        .unwrap();
    let early = Keyring::new(
        key_id.clone(),
        [WrappingKey::new(version(1), KeyState::Active, first_key)],
    )
    .unwrap();
    let late_keys = [
        WrappingKey::new(version(1), KeyState::Deprecated, first_again),
        WrappingKey::new(version(2), KeyState::Active, second_key),
    ];
    let late = Keyring::new(key_id, late_keys).unwrap();

    let specimens = (0..64)
        .map(|row| {
            let keyring = if row % 2 == 0 { &early } else { &late };
            let value = vec![row as u8; number_below(&randomness, 40)];
            let bytes = keyring
                .seal(&randomness, &context(row), &value)
                .unwrap()
                .into_bytes();
            Specimen { bytes, row }
        })
        .collect::<Vec<_>>();
    for specimen in &specimens {
        assert!(late.open(&context(specimen.row), &specimen.bytes).is_ok());
    }
    for kind in 0..tamperings {
        let first = number_below(&randomness, specimens.len());
        let second = (first + 1 + number_below(&randomness, specimens.len() - 1)) % specimens.len();
        let tampered = tamper(kind, &randomness, &specimens[first], &specimens[second]);
        let opened = late.open(&context(tampered.row), &tampered.bytes);
        assert!(opened.is_err(), "tampering {kind} of specimen {first} opened");
    }
}
