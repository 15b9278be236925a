//! Rehearsals on their schedule, and after a restore the credentials tried at their issuers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use engine::Refusal;
use engine::access::Actor;
use engine::audit::service::{AuditVerification, verify_stored};
use engine::delivery::Live;
use engine::ports::{AccessStore, CatalogStore, RotationFilter, RotationStore};
use engine::recovery::{Rehearsal, RehearsalCounts, RehearsalResult};
use store::{Database, Options};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::TaskTracker;

use crate::announcements::Announcements;
use crate::http::AppState;
use crate::recovery::{Restore, Source, spool, write_backup};

const LOOK_EVERY: Duration = Duration::from_secs(60);
const SHORTEST_LOOK: Duration = Duration::from_millis(500);
/// Longer than any backup of a size that one SQLite file is good for.
const PATIENCE: Duration = Duration::from_secs(1_800);
const FOLDER: &str = "rota-rehearsal-";
/// Rotations read from the restored database.
const ROTATIONS: u32 = 1_000;

/// Works until the server stops.
pub async fn rehearse_recovery(state: AppState, tasks: TaskTracker) {
    remove_leftovers(&state);
    let every = state.recovery.rehearse_every;
    let pace = if every.is_zero() {
        LOOK_EVERY
    } else {
        every.clamp(SHORTEST_LOOK, LOOK_EVERY)
    };
    let mut look = tokio::time::interval(pace);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = look.tick() => {}
        }
        // Nothing opens meanwhile, and that is said elsewhere.
        if state.services.sealer.sealed_because().is_some() {
            continue;
        }
        match state.services.probe_after_restore().await {
            Ok(true) => {
                tracing::info!("this database was restored: every credential was tried at its issuer")
            }
            Ok(false) => {}
            Err(refusal) => {
                tracing::warn!(error.cause = %refusal, "credentials could not be tried after a restore")
            }
        }
        match state.services.rehearsal_is_due(every).await {
            Ok(true) => begin(&state, &tasks).await,
            Ok(false) => {}
            Err(refusal) => {
                tracing::warn!(error.cause = %refusal, "whether a rehearsal is due could not be read")
            }
        }
    }
}

async fn begin(state: &AppState, tasks: &TaskTracker) {
    match state
        .services
        .start_rehearsal(&Actor::system("rehearsal"), "due")
        .await
    {
        Ok(rehearsal) => {
            tasks.spawn(carry_out(state.clone(), rehearsal));
        }
        // Another replica was faster.
        Err(Refusal::Conflict { .. }) => {}
        Err(refusal) => tracing::warn!(error.cause = %refusal, "a rehearsal could not be begun"),
    }
}

/// Carries out a rehearsal that was begun, and keeps how it ended. When the server stops meanwhile it has no end, and
/// that is said of it.
pub async fn carry_out(state: AppState, rehearsal: Rehearsal) {
    // On a thread of its own: opening and comparing everything is work, and requests should not wait for it.
    let handle = Handle::current();
    let work = {
        let state = state.clone();
        tokio::task::spawn_blocking(move || {
            handle.block_on(async {
                tokio::select! {
                    () = state.shutdown.cancelled() => None,
                    tried = tokio::time::timeout(PATIENCE, rehearse(&state)) => Some(tried),
                }
            })
        })
    };
    let tried = match work.await {
        Ok(Some(tried)) => tried,
        Ok(None) => return,
        Err(error) => Ok(Err(format!("it broke off: {error}"))),
    };
    let result = match tried {
        Ok(Ok(counts)) => RehearsalResult::Passed(counts),
        Ok(Err(detail)) => RehearsalResult::Failed { detail },
        Err(_) => RehearsalResult::Failed {
            detail: format!("it took longer than {} minutes", PATIENCE.as_secs() / 60),
        },
    };
    if let RehearsalResult::Failed { detail } = &result {
        tracing::error!(error.cause = %detail, "the rehearsal of a restore failed");
    }
    if let Err(refusal) = state.services.finish_rehearsal(rehearsal, result).await {
        tracing::warn!(error.cause = %refusal, "the result of a rehearsal could not be kept");
    }
}

