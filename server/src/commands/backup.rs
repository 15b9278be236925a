//! `rota backup`: the whole database, sealed, into one file.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine::Clock;
use engine::access::Actor;
use engine::recovery::{Backup, Tombstones};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::shares::ShareOptions;
use super::{CommandError, restore};
use crate::composition;
use crate::config::{DatabaseOptions, DatabaseUrl, RootKeyOptions};
use crate::control;
use crate::host::SystemClock;
use crate::recovery::{ExportedTombstones, Source, export_tombstones, make_backup, show, spool};

/// `rota backup`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct BackupOptions {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    #[command(flatten)]
    make: MakeOptions,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Read a backup to its end and tell what it is and which key versions it still opens
    Show(ShowOptions),
    /// Write which key versions are destroyed into a small sealed file, to be kept apart from backups
    Tombstones(TombstoneOptions),
}

#[derive(Args, Debug)]
struct ShowOptions {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    #[command(flatten)]
    shares: ShareOptions,
    /// What was destroyed since: a file that `rota backup tombstones` wrote, or a newer backup
    #[arg(long, value_name = "FILE")]
    tombstones: Vec<PathBuf>,
}

#[derive(Args, Debug)]
struct TombstoneOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    /// The file to write, which must not exist
    #[arg(long, short)]
    output: PathBuf,
}

#[derive(Args, Debug)]
struct MakeOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    /// The file to write, which must not exist; `-` is standard output. By default rota-TIME.backup in this folder
    #[arg(long, short, env = "ROTA_BACKUP_OUTPUT")]
    output: Option<PathBuf>,
}

pub(super) async fn backup(options: &BackupOptions) -> Result<(), CommandError> {
    match &options.command {
        None => make(&options.make).await,
        Some(BackupCommand::Show(options)) => tell(options).await,
        Some(BackupCommand::Tombstones(options)) => tombstones(options).await,
    }
}

async fn tell(options: &ShowOptions) -> Result<(), CommandError> {
    let roots = restore::roots(&options.root_key, &options.shares, &options.database.url()?)?;
    let source = Source::open(&options.file).await.map_err(CommandError::failed)?;
    let sealer = restore::unlock(&source, &roots).await?;
    let kept = restore::read_tombstones(&options.tombstones, &roots).await?;
    let all = Tombstones::new(kept.into_iter().flat_map(|kept| kept.tombstones.to_vec()));
    let shown = show(source, &sealer, all).await.map_err(CommandError::failed)?;
    let manifest = &shown.manifest;
    println!(
        "Backup {} of installation {}, made at {} by Rota {} on {}: {} tables, {} rows, up to audit entry {}.\n\
         It remembers {} destroyed key versions.",
        manifest.backup,
        manifest.database,
        api::Timestamp::from(manifest.made_at),
        manifest.rota,
        manifest.backend,
        shown.summary.tables.len(),
        shown.summary.rows(),
        manifest.audit.sequence,
        manifest.tombstones.len(),
    );
    restore::say_versions(&shown.open, &shown.shut);
    println!(
        "Whoever has this file and its root key opens every version above, also after it is destroyed; only when one \
         of the two is gone is a destruction final. `rota restore --tombstones FILE` keeps what was destroyed dead."
    );
    Ok(())
}

async fn tombstones(options: &TombstoneOptions) -> Result<(), CommandError> {
    let url = options.database.url()?;
    check_there_is_one(&url)?;
    let path = &options.output;
    if path.symlink_metadata().is_ok() {
        return Err(taken(path));
    }
    let draft = Draft::beside(path);
    let mut file = File::from_std(draft.file()?);
    let exported = export(options, &url).await?;
    file.write_all(&exported.bytes)
        .await
        .map_err(|error| unwritable(path, &error))?;
    file.sync_all().await.map_err(|error| unwritable(path, &error))?;
    draft.put_in_place()?;
    println!(
        "{} tombstones are in {}, sealed.\nsha256 {}\nKeep the newest one apart from the backups, and give it to `rota restore --tombstones`.",
        exported.count,
        path.display(),
        exported.sha256
    );
    Ok(())
}

/// By the server that holds the database, or without one.
async fn export(options: &TombstoneOptions, url: &DatabaseUrl) -> Result<ExportedTombstones, CommandError> {
    if let Some(database) = url.sqlite_file()
        && let Some(answer) = control::ask(&database, &control::Request::Tombstones)
            .await
            .map_err(CommandError::Failed)?
    {
        return ExportedTombstones::of_line(&answer)
            .ok_or_else(|| CommandError::Failed("the running server's answer does not read".to_owned()));
    }
    let parts = composition::compose_services(url, &options.root_key.source(url)?).await?;
    let actor = Actor::system("command-line");
    let exported = export_tombstones(&parts.services, &parts.database, &actor).await;
    parts.database.close().await;
    exported.map_err(CommandError::failed)
}

