//! How fast the keyring seals and opens beside raw `ring` on the same core: `cargo run --release -p keyring
//! --example speed`. Ours and theirs take turns, so that a busy machine slows both; what counts are the ratios.
//! A goal missed is exit code 1.

use std::hint::black_box;
use std::process::ExitCode;

use aes_gcm::aead::{AeadInOut, KeyInit};
use keyring::{
    Algorithm, Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, Randomness, WrappingKey,
};
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 41;
const ASSOCIATED_DATA: [u8; 64] = [7; 64];

/// The operating system's generator, asked each time, as the server asks it.
struct Os(SystemRandom);

impl Randomness for Os {
    fn fill(&self, buffer: &mut [u8]) {
        assert!(
            self.0.fill(buffer).is_ok(),
            "the operating system gives random bytes"
        );
    }
}

fn main() -> ExitCode {
    let os = Os(SystemRandom::new());
    let mut met = true;
    for (size, seal_goal, open_goal) in [(16 * 1024, 1.0 / 0.9, Some(1.0 / 0.9)), (64, 1.5, None)] {
        println!(
            "{size} bytes, AES-256-GCM (nanoseconds of CPU for one; ratio to raw ring, median of {ROUNDS} turns)"
        );
        met &= measure(&os, size, seal_goal, open_goal);
    }
    println!("goals {}", if met { "met" } else { "MISSED" });
    ExitCode::from(u8::from(!met))
}

/// One thing to measure.
struct Contender<'a> {
    name: &'a str,
    act: Box<dyn Fn() + 'a>,
    /// The most it may cost, as a multiple of the first one.
    goal: Option<f64>,
}

fn contender<'a, Outcome>(
    name: &'a str,
    goal: impl Into<Option<f64>>,
    act: impl Fn() -> Outcome + 'a,
) -> Contender<'a> {
    let act = Box::new(move || {
        black_box(act());
    });
    let goal = goal.into();
    Contender { name, act, goal }
}

fn measure(os: &Os, size: usize, seal_goal: f64, open_goal: Option<f64>) -> bool {
    let value = vec![0x5a; size];
    let context = Context::new("keys", "0192f0c1-7a00-7000-8000-000000000001", "material");
    let ours = [
        Algorithm::Aes256Gcm,
        Algorithm::Aes256GcmSiv,
        Algorithm::ChaCha20Poly1305,
    ]
    .map(|algorithm| {
        let Some(keyring) = keyring(os, algorithm) else {
            unreachable!("one active key makes a keyring")
        };
        let envelope = keyring
            .seal(os, &context, &value)
            .map(keyring::Sealed::into_bytes);
        (keyring, envelope.unwrap_or_default())
    });
    let [
        (gcm, gcm_envelope),
        (siv, siv_envelope),
        (chacha, chacha_envelope),
    ] = &ours;
    let raw = raw_key(&AES_256_GCM, os);
    let raw_chacha = raw_key(&CHACHA20_POLY1305, os);
    let sealed = seal_raw(os, &raw, &value);
    let portable = aes_gcm::Aes256Gcm::new(&[1; 32].into());

    let xaes = xaes_256_gcm::Xaes256Gcm::new(&[1; 32].into());

    let seal = [
        contender("raw ring: nonce, new buffer, seal", None, || {
            seal_raw(os, &raw, &value)
        }),
        contender("keyring seal", seal_goal, || {
            gcm.seal(os, &context, &value).is_ok()
        }),
        contender("raw ring, a fresh key each", None, || {
            seal_raw(os, &raw_key(&AES_256_GCM, os), &value)
        }),
        contender("the same envelope by raw ring, no wiping", None, || {
            envelope_raw(os, &value)
        }),
        contender("raw ring in place, fixed nonce", None, {
            let buffer = std::cell::RefCell::new(value.clone());
            let raw = &raw;
            move || {
                let nonce = Nonce::assume_unique_for_key([1; 12]);
                let aad = Aad::from(ASSOCIATED_DATA);
                raw.seal_in_place_separate_tag(nonce, aad, &mut buffer.borrow_mut())
                    .is_ok()
            }
        }),
        contender("raw RustCrypto in place, fixed nonce", None, {
            let buffer = std::cell::RefCell::new(value.clone());
            let portable = &portable;
            move || {
                portable
                    .encrypt_inout_detached(
                        &[1; 12].into(),
                        &ASSOCIATED_DATA,
                        buffer.borrow_mut().as_mut_slice().into(),
                    )
                    .is_ok()
            }
        }),
        contender("ring, a fresh key, 32 bytes", None, || {
            let Ok(key) = UnboundKey::new(&AES_256_GCM, black_box(&[1; 32])) else {
                return false;
            };
            let nonce = Nonce::assume_unique_for_key([1; 12]);
            LessSafeKey::new(key)
                .seal_in_place_separate_tag(nonce, Aad::from(ASSOCIATED_DATA), &mut [2; 32])
                .is_ok()
        }),
        contender("RustCrypto, a fresh key, 32 bytes", None, || {
            aes_gcm::Aes256Gcm::new(black_box(&[1; 32]).into())
                .encrypt_inout_detached(&[1; 12].into(), &ASSOCIATED_DATA, [2; 32].as_mut_slice().into())
                .is_ok()
        }),
        contender("XAES-256-GCM, key ready, 32 bytes", None, || {
            xaes.encrypt_inout_detached(&[1; 24].into(), &ASSOCIATED_DATA, [2; 32].as_mut_slice().into())
                .is_ok()
        }),
        contender("8 KiB of stack overwritten", None, || {
            let mut swept = [0_u8; 8192];
            black_box(&mut swept);
        }),
        contender("12 random bytes", None, || random::<12>(os)),
        contender("68 random bytes", None, || random::<68>(os)),
        contender("raw ring ChaCha20-Poly1305", None, || {
            seal_raw(os, &raw_chacha, &value)
        }),
        contender("keyring seal, ChaCha20-Poly1305", None, || {
            chacha.seal(os, &context, &value).is_ok()
        }),
        contender("keyring seal, AES-256-GCM-SIV", None, || {
            siv.seal(os, &context, &value).is_ok()
        }),
        contender("keyring rewrap", None, || gcm.rewrap(os, gcm_envelope).is_ok()),
    ];
    let open = [
        contender("raw ring: new buffer, open", None, || open_raw(&raw, &sealed)),
        contender("keyring open", open_goal, || {
            gcm.open(&context, gcm_envelope).is_ok()
        }),
        contender("keyring open, ChaCha20-Poly1305", None, || {
            chacha.open(&context, chacha_envelope).is_ok()
        }),
        contender("keyring open, AES-256-GCM-SIV", None, || {
            siv.open(&context, siv_envelope).is_ok()
        }),
    ];
    let seal_met = run(&seal, size);
    let open_met = run(&open, size);
    seal_met && open_met
}

