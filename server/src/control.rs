//! The control socket beside a SQLite database: `rota admin` talks to the server that holds the database's lock.
//!
//! Whoever may open the socket may already read the database and its root key, so the file's mode is the whole of the
//! access check.

mod root;

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::access::Actor;
use engine::audit::service::{AuditVerification, verify_stored};
use engine::recovery::Backup;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};

use crate::auth::sign_in;
use crate::http::AppState;
use crate::recovery;

pub use root::RootRequest;

/// A check of a long audit takes time.
const PATIENCE: Duration = Duration::from_secs(120);
const LONGEST_LINE: u64 = 4_096;
/// Tombstones of a hundred thousand key versions make the longest reply.
const LONGEST_REPLY: u64 = 64 * 1_024 * 1_024;

/// What may be asked for, one line each.
#[derive(Debug)]
pub enum Request {
    /// A link that signs the named account in, or the first administrator.
    SignInLink { account: Option<String> },
    /// A check of the audit chain.
    VerifyAudit,
    /// A backup: one line about it, then its bytes.
    Backup,
    /// Which key versions are destroyed, sealed: one line.
    Tombstones,
    /// Something about the root of trust.
    Root(Box<RootRequest>),
}

impl Request {
    fn line(&self) -> String {
        match self {
            Self::SignInLink { account } => {
                format!("sign-in-link {}\n", account.as_deref().unwrap_or_default())
            }
            Self::VerifyAudit => "verify-audit\n".to_owned(),
            Self::Backup => "backup\n".to_owned(),
            Self::Tombstones => "tombstones\n".to_owned(),
            // Texts and numbers only: writing them as JSON cannot fail.
            Self::Root(request) => format!("root {}\n", serde_json::to_string(request).unwrap_or_default()),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        match line.trim() {
            "verify-audit" => return Some(Self::VerifyAudit),
            "backup" => return Some(Self::Backup),
            "tombstones" => return Some(Self::Tombstones),
            _ => {}
        }
        let (word, rest) = line.split_once(' ')?;
        if word == "root" {
            return serde_json::from_str(rest).ok().map(Box::new).map(Self::Root);
        }
        let account = Some(rest.trim())
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        (word == "sign-in-link").then_some(Self::SignInLink { account })
    }
}

/// Where the socket of a database file is.
pub fn socket_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".sock");
    PathBuf::from(path)
}

