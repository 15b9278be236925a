//! No key is used with a nonce twice (R9): what each envelope was sealed with is noted as it is drawn from the operating
//! system, and looked for in the envelope. `ROTA_SEALS=10000000` asks for more than the usual number.

use std::sync::Mutex;

use keyring::{Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, Randomness, WrappingKey};
use ring::rand::{SecureRandom, SystemRandom};

const USUAL_SEALS: usize = 20_000;
/// Data key, payload nonce, wrap nonce: docs/keyring-format.md.
const DATA_KEY: usize = 32;
const PAYLOAD_NONCE: usize = 12;
const WRAP_NONCE: usize = 24;

/// The operating system's generator, asked as the server asks it; keeps what it gave last.
struct Noted {
    system: SystemRandom,
    drawn: Mutex<Vec<u8>>,
}

impl Randomness for Noted {
    fn fill(&self, buffer: &mut [u8]) {
        self.system
            .fill(buffer)
            .expect("the operating system gives random bytes");
        self.drawn.lock().unwrap().extend_from_slice(buffer);
    }
}

impl Noted {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.drawn.lock().unwrap())
    }
}

/// The first sixteen bytes: where these differ, the whole differs.
fn beginning(bytes: &[u8]) -> u128 {
    u128::from_be_bytes(bytes[..16].try_into().unwrap())
}

fn repeated(mut values: Vec<u128>) -> usize {
    values.sort_unstable();
    values.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

#[test]
fn no_key_meets_a_nonce_twice() {
    let seals = match std::env::var("ROTA_SEALS") {
        Ok(number) => number.parse().expect("ROTA_SEALS is a number"),
        Err(_) => USUAL_SEALS,
    };
    let noted = Noted {
        system: SystemRandom::new(),
        drawn: Mutex::default(),
    };
    let material = KeyMaterial::generate(&noted);
    let key = WrappingKey::new(KeyVersion::FIRST, KeyState::Active, material);
    let keyring = Keyring::new(KeyId::parse("orders").unwrap(), [key]).unwrap();
    let context = Context::of_caller("always the same");
    let mut data_keys = Vec::with_capacity(seals);
    let mut wrap_nonces = Vec::with_capacity(seals);
    noted.take();
    for _ in 0..seals {
        let sealed = keyring.seal(&noted, &context, b"always the same").unwrap();
        let drawn = noted.take();
        assert_eq!(drawn.len(), DATA_KEY + PAYLOAD_NONCE + WRAP_NONCE);
        let (data_key, nonces) = drawn.split_at(DATA_KEY);
        // What was drawn for it is what stands in it: nothing is kept for another one.
        let bytes = sealed.as_bytes();
        assert!(
            bytes.windows(nonces.len()).any(|window| window == nonces),
            "an envelope holds other nonces than were drawn for it"
        );
        // A data key of its own makes every pair of it and a nonce new.
        data_keys.push(beginning(data_key));
        wrap_nonces.push(beginning(&nonces[PAYLOAD_NONCE..]));
    }
    let found = (repeated(data_keys), repeated(wrap_nonces));
    println!("{seals} seals, {found:?} repeated (data key, nonce) and (wrapping key, nonce)");
    assert_eq!(found, (0, 0));
}
