//! What consumers are handed, and what they say about it.
//!
//! `serve` decides which version an instance gets, `live` knows who is there, `hearsay` is what replicas tell each other
//! of that, `service` answers consumers.

pub mod hearsay;
pub mod instance;
pub mod live;
pub mod serve;
pub mod service;

pub use hearsay::Hearsay;
pub use instance::Instance;
pub use live::{InstanceView, Live, LiveCredential};
pub use serve::{Serving, serving};
pub use service::{AckStatus, Delivered, Delivery};
