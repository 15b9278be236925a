//! A rotation: a durable, resumable state machine (ROT-1).
//!
//! `model` holds the facts, `state` the legal moves, `record` the log (the truth of what was tried).
//! `start` begins one, `decide` says what to do next, `driver` does it (`act` the acts, `outcome` what follows from
//! them), `probe` watches both versions meanwhile, `rollback` is the way back, `command` what people may ask for.

pub mod act;
pub mod command;
pub mod decide;
pub mod driver;
pub mod model;
pub mod outcome;
pub mod probe;
pub mod record;
pub mod rollback;
pub mod schedule;
pub mod start;
pub mod state;

pub use command::Command;
pub use driver::{Driver, Next};
pub use model::{Approval, Hold, Pause, Retry, Rotation, Trigger};
pub use record::{ErrorClass, RecordEvent, RotationRecord, Step};
pub use start::NewRotation;
pub use state::{Rollback, RollbackCause, RollbackStage, RotationState, Wave};
