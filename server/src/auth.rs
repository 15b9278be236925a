//! Who is asking: bearer tokens for programs, session cookies for people.
//!
//! `identify` runs once for every request and leaves an [`Identity`]; handlers take it as a [`Caller`]. What the actor may
//! do is decided in the services.

pub mod client_address;
pub mod identity;
pub mod same_origin;
pub mod session;
pub mod sign_in;

pub use identity::{Caller, Identity, identify};
