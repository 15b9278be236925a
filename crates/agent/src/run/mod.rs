//! `rota run`: a program that knows nothing of Rota, given its credentials and told of changes.
//!
//! Values go into files in memory (or, where asked for, into the environment), never onto a disk. A new version
//! restarts the program or sends it a signal, and is acknowledged once the program has taken it. What the
//! program prints is masked.

mod child;
mod files;
mod mask;
mod options;
mod supervisor;

use std::{io, path::PathBuf, sync::Arc};

use tokio::{
    io::AsyncWrite,
    signal::unix::{SignalKind, signal},
    sync::{Mutex, mpsc},
};

use crate::{StartError, Unavailable};

pub use options::{HandOver, InvalidOnChange, Masking, OnChange, Options, default_instance};
pub use rustix::process::Signal;

/// Where the program's masked output goes.
pub type Sink = Arc<Mutex<dyn AsyncWrite + Send + Unpin>>;

/// What surrounds the program: where its output goes and which signals it is to be passed.
#[derive(Debug)]
pub struct Surroundings<O, E> {
    pub stdout: O,
    pub stderr: E,
    pub signals: mpsc::Receiver<Signal>,
}

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("no command was given; write it after --, as in: rota run --credential orders-app -- ./orders")]
    NoCommand,
    #[error(
        "the environment of a running program cannot change: leave --env away, or restart it on a change"
    )]
    EnvironmentNeedsRestart,
    #[error("{0}; the program was not started")]
    NoFirstVersion(#[source] Unavailable),
    #[error(
        "{} is not memory-backed, and secrets must not reach a disk; name a tmpfs such as /dev/shm with --directory", path.display())]
    NotMemory { path: PathBuf },
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "the value {name:?} has a name that cannot be a file; ask for --env, or change it at its issuer's connector"
    )]
    ValueName { name: String },
    #[error("{program} could not be started: {source}")]
    Spawn { program: String, source: io::Error },
    #[error("the program could not be watched: {0}")]
    Wait(#[source] io::Error),
    #[error("signals could not be listened to: {0}")]
    Signals(#[source] io::Error),
}

impl RunError {
    /// The exit code that shells expect: 127 not found, 126 not executable, 125 anything of our own.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Spawn { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Self::Spawn { .. } => 126,
            _ => 125,
        }
    }
}

/// Runs a program to its end and gives its exit code (128 and the number of the signal that ended it).
///
/// # Errors
/// As [`RunError`] says; where the program was started, its own code is the answer.
pub async fn run(options: Options) -> Result<u8, RunError> {
    let signals = listen().map_err(RunError::Signals)?;
    let surroundings = Surroundings {
        stdout: tokio::io::stdout(),
        stderr: tokio::io::stderr(),
        signals,
    };
    run_with(options, surroundings).await
}

/// [`run`] with surroundings of one's own.
///
/// # Errors
/// As [`run`].
pub async fn run_with<O, E>(options: Options, surroundings: Surroundings<O, E>) -> Result<u8, RunError>
where
    O: AsyncWrite + Send + Unpin + 'static,
    E: AsyncWrite + Send + Unpin + 'static,
{
    let sinks = child::Sinks {
        stdout: Arc::new(Mutex::new(surroundings.stdout)),
        stderr: Arc::new(Mutex::new(surroundings.stderr)),
    };
    supervisor::supervise(options, sinks, surroundings.signals).await
}

/// The signals that are passed on. Ctrl-C at a terminal reaches the program without us.
fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(16);
    let at_terminal = io::IsTerminal::is_terminal(&io::stdin());
    for (kind, forwarded) in [
        (SignalKind::terminate(), Signal::TERM),
        (SignalKind::interrupt(), Signal::INT),
        (SignalKind::quit(), Signal::QUIT),
        (SignalKind::hangup(), Signal::HUP),
        (SignalKind::user_defined1(), Signal::USR1),
        (SignalKind::user_defined2(), Signal::USR2),
    ] {
        let from_terminal = at_terminal && [Signal::INT, Signal::QUIT].contains(&forwarded);
        let mut listener = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while listener.recv().await.is_some() {
                if !from_terminal && sender.send(forwarded).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}
