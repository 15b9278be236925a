//! Moving other people's sealed values to another key version, wherever they keep them (REENC-1..9).
//!
//! `model` the facts · `state` legal moves · `template` contexts made from a record · `mover` what to do with one
//! record (pure) · `moving` the records of a batch · `breaker` when to stop · `pace` how fast · `foreground` how those
//! feel who wait · `worker` one batch: scan, move, advance · `tend` what a job needs next: ranges, passes, an end ·
//! `census` what is under which version · `alarm` a key whose data stopped opening · `queue` records that a reader met
//! under an old version · `backup` copies that need a version · `service` what people may do.
//!
//! Each of these holds at every instant, whoever dies:
//! - A value is replaced only where it still is what was read (compare and swap), so a writer beside us never loses.
//! - The cursor moves after the values, in the store, under the range's token: what is repeated finds itself done.
//! - A job is complete when a whole pass over the target found nothing left to move.

pub mod alarm;
pub mod backup;
pub mod breaker;
pub mod census;
pub mod foreground;
pub mod model;
pub mod mover;
mod moving;
pub mod pace;
pub mod queue;
pub mod service;
pub mod state;
pub mod template;
pub mod tend;
pub mod worker;

pub use backup::{ApplicationBackup, CopyKind, NewApplicationBackup};
pub use breaker::{BreakerPolicy, Window};
pub use census::{Census, Dependent, VersionCount};
pub use model::{Counts, Encoding, FailedRecord, FailureClass, Job, Mode, Range, RangeLease, Target, Tuning};
pub use mover::{KeySource, MovingKey};
pub use service::Live;
pub use state::{JobState, PausedBy};
pub use template::ContextTemplate;
pub use tend::Assignment;
pub use worker::{LEASE, RangeWorker, Step};
