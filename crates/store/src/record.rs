//! The audit entries of data operations: several hundred share one transaction of a few statements.
//!
//! They change nothing, so they need no savepoint, announce nothing, and wake no other replica. Unless it is asked for,
//! they wait for no fsync: they outlive the process, and the next durable change, or a checkpoint, makes them outlive
//! the power too. The chain is the same, so a missing end is seen like any other.

use std::time::Duration;

use engine::CommitError;
use engine::audit::AuditDraft;
use sqlx::{AnyPool, Connection};
use tokio::sync::{mpsc, oneshot};

use crate::audit::{self, Counted};
use crate::database::AuditDurability;
use crate::dialect::Backend;
use crate::group::take_ready;

/// Entries of one transaction at most.
const LARGEST_GROUP: usize = 512;
/// Entries that may wait before callers do.
const QUEUE_LENGTH: usize = 8_192;
/// A group waits so long for as many as the last one had: callers who come together are answered together.
const GATHERING: Duration = Duration::from_millis(1);
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);

/// An entry and whom to answer.
#[derive(Debug)]
pub(crate) struct Entry {
    draft: AuditDraft,
    answer: oneshot::Sender<Result<(), CommitError>>,
}

/// Hands an entry to the writer and waits until it is written.
pub(crate) async fn submit(queue: &mpsc::Sender<Entry>, draft: AuditDraft) -> Result<(), CommitError> {
    let closed = || CommitError::Unavailable {
        detail: "the store is closed".to_owned(),
        outcome_unknown: false,
    };
    let (answer, answered) = oneshot::channel();
    queue.send(Entry { draft, answer }).await.map_err(|_| closed())?;
    answered.await.unwrap_or_else(|_| Err(closed()))
}

/// Entries that wait, and how they are written.
#[derive(Debug)]
pub(crate) struct Queue {
    backend: Backend,
    pool: AnyPool,
    durability: AuditDurability,
    waiting: mpsc::Receiver<Entry>,
    /// How many came together last time.
    last_group: usize,
}

pub(crate) fn queue(
    backend: Backend,
    pool: AnyPool,
    durability: AuditDurability,
) -> (mpsc::Sender<Entry>, Queue) {
    let (sender, waiting) = mpsc::channel(QUEUE_LENGTH);
    let queue = Queue {
        backend,
        pool,
        durability,
        waiting,
        last_group: 1,
    };
    (sender, queue)
}

impl Queue {
    /// The next entry; None when nobody can send any more.
    pub(crate) async fn recv(&mut self) -> Option<Entry> {
        self.waiting.recv().await
    }

    /// Writes an entry and those that come with it, and answers them.
    pub(crate) async fn serve(&mut self, first: Entry) {
        let group = self.gather(first).await;
        self.last_group = group.len();
        let (drafts, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|entry| (entry.draft, entry.answer)).unzip();
        let written = self.write(drafts).await;
        if let Err(error) = &written {
            tracing::error!(error.cause = %error, "audit entries could not be written, so their operations give no reply");
        }
        for answer in answers {
            let result = written
                .as_ref()
                .map(|_| ())
                .map_err(|error| CommitError::Unavailable {
                    detail: error.to_string(),
                    outcome_unknown: true,
                });
            // A caller that went away no longer wants its answer.
            answer.send(result).ok();
        }
    }

    async fn gather(&mut self, first: Entry) -> Vec<Entry> {
        let mut group = Vec::with_capacity(self.last_group + 8);
        group.push(first);
        take_ready(&mut self.waiting, &mut group, LARGEST_GROUP).await;
        if group.len() < self.last_group {
            let wanted = self.last_group;
            let gathering = tokio::time::sleep(GATHERING);
            tokio::pin!(gathering);
            while group.len() < wanted {
                tokio::select! {
                    () = &mut gathering => break,
                    next = self.waiting.recv() => match next {
                        Some(entry) => group.push(entry),
                        None => break,
                    },
                }
            }
            take_ready(&mut self.waiting, &mut group, LARGEST_GROUP).await;
        }
        group
    }

    async fn write(&self, drafts: Vec<AuditDraft>) -> Result<(), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let writing = async {
            let (begin, end) = match self.durability {
                AuditDurability::Written => (self.backend.begin_entries(), self.backend.end_of_entries()),
                AuditDurability::Fsynced => (self.backend.begin(), None),
            };
            let mut transaction = connection.begin_with(begin).await?;
            audit::append(&mut transaction, self.backend, drafts, Counted::EntriesOnly).await?;
            transaction.commit().await?;
            if let Some(end) = end {
                sqlx::query(end).execute(&mut *connection).await?;
            }
            Ok(())
        };
        let written = tokio::time::timeout(TRANSACTION_TIMEOUT, writing)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut));
        if written.is_err() {
            // Who knows in what state it is: the next transaction gets a new one, with its own settings.
            connection.close_on_drop();
        }
        written
    }
}
