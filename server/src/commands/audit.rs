//! `rota audit verify`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine::Clock;
use engine::audit::service::{AuditVerification, verify_stored};
use engine::audit::{AuditEntry, ChainHead, EntryHash, verify_chain};
use std::sync::Arc;

use super::CommandError;
use crate::announcements::Announcements;
use crate::composition;
use crate::config::DatabaseOptions;
use crate::control;
use crate::host::SystemClock;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Check that no entry was changed, moved or taken out; names the first that was
    Verify(VerifyOptions),
}

#[derive(Args, Debug)]
pub(super) struct VerifyOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    /// Check an export instead of the database: entries as GET /api/v1/audit gives them, one JSON object a line,
    /// oldest first
    #[arg(long)]
    file: Option<PathBuf>,
}

pub(super) async fn audit(command: AuditCommand) -> Result<(), CommandError> {
    let AuditCommand::Verify(options) = command;
    let head = match &options.file {
        Some(file) => verify_file(file)?,
        None => verify_database(&options.database).await?,
    };
    println!(
        "The audit is whole: {} entries, the last has hash {}.",
        head.sequence, head.hash.0
    );
    Ok(())
}

async fn verify_database(options: &DatabaseOptions) -> Result<ChainHead, CommandError> {
    let url = options.url()?;
    if let Some(file) = url.sqlite_file() {
        if !file.exists() {
            return Err(CommandError::Failed(format!(
                "there is no database at {}",
                file.display()
            )));
        }
        // A server that holds the database checks it for us.
        if let Some(answer) = control::ask(&file, &control::Request::VerifyAudit)
            .await
            .map_err(CommandError::Failed)?
        {
            let (sequence, hash) = answer.split_once(' ').unwrap_or((&answer, ""));
            let sequence = sequence
                .parse()
                .map_err(|_| CommandError::Failed(answer.clone()))?;
            return Ok(ChainHead {
                sequence,
                hash: EntryHash(hash.to_owned()),
            });
        }
    }
    let live = Arc::new(engine::delivery::Live::new(SystemClock.now()));
    let database =
        composition::open_database(&url, Arc::new(Announcements::new(live, Arc::default()))).await?;
    let verified = verify_stored(database.as_ref(), None).await;
    database.close().await;
    match verified.map_err(CommandError::failed)? {
        AuditVerification::Whole { head } => Ok(head),
        AuditVerification::Broken(broken) => {
            Err(CommandError::Failed(format!("the audit is broken: {broken}")))
        }
    }
}

/// An export may begin anywhere; its first entry then vouches for the hash before it.
fn verify_file(path: &Path) -> Result<ChainHead, CommandError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        CommandError::Failed(format!("{} cannot be read: {error}", path.display()))
    };
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    let mut head: Option<ChainHead> = None;
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| unreadable(&error))?;
        if line.trim().is_empty() {
            continue;
        }
        let entry: api::AuditEntry = serde_json::from_str(&line).map_err(|error| {
            CommandError::Failed(format!(
                "line {} of {} is no audit entry: {error}",
                number + 1,
                path.display()
            ))
        })?;
        let entry = AuditEntry::from(entry);
        let before = head.take().unwrap_or_else(|| ChainHead {
            sequence: entry.sequence - 1,
            hash: if entry.sequence == 1 {
                EntryHash::genesis()
            } else {
                entry.previous_hash.clone()
            },
        });
        let verified = verify_chain(before, [&entry]);
        head =
            Some(verified.map_err(|broken| CommandError::Failed(format!("the audit is broken: {broken}")))?);
    }
    head.ok_or_else(|| CommandError::Failed(format!("{} holds no entries", path.display())))
}
