//! `rota restore`: a database from a backup, in a place that holds nothing.

use std::path::PathBuf;

use clap::Args;
use engine::Clock;

use super::CommandError;
use crate::config::{DatabaseOptions, DatabaseUrl, RootKeyOptions};
use crate::host::SystemClock;
use crate::recovery::{Restore, RestoreReport, Source};

/// `rota restore`.
#[derive(Args, Debug)]
pub(super) struct RestoreOptions {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    /// Restore sealed values that do not open as they are, instead of refusing the backup
    #[arg(long, env = "ROTA_RESTORE_KEEP_UNREADABLE")]
    keep_unreadable: bool,
    /// Verify everything, and restore nowhere: the database is not touched
    #[arg(long, env = "ROTA_RESTORE_CHECK")]
    check: bool,
}

pub(super) async fn restore(options: &RestoreOptions) -> Result<(), CommandError> {
    let url = options.database.url()?;
    let root_key = options.root_key.source(&url)?;
    let source = Source::open(&options.file).await.map_err(CommandError::failed)?;
    let sealer = source
        .key_store()
        .await
        .map_err(CommandError::failed)?
        .unlock(&root_key)
        .await?;
    // Somewhere else for a check; gone with the folder.
    let scratch = tempfile::tempdir().map_err(CommandError::failed)?;
    let target = if options.check {
        DatabaseUrl::new(&format!("sqlite:{}", scratch.path().join("check.db").display()))
    } else {
        url
    };
    let wanted = Restore {
        url: target.expose_url(),
        sealer: &sealer,
        now: SystemClock.now(),
        keep_unreadable: options.keep_unreadable,
    };
    let report = wanted.carry_out(source).await.map_err(|failure| {
        let words = failure.to_string();
        CommandError::Failed(format!("{}. Nothing was restored", words.trim_end_matches('.')))
    })?;
    if options.check {
        say(&report, "The backup is whole and can be restored");
    } else {
        say(&report, &format!("Restored {target:?}"));
        say_what_is_next(&report);
    }
    Ok(())
}

fn say(report: &RestoreReport, what: &str) {
    let (manifest, checked) = (&report.manifest, &report.checked);
    println!(
        "{what}: backup {} of {}, made by Rota {} on {}.\n\
         {} tables, {} rows; {} sealed values open; the audit is whole: {} entries, the last has hash {}.",
        manifest.backup,
        api::Timestamp::from(manifest.made_at),
        manifest.rota,
        manifest.backend,
        report.summary.tables.len(),
        report.summary.rows(),
        checked.opened,
        checked.chain.sequence,
        checked.chain.hash.0,
    );
    if checked.unreadable > 0 {
        println!(
            "{} sealed values do not open and were kept as they are: {}",
            checked.unreadable,
            checked.named.join(", ")
        );
    }
}

fn say_what_is_next(report: &RestoreReport) {
    println!(
        "\nWhat happened after {} is not in it. Next:\n\
         1. Start `rota serve` on this database with the same root key.\n\
         2. Rota then tries every credential at its issuer and lists under Findings what is refused: rotate that.\n\
         3. Tokens and accounts that were taken away after that time are valid again: look through them.\n\
         4. Make a new backup.",
        api::Timestamp::from(report.manifest.made_at)
    );
}
