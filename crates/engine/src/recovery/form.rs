//! What stands in a backup once it is opened: a manifest, then each table with its rows, then a summary.
//!
//! A record is one byte of kind, its length as `u32`, and its content: JSON for all but rows. A row is its cells, each
//! one byte of kind and the value: integers and reals as 8 bytes, text and bytes with their length before them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::ChainHead;
use crate::clock::Timestamp;
use crate::id::BackupId;
use crate::recovery::BackupError;
use crate::recovery::tombstone::Tombstone;

const MANIFEST: u8 = b'M';
const TABLE: u8 = b'T';
const ROW: u8 = b'R';
const SUMMARY: u8 = b'S';
/// Kind and length.
const FRAME: usize = 5;
/// A longer record is none of ours: the longest rows hold a sealed value of a few megabytes.
const LONGEST: usize = 256 * 1024 * 1024;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

/// What a backup says of itself first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub backup: BackupId,
    /// The installation: the same in every backup of one, and kept by a restore.
    pub database: String,
    /// The version of Rota that wrote it.
    pub rota: String,
    pub made_at: Timestamp,
    /// `sqlite` or `postgresql`. A restore may go to the other one.
    pub backend: String,
    /// The newest migration whose tables these are.
    pub migration: i64,
    /// Where the audit chain ends.
    pub audit: ChainHead,
    /// Tables that it does not hold.
    pub left_out: Vec<String>,
    /// Key versions that were destroyed before it was made.
    #[serde(default)]
    pub tombstones: Vec<Tombstone>,
    /// It holds no table at all: it was made for its tombstones.
    #[serde(default)]
    pub only_tombstones: bool,
}

/// A table begins; its rows follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHead {
    pub name: String,
    pub columns: Vec<String>,
}

/// What was written of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSummary {
    pub name: String,
    pub rows: u64,
    /// SHA-256 over the rows in their order, as lower-case hex.
    pub sha256: String,
}

/// What a backup says of itself last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub tables: Vec<TableSummary>,
}

impl Summary {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Manifest(Manifest),
    Table(TableHead),
    Row(Vec<Cell>),
    Summary(Summary),
}

/// Rows of one table, counted and hashed.
#[derive(Clone, Debug)]
pub struct TableDigest {
    name: String,
    rows: u64,
    hasher: Sha256,
}

impl TableDigest {
    /// Nothing yet.
    pub fn new(name: &str) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"rota backup table 1");
        Self {
            name: name.to_owned(),
            rows: 0,
            hasher,
        }
    }

    /// One more row.
    pub fn add(&mut self, cells: &[Cell]) {
        let row = row_bytes(cells);
        self.hasher.update((row.len() as u64).to_be_bytes());
        self.hasher.update(&row);
        self.rows += 1;
    }

    /// The table it is of.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What all rows came to.
    pub fn summary(self) -> TableSummary {
        TableSummary {
            name: self.name,
            rows: self.rows,
            sha256: hex::encode(self.hasher.finalize()),
        }
    }
}

pub(crate) fn put_manifest(bytes: &mut Vec<u8>, manifest: &Manifest) -> Result<(), BackupError> {
    put_json(bytes, MANIFEST, manifest)
}

pub(crate) fn put_table(bytes: &mut Vec<u8>, head: &TableHead) -> Result<(), BackupError> {
    put_json(bytes, TABLE, head)
}

pub(crate) fn put_summary(bytes: &mut Vec<u8>, summary: &Summary) -> Result<(), BackupError> {
    put_json(bytes, SUMMARY, summary)
}

pub(crate) fn put_row(bytes: &mut Vec<u8>, cells: &[Cell]) -> Result<(), BackupError> {
    put(bytes, ROW, &row_bytes(cells))
}

fn put_json<T: Serialize>(bytes: &mut Vec<u8>, kind: u8, value: &T) -> Result<(), BackupError> {
    let json = serde_json::to_vec(value).map_err(|error| BackupError::Form(error.to_string()))?;
    put(bytes, kind, &json)
}

fn put(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) -> Result<(), BackupError> {
    let length = u32::try_from(content.len())
        .ok()
        .filter(|_| content.len() <= LONGEST);
    let length =
        length.ok_or_else(|| BackupError::Form("a row is longer than a backup can hold".to_owned()))?;
    bytes.push(kind);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(content);
    Ok(())
}