/// A backup is made, restored into a folder of its own, and read as a server would at its start.
async fn rehearse(state: &AppState) -> Result<RehearsalCounts, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let actor = Actor::system("rehearsal");
    let began = Instant::now();
    let one_at_a_time = state.backups.acquire().await.map_err(|error| said(&error))?;
    let mut file = spool(&state.spool_folder).map_err(|error| said(&error))?;
    let backup = write_backup(&state.services, &state.database, &actor, &mut file)
        .await
        .map_err(|error| said(&error))?;
    drop(one_at_a_time);
    let backup_took = began.elapsed();

    let began = Instant::now();
    let folder = scratch(state).map_err(|error| said(&error))?;
    let source = Source::read(file).await.map_err(|error| said(&error))?;
    let keys = source.key_store().await.map_err(|error| said(&error))?;
    let sealer = keys
        .unlock_as(&state.services.sealer)
        .await
        .map_err(|error| said(&error))?;
    let url = format!("sqlite:{}", folder.path().join("rehearsal.db").display());
    let restore = Restore {
        url: &url,
        sealer: &sealer,
        now: state.services.clock.now(),
        tombstones: &[],
        keep_unreadable: false,
    };
    let report = restore.carry_out(source).await.map_err(|error| said(&error))?;
    let nobody_waits = Arc::new(Announcements::new(
        Arc::new(Live::new(state.services.clock.now())),
        Arc::default(),
    ));
    let restored = Database::open(&url, nobody_waits, Options::default())
        .await
        .map_err(|error| said(&error))?;
    let read = read(state, &restored).await;
    restored.close().await;
    let (objects, audit_entries) = read?;
    Ok(RehearsalCounts {
        bytes: backup.bytes,
        tables: report.summary.tables.len() as u64,
        rows: report.summary.rows(),
        sealed_values: report.checked.opened,
        audit_entries,
        objects,
        backup: backup_took,
        restore: began.elapsed(),
    })
}

/// Objects and audit entries of a restored database; every wrapping key and every sealed value opens.
async fn read(state: &AppState, restored: &Database) -> Result<(u64, u64), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let sealer = state.services.sealer.of_copy(restored).await;
    let sealer = sealer.map_err(|error| said(&error))?;
    for (table, row, field, sealed) in restored.all_sealed().await.map_err(|error| said(&error))? {
        sealer
            .try_open(&table, &row, &field, &sealed)
            .map_err(|error| said(&error))?;
    }
    let mut objects = restored.issuers().await.map_err(|error| said(&error))?.len();
    objects += restored.consumers().await.map_err(|error| said(&error))?.len();
    for credential in restored.credentials().await.map_err(|error| said(&error))? {
        let versions = restored.versions(&credential.id).await;
        objects += 1 + versions.map_err(|error| said(&error))?.len();
    }
    objects += restored.accounts().await.map_err(|error| said(&error))?.len();
    objects += restored.tokens().await.map_err(|error| said(&error))?.len();
    let filter = RotationFilter {
        limit: ROTATIONS,
        ..RotationFilter::default()
    };
    objects += restored
        .rotations(&filter)
        .await
        .map_err(|error| said(&error))?
        .len();
    match verify_stored(restored, None)
        .await
        .map_err(|error| said(&error))?
    {
        AuditVerification::Whole { head } => Ok((objects as u64, u64::try_from(head.sequence).unwrap_or(0))),
        AuditVerification::Broken(broken) => Err(format!("the restored audit is broken: {broken}")),
    }
}

/// Only its owner may look into it; it goes when it is dropped.
fn scratch(state: &AppState) -> std::io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(FOLDER)
        .tempdir_in(&state.spool_folder)
}

/// What a killed server left beside its SQLite file. Others do not use that folder, for the file is locked.
fn remove_leftovers(state: &AppState) {
    if state.database.backend() != store::Backend::Sqlite {
        return;
    }
    let entries = std::fs::read_dir(&state.spool_folder).into_iter().flatten();
    let leftovers: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER))
        .map(|entry| entry.path())
        .collect();
    for folder in leftovers {
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(error.cause = %error, "the folder of an old rehearsal could not be removed");
        }
    }
}
