//! Rehearsals: a backup is made, restored somewhere else and read, on a schedule, so that the day it is needed is not
//! the first time (DR-1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::RehearsalId;
use crate::rule::Refusal;
use crate::services::Services;

/// A rehearsal without an end after this was left by a process that died.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);
/// How soon one that failed is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// One rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsal {
    pub id: RehearsalId,
    /// Each follows one other, so that of several replicas only one begins the next. None: the first of all.
    pub previous: Option<RehearsalId>,
    pub started_at: Timestamp,
    /// As the audit names whoever asked for it.
    pub started_by: String,
    pub finished_at: Option<Timestamp>,
    pub result: Option<RehearsalResult>,
    pub revision: i64,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RehearsalResult {
    /// The backup was restored, and everything that was looked at was as it should be.
    Passed(RehearsalCounts),
    /// It was not; why, in words.
    Failed { detail: String },
}

/// What a rehearsal saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RehearsalCounts {
    /// Sealed bytes of the backup.
    pub bytes: u64,
    pub tables: u64,
    pub rows: u64,
    /// Sealed values that were opened.
    pub sealed_values: u64,
    /// Entries of the audit chain that were verified.
    pub audit_entries: u64,
    /// Objects read from the restored database.
    pub objects: u64,
    /// Making the backup.
    pub backup: Duration,
    /// Restoring and reading it.
    pub restore: Duration,
}

impl Rehearsal {
    /// When it ended well.
    pub fn passed_at(&self) -> Option<Timestamp> {
        matches!(self.result, Some(RehearsalResult::Passed(_)))
            .then_some(self.finished_at)
            .flatten()
    }

    /// It has not ended, and may still.
    pub fn is_running(&self, now: Timestamp) -> bool {
        self.result.is_none() && now.since(self.started_at) < ABANDONED_AFTER
    }

    /// Why it ended badly, if it did.
    pub fn failure(&self, now: Timestamp) -> Option<&str> {
        match &self.result {
            Some(RehearsalResult::Failed { detail }) => Some(detail),
            None if !self.is_running(now) => Some("the server stopped before it ended"),
            _ => None,
        }
    }

    /// When the one after it is due.
    fn next_at(&self, every: Duration, now: Timestamp) -> Timestamp {
        if self.is_running(now) {
            self.started_at.after(ABANDONED_AFTER.max(every))
        } else if self.failure(now).is_some() {
            self.started_at.after(RETRY_AFTER.min(every))
        } else {
            self.started_at.after(every)
        }
    }
}

impl Services {
    /// Whether the schedule asks for a rehearsal now.
    ///
    /// # Errors
    /// Store away.
    pub async fn rehearsal_is_due(&self, every: Duration) -> Result<bool, Refusal> {
        let next = self.next_rehearsal_at(every).await?;
        Ok(next.is_some_and(|next| next <= self.clock.now()))
    }

    /// When the schedule asks for the next rehearsal; None: never. The first comes one interval after the
    /// installation was made.
    ///
    /// # Errors
    /// Store away.
    pub async fn next_rehearsal_at(&self, every: Duration) -> Result<Option<Timestamp>, Refusal> {
        if every.is_zero() {
            return Ok(None);
        }
        let now = self.clock.now();
        let last = self.store.rehearsals(1).await?;
        Ok(Some(match last.first() {
            Some(last) => last.next_at(every, now),
            None => self.installed_at().await?.after(every),
        }))
    }

    /// Begins a rehearsal; of several that begin at once, one does.
    ///
    /// # Errors
    /// Not an administrator; `rehearsal_in_progress`; store away.
    pub async fn start_rehearsal(&self, actor: &Actor, reason: &str) -> Result<Rehearsal, Refusal> {
        actor.require(Role::Administrator)?;
        let now = self.clock.now();
        let in_progress = || {
            let detail = "a rehearsal is under way; its result will stand under Recovery";
            Refusal::conflict("rehearsal_in_progress", detail)
        };
        let last = self.store.rehearsals(1).await?.into_iter().next();
        if last.as_ref().is_some_and(|last| last.is_running(now)) {
            return Err(in_progress());
        }
        let rehearsal = Rehearsal {
            id: RehearsalId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            previous: last.map(|last| last.id),
            started_at: now,
            started_by: actor.label(),
            finished_at: None,
            result: None,
            revision: 1,
        };
        let object = format!("rehearsal/{}", rehearsal.id);
        let change = Change::new()
            .audit(AuditDraft::new(actor, now, "rehearsal.start", object, reason))
            .write(Write::InsertRehearsal(rehearsal.clone()))
            .topic(Topic::Catalog);
        match self.store.commit(change).await {
            Ok(()) => Ok(rehearsal),
            Err(CommitError::Stale { .. }) => Err(in_progress()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps how a rehearsal ended.
    ///
    /// # Errors
    /// Store away, or somebody else ended it.
    pub async fn finish_rehearsal(
        &self,
        mut rehearsal: Rehearsal,
        result: RehearsalResult,
    ) -> Result<Rehearsal, Refusal> {
        let now = self.clock.now();
        let (outcome, detail) = match &result {
            RehearsalResult::Passed(counts) => (
                "ok",
                format!(
                    "restored in {} ms: {} rows, {} sealed values opened, {} audit entries verified",
                    counts.restore.as_millis(),
                    counts.rows,
                    counts.sealed_values,
                    counts.audit_entries
                ),
            ),
            RehearsalResult::Failed { detail } => ("failed", detail.clone()),
        };
        rehearsal.finished_at = Some(now);
        rehearsal.result = Some(result);
        let actor = Actor::system("rehearsal");
        let object = format!("rehearsal/{}", rehearsal.id);
        let mut draft = AuditDraft::new(&actor, now, "rehearsal.end", object, detail);
        outcome.clone_into(&mut draft.outcome);
        let change = Change::new()
            .audit(draft)
            .write(Write::UpdateRehearsal(rehearsal.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        rehearsal.revision += 1;
        Ok(rehearsal)
    }

    /// When this installation was made: its first audit entry.
    pub(crate) async fn installed_at(&self) -> Result<Timestamp, Refusal> {
        let filter = crate::ports::AuditFilter {
            ascending: true,
            limit: 1,
            ..crate::ports::AuditFilter::default()
        };
        let first = self.store.audit_entries(&filter).await?;
        Ok(first
            .first()
            .map_or_else(|| self.clock.now(), |entry| entry.draft.at))
    }
}
