//! Randomness that a test controls.

use std::cell::RefCell;
use std::collections::VecDeque;

use keyring::Randomness;
use sha2::{Digest, Sha256};

/// A stream of bytes that a seed determines: SHA-256 over the seed and a counter.
pub(crate) struct SeededRandomness {
    seed: u64,
    counter: RefCell<u64>,
}

impl SeededRandomness {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: RefCell::new(0),
        }
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        let mut counter = self.counter.borrow_mut();
        for chunk in buffer.chunks_mut(32) {
            *counter += 1;
            let mut hasher = Sha256::new();
            hasher.update(self.seed.to_be_bytes());
            hasher.update(counter.to_be_bytes());
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }
}

/// Exactly the given byte strings, one per call, each of exactly the length asked for.
#[derive(Default)]
pub(crate) struct ScriptedRandomness(RefCell<VecDeque<Vec<u8>>>);

impl ScriptedRandomness {
    pub(crate) fn new(script: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(RefCell::new(script.into_iter().collect()))
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl Randomness for ScriptedRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0.borrow_mut().pop_front().expect("the script has ended"));
    }
}
