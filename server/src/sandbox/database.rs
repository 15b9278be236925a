//! A PostgreSQL of the sandbox's own, where the machine has one: its own folder, port and user.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

const ADMIN: &str = "rota_admin";
const DATABASE: &str = "ledger";
const ROLE: &str = "ledger";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running cluster; ends with the server.
#[derive(Debug)]
pub struct Database {
    _process: Child,
    port: u16,
    admin_password: String,
}

impl Database {
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn name(&self) -> &'static str {
        DATABASE
    }

    /// The role that holds the privileges; logins are members of it.
    pub fn role(&self) -> &'static str {
        ROLE
    }

    pub fn admin_username(&self) -> &'static str {
        ADMIN
    }

    pub fn admin_password(&self) -> &str {
        &self.admin_password
    }
}

/// Starts the cluster, making it at first use. None where PostgreSQL's programs are not installed.
///
/// # Errors
/// When the programs are there and fail.
pub async fn start(folder: &Path) -> std::io::Result<Option<Database>> {
    let Some(programs) = find_programs() else {
        return Ok(None);
    };
    let home = std::path::absolute(folder)?.join("postgresql");
    std::fs::create_dir_all(&home)?;
    let user = lend_user(&home)?;
    let data = home.join("data");
    let password_file = home.join("admin-password");
    if !data.join("PG_VERSION").exists() {
        make_cluster(&programs, user, &home, &password_file).await?;
    }
    let admin_password = std::fs::read_to_string(&password_file)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut process = command(&programs, "postgres", user, &home)
        .arg("-D")
        .arg(&data)
        .args(["-k", "", "-p", &port.to_string()])
        .args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "shared_buffers=16MB",
            "-c",
            "max_connections=60",
        ])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    tokio::time::timeout(PATIENCE, until_ready(&mut process))
        .await
        .map_err(std::io::Error::other)??;
    Ok(Some(Database {
        _process: process,
        port,
        admin_password,
    }))
}

fn find_programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|path| path.join("postgres").exists() && path.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// PostgreSQL refuses to run as root, so root lends it the user that the package made.
fn lend_user(home: &Path) -> std::io::Result<Option<(u32, u32)>> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let fields = |line: &str| -> Option<(u32, u32)> {
        let mut parts = line.split(':').skip(2);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    let user = users
        .lines()
        .find(|line| line.starts_with("postgres:"))
        .and_then(fields)
        .ok_or_else(|| {
            std::io::Error::other("there is no user `postgres` to run the sandbox's database as")
        })?;
    chown(home, Some(user.0), Some(user.1))?;
    // The folders above are made traversable, not readable; what lies in them keeps its own mode.
    for above in home.ancestors().skip(1).take(2) {
        let mode = std::fs::metadata(above)?.permissions().mode();
        std::fs::set_permissions(above, std::fs::Permissions::from_mode(mode | 0o111))?;
    }
    Ok(Some(user))
}

fn command(programs: &Path, program: &str, user: Option<(u32, u32)>, home: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "INT"]);
    if let Some((user, group)) = user {
        command.args([
            format!("--reuid={user}"),
            format!("--regid={group}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command.arg("--").arg(programs.join(program)).current_dir(home);
    command
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A cluster with an administrator that may create roles, and a table for the ledger to read.
async fn make_cluster(
    programs: &Path,
    user: Option<(u32, u32)>,
    home: &Path,
    password_file: &Path,
) -> std::io::Result<()> {
    let mut bytes = [0; 24];
    getrandom_fill(&mut bytes)?;
    let password = hex::encode(bytes);
    let data = home.join("data");
    let made = command(programs, "initdb", user, home)
        .arg("--pgdata")
        .arg(&data)
        .args([
            "--username",
            "sandbox_owner",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--auth-host",
            "scram-sha-256",
        ])
        .args(["--auth-local", "trust", "--no-sync"])
        .output()
        .await?;
    if !made.status.success() {
        return Err(std::io::Error::other(
            String::from_utf8_lossy(&made.stderr).into_owned(),
        ));
    }
    let sql = format!(
        "create role {ADMIN} login createrole password '{password}';\n\
         grant pg_signal_backend to {ADMIN};\n\
         create role {ROLE} nologin;\n\
         grant {ROLE} to {ADMIN} with admin option;\n\
         create database {DATABASE} owner {ADMIN};\n"
    );
    single_user(programs, user, home, "postgres", &sql).await?;
    let sql = format!(
        "create table orders (id bigint generated always as identity primary key, item text not null);\n\
         insert into orders (item) values ('a lamp');\n\
         grant select, insert on orders to {ROLE};\n"
    );
    single_user(programs, user, home, DATABASE, &sql).await?;
    std::fs::write(password_file, password)?;
    std::fs::set_permissions(password_file, std::fs::Permissions::from_mode(0o600))
}

/// Runs SQL before the server is up, one statement a line.
async fn single_user(
    programs: &Path,
    user: Option<(u32, u32)>,
    home: &Path,
    database: &str,
    sql: &str,
) -> std::io::Result<()> {
    let mut process = command(programs, "postgres", user, home)
        .args(["--single", "-D"])
        .arg(home.join("data"))
        .arg(database)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(sql.as_bytes()).await?;
    }
    let output = process.wait_with_output().await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !errors.contains("ERROR") {
        return Ok(());
    }
    Err(std::io::Error::other(errors.into_owned()))
}

async fn until_ready(process: &mut Child) -> std::io::Result<()> {
    let log = process
        .stderr
        .take()
        .ok_or_else(|| std::io::Error::other("postgres has no log"))?;
    let mut lines = BufReader::new(log).lines();
    let mut so_far = String::new();
    while let Some(line) = lines.next_line().await? {
        if line.contains("database system is ready to accept connections") {
            // Read on, so that the pipe never fills.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(());
        }
        so_far.push_str(&line);
        so_far.push('\n');
    }
    Err(std::io::Error::other(so_far))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the password of a throw-away cluster is nobody's test input"
)]
fn getrandom_fill(buffer: &mut [u8]) -> std::io::Result<()> {
    getrandom::fill(buffer).map_err(|error| std::io::Error::other(error.to_string()))
}
