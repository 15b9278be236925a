//! The audit: who did what, in a hash chain written in the transaction of the change.

pub mod chain;
pub mod service;

pub use chain::{AuditDraft, AuditEntry, ChainBreak, ChainHead, EntryHash, verify_chain};
pub use service::AuditVerification;
