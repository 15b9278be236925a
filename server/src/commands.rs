//! The command line. Errors are plain sentences that say what to do; exit code 1 when something could not be done, 2 when
//! it was asked for wrongly.

mod admin;
mod audit;
mod backup;
mod key;
mod migrate;
mod reencrypt;
mod restore;
mod root;
mod run;
mod serve;
mod shares;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{ConfigError, ServeOptions};
use crate::memory;

/// Rotates credentials and keys without outages, and shows how healthy rotation is
#[derive(Debug, Parser)]
#[command(name = "rota", version, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<ServeOptions>),
    /// Bring the database to this version of Rota, and do nothing else
    Migrate(migrate::MigrateOptions),
    /// Write the whole database, sealed, into one file; the server may run meanwhile
    Backup(backup::BackupOptions),
    /// Make a database from a backup, in a place that holds nothing
    Restore(restore::RestoreOptions),
    /// Check the audit
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Make, rotate, suspend and revoke keys of a running server
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Move values that applications keep to another version of their key, and watch it
    #[command(subcommand)]
    Reencrypt(reencrypt::ReencryptCommand),
    /// Administer this installation from its own machine
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Wipe every key from the running server's memory; what needs none goes on
    Seal(root::SealOptions),
    /// Open the running server's keys again: by its root, by a share, or by the passphrase
    Unseal(root::UnsealOptions),
    /// Look after the root of trust
    #[command(subcommand)]
    Root(root::RootCommand),
    /// Run a program with credentials, and tell it when they change
    Run(Box<run::RunOptions>),
    /// Be one of the sandbox's programs; the server starts these itself
    #[command(name = ::sandbox::child::SUBCOMMAND, hide = true)]
    SandboxProgram,
}

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A setting is wrong: exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It was asked for wrongly: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It could not be done: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// A program could not be run: the exit codes that shells expect.
    #[error(transparent)]
    Run(#[from] agent::run::RunError),
}

impl CommandError {
    /// From whatever went wrong, in its own words.
    pub fn failed(cause: impl std::fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
            Self::Run(error) => ExitCode::from(error.exit_code()),
        }
    }
}

/// Reads the command line, carries it out and gives the exit code.
pub fn run_command_line() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // clap prints help to standard output and errors to standard error, with codes 0 and 2.
            let _closed_terminal = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match carry_out(line.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("rota: {error}");
            error.exit_code()
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode, CommandError> {
    // Whoever speaks TLS without naming a provider takes this one; a second call, in a test, changes nothing.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(memory::wipe_stack)
        .build()
        .map_err(|error| CommandError::Failed(format!("no threads can be started: {error}")))?;
    let done = runtime.block_on(async {
        match command {
            Command::Serve(options) => serve::serve(*options).await.map(|()| ExitCode::SUCCESS),
            Command::Migrate(options) => migrate::migrate(&options).await.map(|()| ExitCode::SUCCESS),
            Command::Backup(options) => backup::backup(&options).await.map(|()| ExitCode::SUCCESS),
            Command::Restore(options) => restore::restore(&options).await.map(|()| ExitCode::SUCCESS),
            Command::Audit(command) => audit::audit(command).await.map(|()| ExitCode::SUCCESS),
            Command::Key(command) => key::key(command).await.map(|()| ExitCode::SUCCESS),
            Command::Reencrypt(command) => reencrypt::reencrypt(command).await.map(|()| ExitCode::SUCCESS),
            Command::Admin(command) => admin::admin(command).await.map(|()| ExitCode::SUCCESS),
            Command::Seal(options) => root::seal(options).await.map(|()| ExitCode::SUCCESS),
            Command::Unseal(options) => root::unseal(options).await.map(|()| ExitCode::SUCCESS),
            Command::Root(command) => root::root(command).await.map(|()| ExitCode::SUCCESS),
            Command::Run(options) => run::run(*options).await.map(ExitCode::from),
            Command::SandboxProgram => ::sandbox::run()
                .await
                .map(|()| ExitCode::SUCCESS)
                .map_err(CommandError::failed),
        }
    });
    // What still runs on a thread of its own (a look-up of a name) must not delay the exit.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::CommandLine;

    #[test]
    fn every_command_is_well_formed() {
        CommandLine::command().debug_assert();
    }
}
