//! The control socket beside a SQLite database: `rota admin` talks to the server that holds the database's lock.
//!
//! Whoever may open the socket may already read the database and its root key, so the file's mode is the whole of the
//! access check.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::audit::service::{AuditVerification, verify_stored};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::auth::sign_in;
use crate::http::AppState;

/// A check of a long audit takes time.
const PATIENCE: Duration = Duration::from_secs(120);
const LONGEST_LINE: u64 = 4_096;

/// What may be asked for, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A link that signs the named account in, or the first administrator.
    SignInLink { account: Option<String> },
    /// A check of the audit chain.
    VerifyAudit,
}

impl Request {
    fn line(&self) -> String {
        match self {
            Self::SignInLink { account } => {
                format!("sign-in-link {}\n", account.as_deref().unwrap_or_default())
            }
            Self::VerifyAudit => "verify-audit\n".to_owned(),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        if line.trim() == "verify-audit" {
            return Some(Self::VerifyAudit);
        }
        let (word, rest) = line.split_once(' ')?;
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
                            let answered = tokio::time::timeout(PATIENCE, converse(stream, &state)).await;
                            if !matches!(answered, Ok(Ok(()))) {
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
    BufReader::new(reader.take(LONGEST_LINE))
        .read_line(&mut line)
        .await?;
    let reply = match Request::parse(&line) {
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
        None => "refused this server does not know the request; are both of one version?\n".to_owned(),
    };
    writer.write_all(reply.as_bytes()).await?;
    writer.shutdown().await
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
        stream.take(LONGEST_LINE).read_to_string(&mut reply).await?;
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
