//! The writer: one task that folds waiting changes into one transaction and answers each after it is durable. The audit
//! entries of data operations, which change nothing, go by their own queue and transactions (`record`).
//!
//! Each change has a savepoint, so a refused one does not harm the others. Audit entries of all accepted changes are
//! appended last. On SQLite this is the only connection that writes; on PostgreSQL it is one appender per replica.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use engine::change::Topic;
use engine::{Change, CommitError};
use sqlx::{AnyConnection, AnyPool, Connection};
use tokio::sync::{mpsc, oneshot};

use crate::announce::{Announcing, notify};
use crate::audit::Counted;
use crate::database::AuditDurability;
use crate::dialect::Backend;
use crate::failure::{WriteError, is_conflict_of_transactions};
use crate::file_lock::FileLock;
use crate::record::{self, Entry};
use crate::{audit, commit};

/// More changes than this wait for the next transaction.
const LARGEST_GROUP: usize = 64;
/// Changes that may wait before callers do.
const QUEUE_LENGTH: usize = 1_024;
/// A transaction that takes longer has lost its database.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a change is tried again after a deadlock with another replica.
const ATTEMPTS: u32 = 5;

/// A change and whom to answer.
#[derive(Debug)]
pub(crate) struct Pending {
    change: Change,
    answer: oneshot::Sender<Result<(), CommitError>>,
}

/// Hands a change to the writer and waits for its answer.
pub(crate) async fn submit(queue: &mpsc::Sender<Pending>, change: Change) -> Result<(), CommitError> {
    commit::check_audited(&change)?;
    if change.writes.is_empty() && change.audit.is_empty() && change.topics.is_empty() {
        return Ok(());
    }
    let (answer, answered) = oneshot::channel();
    let closed = |outcome_unknown| CommitError::Unavailable {
        detail: "the store is closed".to_owned(),
        outcome_unknown,
    };
    queue
        .send(Pending { change, answer })
        .await
        .map_err(|_| closed(false))?;
    answered.await.unwrap_or_else(|_| Err(closed(true)))
}

/// Where the writer takes what is to be written. It ends when both are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Senders {
    pub(crate) changes: mpsc::Sender<Pending>,
    pub(crate) entries: mpsc::Sender<Entry>,
}

/// The writer's task.
#[derive(Debug)]
pub(crate) struct Writer {
    backend: Backend,
    pool: AnyPool,
    announcing: Announcing,
    queue: mpsc::Receiver<Pending>,
    entries: record::Queue,
    /// Kept until the last change is stored, also when the database is dropped without being closed.
    _file_lock: Option<Arc<FileLock>>,
}

/// Nothing of a transaction is known to be stored.
#[derive(Debug)]
struct Failure {
    detail: String,
    outcome_unknown: bool,
    /// Another replica's transaction stood in the way; trying again helps.
    conflict: bool,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self {
            conflict: is_conflict_of_transactions(&error),
            detail: error.to_string(),
            outcome_unknown: false,
        }
    }
}

impl Failure {
    fn to_error(&self) -> CommitError {
        CommitError::Unavailable {
            detail: self.detail.clone(),
            outcome_unknown: self.outcome_unknown,
        }
    }
}

/// Adds what waits, and what other tasks that can go on at once send before they wait themselves: a transaction costs
/// much the same for one as for many. Nobody is waited for.
pub(crate) async fn take_ready<T>(queue: &mut mpsc::Receiver<T>, group: &mut Vec<T>, most: usize) {
    let mut before = 0;
    loop {
        while group.len() < most {
            let Ok(next) = queue.try_recv() else { break };
            group.push(next);
        }
        if group.len() >= most || group.len() == before {
            return;
        }
        before = group.len();
        tokio::task::yield_now().await;
    }
}

type Answers = Vec<Result<(), CommitError>>;

impl Writer {
    /// A writer and where to send it changes. It ends when the sender is dropped and the queue is empty.
    pub(crate) fn new(
        backend: Backend,
        pool: AnyPool,
        announcing: Announcing,
        file_lock: Option<Arc<FileLock>>,
        durability: AuditDurability,
    ) -> (Self, Senders) {
        let (changes, queue) = mpsc::channel(QUEUE_LENGTH);
        let (entries, waiting) = record::queue(backend, pool.clone(), durability);
        (
            Self {
                backend,
                pool,
                announcing,
                queue,
                entries: waiting,
                _file_lock: file_lock,
            },
            Senders { changes, entries },
        )
    }