fn check_there_is_one(url: &DatabaseUrl) -> Result<(), CommandError> {
    match url.sqlite_file() {
        Some(file) if !file.exists() => Err(CommandError::Failed(format!(
            "there is no database at {}; name it in ROTA_DATABASE_URL",
            file.display()
        ))),
        _ => Ok(()),
    }
}

async fn make(options: &MakeOptions) -> Result<(), CommandError> {
    let url = options.database.url()?;
    check_there_is_one(&url)?;
    if options.output.as_deref() == Some(Path::new("-")) {
        return to_standard_output(options, &url).await;
    }
    let path = options.output.clone().unwrap_or_else(usual_name);
    if path.symlink_metadata().is_ok() {
        return Err(taken(&path));
    }
    let draft = Draft::beside(&path);
    let mut file = File::from_std(draft.file()?);
    let made = write(options, &url, &mut file).await?;
    file.sync_all().await.map_err(|error| unwritable(&path, &error))?;
    draft.put_in_place()?;
    println!(
        "Backup {} is in {}: {} rows, {} bytes, up to audit entry {}.\nsha256 {}\n\
         It opens with the root key alone. Keep the two apart.",
        made.id,
        path.display(),
        made.rows,
        made.bytes,
        made.audit.sequence,
        made.sha256
    );
    Ok(())
}

async fn to_standard_output(options: &MakeOptions, url: &DatabaseUrl) -> Result<(), CommandError> {
    if io::stdout().is_terminal() {
        return Err(CommandError::Usage(
            "a backup is no text for a terminal; send it into a file or a pipe".to_owned(),
        ));
    }
    // Complete before the first byte leaves: a pipe never gets half a backup that ended well.
    let mut file = spool(&url.folder()).map_err(CommandError::failed)?;
    let made = write(options, url, &mut file).await?;
    let mut output = tokio::io::stdout();
    tokio::io::AsyncSeekExt::rewind(&mut file)
        .await
        .map_err(CommandError::failed)?;
    tokio::io::copy(&mut file, &mut output)
        .await
        .map_err(CommandError::failed)?;
    output.flush().await.map_err(CommandError::failed)?;
    eprintln!(
        "Backup {}: {} rows, {} bytes, sha256 {}",
        made.id, made.rows, made.bytes, made.sha256
    );
    Ok(())
}

/// By the server that holds the database, or without one.
async fn write(options: &MakeOptions, url: &DatabaseUrl, file: &mut File) -> Result<Backup, CommandError> {
    if let Some(database) = url.sqlite_file()
        && let Some(made) = control::fetch_backup(&database, file)
            .await
            .map_err(CommandError::Failed)?
    {
        return Ok(made);
    }
    let parts = composition::compose_services(url, &options.root_key.source(url)?).await?;
    let actor = Actor::system("command-line");
    let made = make_backup(&parts.services, &parts.database, &actor, file).await;
    parts.database.close().await;
    made.map_err(CommandError::failed)
}

fn usual_name() -> PathBuf {
    let now = api::Timestamp::from_micros(SystemClock.now().as_micros()).to_string();
    let (seconds, _) = now.split_once('.').unwrap_or((now.trim_end_matches('Z'), ""));
    PathBuf::from(format!("rota-{}.backup", seconds.replace(':', "")))
}

fn taken(path: &Path) -> CommandError {
    CommandError::Failed(format!(
        "{} is there already, and a backup never overwrites anything; name another file",
        path.display()
    ))
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> CommandError {
    CommandError::Failed(format!("{} cannot be written: {error}", path.display()))
}

/// A file under another name until it is complete; gone when it never is.
struct Draft {
    path: PathBuf,
    draft: PathBuf,
}

impl Draft {
    fn beside(path: &Path) -> Self {
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}.part", std::process::id()));
        Self {
            path: path.to_owned(),
            draft: PathBuf::from(draft),
        }
    }

    fn file(&self) -> Result<fs::File, CommandError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.draft)
            .map_err(|error| unwritable(&self.draft, &error))
    }

    fn put_in_place(&self) -> Result<(), CommandError> {
        match fs::hard_link(&self.draft, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(taken(&self.path)),
            other => other.map_err(|error| unwritable(&self.path, &error))?,
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(&self.path, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.draft);
    }
}
