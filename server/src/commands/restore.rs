//! `rota restore`: a database from a backup, in a place that holds nothing.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use engine::Clock;
use engine::recovery::{OpenVersion, Tombstone};
use engine::seal::Sealer;

use super::CommandError;
use super::shares::ShareOptions;
use crate::composition;
use crate::config::{DatabaseOptions, DatabaseUrl, RootKeyOptions};
use crate::host::SystemClock;
use crate::recovery::{KeptTombstones, Restore, RestoreReport, Source};
use crate::root_key::GivenRoots;

/// `rota restore`.
#[derive(Args, Debug)]
pub(super) struct RestoreOptions {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    #[command(flatten)]
    shares: ShareOptions,
    /// Key versions that were destroyed since the backup was made stay dead: a file that `rota backup tombstones` wrote,
    /// or a newer backup; may be given several times
    #[arg(long, value_name = "FILE")]
    tombstones: Vec<PathBuf>,
    /// Restore sealed values that do not open as they are, instead of refusing the backup
    #[arg(long, env = "ROTA_RESTORE_KEEP_UNREADABLE")]
    keep_unreadable: bool,
    /// Verify everything, and restore nowhere: the database is not touched
    #[arg(long, env = "ROTA_RESTORE_CHECK")]
    check: bool,
}

pub(super) async fn restore(options: &RestoreOptions) -> Result<(), CommandError> {
    let url = options.database.url()?;
    let roots = roots(&options.root_key, &options.shares, &url)?;
    let source = Source::open(&options.file).await.map_err(CommandError::failed)?;
    let sealer = unlock(&source, &roots).await?;
    let tombstones = read_tombstones(&options.tombstones, &roots).await?;
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
        tombstones: &tombstones,
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

/// Whatever may open a backup: what is configured as the root or as the next one, and shares.
pub(super) fn roots(
    root_key: &RootKeyOptions,
    shares: &ShareOptions,
    url: &DatabaseUrl,
) -> Result<Arc<GivenRoots>, CommandError> {
    let (current, next) = (root_key.source(url)?, root_key.next_source()?);
    shares.with(composition::configured_roots(current, next)?)
}

/// The keys of a backup, or of a file of tombstones.
pub(super) async fn unlock(source: &Source, roots: &Arc<GivenRoots>) -> Result<Sealer, CommandError> {
    let keys = source.key_store().await.map_err(CommandError::failed)?;
    let roots: Arc<GivenRoots> = Arc::clone(roots);
    keys.unlock(roots).await
}

/// Tombstones kept outside.
pub(super) async fn read_tombstones(
    files: &[PathBuf],
    roots: &Arc<GivenRoots>,
) -> Result<Vec<KeptTombstones>, CommandError> {
    let mut kept = Vec::with_capacity(files.len());
    for file in files {
        let source = Source::open(file).await.map_err(CommandError::failed)?;
        let sealer = unlock(&source, roots).await?;
        let read = KeptTombstones::read(source, &sealer, file).await;
        kept.push(read.map_err(|failure| CommandError::Failed(format!("{}: {failure}", file.display())))?);
    }
    Ok(kept)
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
    say_versions(&report.open, &report.shut);
}

/// Which key versions open, until when, and which do not any more.
pub(super) fn say_versions(open: &[OpenVersion], shut: &[Tombstone]) {
    if !open.is_empty() {
        println!("Key versions that open: {}.", open.len());
    }
    for version in open {
        let until = match version.destroy_at {
            Some(at) => format!("to be destroyed at {}", api::Timestamp::from(at)),
            None => "no destruction was planned".to_owned(),
        };
        println!(
            "  {} {}, {}: {until}",
            version.name, version.version, version.state
        );
    }
    if !shut.is_empty() {
        println!(
            "Key versions that were destroyed since the backup was made: {}.",
            shut.len()
        );
    }
    for tombstone in shut {
        println!(
            "  {} {}: destroyed at {} ({})",
            tombstone.name,
            tombstone.version,
            api::Timestamp::from(tombstone.destroyed_at),
            tombstone.reason
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
    if report.shut.is_empty() {
        println!(
            "Key versions that were destroyed after that time live again unless their tombstones were given \
             (--tombstones): destroy them again."
        );
    }
}
