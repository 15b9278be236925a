//! `rota seal`, `rota unseal` and `rota root`: at the running server, by its control socket or over HTTP.

use std::io::Read;
use std::path::{Path, PathBuf};

use api::root::{
    BeginMigration, Gathering, GiveShare, Migration, MigrationCommand, MigrationState, MigrationTarget,
    RootStatus, Seal, Unseal,
};
use api::{Client, Secret};
use clap::{Args, Subcommand, ValueEnum};

use super::CommandError;
use crate::config::{DatabaseOptions, read_secret};
use crate::control::{self, RootRequest};

/// Which server. With ROTA_TOKEN or ROTA_TOKEN_FILE it is asked over HTTP, otherwise by the socket beside its database.
#[derive(Args, Debug)]
struct Door {
    #[command(flatten)]
    database: DatabaseOptions,
    /// The address of the server, when a token is given
    #[arg(long, env = "ROTA_SERVER", default_value = "http://127.0.0.1:3000")]
    server: String,
}

#[derive(Args, Debug)]
pub(super) struct SealOptions {
    #[command(flatten)]
    door: Door,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
}

/// Without a share or a passphrase the configured root is tried.
#[derive(Args, Debug)]
pub(super) struct UnsealOptions {
    #[command(flatten)]
    door: Door,
    /// Read one share from this file, or from standard input with `-`
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    share: Option<PathBuf>,
    /// Read the passphrase from this file, or from standard input with `-`
    #[arg(long, value_name = "FILE")]
    passphrase: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RootCommand {
    /// Show the root of trust: sealed or open, shares given, a migration under way
    Status(StatusOptions),
    /// Begin to move to another root of trust, or to new shares
    Migrate(MigrateOptions),
    /// Give a share: of the root that is left, then of the next one as proof
    GiveShare(GiveShareOptions),
    /// Prove that the next root opens everything
    Verify(StepOptions),
    /// Make the next root the one
    Finalise(StepOptions),
    /// Give a migration up
    Cancel(StepOptions),
}

#[derive(Args, Debug)]
pub(super) struct StatusOptions {
    #[command(flatten)]
    door: Door,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// The root configured as ROTA_NEXT_ROOT
    Next,
    /// A new root key, in shares
    Shares,
}

#[derive(Args, Debug)]
pub(super) struct MigrateOptions {
    #[command(flatten)]
    door: Door,
    /// Where it goes
    #[arg(long)]
    to: To,
    /// How many shares open it
    #[arg(long)]
    threshold: Option<u8>,
    /// How many shares are made
    #[arg(long)]
    shares: Option<u8>,
    /// Why, for the audit
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
pub(super) struct GiveShareOptions {
    #[command(flatten)]
    door: Door,
    /// The migration, as `rota root status` names it: check that it is the one you mean
    #[arg(long)]
    migration: String,
    /// Read the share from this file, or from standard input with `-`
    #[arg(long, value_name = "FILE", default_value = "-")]
    share: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct StepOptions {
    #[command(flatten)]
    door: Door,
    /// The migration, as `rota root status` names it
    #[arg(long)]
    migration: String,
    /// Why, for the audit
    #[arg(long, default_value = "")]
    reason: String,
}

pub(super) async fn seal(options: SealOptions) -> Result<(), CommandError> {
    let request = RootRequest::Seal(Seal {
        reason: options.reason,
    });
    tell(&options.door.ask(request).await?);
    Ok(())
}

pub(super) async fn unseal(options: UnsealOptions) -> Result<(), CommandError> {
    let request = RootRequest::Unseal(Unseal {
        share: options.share.as_deref().map(read_line).transpose()?,
        passphrase: options.passphrase.as_deref().map(read_line).transpose()?,
    });
    tell(&options.door.ask(request).await?);
    Ok(())
}

pub(super) async fn root(command: RootCommand) -> Result<(), CommandError> {
    let step = |options: StepOptions, command: &str| {
        let request = RootRequest::Command {
            id: options.migration,
            command: command.to_owned(),
            said: MigrationCommand {
                reason: options.reason,
            },
        };
        (options.door, request)
    };
    let (door, request) = match command {
        RootCommand::Status(options) => {
            let status = options.door.ask(RootRequest::Status).await?;
            if options.json {
                println!(
                    "{}",
                    serde_json::to_string_pretty(&status).map_err(CommandError::failed)?
                );
            } else {
                tell(&status);
            }
            return Ok(());
        }
        RootCommand::Migrate(options) => (
            options.door,
            RootRequest::Begin(BeginMigration {
                to: match options.to {
                    To::Next => MigrationTarget::Next,
                    To::Shares => MigrationTarget::Shares,
                },
                threshold: options.threshold,
                shares: options.shares,
                reason: options.reason,
            }),
        ),
        RootCommand::GiveShare(options) => {
            let given = GiveShare {
                share: read_line(&options.share)?,
            };
            let id = options.migration;
            (options.door, RootRequest::Share { id, given })
        }
        RootCommand::Verify(options) => step(options, "verify"),
        RootCommand::Finalise(options) => step(options, "finalise"),
        RootCommand::Cancel(options) => step(options, "cancel"),
    };
    tell(&door.ask(request).await?);
    Ok(())
}

impl Door {
    async fn ask(&self, request: RootRequest) -> Result<RootStatus, CommandError> {
        if let Some(token) = read_secret("ROTA_TOKEN", "ROTA_TOKEN_FILE")? {
            let token = Secret::new(token.expose_text());
            let client = Client::new(&self.server, &token);
            let client = client.map_err(CommandError::failed)?;
            return over_http(&client, request).await.map_err(CommandError::failed);
        }
        let file = self.database.url()?.sqlite_file();
        let no_token = || {
            CommandError::Usage(
                "no server runs on this database here; to ask one over HTTP set ROTA_SERVER, and ROTA_TOKEN or \
                 ROTA_TOKEN_FILE"
                    .to_owned(),
            )
        };
        let request = control::Request::Root(Box::new(request));
        let answer = control::ask(&file.ok_or_else(no_token)?, &request).await;
        let answer = answer.map_err(CommandError::Failed)?.ok_or_else(no_token)?;
        serde_json::from_str(&answer).map_err(CommandError::failed)
    }
}

async fn over_http(client: &Client, request: RootRequest) -> Result<RootStatus, api::ClientError> {
    match request {
        RootRequest::Status => client.root().await,
        RootRequest::Seal(seal) => client.seal(&seal).await,
        RootRequest::Unseal(unseal) => client.unseal(&unseal).await,
        RootRequest::Begin(begin) => client.begin_root_migration(&begin).await,
        RootRequest::Share { id, given } => client.give_migration_share(&id, &given).await,
        RootRequest::Command { id, command, said } => {
            client.command_root_migration(&id, &command, &said).await
        }
    }
}

/// One line, from a file or from standard input; never from the command line, which others can read.
fn read_line(path: &Path) -> Result<Secret, CommandError> {
    // Room for all of it from the start, so that growing leaves no copies behind.
    let mut text = String::with_capacity(4_096);
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(4_096).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(4_096).read_to_string(&mut text))
    };
    read.map_err(|error| CommandError::Failed(format!("{} cannot be read: {error}", path.display())))?;
    let secret = Secret::new(text.trim());
    zeroize::Zeroize::zeroize(&mut text);
    Ok(secret)
}

/// The status in words.
fn tell(status: &RootStatus) {
    match &status.reason {
        Some(reason) => println!("{reason}."),
        None => println!("Open: Rota serves."),
    }
    if let Some(root) = &status.root {
        println!("Root of trust: {root}.");
    }
    if let Some(answered_at) = &status.answered_at {
        println!(
            "It last answered at {answered_at}; its keys outlive it by {} s.",
            status.grace_seconds
        );
    }
    if let Some(gathering) = &status.gathering {
        tell_gathering("To unseal", gathering);
    }
    if let Some(migration) = &status.migration {
        tell_migration(migration);
    }
    for key in &status.wrapping_keys {
        println!(
            "Wrapping key {}: version {} since {}.",
            key.hierarchy, key.version, key.since
        );
    }
    for problem in &status.memory.problems {
        println!("Memory: {problem}.");
    }
    if !status.new_shares.is_empty() {
        println!(
            "\nThe new shares, shown once. Give each to another person, then have enough of them given back as proof:\n"
        );
        for share in &status.new_shares {
            println!("{}", share.expose_secret());
        }
    }
}

fn tell_gathering(purpose: &str, gathering: &Gathering) {
    let Gathering {
        set,
        threshold,
        given,
        ..
    } = gathering;
    let given: Vec<String> = given
        .iter()
        .map(|given| format!("share {} by {}", given.number, given.by))
        .collect();
    let so_far = if given.is_empty() {
        "none".to_owned()
    } else {
        given.join(", ")
    };
    println!("{purpose}: {threshold} shares of set {set} are needed; given so far: {so_far}.");
}

fn tell_migration(migration: &Migration) {
    let Migration {
        id,
        state,
        to,
        begun_by,
        reason,
        ..
    } = migration;
    let (stands, next) = match state {
        MigrationState::Asked => (
            "asked for",
            "give shares of the root that is left (`rota root give-share`)",
        ),
        MigrationState::Prepared => (
            "prepared: Rota starts under either root",
            "prove the next root (`rota root verify`, or give its shares)",
        ),
        MigrationState::Verified => ("verified", "run `rota root finalise`"),
    };
    println!("Migration {id} to {to}, begun by {begun_by} ({reason}): {stands}. Next: {next}.");
    if let Some(gathering) = &migration.gathering {
        tell_gathering("For it", gathering);
    }
}
