//! The life of a program under `rota run`.

use std::{collections::BTreeMap, ffi::OsString, process::ExitStatus, sync::Arc, time::Duration};

use rustix::process::Signal;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use zeroize::Zeroizing;

use super::{
    HandOver, Masking, OnChange, Options, RunError,
    child::{RunningProgram, Sinks, StartOrder, exit_code},
    files::CredentialFiles,
    mask::KnownValues,
};
use crate::{AckMode, Agent, Handle, Lease, Unavailable};

/// How often a withdrawn credential is asked for again.
const WITHDRAWN_PAUSE: Duration = Duration::from_secs(5);

/// News of one credential.
enum Change {
    Version(Arc<Lease>),
    Withdrawn(String),
}

/// What happens next to a running program.
enum Event {
    Ended(ExitStatus),
    Changed(Change),
    Told(Signal),
    Settled,
}

struct Supervisor {
    command: Vec<OsString>,
    hand_over: Destination,
    on_change: OnChange,
    masking: Masking,
    stop_grace: Duration,
    settle: Duration,
    hidden_variables: Vec<String>,
    sinks: Sinks,
    known: KnownValues,
    handles: BTreeMap<String, Handle>,
    leases: BTreeMap<String, Arc<Lease>>,
    /// Versions the program was given and has not yet lived with for long enough.
    unacknowledged: BTreeMap<String, u32>,
    /// A program that fails right after its first start may fail for any reason; after a change, for that one.
    changed_since_start: bool,
}

enum Destination {
    Files(CredentialFiles),
    Environment { prefix: String },
}

