//! Envelopes: nothing panics, and nothing opens but what was sealed.
#![no_main]

use std::sync::LazyLock;

use fuzz::{Fixed, damaged, key_id, keys};
use keyring::{Algorithm, Context, Keyring, inspect};
use libfuzzer_sys::fuzz_target;

const CIPHERS: [Algorithm; 3] = [Algorithm::Aes256Gcm, Algorithm::Aes256GcmSiv, Algorithm::ChaCha20Poly1305];

struct World {
    keyring: Keyring,
    context: Context,
    sealed: Vec<u8>,
}

static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
    let world = |algorithm| {
        let keyring = Keyring::with_algorithm(key_id(), algorithm, keys()).expect("a keyring");
        let keyring = CIPHERS
            .into_iter()
            .fold(keyring, |keyring, also| keyring.opening_also(also).expect("it encrypts"));
        let context = Context::of_caller("fuzz");
        let sealed = keyring.seal(&Fixed, &context, b"a value to be found").expect("one is active");
        World { keyring, context, sealed: sealed.into_bytes() }
    };
    CIPHERS.into_iter().map(world).collect()
});

fuzz_target!(|input: &[u8]| {
    let Some((which, input)) = input.split_first() else { return };
    let World { keyring, context, sealed } = &WORLDS[usize::from(*which) % WORLDS.len()];
    let bytes = damaged(sealed, input);
    let _ = inspect(&bytes);
    let opened = keyring.open(context, &bytes).is_ok();
    let moved = keyring.open_for_reencryption(context, &bytes).is_ok();
    assert_eq!(opened, bytes == *sealed, "it opens exactly when nothing was changed");
    assert_eq!(moved, opened);
    let elsewhere = keyring.open(&Context::new("fuzz", "", ""), &bytes);
    assert!(elsewhere.is_err());
    // A rewrap vouches for all but the payload, and what it makes opens no more than before.
    if let Ok(rewrapped) = keyring.rewrap(&Fixed, &bytes) {
        assert_eq!(keyring.open(context, rewrapped.as_bytes()).is_ok(), opened);
    }
});
