//! Moves sealed values: looks after jobs, works on ranges, and moves what readers met under old versions.

use std::sync::Arc;
use std::time::Duration;

use engine::change::Topic;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::task::TaskTracker;

use crate::http::AppState;

/// How often jobs are looked after without an announcement: ranges of a dead worker are found by looking.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Ranges that this replica works on at once, at most.
const MOST: usize = 16;
/// Queued records of one go.
const QUEUED: usize = 100;

/// Works until the server stops. What it was doing then is taken up by whoever looks next.
pub async fn move_data(state: AppState, tasks: TaskTracker) {
    let mut holder = [0; 8];
    state.services.randomness.fill(&mut holder);
    let holder = format!("{}-{}", std::process::id(), hex::encode(holder));
    let working = TaskTracker::new();
    let ended = Arc::new(Notify::new());
    let mut announced = state.announcements.subscribe_to_all();
    loop {
        tend(&state, &holder, &working, &tasks, &ended).await;
        let look_again = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look_again);
        loop {
            tokio::select! {
                () = state.shutdown.cancelled() => return,
                () = &mut look_again => break,
                // A range is done: the next one, or the next pass, need not wait.
                () = ended.notified() => break,
                topic = announced.recv() => match topic {
                    // Every batch is announced too: only what may start something makes us look before the second is over.
                    Ok(Topic::Reencryption(_)) if working.is_empty() => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }
}

async fn tend(
    state: &AppState,
    holder: &str,
    working: &TaskTracker,
    tasks: &TaskTracker,
    ended: &Arc<Notify>,
) {
    let free = MOST.saturating_sub(working.len());
    match state.services.tend_jobs(holder, free).await {
        Ok(taken) => {
            for worker in taken {
                let (state, ended) = (state.clone(), Arc::clone(ended));
                let work = working.track_future(async move {
                    let driving = state
                        .services
                        .drive_range(&state.services, worker, tokio::time::sleep);
                    tokio::select! {
                        () = state.shutdown.cancelled() => {}
                        () = driving => {}
                    }
                    ended.notify_one();
                });
                tasks.spawn(work);
            }
        }
        Err(refusal) => tracing::warn!(error.cause = %refusal, "jobs could not be looked after"),
    }
    if let Err(refusal) = state.services.work_queue(&state.services, QUEUED).await {
        tracing::warn!(error.cause = %refusal, "records that readers met could not be moved");
    }
    match state.services.raise_key_alarms(&state.key_alarm).await {
        Ok(raised) => {
            for alarm in raised {
                tracing::error!(key.name = %alarm.name, "{}", alarm.in_words());
            }
        }
        Err(refusal) => tracing::warn!(error.cause = %refusal, "the health of keys could not be judged"),
    }
}
