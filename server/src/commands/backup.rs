//! `rota backup`: the whole database, sealed, into one file.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use engine::access::Actor;
use engine::{Clock, recovery::Backup};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::CommandError;
use crate::composition;
use crate::config::{DatabaseOptions, DatabaseUrl, RootKeyOptions};
use crate::control;
use crate::host::SystemClock;
use crate::recovery::{make_backup, spool};

/// `rota backup`.
#[derive(Args, Debug)]
pub(super) struct BackupOptions {
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    root_key: RootKeyOptions,
    /// The file to write, which must not exist; `-` is standard output. By default rota-TIME.backup in this folder
    #[arg(long, short, env = "ROTA_BACKUP_OUTPUT")]
    output: Option<PathBuf>,
}

pub(super) async fn backup(options: &BackupOptions) -> Result<(), CommandError> {
    let url = options.database.url()?;
    if let Some(file) = url.sqlite_file()
        && !file.exists()
    {
        return Err(CommandError::Failed(format!(
            "there is no database at {}; name it in ROTA_DATABASE_URL",
            file.display()
        )));
    }
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

async fn to_standard_output(options: &BackupOptions, url: &DatabaseUrl) -> Result<(), CommandError> {
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
async fn write(options: &BackupOptions, url: &DatabaseUrl, file: &mut File) -> Result<Backup, CommandError> {
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
