//! What acts without being asked: the driver of rotations, what replicas tell each other, the roll-up of outcomes,
//! what is due with keys, housekeeping.

pub mod driver;
pub mod hearsay;
pub mod housekeeping;
pub mod job_rates;
pub mod key_rates;
pub mod keys;
pub mod reencryption;
pub mod rehearsal;
pub mod root;

use tokio_util::task::TaskTracker;

use crate::http::AppState;

/// Starts every worker; each ends when the state's `shutdown` is cancelled.
pub fn start(state: &AppState, tasks: &TaskTracker) {
    tasks.spawn(driver::drive_rotations(state.clone(), tasks.clone()));
    tasks.spawn(housekeeping::keep_house(state.clone()));
    tasks.spawn(job_rates::watch_job_rates(state.clone()));
    tasks.spawn(key_rates::watch_key_rates(state.clone()));
    tasks.spawn(keys::tend_keys(state.clone()));
    tasks.spawn(root::watch(state.clone()));
    tasks.spawn(reencryption::move_data(state.clone(), tasks.clone()));
    if state.services.store.has_replicas() {
        state.services.live.tell_others();
        tasks.spawn(hearsay::tell(state.clone()));
        tasks.spawn(hearsay::hear(state.clone()));
    }
    tasks.spawn(rehearsal::rehearse_recovery(state.clone(), tasks.clone()));
}
