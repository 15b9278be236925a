//! Tags, records and keys in transfer: nothing panics, and nothing is accepted but what was made.
#![no_main]

use std::sync::LazyLock;

use fuzz::{Fixed, damaged, key_id, keys};
use keyring::{
    Algorithm, ImportKeyPair, KeyMaterial, KeyVersion, MacRing, PassphraseCost, PassphraseSalt, PublicKey, RootKey,
    RootKeyOrigin, RootKeyRecord, SigningRing, Transfer, inspect_tag, wrap_for_transfer,
};
use libfuzzer_sys::fuzz_target;

struct World {
    mac_ring: MacRing,
    ed25519: SigningRing,
    p256: SigningRing,
    root_key: RootKey,
    pair: ImportKeyPair,
    /// A tag, two signatures, a wrapping key at rest, a key in transfer, a record of the root key.
    good: [Vec<u8>; 6],
}

const MESSAGE: &[u8] = b"message";

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mac_ring = MacRing::new(key_id(), keys()).expect("a ring");
    let ring = |algorithm| SigningRing::new(key_id(), algorithm, keys()).expect("a ring");
    let (ed25519, p256) = (ring(Algorithm::Ed25519), ring(Algorithm::EcdsaP256));
    let (root_key, pair) = (RootKey::generate(&Fixed), ImportKeyPair::generate(&Fixed));
    let material = KeyMaterial::generate(&Fixed);
    let name = key_id();
    let origin = RootKeyOrigin::Passphrase {
        salt: PassphraseSalt::generate(&Fixed),
        cost: PassphraseCost::LEAST,
    };
    let good = [
        mac_ring.mac(MESSAGE).expect("one is active").into_bytes(),
        ed25519.sign(MESSAGE).expect("one is active").into_bytes(),
        p256.sign(MESSAGE).expect("one is active").into_bytes(),
        root_key
            .seal_wrapping_key(&Fixed, &name, KeyVersion::FIRST, &material)
            .expect("32 bytes are sealed"),
        wrap_for_transfer(&Fixed, &pair.public_key(), transfer(&name), &material).expect("a public key"),
        RootKeyRecord::new(&root_key, origin).to_bytes(),
    ];
    World { mac_ring, ed25519, p256, root_key, pair, good }
});

fn transfer(name: &keyring::KeyId) -> Transfer<'_> {
    Transfer { algorithm: Algorithm::Aes256Gcm, name }
}

fuzz_target!(|input: &[u8]| {
    let Some((which, input)) = input.split_first() else { return };
    let world = &*WORLD;
    let which = usize::from(*which) % world.good.len();
    let good = &world.good[which];
    let bytes = damaged(good, input);
    let name = key_id();
    let _ = inspect_tag(&bytes);
    let accepted = match which {
        0 => world.mac_ring.verify(MESSAGE, &bytes).is_ok(),
        1 => world.ed25519.verify(MESSAGE, &bytes).is_ok(),
        2 => world.p256.verify(MESSAGE, &bytes).is_ok(),
        3 => world.root_key.open_wrapping_key(&name, KeyVersion::FIRST, &bytes).is_ok(),
        4 => world.pair.unwrap(transfer(&name), &bytes).is_ok(),
        _ => {
            // A checksum is no seal: it only must not panic.
            let _ = RootKeyRecord::parse(&bytes);
            let _ = PublicKey::from_raw(Algorithm::EcdsaP256, &bytes);
            let _ = PublicKey::from_raw(Algorithm::Ed25519, &bytes);
            return;
        }
    };
    assert_eq!(accepted, bytes == *good, "it is accepted exactly when nothing was changed");
});
