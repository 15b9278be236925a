//! A database's own process: under a user it accepts, ended with the test that started it.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// Everything a server wrote since it was first started.
pub(crate) type Log = Arc<Mutex<String>>;

/// What is particular about a server's program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// As Debian calls it.
    pub(crate) package: &'static str,
    /// Part of the line that says that it takes connections.
    pub(crate) ready: &'static str,
    /// The signal that ends it in an orderly way.
    pub(crate) stop_with: &'static str,
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Databases refuse to run as root, so root lends them another user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    user: u32,
    group: u32,
}

impl Program {
    /// A command under a user it accepts, which ends when the thread that started it does.
    pub(crate) fn command(self, path: &Path, identity: Option<Identity>, folder: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", self.stop_with]);
        if let Some(Identity { user, group }) = identity {
            command.args([
                &format!("--reuid={user}"),
                &format!("--regid={group}"),
                "--clear-groups",
            ]);
        }
        command.arg("--").arg(path);
        command.current_dir(folder).stdin(Stdio::null());
        command
    }
}

/// Gives a folder to that user.
pub(crate) fn lend(folder: &Path, identity: Option<Identity>) {
    if let Some(Identity { user, group }) = identity {
        chown(folder, Some(user), Some(group))
            .unwrap_or_else(|error| panic!("cannot give the folder to the database's user: {error}"));
    }
}

/// The running process. A thread of its own starts and reaps it, because the kernel's parent-death signal watches
/// the thread that forked: a test killed half-way takes its server with it, and a test that ends does not.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it, and waits until it says that it is ready.
    pub(crate) fn spawn(program: Program, mut command: Command, written: Log) -> Self {
        let (stop, stopped) = channel();
        let (ready, is_ready) = channel();
        let keeper = std::thread::spawn(move || {
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| {
                    panic!("{program} does not start: {error}; install {}", program.package)
                });
            let log = follow_log(program, &mut child, ready, written);
            wait_for_stop(&stopped);
            end(program, &mut child);
            drop(log.join());
        });
        match is_ready.recv_timeout(READY_TIMEOUT) {
            Ok(Ok(())) => Self {
                stop: Some(stop),
                keeper: Some(keeper),
            },
            Ok(Err(log)) => panic!("{program} ended while starting:\n{log}"),
            Err(error) => panic!("{program} was not ready in {READY_TIMEOUT:?}: {error}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(keeper) = self.keeper.take() {
            drop(keeper.join());
        }
    }
}

/// Says once whether the server became ready, and keeps reading, so that the pipe never fills.
fn follow_log(
    program: Program,
    child: &mut Child,
    ready: Sender<Result<(), String>>,
    written: Log,
) -> JoinHandle<()> {
    let Some(stderr) = child.stderr.take() else {
        panic!("the log of {program} was not piped")
    };
    std::thread::spawn(move || {
        let mut so_far = String::new();
        let mut ready = Some(ready);
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
            drop(log);
            if ready.is_none() {
                continue;
            }
            if line.contains(program.ready) {
                ready.take().map(|ready| ready.send(Ok(())));
            } else {
                so_far.push_str(&line);
                so_far.push('\n');
            }
        }
        ready.map(|ready| ready.send(Err(so_far)));
    })
}

/// Blocks until the owner drops its end.
fn wait_for_stop(stopped: &Receiver<()>) {
    stopped.recv().ok();
}

fn end(program: Program, child: &mut Child) {
    let signal = Command::new("kill")
        .args([&format!("-{}", program.stop_with), &child.id().to_string()])
        .status();
    if !signal.is_ok_and(|status| status.success()) {
        drop(child.kill());
    }
    drop(child.wait());
}

/// Another user when we are root, else nobody but ourselves.
pub(crate) fn choose_identity(own_folder: &Path, names: &[&str]) -> Option<Identity> {
    let owner = std::fs::metadata(own_folder)
        .unwrap_or_else(|error| panic!("the temporary folder is gone: {error}"))
        .uid();
    if owner != 0 {
        return None;
    }
    names
        .iter()
        .find_map(|name| {
            Some(Identity {
                user: ask_id("-u", name)?,
                group: ask_id("-g", name)?,
            })
        })
        .or_else(|| panic!("a database does not run as root, and there is none of the users {names:?}"))
}

fn ask_id(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .unwrap_or_else(|error| panic!("no free port: {error}"))
        .port()
}
