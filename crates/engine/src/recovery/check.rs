//! What a restore looks at, row by row, before it commits: the audit chain, and that every sealed value opens.

use crate::audit::{AuditDraft, AuditEntry, ChainHead, EntryHash, verify_chain};
use crate::clock::Timestamp;
use crate::recovery::BackupError;
use crate::recovery::form::{Cell, Manifest, TableHead};
use crate::seal::Sealer;

/// So many places that do not open are named; more are counted.
const NAMED: usize = 20;

/// Takes every row of a backup.
#[derive(Debug)]
pub struct Checker<'keys> {
    sealer: &'keys Sealer,
    chain: ChainHead,
    table: TableHead,
    opened: u64,
    unreadable: u64,
    named: Vec<String>,
}

/// What the rows came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub chain: ChainHead,
    /// Sealed values that open.
    pub opened: u64,
    /// Sealed values that do not.
    pub unreadable: u64,
    /// The first of them: table, row and field.
    pub named: Vec<String>,
}

impl<'keys> Checker<'keys> {
    /// Nothing seen yet.
    pub fn new(sealer: &'keys Sealer) -> Self {
        Self {
            sealer,
            chain: ChainHead::genesis(),
            table: TableHead {
                name: String::new(),
                columns: Vec::new(),
            },
            opened: 0,
            unreadable: 0,
            named: Vec::new(),
        }
    }

    /// The next table begins.
    pub fn table(&mut self, head: &TableHead) {
        self.table = head.clone();
    }

    /// One more row of it.
    ///
    /// # Errors
    /// When the audit chain breaks, or a row lacks what its table has.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), BackupError> {
        if cells.len() != self.table.columns.len() {
            let detail = format!(
                "a row of `{}` has another number of values than columns",
                self.table.name
            );
            return Err(BackupError::Contents(detail));
        }
        match self.table.name.as_str() {
            "audit_entry" => self.audit_entry(cells),
            "secret" => self.secret(cells),
            _ => Ok(()),
        }
    }

    /// Compares with the manifest.
    ///
    /// # Errors
    /// When the audit ends elsewhere than it says.
    pub fn finish(self, manifest: &Manifest) -> Result<Checked, BackupError> {
        if self.chain != manifest.audit {
            return Err(BackupError::Contents(format!(
                "the audit ends with entry {}, and the manifest says {}",
                self.chain.sequence, manifest.audit.sequence
            )));
        }
        Ok(Checked {
            chain: self.chain,
            opened: self.opened,
            unreadable: self.unreadable,
            named: self.named,
        })
    }

    fn audit_entry(&mut self, cells: &[Cell]) -> Result<(), BackupError> {
        let entry = AuditEntry {
            sequence: self.integer(cells, "sequence")?,
            previous_hash: EntryHash(self.text(cells, "previous_hash")?),
            hash: EntryHash(self.text(cells, "hash")?),
            draft: AuditDraft {
                at: Timestamp::from_micros(self.integer(cells, "at")?),
                actor: self.text(cells, "actor")?,
                source: self.optional_text(cells, "source")?,
                correlation: self.optional_text(cells, "correlation")?,
                action: self.text(cells, "action")?,
                object: self.text(cells, "object")?,
                outcome: self.text(cells, "outcome")?,
                detail: self.text(cells, "detail")?,
            },
        };
        self.chain = verify_chain(self.chain.clone(), [&entry])
            .map_err(|broken| BackupError::Contents(format!("the audit is broken: {broken}")))?;
        Ok(())
    }

    fn secret(&mut self, cells: &[Cell]) -> Result<(), BackupError> {
        let table = self.text(cells, "table_name")?;
        let row = self.text(cells, "row_key")?;
        let field = self.text(cells, "field")?;
        let Some(Cell::Bytes(sealed)) = self.cell(cells, "sealed") else {
            return Err(self.lacks("sealed"));
        };
        if self.sealer.try_open(&table, &row, &field, sealed).is_ok() {
            self.opened += 1;
        } else {
            self.unreadable += 1;
            if self.named.len() < NAMED {
                self.named.push(format!("{table}/{row}/{field}"));
            }
        }
        Ok(())
    }

    fn cell<'a>(&self, cells: &'a [Cell], column: &str) -> Option<&'a Cell> {
        let position = self.table.columns.iter().position(|name| name == column)?;
        cells.get(position)
    }

    fn integer(&self, cells: &[Cell], column: &str) -> Result<i64, BackupError> {
        match self.cell(cells, column) {
            Some(Cell::Integer(number)) => Ok(*number),
            _ => Err(self.lacks(column)),
        }
    }

    fn text(&self, cells: &[Cell], column: &str) -> Result<String, BackupError> {
        self.optional_text(cells, column)?
            .ok_or_else(|| self.lacks(column))
    }

    fn optional_text(&self, cells: &[Cell], column: &str) -> Result<Option<String>, BackupError> {
        match self.cell(cells, column) {
            Some(Cell::Text(text)) => Ok(Some(text.clone())),
            Some(Cell::Null) => Ok(None),
            _ => Err(self.lacks(column)),
        }
    }

    fn lacks(&self, column: &str) -> BackupError {
        BackupError::Contents(format!(
            "a row of `{}` has no `{column}` as it should",
            self.table.name
        ))
    }
}
