//! Starts and stops the program.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::actor::Actor;

/// The administrator of every test.
pub(crate) const BOOTSTRAP_TOKEN: &str = "test-bootstrap-token-0123456789abcdef";

/// A running server in a folder of its own; stopped and removed when dropped.
pub(crate) struct TestApp {
    child: Child,
    folder: TempDir,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
    http: reqwest::Client,
}

impl TestApp {
    /// A server on a fresh SQLite database.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further variables.
    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), variables)
    }

    /// A server on a fresh database whose every connection closes behind its request: nothing waits for a next one.
    pub(crate) fn start_closing() -> Self {
        let mut app = Self::start();
        app.http = client(0);
        app
    }

    /// The same in a folder that may hold a database already.
    pub(crate) fn start_in(folder: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut child = command(folder.path(), variables)
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (serving, ready) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("server.address=") {
                    let address = rest.split(' ').next().unwrap_or_default();
                    let _test_is_over = serving.send(format!("http://{address}"));
                }
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let Ok(url) = ready.recv_timeout(Duration::from_secs(60)) else {
            panic!("the server did not start: {}", log.lock().unwrap());
        };
        let http = client(usize::MAX);
        Self {
            child,
            folder,
            url,
            log,
            http,
        }
    }

    /// Another program of ours in the same folder, run to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(self.folder.path(), &[])
            .args(arguments)
            .output()
            .expect("the program runs")
    }

    /// The same in another folder.
    pub(crate) fn run_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.run_with(folder, &[], arguments)
    }

    /// The same with further variables.
    pub(crate) fn run_with(&self, folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        command(folder, variables)
            .args(arguments)
            .output()
            .expect("the program runs")
    }

    /// A line of a shell in a folder, where `rota` is the program.
    pub(crate) fn shell(&self, folder: &Path, variables: &[(&str, &str)], line: &str) -> Output {
        let programs = Path::new(env!("CARGO_BIN_EXE_rota")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut shell = command_of("sh", folder, variables);
        shell.args(["-euc", line]).env("PATH", path);
        shell.output().expect("a shell")
    }

    /// The address it listens on, whatever people use.
    pub(crate) fn local_url(&self) -> String {
        self.url.clone()
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where the database and the root key are.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Everything that was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Asks it to stop; gives its exit code, and the folder for another start.
    pub(crate) fn stop(mut self) -> (Option<i32>, TempDir) {
        terminate(&self.child);
        let status = self.child.wait().expect("it ends");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (status.code(), folder)
    }

    /// Kills it without warning; gives the folder for another start.
    pub(crate) fn kill(&mut self) -> TempDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// For one that was killed: the folder of its next start.
    pub(crate) fn put_back(&mut self, folder: TempDir) {
        self.folder = folder;
    }

    /// Starts it again in its folder with these variables, whether it runs or was killed.
    pub(crate) fn again(mut self, variables: &[(&str, &str)]) -> Self {
        if self.child.try_wait().expect("a child of ours").is_none() {
            return Self::start_in(self.stop().1, variables);
        }
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Self::start_in(folder, variables)
    }

    /// Who shows no token.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor::new(&self.url, self.http.clone(), None)
    }

    /// Whoever shows this token.
    pub(crate) fn holder_of(&self, token: &str) -> Actor {
        Actor::new(&self.url, self.http.clone(), Some(token.to_owned()))
    }

    /// The bootstrap administrator.
    pub(crate) fn bootstrap(&self) -> Actor {
        self.holder_of(BOOTSTRAP_TOKEN)
    }

    /// A program with a role.
    pub(crate) async fn program(&self, role: &str) -> Actor {
        let body = json!({"name": format!("test-{role}"), "role": role});
        let made = self
            .bootstrap()
            .post("/api/v1/tokens", &body)
            .await
            .expect_status(201);
        self.holder_of(made.text("/token"))
    }

    /// A consumer, made for the test.
    pub(crate) async fn consumer(&self, name: &str) -> Actor {
        let body = json!({"name": name, "service": name, "environment": "test"});
        let made = self
            .bootstrap()
            .post("/api/v1/consumers", &body)
            .await
            .expect_status(201);
        self.holder_of(made.text("/token"))
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// Keeps at most so many connections open that nobody uses.
fn client(idle_connections: usize) -> reqwest::Client {
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(idle_connections)
        .build()
        .expect("a client")
}

fn command(folder: &Path, variables: &[(&str, &str)]) -> Command {
    command_of(env!("CARGO_BIN_EXE_rota"), folder, variables)
}

fn command_of(program: &str, folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("ROTA_LISTEN", "127.0.0.1:0")
        .env("ROTA_LOG", "debug")
        .env("ROTA_BOOTSTRAP_TOKEN", BOOTSTRAP_TOKEN)
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

fn terminate(child: &Child) {
    let status = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the server was gone already"
    );
}
