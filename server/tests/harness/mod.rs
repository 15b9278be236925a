//! The real program on a free port, and typed actors that speak to it by HTTP only.

mod actor;
mod app;
mod issuer;

pub use actor::{Actor, Reply};
pub use app::{BOOTSTRAP_TOKEN, TestApp};
pub use issuer::Rotated;
