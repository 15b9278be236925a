//! What is left in this process's memory once a secret has been used: nothing. Read as a debugger would read it.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use crate::keys::{key_id, version};
use keyring::{
    Algorithm, Context, ImportKeyPair, KeyMaterial, KeyState, Keyring, MacRing, Randomness, RootKey,
    SigningRing, Transfer, VersionedKey, wrap_for_transfer,
};

const BUFFER_LENGTH: usize = 1 << 20;

/// What one test reads, another one must not find.
static ONE_READER: Mutex<()> = Mutex::new(());

/// Gives 32 secret bytes again and again. They exist nowhere in the program: each is put together when it is
/// asked for.
struct Secret {
    seed: u8,
}

impl Secret {
    /// One at a time, so that no optimisation puts the 32 of them anywhere.
    #[inline(never)]
    fn byte(&self, index: usize) -> u8 {
        let index = std::hint::black_box(index);
        let spread = (index as u8 % 32).wrapping_mul(101).wrapping_add(self.seed);
        spread.rotate_left(3) ^ self.seed.wrapping_mul(7)
    }

    /// How often the 32 bytes stand in writable memory, our own reading buffer left out.
    fn copies(&self) -> usize {
        let _alone = ONE_READER.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = vec![0; BUFFER_LENGTH];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + BUFFER_LENGTH as u64;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut found = 0;
        for line in maps.lines().filter(|line| line.contains(" rw")) {
            let (range, _) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let start = u64::from_str_radix(start, 16).unwrap();
            let end = u64::from_str_radix(end, 16).unwrap();
            if own.start >= end || own.end <= start {
                found += self.copies_within(start..end, &memory, &mut buffer);
            } else {
                found += self.copies_within(start..own.start.max(start), &memory, &mut buffer);
                found += self.copies_within(own.end.min(end)..end, &memory, &mut buffer);
            }
        }
        buffer.fill(0);
        std::hint::black_box(&buffer);
        found
    }

    fn copies_within(&self, range: Range<u64>, memory: &File, buffer: &mut [u8]) -> usize {
        let mut found = 0;
        let mut start = range.start;
        while start + 32 <= range.end {
            let length = usize::try_from(range.end - start).unwrap().min(buffer.len());
            let bytes = &mut buffer[..length];
            // What the kernel does not let us read holds nothing of ours.
            if memory.read_exact_at(bytes, start).is_err() {
                return found;
            }
            let is_copy = |window: &[u8]| (0..32).all(|index| window[index] == self.byte(index));
            found += bytes.windows(32).filter(|window| is_copy(window)).count();
            // The next stretch begins with the last bytes of this one, too few to be found twice.
            start += length as u64 - if start + length as u64 == range.end { 0 } else { 31 };
        }
        found
    }
}

impl Randomness for Secret {
    fn fill(&self, buffer: &mut [u8]) {
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = self.byte(index) ^ if index < 32 { 0 } else { 0xff };
        }
    }
}

fn keys(material: KeyMaterial) -> [VersionedKey; 1] {
    [VersionedKey::new(version(1), KeyState::Active, material)]
}

#[test]
fn a_secret_that_is_held_is_found() {
    let secret = Secret { seed: 1 };
    assert_eq!(secret.copies(), 0);
    let root_key = RootKey::generate(&secret);
    assert_eq!(secret.copies(), 1, "where it lies, and nowhere else");
    drop(root_key);
    assert_eq!(secret.copies(), 0);
}

#[test]
fn no_data_key_outlives_its_use() {
    let (wrapping, data) = (Secret { seed: 2 }, Secret { seed: 3 });
    let context = Context::of_caller("here");
    for algorithm in [
        Algorithm::Aes256Gcm,
        Algorithm::Aes256GcmSiv,
        Algorithm::ChaCha20Poly1305,
    ] {
        let material = KeyMaterial::generate(&wrapping);
        let keyring = Keyring::with_algorithm(key_id(), algorithm, keys(material)).unwrap();
        // The first 32 bytes that sealing draws are the data key.
        let sealed = keyring.seal(&data, &context, b"value").unwrap();
        assert_eq!(data.copies(), 0, "{algorithm}, sealed");
        let opened = keyring.open(&context, sealed.as_bytes()).unwrap();
        assert_eq!(data.copies(), 0, "{algorithm}, opened");
        let rewrapped = keyring.rewrap(&data, sealed.as_bytes()).unwrap();
        assert_eq!(data.copies(), 0, "{algorithm}, rewrapped");
        drop((opened, rewrapped));
        // The key schedule begins with the key.
        assert!(wrapping.copies() <= 1, "{algorithm}");
        drop(keyring);
        assert_eq!(wrapping.copies(), 0, "{algorithm}");
    }
}

