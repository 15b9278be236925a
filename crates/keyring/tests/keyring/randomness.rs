//! Randomness that a test controls.

use std::collections::VecDeque;
use std::sync::Mutex;

use keyring::Randomness;
use sha2::{Digest, Sha256};

/// A stream of bytes that a seed determines: SHA-256 over the seed and a counter.
pub(crate) struct SeededRandomness {
    seed: u64,
    counter: Mutex<u64>,
}

impl SeededRandomness {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: Mutex::new(0),
        }
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        let mut counter = self.counter.lock().expect("no test panics while it holds this");
        for chunk in buffer.chunks_mut(32) {
            *counter += 1;
            let mut hasher = Sha256::new();
            hasher.update(self.seed.to_be_bytes());
            hasher.update(counter.to_be_bytes());
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }
}

/// Exactly the given bytes, in this order, however many are asked for at once.
pub(crate) struct ScriptedRandomness(Mutex<VecDeque<u8>>);

impl ScriptedRandomness {
    pub(crate) fn new(script: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(Mutex::new(script.into_iter().flatten().collect()))
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0
            .lock()
            .expect("no test panics while it holds this")
            .is_empty()
    }
}

impl Randomness for ScriptedRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        let mut script = self.0.lock().expect("no test panics while it holds this");
        for byte in buffer {
            *byte = script.pop_front().expect("the script has ended");
        }
    }
}