/// Each in turn, again and again. Says what each takes, and whether the goals were met.
fn run(contenders: &[Contender<'_>], size: usize) -> bool {
    let repeats = if size > 1024 { 400 } else { 4_000 };
    let mut nanoseconds = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, samples) in contenders.iter().zip(&mut nanoseconds) {
            let began = cpu_nanoseconds();
            for _ in 0..repeats {
                (contender.act)();
            }
            samples.push((cpu_nanoseconds() - began) / f64::from(repeats));
        }
    }
    let first = nanoseconds.first().cloned().unwrap_or_default();
    let mut all_met = true;
    for (contender, samples) in contenders.iter().zip(&nanoseconds) {
        let ratio = median(samples.iter().zip(&first).map(|(ours, theirs)| ours / theirs));
        let met = contender.goal.is_none_or(|goal| ratio <= goal);
        all_met &= met;
        let goal = contender.goal.map_or(String::new(), |goal| {
            format!("  goal {goal:.2}: {}", if met { "met" } else { "MISSED" })
        });
        let taken = median(samples.iter().copied());
        println!(
            "  {:<40} {taken:>8.0} ns {:>7.0} MB/s  x{ratio:.2}{goal}",
            contender.name,
            size as f64 * 1_000.0 / taken
        );
    }
    all_met
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = samples.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of this thread alone: what others do on the machine hardly shows.
fn cpu_nanoseconds() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as f64 * 1e9 + spent.tv_nsec as f64
}

fn keyring(os: &Os, algorithm: Algorithm) -> Option<Keyring> {
    let material = KeyMaterial::generate(os);
    let key = WrappingKey::new(KeyVersion::FIRST, KeyState::Active, material);
    let key_id = KeyId::parse("0192f0c1-7a00-7000-8000-000000000001").ok()?;
    Keyring::with_algorithm(key_id, algorithm, [key]).ok()
}

fn raw_key(algorithm: &'static ring::aead::Algorithm, os: &Os) -> LessSafeKey {
    let key = random::<32>(os);
    match UnboundKey::new(algorithm, &key) {
        Ok(key) => LessSafeKey::new(key),
        Err(_) => unreachable!("32 bytes are a key"),
    }
}

fn random<const LENGTH: usize>(os: &Os) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    os.fill(&mut bytes);
    bytes
}

/// What anybody does who seals a value with `ring`: a random nonce, a new buffer, the tag at its end.
fn seal_raw(os: &Os, key: &LessSafeKey, value: &[u8]) -> Vec<u8> {
    let nonce = random::<12>(os);
    let mut buffer = Vec::with_capacity(12 + value.len() + 16);
    buffer.extend_from_slice(&nonce);
    buffer.extend_from_slice(value);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let aad = Aad::from(ASSOCIATED_DATA);
    if let Ok(tag) = key.seal_in_place_separate_tag(nonce, aad, &mut buffer[12..]) {
        buffer.extend_from_slice(tag.as_ref());
    }
    buffer
}

/// What an envelope is made of, by `ring` and without a format: 68 random bytes, a payload under a fresh key, that
/// key under one that was derived for it, both tags, one buffer.
fn envelope_raw(os: &Os, value: &[u8]) -> Vec<u8> {
    let drawn = random::<68>(os);
    let mut buffer = Vec::with_capacity(150 + value.len());
    buffer.extend_from_slice(&drawn);
    for (key, secret) in [
        (&[1; 32], &drawn[..32]),
        (drawn.first_chunk().unwrap_or(&[0; 32]), value),
    ] {
        let start = buffer.len();
        buffer.extend_from_slice(secret);
        let nonce = Nonce::assume_unique_for_key([1; 12]);
        let sealed = UnboundKey::new(&AES_256_GCM, key).and_then(|key| {
            LessSafeKey::new(key).seal_in_place_separate_tag(
                nonce,
                Aad::from(ASSOCIATED_DATA),
                &mut buffer[start..],
            )
        });
        if let Ok(tag) = sealed {
            buffer.extend_from_slice(tag.as_ref());
        }
    }
    buffer
}

fn open_raw(key: &LessSafeKey, sealed: &[u8]) -> Vec<u8> {
    let Some((nonce, ciphertext)) = sealed.split_first_chunk() else {
        return Vec::new();
    };
    let mut buffer = ciphertext.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.open_in_place(nonce, Aad::from(ASSOCIATED_DATA), &mut buffer);
    assert!(opened.is_ok(), "what was sealed opens");
    buffer
}