#[test]
fn no_plaintext_outlives_its_owner() {
    let (wrapping, secret) = (Secret { seed: 4 }, Secret { seed: 5 });
    let keyring = Keyring::new(key_id(), keys(KeyMaterial::generate(&wrapping))).unwrap();
    let context = Context::of_caller("here");
    // Its plaintext is the secret; no other way to have one that stands nowhere before.
    let (data_key, sealed) = keyring.data_key(&secret, &context).unwrap();
    assert_eq!(secret.copies(), 1);
    drop(data_key);
    assert_eq!(secret.copies(), 0);
    let opened = keyring.open(&context, sealed.as_bytes()).unwrap();
    assert_eq!(secret.copies(), 1);
    drop(opened);
    assert_eq!(secret.copies(), 0);
    // What does not open leaves nothing either.
    let refused = keyring.open(&Context::of_caller("there"), sealed.as_bytes());
    assert!(refused.is_err());
    assert_eq!(secret.copies(), 0);
}

#[test]
fn no_key_outlives_its_ring() {
    let secret = Secret { seed: 6 };
    let generate = || KeyMaterial::generate(&secret);
    let mac_ring = MacRing::new(key_id(), keys(generate())).unwrap();
    let tag = mac_ring.mac(b"message").unwrap();
    mac_ring.verify(b"message", tag.as_bytes()).unwrap();
    assert_eq!(secret.copies(), 1);
    drop(mac_ring);
    assert_eq!(secret.copies(), 0);
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        assert!(generate().is_valid_for(algorithm));
        let ring = SigningRing::new(key_id(), algorithm, keys(generate())).unwrap();
        let signature = ring.sign(b"message").unwrap();
        ring.verify(b"message", signature.as_bytes()).unwrap();
        drop(ring);
        assert_eq!(secret.copies(), 0, "{algorithm}");
    }
}

#[test]
fn no_key_outlives_its_way_in_or_out() {
    let (private, secret) = (Secret { seed: 7 }, Secret { seed: 8 });
    let name = key_id();
    let transfer = Transfer {
        algorithm: Algorithm::Aes256Gcm,
        name: &name,
    };
    let pair = ImportKeyPair::generate(&private);
    let material = KeyMaterial::generate(&secret);
    let ephemeral = Secret { seed: 9 };
    let wrapped = wrap_for_transfer(&ephemeral, &pair.public_key(), transfer, &material).unwrap();
    assert_eq!((private.copies(), secret.copies()), (1, 1));
    drop(material);
    assert_eq!((secret.copies(), ephemeral.copies()), (0, 0));
    let imported = pair.unwrap(transfer, &wrapped).unwrap();
    assert_eq!(secret.copies(), 1);
    drop((pair, imported));
    assert_eq!((private.copies(), secret.copies()), (0, 0));
}

#[test]
fn no_wrapping_key_outlives_being_sealed() {
    let (root, secret) = (Secret { seed: 10 }, Secret { seed: 11 });
    let root_key = RootKey::generate(&root);
    let material = KeyMaterial::generate(&secret);
    let sealed = root_key
        .seal_wrapping_key(&Secret { seed: 12 }, &key_id(), version(1), &material)
        .unwrap();
    drop(material);
    assert_eq!((root.copies(), secret.copies()), (1, 0));
    let opened = root_key
        .open_wrapping_key(&key_id(), version(1), &sealed)
        .unwrap();
    assert_eq!((root.copies(), secret.copies()), (1, 1));
    drop((root_key, opened));
    assert_eq!((root.copies(), secret.copies()), (0, 0));
}
