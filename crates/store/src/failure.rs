//! What a failing statement means to the engine.

use engine::CommitError;
use engine::ports::StoreError;

/// A statement or a row failed.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// This change is against a rule; others beside it are not harmed.
    Refused(CommitError),
    /// The database said no, or is away.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<CommitError> for WriteError {
    fn from(error: CommitError) -> Self {
        Self::Refused(error)
    }
}

/// Someone else changed it since it was read.
pub(crate) fn stale(kind: &'static str, key: &(impl ToString + ?Sized)) -> WriteError {
    WriteError::Refused(CommitError::Stale {
        kind,
        key: key.to_string(),
    })
}

/// The name is in use.
pub(crate) fn taken(kind: &'static str, name: &engine::Name) -> WriteError {
    WriteError::Refused(CommitError::Taken {
        kind,
        name: name.clone(),
    })
}

/// Refuses as stale unless exactly this row was written.
pub(crate) fn expect_one_row(
    result: &sqlx::any::AnyQueryResult,
    kind: &'static str,
    key: &(impl ToString + ?Sized),
) -> Result<(), WriteError> {
    if result.rows_affected() == 1 {
        Ok(())
    } else {
        Err(stale(kind, key))
    }
}

/// What a reader is told: a column that does not decode is damage, all else is an outage.
pub(crate) fn reading(table: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match error {
        sqlx::Error::ColumnDecode { index, .. } => StoreError::Damaged {
            table,
            key: "(unknown)".to_owned(),
            detail: format!("column {index} does not decode"),
        },
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// Two transactions waited for each other; PostgreSQL ended this one. Trying again helps.
pub(crate) fn is_conflict_of_transactions(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| matches!(code.as_ref(), "40001" | "40P01"))
}
