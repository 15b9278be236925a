//! Carries rotations on: one task per rotation under way. All state is in the database, so a task may die at any point.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::Refusal;
use engine::change::Topic;
use engine::id::RotationId;
use engine::rotation::{Driver, Next};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::task::TaskTracker;

use crate::http::AppState;

/// Behind the announcements: rotations that no announcement told of are found by looking.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How soon a rotation that another replica holds, or that failed to move for a reason of ours, is looked at again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Nobody waits longer than this without looking, in case a clock was moved.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

struct Fleet {
    state: AppState,
    driver: Driver,
    driven: Mutex<Driven>,
}

#[derive(Default)]
struct Driven {
    running: HashSet<RotationId>,
    /// The last announcement of a rotation may arrive after its end: driven again, it would be counted twice.
    ended: VecDeque<RotationId>,
}

/// So many ended rotations are remembered; an announcement is never that late.
const REMEMBERED: usize = 1_000;

/// Drives every rotation under way until the server stops.
pub async fn drive_rotations(state: AppState, tasks: TaskTracker) {
    let mut holder = [0; 8];
    state.services.randomness.fill(&mut holder);
    let driver = Driver::new(format!("{}-{}", std::process::id(), hex::encode(holder)));
    let fleet = Arc::new(Fleet {
        state: state.clone(),
        driver,
        driven: Mutex::default(),
    });
    let mut announced = state.announcements.subscribe_to_all();
    loop {
        if state.services.sealer.is_open()
            && let Err(refusal) = state.services.start_due_rotations().await
        {
            tracing::warn!(error.cause = %refusal, "rotations that are due could not be begun");
        }
        match state.services.store.rotations_in_flight().await {
            Ok(rotations) => {
                for rotation in rotations {
                    fleet.take(rotation.id, &tasks);
                }
            }
            Err(error) => tracing::warn!(error.cause = %error, "rotations under way could not be listed"),
        }
        let look_again = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look_again);
        loop {
            tokio::select! {
                () = state.shutdown.cancelled() => return,
                () = &mut look_again => break,
                topic = announced.recv() => match topic {
                    Ok(Topic::Rotation(id)) => fleet.take(id, &tasks),
                    Ok(_) => {}
                    // Some were missed: look at once.
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

impl Fleet {
    /// Starts driving a rotation, unless that is being done already.
    fn take(self: &Arc<Self>, id: RotationId, tasks: &TaskTracker) {
        {
            let mut driven = self.lock();
            if driven.ended.contains(&id) || !driven.running.insert(id.clone()) {
                return;
            }
        }
        let fleet = Arc::clone(self);
        tasks.spawn(async move {
            let has_ended = fleet.drive(&id).await;
            let mut driven = fleet.lock();
            driven.running.remove(&id);
            if has_ended {
                driven.ended.push_back(id);
                if driven.ended.len() > REMEMBERED {
                    driven.ended.pop_front();
                }
            }
        });
    }

    /// Whether it has ended; otherwise the server stops.
    async fn drive(&self, id: &RotationId) -> bool {
        // Subscribed before the first look, so nothing falls in between.
        let mut changes = self.state.announcements.subscribe(Topic::Rotation(id.clone()));
        loop {
            // Also the driver's own: a step in progress is finished, since it is safe to stop only between steps.
            if self.state.shutdown.is_cancelled() {
                return false;
            }
            let pause = match self.state.services.drive(&self.driver, id).await {
                Ok(Next::Again) => continue,
                Ok(Next::Ended) => return true,
                Ok(Next::At(time)) => time.since(self.state.services.clock.now()).min(LONGEST_WAIT),
                Ok(Next::NotMine) => RETRY_AFTER,
                // It waits, and goes on where it stands once the keys are there again.
                Err(Refusal::Sealed(_)) => RETRY_AFTER,
                Err(refusal) => {
                    tracing::warn!(rotation.id = %id, error.cause = %refusal, "a rotation could not be carried on");
                    RETRY_AFTER
                }
            };
            tokio::select! {
                () = self.state.shutdown.cancelled() => return false,
                () = tokio::time::sleep(pause) => {}
                () = changes.changed() => {}
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Driven> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
