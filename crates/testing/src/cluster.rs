//! One PostgreSQL server process and its folder.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

/// The superuser of every test cluster, and its password over TCP.
pub(crate) const SUPERUSER: &str = "postgres";
pub(crate) const PASSWORD: &str = "only-for-tests";

const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A folder with a data directory in it, and at most one server running on it.
#[derive(Debug)]
pub(crate) struct Cluster {
    programs: PathBuf,
    identity: Option<Identity>,
    folder: TempDir,
    pub(crate) port: u16,
    settings: Vec<String>,
    server: Mutex<Option<Server>>,
    log: Log,
}

/// Everything the server wrote since it was first started.
type Log = Arc<Mutex<String>>;

/// PostgreSQL refuses to run as root, so root lends it another user.
#[derive(Clone, Copy, Debug)]
struct Identity {
    user: u32,
    group: u32,
}

impl Cluster {
    /// Makes a data directory and starts a server on it.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let programs = find_programs();
        let folder = tempfile::Builder::new()
            .prefix("rota-postgres-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder for PostgreSQL: {error}"));
        let identity = choose_identity(folder.path());
        if let Some(identity) = identity {
            chown(folder.path(), Some(identity.user), Some(identity.group))
                .unwrap_or_else(|error| panic!("cannot give the folder to PostgreSQL's user: {error}"));
        }
        let cluster = Self {
            programs,
            identity,
            folder,
            port: free_port(),
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            server: Mutex::new(None),
            log: Log::default(),
        };
        cluster.create_data_directory();
        cluster.start_server();
        cluster
    }

    /// The folder of the data directory, the socket and the log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server wrote so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts the server again after [`Self::stop_server`], on the same port and data.
    pub(crate) fn start_server(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            *server = Some(Server::spawn(self.server_command(), Arc::clone(&self.log)));
        }
    }

    /// Stops the server at once; the data stays.
    pub(crate) fn stop_server(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(server);
    }

    /// Runs SQL as the superuser over the socket; gives what it printed, unaligned and without headers.
    pub(crate) fn execute(&self, database: &str, sql: &str) -> String {
        let output = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args([
                "--set",
                "ON_ERROR_STOP=1",
                "--username",
                SUPERUSER,
                "--dbname",
                database,
            ])
            .arg("--host")
            .arg(self.folder.path())
            .args(["--port", &self.port.to_string(), "--command", sql])
            .output()
            .unwrap_or_else(|error| panic!("psql does not start: {error}; install postgresql-client"));
        assert!(
            output.status.success(),
            "psql refused `{sql}`: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    fn create_data_directory(&self) {
        let password_file = self.folder.path().join("password");
        std::fs::write(&password_file, PASSWORD)
            .unwrap_or_else(|error| panic!("cannot write the password file: {error}"));
        let output = self
            .command("initdb")
            .arg("--pgdata")
            .arg(self.data_directory())
            .arg("--pwfile")
            .arg(&password_file)
            .args([
                "--username",
                SUPERUSER,
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
            ])
            .args([
                "--auth-local",
                "trust",
                "--auth-host",
                "scram-sha-256",
                "--no-sync",
            ])
            .output()
            .unwrap_or_else(|error| panic!("initdb does not start: {error}"));
        assert!(
            output.status.success(),
            "initdb failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn server_command(&self) -> Command {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data_directory());
        command.arg("-k").arg(self.folder.path());
        command.arg("-p").arg(self.port.to_string());
        let defaults = [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "full_page_writes=off",
            "max_connections=200",
            "shared_buffers=32MB",
        ];
        for setting in defaults
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.arg("-c").arg(setting);
        }
        command
    }

    fn data_directory(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of PostgreSQL, under a user it accepts, which ends when the thread that started it does.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT"]);
        if let Some(Identity { user, group }) = self.identity {
            command.args([
                &format!("--reuid={user}"),
                &format!("--regid={group}"),
                "--clear-groups",
            ]);
        }
        command.arg("--").arg(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop_server();
    }
}

/// The running process. A thread of its own starts and reaps it, because the kernel's parent-death signal watches
/// the thread that forked: a test killed half-way takes its server with it, and a test that ends does not.
#[derive(Debug)]
struct Server {
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Server {
    fn spawn(mut command: Command, written: Log) -> Self {
        let (stop, stopped) = channel();
        let (ready, is_ready) = channel();
        let keeper = std::thread::spawn(move || {
            let mut child = command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("postgres does not start: {error}; install postgresql"));
            let log = follow_log(&mut child, ready, written);
            wait_for_stop(&stopped);
            interrupt(&mut child);
            drop(log.join());
        });
        match is_ready.recv_timeout(READY_TIMEOUT) {
            Ok(Ok(())) => Self {
                stop: Some(stop),
                keeper: Some(keeper),
            },
            Ok(Err(log)) => panic!("postgres ended while starting:\n{log}"),
            Err(error) => panic!("postgres was not ready in {READY_TIMEOUT:?}: {error}"),
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
fn follow_log(child: &mut Child, ready: Sender<Result<(), String>>, written: Log) -> JoinHandle<()> {
    let Some(stderr) = child.stderr.take() else {
        panic!("the log of postgres was not piped")
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
            if line.contains("ready to accept connections") {
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

/// PostgreSQL's fast shutdown: ends sessions, loses nothing.
fn interrupt(child: &mut Child) {
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    if !signal.is_ok_and(|status| status.success()) {
        drop(child.kill());
    }
    drop(child.wait());
}

/// The newest PostgreSQL from Debian's packages, else what is on the PATH.
fn find_programs() -> PathBuf {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, programs): &(u32, PathBuf)| programs.join("postgres").exists())
        .collect();
    versions.sort();
    if let Some((_, programs)) = versions.pop() {
        return programs;
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
        .unwrap_or_else(|| panic!("PostgreSQL 15 or newer is missing: apt-get install postgresql"))
}

/// Another user when we are root, else nobody but ourselves.
fn choose_identity(own_folder: &Path) -> Option<Identity> {
    let owner = std::fs::metadata(own_folder)
        .unwrap_or_else(|error| panic!("the temporary folder is gone: {error}"))
        .uid();
    if owner != 0 {
        return None;
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(Identity {
                user: ask_id("-u", name)?,
                group: ask_id("-g", name)?,
            })
        })
        .or_else(|| panic!("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`"))
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
