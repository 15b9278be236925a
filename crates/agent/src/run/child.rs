//! The program: started, signalled, stopped, its output masked.

use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    task::JoinSet,
};
use zeroize::Zeroizing;

use super::{
    Masking, RunError, Sink,
    mask::{KnownValues, Masker},
};

/// A grandchild may keep the pipe open; its last words are waited for this long.
const LONGEST_LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the program's output goes.
#[derive(Clone)]
pub(super) struct Sinks {
    pub(super) stdout: Sink,
    pub(super) stderr: Sink,
}

/// A running program.
#[derive(Debug)]
pub(super) struct RunningProgram {
    child: Child,
    pumps: JoinSet<()>,
}

/// What a program is started with.
#[derive(Debug)]
pub(super) struct StartOrder<'a> {
    pub(super) command: &'a [OsString],
    pub(super) variables: Vec<(String, Zeroizing<String>)>,
    pub(super) hidden_variables: &'a [String],
    pub(super) masking: Masking,
    pub(super) known: &'a KnownValues,
}

impl RunningProgram {
    pub(super) fn start(order: &StartOrder<'_>, sinks: &Sinks) -> Result<Self, RunError> {
        let (program, arguments) = order.command.split_first().ok_or(RunError::NoCommand)?;
        let mut command = Command::new(program);
        command.args(arguments).kill_on_drop(true);
        for hidden in order.hidden_variables {
            command.env_remove(hidden);
        }
        for (name, value) in &order.variables {
            command.env(name, value.as_str());
        }
        if order.masking == Masking::On {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child = command.spawn().map_err(|source| RunError::Spawn {
            program: program.to_string_lossy().into_owned(),
            source,
        })?;
        let mut pumps = JoinSet::new();
        if let Some(stdout) = child.stdout.take() {
            pumps.spawn(pump(
                stdout,
                sinks.stdout.clone(),
                Masker::new(order.known.clone()),
            ));
        }
        if let Some(stderr) = child.stderr.take() {
            pumps.spawn(pump(
                stderr,
                sinks.stderr.clone(),
                Masker::new(order.known.clone()),
            ));
        }
        Ok(Self { child, pumps })
    }

    /// Waits for the end. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> Result<ExitStatus, RunError> {
        self.child.wait().await.map_err(RunError::Wait)
    }

    /// Whether it has ended by itself already.
    pub(super) fn has_ended(&mut self) -> Result<Option<ExitStatus>, RunError> {
        self.child.try_wait().map_err(RunError::Wait)
    }

    /// Waits for the last output of a program that has ended.
    pub(super) async fn drain_output(&mut self) {
        let last_words = async { while self.pumps.join_next().await.is_some() {} };
        if tokio::time::timeout(LONGEST_LAST_WORDS, last_words)
            .await
            .is_err()
        {
            self.pumps.abort_all();
        }
    }

    /// Sends a signal; a program that has ended is left alone, and so is whoever got its number since.
    pub(super) fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::warn!(error = %error, "a signal could not be passed on");
        }
    }

    /// Asks the program to stop, and kills it when `grace` is over.
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<ExitStatus, RunError> {
        self.signal(Signal::TERM);
        let status = if let Ok(status) = tokio::time::timeout(grace, self.ended()).await {
            status?
        } else {
            tracing::warn!("the program did not stop in time and was killed");
            self.child.start_kill().map_err(RunError::Wait)?;
            self.ended().await?
        };
        self.drain_output().await;
        Ok(status)
    }
}

/// The code a shell would give.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}

async fn pump(mut from: impl AsyncRead + Unpin, sink: Sink, mut masker: Masker) {
    let mut buffer = Zeroizing::new(vec![0_u8; 16 * 1024]);
    loop {
        let (masked, is_over) = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => (masker.finish(), true),
            Ok(length) => (masker.mask(&buffer[..length]), false),
        };
        // Nobody reads any more: dropping our end tells the program so.
        if write(&sink, &masked).await.is_err() || is_over {
            return;
        }
    }
}

async fn write(sink: &Sink, bytes: &[u8]) -> io::Result<()> {
    let mut sink = sink.lock().await;
    sink.write_all(bytes).await?;
    sink.flush().await
}