fn row_bytes(cells: &[Cell]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for cell in cells {
        match cell {
            Cell::Null => bytes.push(0),
            Cell::Integer(number) => {
                bytes.push(1);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Cell::Real(number) => {
                bytes.push(2);
                bytes.extend_from_slice(&number.to_bits().to_be_bytes());
            }
            Cell::Text(text) => {
                bytes.push(3);
                put_part(&mut bytes, text.as_bytes());
            }
            Cell::Bytes(blob) => {
                bytes.push(4);
                put_part(&mut bytes, blob);
            }
        }
    }
    bytes
}

fn put_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
}

/// The record at the beginning of `bytes` and its length; None when more bytes are needed.
pub(crate) fn take(bytes: &[u8]) -> Result<Option<(Record, usize)>, BackupError> {
    let Some((frame, rest)) = bytes.split_first_chunk::<FRAME>() else {
        return Ok(None);
    };
    let [kind, length @ ..] = *frame;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST {
        return Err(BackupError::Form(
            "a record is longer than any we write".to_owned(),
        ));
    }
    let Some(content) = rest.get(..length) else {
        return Ok(None);
    };
    let record = match kind {
        MANIFEST => Record::Manifest(from_json(content)?),
        TABLE => Record::Table(from_json(content)?),
        SUMMARY => Record::Summary(from_json(content)?),
        ROW => Record::Row(
            take_row(content).ok_or_else(|| BackupError::Form("a row ends within a value".to_owned()))?,
        ),
        other => return Err(BackupError::Form(format!("a record is of unknown kind {other}"))),
    };
    Ok(Some((record, FRAME + length)))
}

fn from_json<T: DeserializeOwned>(content: &[u8]) -> Result<T, BackupError> {
    serde_json::from_slice(content).map_err(|error| BackupError::Form(error.to_string()))
}

fn take_row(mut rest: &[u8]) -> Option<Vec<Cell>> {
    let mut cells = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        rest = after;
        cells.push(match kind {
            0 => Cell::Null,
            1 => Cell::Integer(i64::from_be_bytes(take_eight(&mut rest)?)),
            2 => Cell::Real(f64::from_bits(u64::from_be_bytes(take_eight(&mut rest)?))),
            3 => Cell::Text(String::from_utf8(take_part(&mut rest)?.to_vec()).ok()?),
            4 => Cell::Bytes(take_part(&mut rest)?.to_vec()),
            _ => return None,
        });
    }
    Some(cells)
}

fn take_eight(rest: &mut &[u8]) -> Option<[u8; 8]> {
    let (eight, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(*eight)
}

fn take_part<'bytes>(rest: &mut &'bytes [u8]) -> Option<&'bytes [u8]> {
    let length = usize::try_from(u64::from_be_bytes(take_eight(rest)?)).ok()?;
    let (part, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_and_a_cut_row_does_not_read() {
        let cells = vec![
            Cell::Null,
            Cell::Integer(i64::MIN),
            Cell::Real(0.5),
            Cell::Text("ü\0".to_owned()),
            Cell::Bytes(vec![0, 255]),
            Cell::Text(String::new()),
        ];
        let mut bytes = Vec::new();
        put_row(&mut bytes, &cells).unwrap();
        let (record, length) = take(&bytes).unwrap().unwrap();
        assert_eq!((record, length), (Record::Row(cells), bytes.len()));
        assert_eq!(
            take(&bytes[..bytes.len() - 1]).unwrap(),
            None,
            "more bytes are needed"
        );
        let mut shorter = bytes.clone();
        shorter[4] -= 1;
        assert!(matches!(take(&shorter), Err(BackupError::Form(_))));
        assert!(take(b"X\0\0\0\0").is_err(), "an unknown kind");
        assert!(take(b"R\xff\xff\xff\xff").is_err(), "too long");
    }

    #[test]
    fn rows_that_differ_have_other_digests() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let digest = |rows: &[&[Cell]]| {
            let mut digest = TableDigest::new("t");
            rows.iter().for_each(|row| digest.add(row));
            digest.summary().sha256
        };
        let whole = digest(&[&[text("ab"), text("c")], &[Cell::Null]]);
        for other in [
            digest(&[&[text("a"), text("bc")], &[Cell::Null]]),
            digest(&[&[text("ab"), text("c"), Cell::Null]]),
            digest(&[&[Cell::Null], &[text("ab"), text("c")]]),
            digest(&[&[text("ab"), text("c")]]),
        ] {
            assert_ne!(whole, other);
        }
    }
}