    /// Writes until nobody can ask any more.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                Some(first) = self.queue.recv() => {
                    let mut group = vec![first];
                    take_ready(&mut self.queue, &mut group, LARGEST_GROUP).await;
                    self.serve(group).await;
                }
                Some(first) = self.entries.recv() => self.entries.serve(first).await,
                else => break,
            }
        }
    }

    async fn serve(&self, group: Vec<Pending>) {
        let changes: Vec<&Change> = group.iter().map(|pending| &pending.change).collect();
        let answers = match self.try_together(&changes).await {
            Ok(answers) => answers,
            // Deadlocked: smaller transactions hold fewer locks.
            Err(failure) if failure.conflict => self.one_by_one(&changes).await,
            Err(failure) => changes.iter().map(|_| Err(failure.to_error())).collect(),
        };
        // Those who wait are woken before the caller goes on, so that what it reads next is fresh.
        self.announcing.announce(&topics_of(&changes, &answers));
        for (pending, answer) in group.into_iter().zip(answers) {
            // A caller that went away no longer wants its answer.
            pending.answer.send(answer).ok();
        }
    }

    async fn one_by_one(&self, changes: &[&Change]) -> Answers {
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            answers.push(self.alone(change).await);
        }
        answers
    }

    async fn alone(&self, change: &Change) -> Result<(), CommitError> {
        let mut attempt = 1;
        loop {
            match self.try_together(&[change]).await {
                Ok(mut answers) => return answers.pop().unwrap_or(Ok(())),
                Err(failure) if failure.conflict && attempt < ATTEMPTS => attempt += 1,
                Err(failure) => return Err(failure.to_error()),
            }
        }
    }

    async fn try_together(&self, changes: &[&Change]) -> Result<Answers, Failure> {
        let mut connection = self.pool.acquire().await?;
        let answers = tokio::time::timeout(TRANSACTION_TIMEOUT, self.together(&mut connection, changes))
            .await
            .unwrap_or_else(|_| {
                Err(Failure {
                    detail: format!("no answer within {} s", TRANSACTION_TIMEOUT.as_secs()),
                    outcome_unknown: true,
                    conflict: false,
                })
            });
        if answers.is_err() {
            // Who knows in what state it is: the next transaction gets a new one.
            connection.close_on_drop();
        }
        answers
    }

    async fn together(
        &self,
        connection: &mut AnyConnection,
        changes: &[&Change],
    ) -> Result<Answers, Failure> {
        let mut transaction = connection.begin_with(self.backend.begin()).await?;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            answers.push(self.in_savepoint(&mut transaction, change).await?);
        }
        if answers.iter().all(Result::is_err) {
            transaction.rollback().await?;
            return Ok(answers);
        }
        self.finish(&mut transaction, changes, &answers).await?;
        transaction.commit().await.map_err(|error| Failure {
            // PostgreSQL's own refusal is an answer; a failed write of SQLite, or silence, is none.
            outcome_unknown: self.backend == Backend::Sqlite || error.as_database_error().is_none(),
            ..Failure::from(error)
        })?;
        Ok(answers)
    }

    /// Appends the audit entries of the accepted changes, and tells other replicas.
    async fn finish(
        &self,
        connection: &mut AnyConnection,
        changes: &[&Change],
        answers: &Answers,
    ) -> Result<(), Failure> {
        let drafts = accepted(changes, answers)
            .flat_map(|change| change.audit.iter().cloned())
            .collect();
        let commits = audit::append(&mut *connection, self.backend, drafts, Counted::Change).await?;
        if self.backend == Backend::Postgres {
            let topics = topics_of(changes, answers);
            notify(connection, &self.announcing.replica, commits, &topics).await?;
        }
        Ok(())
    }

    /// The answer to one change; an error ends the whole transaction.
    async fn in_savepoint(
        &self,
        connection: &mut AnyConnection,
        change: &Change,
    ) -> Result<Result<(), CommitError>, Failure> {
        let mut savepoint = connection.begin().await?;
        let refusal = match commit::apply(&mut savepoint, self.backend, change).await {
            Ok(()) => {
                savepoint.commit().await?;
                return Ok(Ok(()));
            }
            Err(WriteError::Refused(refusal)) => refusal,
            Err(WriteError::Database(error)) if is_conflict_of_transactions(&error) => {
                return Err(error.into());
            }
            // Its own fault (a missing row it refers to, a text the database cannot hold): the others go on.
            Err(WriteError::Database(error @ (sqlx::Error::Database(_) | sqlx::Error::Encode(_)))) => {
                CommitError::Unavailable {
                    detail: error.to_string(),
                    outcome_unknown: false,
                }
            }
            Err(WriteError::Database(error)) => return Err(error.into()),
        };
        savepoint.rollback().await?;
        Ok(Err(refusal))
    }
}

fn accepted<'changes>(
    changes: &'changes [&'changes Change],
    answers: &'changes Answers,
) -> impl Iterator<Item = &'changes Change> {
    changes
        .iter()
        .zip(answers)
        .filter(|(_, answer)| answer.is_ok())
        .map(|(change, _)| *change)
}

/// What changed, or may have: a commit without an answer wakes everyone too.
fn topics_of(changes: &[&Change], answers: &Answers) -> HashSet<Topic> {
    changes
        .iter()
        .zip(answers)
        .filter(|(_, answer)| {
            matches!(
                answer,
                Ok(())
                    | Err(CommitError::Unavailable {
                        outcome_unknown: true,
                        ..
                    })
            )
        })
        .flat_map(|(change, _)| change.topics.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_group_takes_all_who_can_go_on_at_once_and_waits_for_nobody() {
        let (sender, mut queue) = mpsc::channel(64);
        for caller in 1..=10 {
            let sender = sender.clone();
            tokio::spawn(async move {
                // Not there yet when the first one is taken, and not at the first look after it.
                for _ in 0..caller % 3 {
                    tokio::task::yield_now().await;
                }
                sender.send(caller).await.unwrap();
                std::future::pending::<()>().await;
            });
        }
        let mut group = vec![queue.recv().await.unwrap()];
        take_ready(&mut queue, &mut group, 8).await;
        assert_eq!(group.len(), 8, "no more than fit");
        take_ready(&mut queue, &mut group, 64).await;
        group.sort_unstable();
        assert_eq!(group, Vec::from_iter(1..=10));
    }
}
