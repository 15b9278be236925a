//! Reads a backup: sealed chunks in, records out; every table's hash and count is compared as it ends.

use std::collections::BTreeSet;

use keyring::{StreamKey, StreamOpener};

use crate::recovery::BackupError;
use crate::recovery::form::{self, Manifest, Record, Summary, TableDigest};
use crate::recovery::header::{LONGEST, START};

/// So many bytes tell how long the header is.
pub const HEADER_PREFIX: usize = START.len() + 4;

/// How long the JSON of the header is, from the first [`HEADER_PREFIX`] bytes of a backup.
///
/// # Errors
/// When it is no backup, or of a format that is not known here.
pub fn header_length(prefix: &[u8; HEADER_PREFIX]) -> Result<usize, BackupError> {
    let (start, length) = prefix.split_at(START.len());
    if start[..3] != START[..3] {
        return Err(BackupError::NotABackup);
    }
    if start[3] != START[3] {
        return Err(BackupError::UnknownFormat(start[3]));
    }
    let length = length.try_into().map(u32::from_be_bytes).unwrap_or(u32::MAX);
    if length > LONGEST {
        return Err(BackupError::Header(
            "it claims to be longer than any header is".to_owned(),
        ));
    }
    Ok(length as usize)
}

/// Opens chunks and gives their records.
#[derive(Debug)]
pub struct BackupReader {
    opener: StreamOpener,
    plain: Vec<u8>,
    /// Bytes of `plain` that were read.
    read: usize,
    last_chunk_seen: bool,
    manifest: Option<Manifest>,
    table: Option<TableDigest>,
    seen: Summary,
    ended: bool,
}

impl BackupReader {
    /// A reader after this header (all bytes before the first chunk).
    pub fn new(key: StreamKey, header: &[u8]) -> Self {
        Self {
            opener: StreamOpener::new(key, header),
            plain: Vec::new(),
            read: 0,
            last_chunk_seen: false,
            manifest: None,
            table: None,
            seen: Summary::default(),
            ended: false,
        }
    }

    /// Takes the next chunk. `is_last` says that the bytes end behind it.
    ///
    /// # Errors
    /// When it does not open in its place.
    pub fn chunk(&mut self, sealed: &[u8], is_last: bool) -> Result<(), BackupError> {
        let opened = self.opener.open(sealed, is_last)?;
        self.plain.drain(..self.read);
        self.read = 0;
        self.plain.extend_from_slice(opened.expose_bytes());
        self.last_chunk_seen = is_last;
        Ok(())
    }

    /// The next record; None when another chunk is needed, or the backup has ended.
    ///
    /// # Errors
    /// When the contents are not what a backup holds, in its order, with its hashes.
    pub fn record(&mut self) -> Result<Option<Record>, BackupError> {
        let rest = self.plain.get(self.read..).unwrap_or_default();
        let Some((record, length)) = form::take(rest)? else {
            if self.last_chunk_seen && !(self.ended && rest.is_empty()) {
                return Err(BackupError::CutOff);
            }
            return Ok(None);
        };
        self.read += length;
        self.admit(&record)?;
        Ok(Some(record))
    }

    /// Whether everything was read and fits.
    pub fn has_ended(&self) -> bool {
        self.ended && self.last_chunk_seen
    }

    fn admit(&mut self, record: &Record) -> Result<(), BackupError> {
        let misplaced = || BackupError::Form("its records stand in the wrong order".to_owned());
        if self.ended || self.manifest.is_none() != matches!(record, Record::Manifest(_)) {
            return Err(misplaced());
        }
        match record {
            Record::Manifest(manifest) => self.manifest = Some(manifest.clone()),
            Record::Table(head) => {
                self.end_table();
                self.table = Some(TableDigest::new(&head.name));
            }
            Record::Row(cells) => self.table.as_mut().ok_or_else(misplaced)?.add(cells),
            Record::Summary(summary) => {
                self.end_table();
                compare(summary, &self.seen)?;
                self.ended = true;
            }
        }
        Ok(())
    }

    fn end_table(&mut self) {
        if let Some(table) = self.table.take() {
            self.seen.tables.push(table.summary());
        }
    }
}

/// What was announced and what was found.
fn compare(said: &Summary, found: &Summary) -> Result<(), BackupError> {
    let names: BTreeSet<&str> = said.tables.iter().map(|table| table.name.as_str()).collect();
    if names.len() != said.tables.len() || said.tables.len() != found.tables.len() {
        return Err(BackupError::Contents(
            "its tables are not those that it names".to_owned(),
        ));
    }
    for (said, found) in said.tables.iter().zip(&found.tables) {
        if said != found {
            return Err(BackupError::Contents(format!(
                "table `{}` has {} rows with another hash than the {} that were written",
                found.name, found.rows, said.rows
            )));
        }
    }
    Ok(())
}
