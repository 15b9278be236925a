//! The real program on a free port, and typed actors that speak to it by HTTP only.

mod actor;
mod app;
mod issuer;

pub(crate) use actor::{Actor, Reply};
pub(crate) use app::{BOOTSTRAP_TOKEN, TestApp};
pub(crate) use issuer::Rotated;