/// A bound socket; its file goes when it is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds the socket with mode 0600. The caller holds the database's lock, so a file that is there is a leftover.
    ///
    /// # Errors
    /// When the folder cannot be written, or the path is too long for a socket.
    pub fn bind(database: &Path) -> io::Result<Self> {
        let path = socket_path(database);
        // Bound where nobody else may look, so that it never stands open under its own name.
        let mut private = path.as_os_str().to_owned();
        private.push(".d");
        let private = PathBuf::from(private);
        let _leftover = std::fs::remove_dir_all(&private);
        std::fs::DirBuilder::new().mode(0o700).create(&private)?;
        let bound = (|| {
            let inner = private.join("s");
            let listener = UnixListener::bind(&inner)?;
            std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o600))?;
            std::fs::rename(&inner, &path)?;
            io::Result::Ok(listener)
        })();
        let _gone_already = std::fs::remove_dir_all(&private);
        Ok(Self {
            listener: bound?,
            path,
        })
    }

    /// Answers until the server stops.
    pub async fn answer(self, state: AppState) {
        loop {
            tokio::select! {
                () = state.shutdown.cancelled() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let state = state.clone();
                        tokio::spawn(async move {
                            if converse(stream, &state).await.is_err() {
                                tracing::debug!("a control connection ended early");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(error.cause = %error, "a control connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

async fn converse(stream: UnixStream, state: &AppState) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LONGEST_LINE));
    in_time(reader.read_line(&mut line)).await?;
    let request = Request::parse(&line);
    if matches!(request, Some(Request::Backup)) {
        send_backup(&mut writer, state).await?;
        return writer.shutdown().await;
    }
    let reply = in_time(async { Ok(answer(request, state).await) }).await?;
    in_time(writer.write_all(reply.as_bytes())).await?;
    writer.shutdown().await
}

/// What takes longer was given up by the other side, or is stuck.
async fn in_time<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn answer(request: Option<Request>, state: &AppState) -> String {
    match request {
        Some(Request::SignInLink { account }) => {
            let made = match state.public_url.get() {
                Some(url) => sign_in::make_link(&state.services, account.as_deref(), url).await,
                None => Err(engine::Refusal::Unavailable(
                    "the server is still starting".to_owned(),
                )),
            };
            match made {
                Ok(link) => format!("ok {}\n", link.expose_text()),
                Err(refusal) => format!("refused {refusal}\n"),
            }
        }
        Some(Request::VerifyAudit) => match verify_stored(state.services.store.as_ref(), None).await {
            Ok(AuditVerification::Whole { head }) => format!("ok {} {}\n", head.sequence, head.hash.0),
            Ok(AuditVerification::Broken(broken)) => format!("refused the audit is broken: {broken}\n"),
            Err(error) => format!("refused {error}\n"),
        },
        Some(Request::Tombstones) => {
            let actor = Actor::system("command-line");
            match recovery::export_tombstones(&state.services, &state.database, &actor).await {
                Ok(exported) => format!("ok {}\n", exported.to_line()),
                Err(refusal) => format!("refused {refusal}\n"),
            }
        }
        Some(Request::Root(request)) => match root::answer(state, *request).await {
            Ok(status) => match serde_json::to_string(&status) {
                Ok(status) => format!("ok {status}\n"),
                Err(error) => format!("refused {error}\n"),
            },
            Err(engine::Refusal::Rules(rules)) => {
                let details: Vec<&str> = rules.iter().map(|rule| rule.detail.as_str()).collect();
                format!("refused {}\n", details.join("; "))
            }
            Err(refusal) => format!("refused {refusal}\n"),
        },
        Some(Request::Backup) | None => {
            "refused this server does not know the request; are both of one version?\n".to_owned()
        }
    }
}

/// A line with what was made, then the bytes.
async fn send_backup(writer: &mut OwnedWriteHalf, state: &AppState) -> io::Result<()> {
    let actor = Actor::system("command-line");
    let mut made = match recovery::spooled_backup(state, &actor).await {
        Ok(made) => made,
        Err(refusal) => return writer.write_all(format!("refused {refusal}\n").as_bytes()).await,
    };
    let about = serde_json::to_string(&made.backup).map_err(io::Error::other)?;
    writer.write_all(format!("ok {about}\n").as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = made.file.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        in_time(writer.write_all(&buffer[..length])).await?;
    }
}

/// A backup made by the server that runs on this database, written to `file`. Nothing when none runs.
///
/// # Errors
/// With the server's own words, when it breaks off, or when what came is not what it made.
pub async fn fetch_backup(database: &Path, file: &mut File) -> Result<Option<Backup>, String> {
    let Ok(mut stream) = UnixStream::connect(socket_path(database)).await else {
        return Ok(None);
    };
    let broke_off = |error: io::Error| format!("the running server broke off: {error}");
    stream
        .write_all(Request::Backup.line().as_bytes())
        .await
        .map_err(broke_off)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).await.map_err(broke_off)?;
    let about = match line.trim_end().split_once(' ') {
        Some(("ok", about)) => about,
        Some(("refused", reason)) => return Err(reason.to_owned()),
        _ => return Err("the running server gave no answer; see its log".to_owned()),
    };
    let backup: Backup = serde_json::from_str(about).map_err(|error| error.to_string())?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = in_time(reader.read(&mut buffer)).await.map_err(broke_off)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        file.write_all(&buffer[..length])
            .await
            .map_err(|error| format!("the backup cannot be written: {error}"))?;
    }
    file.flush()
        .await
        .map_err(|error| format!("the backup cannot be written: {error}"))?;
    if hex::encode(hasher.finalize()) == backup.sha256 {
        Ok(Some(backup))
    } else {
        Err("the running server broke off within the backup; see its log".to_owned())
    }
}

/// Asks the server that runs on this database. Nothing when none does.
///
/// # Errors
/// With the server's own words, or when it does not answer.
pub async fn ask(database: &Path, request: &Request) -> Result<Option<String>, String> {
    let Ok(mut stream) = UnixStream::connect(socket_path(database)).await else {
        return Ok(None);
    };
    let exchange = async {
        stream.write_all(request.line().as_bytes()).await?;
        let mut reply = String::new();
        stream.take(LONGEST_REPLY).read_to_string(&mut reply).await?;
        io::Result::Ok(reply)
    };
    let reply = match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => return Err(format!("the running server broke off: {error}")),
        Err(_) => return Err("the running server does not answer; see its log".to_owned()),
    };
    match reply.trim_end().split_once(' ') {
        Some(("ok", answer)) => Ok(Some(answer.to_owned())),
        Some(("refused", reason)) => Err(reason.to_owned()),
        _ => Err("the running server gave no answer; see its log".to_owned()),
    }
}
