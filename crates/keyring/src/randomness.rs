//! Where random bytes come from: always an argument, never ambient.

/// A source of cryptographically secure random bytes.
///
/// The server passes the operating system's generator; tests pass a seeded one. A source that cannot
/// deliver must not return: the caller takes whatever is in the buffer for random.
pub trait Randomness: Send + Sync {
    /// Overwrites the whole buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}
