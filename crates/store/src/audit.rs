//! The audit chain. Its head row is locked last and released by the commit.

use std::sync::OnceLock;

use engine::Timestamp;
use engine::audit::{AuditDraft, AuditEntry, ChainHead, EntryHash};
use engine::ports::{AuditFilter, StoreError};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Row};

use crate::dialect::Backend;
use crate::document::damaged;
use crate::failure::reading;

struct EntryRow {
    sequence: i64,
    previous_hash: String,
    hash: String,
    draft: AuditDraft,
}

impl EntryRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sequence: row.try_get("sequence")?,
            previous_hash: row.try_get("previous_hash")?,
            hash: row.try_get("hash")?,
            draft: AuditDraft {
                at: Timestamp::from_micros(row.try_get("at")?),
                actor: row.try_get("actor")?,
                source: row.try_get("source")?,
                correlation: row.try_get("correlation")?,
                action: row.try_get("action")?,
                object: row.try_get("object")?,
                outcome: row.try_get("outcome")?,
                detail: row.try_get("detail")?,
            },
        })
    }
}

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            sequence: row.sequence,
            previous_hash: EntryHash(row.previous_hash),
            hash: EntryHash(row.hash),
            draft: row.draft,
        }
    }
}

/// A word to be found anywhere in a text, whatever its case.
fn containing(word: &str) -> String {
    let escaped = word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{}%", escaped.to_lowercase())
}

const LIST_ASCENDING: &str = r"select sequence, previous_hash, hash, at, actor, source, correlation, action, object,
         outcome, detail
    from audit_entry
    where ($1 is null or lower(actor) like $1 escape '\')
      and ($2 is null or lower(action) like $2 escape '\')
      and ($3 is null or object = $3 or substr(object, 1, length($3) + 1) = $3 || '/')
      and ($4 is null or sequence < $4)
      and ($5 is null or sequence > $5)
    order by sequence
    limit $6";

const LIST_DESCENDING: &str = r"select sequence, previous_hash, hash, at, actor, source, correlation, action, object,
         outcome, detail
    from audit_entry
    where ($1 is null or lower(actor) like $1 escape '\')
      and ($2 is null or lower(action) like $2 escape '\')
      and ($3 is null or object = $3 or substr(object, 1, length($3) + 1) = $3 || '/')
      and ($4 is null or sequence < $4)
      and ($5 is null or sequence > $5)
    order by sequence desc
    limit $6";

pub(crate) async fn list(pool: &AnyPool, filter: &AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
    sqlx::query(if filter.ascending {
        LIST_ASCENDING
    } else {
        LIST_DESCENDING
    })
    .bind(filter.actor.as_deref().map(containing))
    .bind(filter.action.as_deref().map(containing))
    .bind(filter.object.as_deref())
    .bind(filter.before)
    .bind(filter.after)
    .bind(i64::from(filter.limit))
    .fetch_all(pool)
    .await
    .and_then(|rows| {
        rows.iter()
            .map(|row| EntryRow::read(row).map(AuditEntry::from))
            .collect()
    })
    .map_err(reading("audit_entry"))
}

/// The head and the number of commits, by which a replica sees that others changed something.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) chain: ChainHead,
    pub(crate) commits: i64,
}

impl Head {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            chain: ChainHead {
                sequence: row.try_get("sequence")?,
                hash: EntryHash(row.try_get("hash")?),
            },
            commits: row.try_get("commits")?,
        })
    }
}

pub(crate) async fn head(pool: &AnyPool) -> Result<Head, StoreError> {
    sqlx::query(r"select sequence, hash, commits from audit_head where id = 1")
        .fetch_optional(pool)
        .await
        .and_then(|row| row.as_ref().map(Head::read).transpose())
        .map_err(reading("audit_head"))?
        .ok_or_else(|| damaged("audit_head", &1, "the row is missing"))
}

/// Whether others must look again because of what was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A change: the commit is counted.
    Change,
    /// Entries alone: nothing that anybody remembers became old.
    EntriesOnly,
}

/// Puts drafts at the end of the chain; gives the number of commits. The last thing before a commit.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    backend: Backend,
    drafts: Vec<AuditDraft>,
    counted: Counted,
) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(backend.hold_audit_head())
        .fetch_one(&mut *connection)
        .await?;
    let Head { mut chain, commits } = Head::read(&row)?;
    let commits = match counted {
        Counted::Change => commits + 1,
        Counted::EntriesOnly => commits,
    };
    let mut entries = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let (entry, next) = chain.append(draft);
        entries.push(entry);
        chain = next;
    }
    let mut rest = entries.as_slice();
    while !rest.is_empty() {
        let rows = largest_statement(rest.len());
        let (now, later) = rest.split_at(rows);
        insert(&mut *connection, backend, now).await?;
        rest = later;
    }
    move_head(connection, &chain, commits).await?;
    Ok(commits)
}

/// Few sizes, so that few statements are prepared, once each.
const STATEMENT_ROWS: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

fn largest_statement(entries: usize) -> usize {
    STATEMENT_ROWS
        .into_iter()
        .find(|rows| *rows <= entries)
        .unwrap_or(1)
}

const COLUMNS: usize = 11;

/// The statement that inserts so many rows, by database.
fn insert_statement(backend: Backend, rows: usize) -> &'static str {
    static STATEMENTS: [[OnceLock<String>; 7]; 2] = [const { [const { OnceLock::new() }; 7] }; 2];
    let database = match backend {
        Backend::Sqlite => 0,
        Backend::Postgres => 1,
    };
    let size = STATEMENT_ROWS.iter().position(|size| *size == rows).unwrap_or(0);
    STATEMENTS[database][size].get_or_init(|| {
        let mut text = "insert into audit_entry \
             (sequence, previous_hash, hash, at, actor, source, correlation, action, object, outcome, detail) values "
            .to_owned();
        for row in 0..STATEMENT_ROWS[size] {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..COLUMNS {
                if column > 0 {
                    text.push_str(", ");
                }
                text.push_str(&backend.parameter(row * COLUMNS + column + 1));
            }
            text.push(')');
        }
        text
    })
}

async fn insert(
    connection: &mut AnyConnection,
    backend: Backend,
    entries: &[AuditEntry],
) -> Result<(), sqlx::Error> {
    let mut query = sqlx::query(insert_statement(backend, entries.len()));
    for entry in entries {
        query = query
            .bind(entry.sequence)
            .bind(entry.previous_hash.0.as_str())
            .bind(entry.hash.0.as_str())
            .bind(entry.draft.at.as_micros())
            .bind(entry.draft.actor.as_str())
            .bind(entry.draft.source.as_deref())
            .bind(entry.draft.correlation.as_deref())
            .bind(entry.draft.action.as_str())
            .bind(entry.draft.object.as_str())
            .bind(entry.draft.outcome.as_str())
            .bind(entry.draft.detail.as_str());
    }
    query.execute(connection).await?;
    Ok(())
}

async fn move_head(
    connection: &mut AnyConnection,
    chain: &ChainHead,
    commits: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(r"update audit_head set sequence = $1, hash = $2, commits = $3 where id = 1")
        .bind(chain.sequence)
        .bind(chain.hash.0.as_str())
        .bind(commits)
        .execute(connection)
        .await?;
    Ok(())
}