pub(super) async fn supervise(
    mut options: Options,
    sinks: Sinks,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<u8, RunError> {
    if options.command.is_empty() {
        return Err(RunError::NoCommand);
    }
    let is_environment = matches!(options.hand_over, HandOver::Environment { .. });
    if is_environment && options.on_change != OnChange::Restart {
        return Err(RunError::EnvironmentNeedsRestart);
    }
    options.config.ack_mode = AckMode::Explicit;
    let names = options.config.credentials.clone();
    let agent = Agent::start(options.config)?;
    let mut handles = BTreeMap::new();
    for name in names {
        if let Ok(handle) = agent.credential(&name) {
            handles.insert(name, handle);
        }
    }
    let (sender, mut changes) = mpsc::channel(16);
    let mut watchers = JoinSet::new();
    for handle in handles.values() {
        watchers.spawn(watch(handle.clone(), sender.clone()));
    }
    let mut supervisor = Supervisor {
        command: options.command,
        hand_over: match options.hand_over {
            HandOver::Files { directory } => Destination::Files(CredentialFiles::create(&directory)?),
            HandOver::Environment { prefix } => Destination::Environment { prefix },
        },
        on_change: options.on_change,
        masking: options.masking,
        stop_grace: options.stop_grace,
        settle: options.settle,
        hidden_variables: options.hidden_variables,
        sinks,
        known: KnownValues::default(),
        handles,
        leases: BTreeMap::new(),
        unacknowledged: BTreeMap::new(),
        changed_since_start: false,
    };
    let first = supervisor
        .collect_first(&mut changes, &mut signals, options.first_version_timeout)
        .await;
    let result = match first {
        Ok(None) => supervisor.run(&mut changes, &mut signals).await,
        Ok(Some(code)) => Ok(code),
        Err(error) => Err(error),
    };
    drop(watchers);
    agent.shutdown().await;
    result
}

impl Supervisor {
    /// Waits until every credential has a version; a signal to end ends the waiting.
    async fn collect_first(
        &mut self,
        changes: &mut mpsc::Receiver<Change>,
        signals: &mut mpsc::Receiver<Signal>,
        limit: Duration,
    ) -> Result<Option<u8>, RunError> {
        let deadline = Instant::now() + limit;
        while self.leases.len() < self.handles.len() {
            tokio::select! {
                Some(change) = changes.recv() => self.take(change)?,
                Some(signal) = signals.recv() => {
                    if ends(signal) {
                        return Ok(Some(128 + u8::try_from(signal.as_raw()).unwrap_or(0)));
                    }
                }
                () = sleep_until(deadline) => return Err(RunError::NoFirstVersion(self.first_missing())),
            }
        }
        Ok(None)
    }

    fn first_missing(&self) -> Unavailable {
        let mut missing = self
            .handles
            .iter()
            .filter(|(name, _)| !self.leases.contains_key(*name));
        missing
            .find_map(|(_, handle)| handle.current().err())
            .unwrap_or(Unavailable::Stopped)
    }

    async fn run(
        &mut self,
        changes: &mut mpsc::Receiver<Change>,
        signals: &mut mpsc::Receiver<Signal>,
    ) -> Result<u8, RunError> {
        let mut program = self.start()?;
        let mut settled_at = Instant::now() + self.settle;
        loop {
            let event = tokio::select! {
                status = program.ended() => Event::Ended(status?),
                Some(change) = changes.recv() => Event::Changed(change),
                Some(signal) = signals.recv() => Event::Told(signal),
                () = sleep_until(settled_at), if !self.unacknowledged.is_empty() => Event::Settled,
            };
            match event {
                Event::Ended(status) => {
                    program.drain_output().await;
                    self.acknowledge_end(status);
                    return Ok(exit_code(status));
                }
                Event::Told(signal) => program.signal(signal),
                Event::Settled => self.acknowledge_all(),
                Event::Changed(withdrawn @ Change::Withdrawn(_)) => self.take(withdrawn)?,
                Event::Changed(change) => {
                    self.changed_since_start = true;
                    if let OnChange::Signal(signal) = self.on_change {
                        self.take(change)?;
                        program.signal(signal);
                    } else {
                        if let Some(code) = self.stop_for_change(&mut program, signals).await? {
                            return Ok(code);
                        }
                        self.take(change)?;
                        // Several credentials may have changed meanwhile: one start serves them all.
                        while let Ok(change) = changes.try_recv() {
                            self.take(change)?;
                        }
                        program = self.start()?;
                    }
                    settled_at = Instant::now() + self.settle;
                }
            }
        }
    }

    /// Stops the program so that it can start anew. If we are told to end meanwhile, its code is the answer.
    async fn stop_for_change(
        &self,
        program: &mut RunningProgram,
        signals: &mut mpsc::Receiver<Signal>,
    ) -> Result<Option<u8>, RunError> {
        // A job that ended just now is done; starting it anew would do it twice.
        if let Some(status) = program.has_ended()? {
            program.drain_output().await;
            return Ok(Some(exit_code(status)));
        }
        let stopping = program.stop(self.stop_grace);
        tokio::pin!(stopping);
        let mut told_to_end = false;
        loop {
            tokio::select! {
                status = &mut stopping => {
                    let code = exit_code(status?);
                    return Ok(told_to_end.then_some(code));
                }
                Some(signal) = signals.recv() => told_to_end |= ends(signal),
            }
        }
    }

    /// Puts a change where the program will find it.
    fn take(&mut self, change: Change) -> Result<(), RunError> {
        match change {
            Change::Version(lease) => {
                self.known.learn(&lease);
                if let Destination::Files(files) = &mut self.hand_over {
                    files.replace(&lease)?;
                }
                self.unacknowledged
                    .insert(lease.credential().to_owned(), lease.version());
                self.leases.insert(lease.credential().to_owned(), lease);
            }
            Change::Withdrawn(credential) => {
                tracing::error!(
                    credential,
                    "the credential was withdrawn; the program keeps running without news of it"
                );
                self.leases.remove(&credential);
                if let Destination::Files(files) = &self.hand_over
                    && let Err(error) = files.remove(&credential)
                    && error.kind() != std::io::ErrorKind::NotFound
                {
                    tracing::error!(credential, error = %error, "its files could not be removed");
                }
            }
        }
        Ok(())
    }

    fn start(&self) -> Result<RunningProgram, RunError> {
        let variables = match &self.hand_over {
            Destination::Files(files) => {
                let path = files.path().to_string_lossy().into_owned();
                vec![("ROTA_CREDENTIALS_DIR".to_owned(), Zeroizing::new(path))]
            }
            Destination::Environment { prefix } => self.variables(prefix),
        };
        let order = StartOrder {
            command: &self.command,
            variables,
            hidden_variables: &self.hidden_variables,
            masking: self.masking,
            known: &self.known,
        };
        RunningProgram::start(&order, &self.sinks)
    }

    fn variables(&self, prefix: &str) -> Vec<(String, Zeroizing<String>)> {
        let is_alone = self.handles.len() == 1;
        let of_lease = |lease: &Arc<Lease>| {
            let prefix = if is_alone {
                prefix.to_owned()
            } else {
                format!("{prefix}{}_", upper_case(lease.credential()))
            };
            let values: Vec<_> = lease
                .expose_all()
                .map(|(name, value)| {
                    (
                        format!("{prefix}{}", upper_case(name)),
                        Zeroizing::new(value.into_owned()),
                    )
                })
                .collect();
            values
        };
        self.leases.values().flat_map(of_lease).collect()
    }

    fn acknowledge_all(&mut self) {
        for (credential, version) in std::mem::take(&mut self.unacknowledged) {
            if let Some(handle) = self.handles.get(&credential) {
                handle.acknowledge(version);
            }
        }
    }

    /// The program ended before it settled: well, or because of the change.
    fn acknowledge_end(&mut self, status: ExitStatus) {
        if status.success() {
            self.acknowledge_all();
        } else if self.changed_since_start {
            let error = format!(
                "the program ended with code {} right after the change",
                exit_code(status)
            );
            for (credential, version) in std::mem::take(&mut self.unacknowledged) {
                if let Some(handle) = self.handles.get(&credential) {
                    handle.acknowledge_failure(version, &error);
                }
            }
        }
    }
}

/// Tells of every version of one credential.
async fn watch(mut handle: Handle, changes: mpsc::Sender<Change>) {
    let mut is_withdrawn = false;
    loop {
        match handle.changed().await {
            Ok(lease) => {
                is_withdrawn = false;
                if changes.send(Change::Version(lease)).await.is_err() {
                    return;
                }
            }
            Err(Unavailable::Withdrawn { credential, .. }) => {
                if !is_withdrawn && changes.send(Change::Withdrawn(credential)).await.is_err() {
                    return;
                }
                is_withdrawn = true;
                let _nothing_new = timeout(WITHDRAWN_PAUSE, handle.wait_for_news()).await;
            }
            Err(_) => return,
        }
    }
}

fn ends(signal: Signal) -> bool {
    [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP].contains(&signal)
}

fn upper_case(name: &str) -> String {
    name.chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() {
                character.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}
