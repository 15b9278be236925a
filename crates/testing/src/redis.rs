//! A Redis server of its own, in a temporary folder.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::free_port;

const PASSWORD: &str = "only-for-tests";
const READY_TRIES: u32 = 1_500;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A running server; stopped and removed when dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    stop: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Redis {
    /// A fresh, empty server.
    ///
    /// # Panics
    /// When `redis-server` is missing or does not become ready.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("rota-redis-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder for Redis: {error}"));
        let port = free_port();
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--", "redis-server"])
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--save", "", "--dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let (stop, stopped) = channel::<()>();
        // The kernel's parent-death signal watches the thread that forked.
        let keeper = std::thread::spawn(move || {
            let mut child = command
                .spawn()
                .unwrap_or_else(|error| panic!("redis-server does not start: {error}; install redis-server"));
            stopped.recv().ok();
            child.kill().ok();
            child.wait().ok();
        });
        let redis = Self {
            port,
            stop: Some(stop),
            keeper: Some(keeper),
            _folder: folder,
        };
        redis.wait_until_ready();
        redis
    }

    fn wait_until_ready(&self) {
        for _ in 0..READY_TRIES {
            if self.ping().is_some() {
                return;
            }
            std::thread::sleep(BETWEEN_TRIES);
        }
        panic!("Redis did not become ready; is redis-server installed?");
    }

    fn ping(&self) -> Option<()> {
        let mut stream = TcpStream::connect((self.host(), self.port)).ok()?;
        write!(stream, "AUTH {PASSWORD}\r\nPING\r\n").ok()?;
        let mut lines = BufReader::new(stream).lines();
        let answered = lines.next()?.ok()? == "+OK" && lines.next()?.ok()? == "+PONG";
        answered.then_some(())
    }

    /// Where it listens.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of the default user.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// `redis://…`
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@{}:{}/", self.host(), self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(keeper) = self.keeper.take() {
            drop(keeper.join());
        }
    }
}
