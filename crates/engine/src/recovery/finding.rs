//! What is not as it should be about backups, rehearsals and a restore; each goes by itself.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::recovery::probe::Reconciliation;
use crate::recovery::service::RecoveryView;

/// How often a rehearsal is to happen, and what is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecoveryPolicy {
    /// Zero: never.
    pub rehearse_every: Duration,
    /// The last good rehearsal may be so old.
    pub rehearsal_limit: Duration,
    /// The last backup may be so old.
    pub backup_limit: Duration,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryFinding {
    /// Stable.
    pub code: &'static str,
    pub critical: bool,
    pub title: &'static str,
    pub detail: String,
    pub since: Timestamp,
}

/// Everything that is wrong at `now`. Pure.
pub fn findings(
    view: &RecoveryView,
    policy: RecoveryPolicy,
    installed_at: Timestamp,
    now: Timestamp,
) -> Vec<RecoveryFinding> {
    let mut found = Vec::new();
    let last_backup = view.backups.first().map(|backup| backup.made_at);
    let since = last_backup.unwrap_or(installed_at);
    if now.since(since) > policy.backup_limit {
        let detail = match last_backup {
            Some(_) => {
                "what was changed since the last one would be lost with the database; run `rota backup`"
            }
            None => {
                "with the database everything would be lost; run `rota backup` and keep the file elsewhere"
            }
        };
        found.push(RecoveryFinding {
            code: "backup_overdue",
            critical: false,
            title: "There is no recent backup",
            detail: detail.to_owned(),
            since: since.after(policy.backup_limit),
        });
    }
    if let Some((last, failure)) = view
        .rehearsals
        .first()
        .and_then(|last| Some((last, last.failure(now)?)))
    {
        found.push(RecoveryFinding {
            code: "rehearsal_failed",
            critical: true,
            title: "The last rehearsal of a restore failed",
            detail: format!("{failure}; a backup made now may not come back. Mend it and rehearse again"),
            since: last.finished_at.unwrap_or(last.started_at),
        });
    }
    let passed = view.last_passed_at();
    let since = passed.unwrap_or(installed_at);
    if now.since(since) > policy.rehearsal_limit {
        found.push(RecoveryFinding {
            code: "rehearsal_overdue",
            critical: false,
            title: "No restore was rehearsed lately",
            detail: "nobody knows whether a backup would come back; rehearse now, and look why the schedule did not"
                .to_owned(),
            since: since.after(policy.rehearsal_limit),
        });
    }
    if let (Some(restored), Some(reconciliation)) = (&view.restored, &view.reconciliation)
        && (!reconciliation.probed || !reconciliation.unsettled.is_empty())
    {
        found.push(RecoveryFinding {
            code: "restored",
            critical: true,
            title: "This database was restored, and not every credential is known to work",
            detail: told(reconciliation),
            since: restored.at,
        });
    }
    found
}

fn told(reconciliation: &Reconciliation) -> String {
    if !reconciliation.probed {
        return "every credential is to be tried at its issuer; Rota does so now".to_owned();
    }
    let names: Vec<&str> = reconciliation
        .unsettled
        .iter()
        .take(20)
        .map(crate::name::Name::as_str)
        .collect();
    let more = reconciliation.unsettled.len() - names.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!(
        "not accepted by their issuers: {}{more}. They were rotated after the backup was made: rotate them again, or \
         mend the issuer and probe again",
        names.join(", ")
    )
}
