//! Writes a backup: records in, sealed bytes out, in chunks.

use keyring::{CHUNK_LENGTH, StreamKey, StreamSealer};

use crate::recovery::BackupError;
use crate::recovery::form::{self, Cell, Manifest, Summary, TableDigest, TableHead};
use crate::recovery::header::BackupHeader;

/// Takes tables and rows; what is to be stored is taken from it again and again with [`Self::take_ready`].
#[derive(Debug)]
pub struct BackupWriter {
    sealer: StreamSealer,
    plain: Vec<u8>,
    ready: Vec<u8>,
    table: Option<TableDigest>,
    summary: Summary,
}

impl BackupWriter {
    /// A new backup with its header and manifest.
    ///
    /// # Errors
    /// When the header is too long.
    pub fn begin(header: &BackupHeader, key: StreamKey, manifest: &Manifest) -> Result<Self, BackupError> {
        let ready = header.to_bytes()?;
        let sealer = StreamSealer::new(key, &ready);
        let mut plain = Vec::with_capacity(2 * CHUNK_LENGTH);
        form::put_manifest(&mut plain, manifest)?;
        Ok(Self {
            sealer,
            plain,
            ready,
            table: None,
            summary: Summary::default(),
        })
    }

    /// The next table begins.
    ///
    /// # Errors
    /// When nothing more can be sealed.
    pub fn table(&mut self, head: &TableHead) -> Result<(), BackupError> {
        self.end_table();
        self.table = Some(TableDigest::new(&head.name));
        form::put_table(&mut self.plain, head)?;
        self.seal_full_chunks()
    }

    /// One more row of the table.
    ///
    /// # Errors
    /// When it is too long, or there is no table.
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), BackupError> {
        let table = self.table.as_mut();
        let table = table.ok_or_else(|| BackupError::Form("a row before the first table".to_owned()))?;
        table.add(cells);
        form::put_row(&mut self.plain, cells)?;
        self.seal_full_chunks()
    }

    /// Sealed bytes that can be stored.
    pub fn take_ready(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ready)
    }

    /// How many sealed bytes wait to be taken.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Ends the backup: what it came to, and the last bytes.
    ///
    /// # Errors
    /// When nothing more can be sealed.
    pub fn finish(mut self) -> Result<(Summary, Vec<u8>), BackupError> {
        self.end_table();
        form::put_summary(&mut self.plain, &self.summary)?;
        self.seal_full_chunks()?;
        let last = self.sealer.seal(&self.plain, true)?;
        self.ready.extend_from_slice(&last);
        Ok((self.summary, self.ready))
    }

    fn end_table(&mut self) {
        if let Some(table) = self.table.take() {
            self.summary.tables.push(table.summary());
        }
    }

    /// A chunk stays back, so that there is always something for the last one.
    fn seal_full_chunks(&mut self) -> Result<(), BackupError> {
        let mut sealed = 0;
        while self.plain.len() - sealed > CHUNK_LENGTH {
            let chunk = &self.plain[sealed..sealed + CHUNK_LENGTH];
            let bytes = self.sealer.seal(chunk, false)?;
            self.ready.extend_from_slice(&bytes);
            sealed += CHUNK_LENGTH;
        }
        self.plain.drain(..sealed);
        Ok(())
    }
}
