//! What consumers are handed, and what they say about it.
//!
//! `serve` decides which version an instance gets, `live` knows who is there, `service` answers consumers.

pub mod instance;
pub mod live;
pub mod serve;
pub mod service;

pub use instance::Instance;
pub use live::{InstanceView, Live, LiveCredential};
pub use serve::{Serving, serving};
pub use service::{AckStatus, Delivered, Delivery};
