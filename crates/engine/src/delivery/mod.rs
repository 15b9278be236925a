//! What consumers are handed, and what they say about it.

pub mod instance;

pub use instance::Instance;
