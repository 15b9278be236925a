//! What people may do with targets and jobs, and what is known of them in memory.

pub mod gate;
pub mod job;
pub mod key_source;
pub mod target;
pub mod view;

pub use job::{JobCommand, NewJob, TuningUpdate};
pub use target::{NewTarget, TargetUpdate};
pub use view::{CensusView, JobView, TargetView};

use crate::reencryption::alarm::KeyHealth;
use crate::reencryption::foreground::Foreground;
use crate::reencryption::queue::Queue;

/// In memory; a restart loses nothing that a job would not find again.
#[derive(Debug, Default)]
pub struct Live {
    pub foreground: Foreground,
    pub health: KeyHealth,
    pub queue: Queue,
}
