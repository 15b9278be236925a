//! What the server has acknowledged, and so must never lose.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::dice::Dice;

/// A value that was encrypted or rewrapped.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) key: String,
    /// Standard base64, both.
    pub(super) plaintext: String,
    pub(super) ciphertext: String,
}

/// Everything that was acknowledged on one database.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    /// By name: the highest version that was acknowledged.
    keys: BTreeMap<String, u32>,
    values: Vec<Value>,
    rotations: usize,
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn made(&self, key: &str) {
        self.pages().keys.insert(key.to_owned(), 1);
    }

    pub(super) fn rotated(&self, key: &str, version: u32) {
        let mut pages = self.pages();
        pages.rotations += 1;
        let highest = pages.keys.entry(key.to_owned()).or_default();
        *highest = version.max(*highest);
    }

    pub(super) fn sealed(&self, value: Value) {
        self.pages().values.push(value);
    }

    /// Any key.
    pub(super) fn key(&self, dice: &mut Dice) -> Option<String> {
        let pages = self.pages();
        let place = dice.below(pages.keys.len() as u64) as usize;
        pages.keys.keys().nth(place).cloned()
    }

    /// Any value.
    pub(super) fn value(&self, dice: &mut Dice) -> Option<Value> {
        let pages = self.pages();
        let place = dice.below(pages.values.len() as u64) as usize;
        pages.values.get(place).cloned()
    }

    pub(super) fn keys(&self) -> BTreeMap<String, u32> {
        self.pages().keys.clone()
    }

    pub(super) fn values_from(&self, first: usize) -> Vec<Value> {
        self.pages().values.get(first..).unwrap_or_default().to_vec()
    }

    pub(super) fn rotations(&self) -> usize {
        self.pages().rotations
    }
}
