//! A rotation: a durable, resumable state machine (ROT-1).
//!
//! `model` holds the facts, `state` the legal moves, `record` the log (the truth of what was tried),
//! `decide` says what to do next, `driver` does it, `command` is what people may ask for.

pub mod model;
pub mod record;
pub mod state;

pub use model::{Approval, Hold, Pause, Retry, Rotation, Trigger};
pub use record::{ErrorClass, RecordEvent, RotationRecord, Step};
pub use state::{Rollback, RollbackCause, RollbackStage, RotationState, Wave};
