//! Memory that held a secret is overwritten, in ways the compiler may not leave out.

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::optimization_barrier;

/// How far below a caller's frame [`sweep_stack`] reaches. What the ciphers put on the stack lies within it, as
/// `tests/keyring/memory.rs` sees; without optimisation each move of a key schedule leaves one more copy.
const SWEPT_DEPTH: usize = if cfg!(debug_assertions) { 64 } else { 8 } * 1024;

/// Overwrites the bytes, as fast as memory is written. (`Zeroize` writes byte by byte: for 16 KiB that takes longer
/// than decrypting them.)
pub(crate) fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

/// Overwrites a whole allocation, its spare capacity included. Leaves nothing in it.
pub(crate) fn wipe_vec(bytes: &mut Vec<u8>) {
    let capacity = bytes.capacity();
    bytes.clear();
    // Within the capacity, so it does not move.
    bytes.resize(capacity, 0);
    optimization_barrier(bytes.as_slice());
    bytes.clear();
}

/// Overwrites the stack below the caller's frame: what functions that have returned left there. Key schedules of
/// ciphers that do not wipe themselves, and copies that moving a value left behind, end here.
#[inline(never)]
pub(crate) fn sweep_stack() {
    let mut swept = [0_u8; SWEPT_DEPTH];
    wipe(&mut swept);
}

/// An array that is wiped on drop.
pub(crate) struct Wiped<const LENGTH: usize>([u8; LENGTH]);

impl<const LENGTH: usize> Default for Wiped<LENGTH> {
    fn default() -> Self {
        Self([0; LENGTH])
    }
}

impl<const LENGTH: usize> Deref for Wiped<LENGTH> {
    type Target = [u8; LENGTH];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<const LENGTH: usize> DerefMut for Wiped<LENGTH> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<const LENGTH: usize> Drop for Wiped<LENGTH> {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl<const LENGTH: usize> fmt::Debug for Wiped<LENGTH> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wiped_is_zero() {
        let mut bytes = [7; 100];
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 100]);
        let mut vec = vec![7; 100];
        vec.truncate(10);
        let capacity = vec.capacity();
        wipe_vec(&mut vec);
        assert!(vec.is_empty());
        assert_eq!(vec.capacity(), capacity, "it was not moved");
    }
}
