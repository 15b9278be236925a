//! `rota key …`: keys of a running server, over its API.

use api::client::{Client, ClientError};
use api::key::{
    ApproveDestruction, CreateKey, Key, KeyAlgorithm, KeyVersionState, PlanDestruction, RotateKey,
    UpdateKeyVersion,
};
use api::{IsoDuration, PageQuery, Secret, Timestamp};
use clap::{Args, Subcommand};

use super::CommandError;
use crate::config::read_secret;

/// The token comes from ROTA_TOKEN or ROTA_TOKEN_FILE, never from the command line.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Every key, by name
    List(ServerOptions),
    /// One key with its versions, and what needs each
    Show(OneKey),
    /// Make a key; its first version is active at once
    Create(CreateOptions),
    /// Let a new version take over; answers when it is active everywhere
    Rotate(RotateOptions),
    /// A version refuses everybody until it is resumed
    Suspend(MoveOptions),
    /// A suspended version works again, and a revoked one opens again what it sealed
    Resume(MoveOptions),
    /// A version refuses everybody but re-encryption
    Revoke(MoveOptions),
    /// Plan the destruction of a version; what still stands under it is then lost
    Destroy(DestroyOptions),
}

/// Which server.
#[derive(Args, Debug)]
pub(super) struct ServerOptions {
    /// The address of the Rota server
    #[arg(long, env = "ROTA_SERVER", default_value = "http://127.0.0.1:3000")]
    server: String,
}

/// Which key.
#[derive(Args, Debug)]
pub(super) struct OneKey {
    /// The name of the key
    name: String,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Debug)]
pub(super) struct CreateOptions {
    #[command(flatten)]
    key: OneKey,
    /// aes256-gcm, aes256-gcm-siv, chacha20-poly1305, hmac-sha256, ed25519 or ecdsa-p256
    #[arg(long, default_value = "aes256-gcm")]
    algorithm: String,
    /// low, medium, high or critical: its class, for good
    #[arg(long)]
    sensitivity: Option<String>,
    /// The team that is asked when it fails
    #[arg(long)]
    owner: Option<String>,
    /// What it is for, in words
    #[arg(long)]
    purpose: Option<String>,
    /// Freezes of this environment hold back its rotations
    #[arg(long)]
    environment: Option<String>,
    /// The active version is replaced at this age, such as P90D
    #[arg(long)]
    rotate_every: Option<IsoDuration>,
    /// Unopened for so long, a version is drained, such as P7D
    #[arg(long)]
    grace: Option<IsoDuration>,
    /// Who may use it: the name of a token, consumer or account; may be given several times
    #[arg(long = "caller")]
    callers: Vec<String>,
    /// Its material may be exported, wrapped
    #[arg(long)]
    exportable: bool,
}

#[derive(Args, Debug)]
pub(super) struct RotateOptions {
    #[command(flatten)]
    key: OneKey,
    /// Stands in the audit trail
    #[arg(long)]
    reason: String,
    /// Although the version before is not drained
    #[arg(long)]
    confirm: bool,
}

#[derive(Args, Debug)]
pub(super) struct MoveOptions {
    #[command(flatten)]
    key: OneKey,
    /// The number of the version
    // Not by its own name: --version stands in every command.
    #[arg(id = "number", value_name = "VERSION")]
    version: u32,
    /// Stands in the audit trail
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
pub(super) struct DestroyOptions {
    #[command(flatten)]
    version: MoveOptions,
    /// When, such as 2026-12-21T00:00:00Z; by default in 30 days. Until then `rota key destroy --keep` takes it back
    #[arg(long)]
    at: Option<Timestamp>,
    /// Approve what somebody else asked for; nothing is destroyed without
    #[arg(long, conflicts_with = "at")]
    approve: bool,
    /// Take a planned destruction back
    #[arg(long, conflicts_with_all = ["at", "approve"])]
    keep: bool,
}

/// A client with the token of this shell.
pub(super) fn client(options: &ServerOptions) -> Result<Client, CommandError> {
    let token = read_secret("ROTA_TOKEN", "ROTA_TOKEN_FILE")?.ok_or_else(|| {
        CommandError::Usage("no token: set ROTA_TOKEN or ROTA_TOKEN_FILE to a token of yours".to_owned())
    })?;
    let token = Secret::new(token.expose_text());
    Client::new(&options.server, &token).map_err(CommandError::failed)
}

pub(super) async fn key(command: KeyCommand) -> Result<(), CommandError> {
    let failed = |error: ClientError| CommandError::failed(error);
    match command {
        KeyCommand::List(options) => list(&client(&options)?).await,
        KeyCommand::Show(one) => {
            let key = client(&one.server)?.key(&one.name).await.map_err(failed)?;
            show(&key);
            Ok(())
        }
        KeyCommand::Create(options) => create(options).await,
        KeyCommand::Rotate(options) => {
            let asked = RotateKey {
                reason: options.reason,
                confirm: options.confirm,
            };
            let client = client(&options.key.server)?;
            let key = client
                .rotate_key(&options.key.name, &asked)
                .await
                .map_err(failed)?;
            show(&key);
            Ok(())
        }
        KeyCommand::Suspend(options) => move_to(options, |_, _| KeyVersionState::Suspended).await,
        KeyCommand::Resume(options) => move_to(options, resumed).await,
        KeyCommand::Revoke(options) => move_to(options, |_, _| KeyVersionState::Revoked).await,
        KeyCommand::Destroy(options) => destroy(options).await,
    }
}

/// A suspended version is active again, unless another took over; a revoked one only opens.
fn resumed(key: &Key, number: u32) -> KeyVersionState {
    let is_suspended = key
        .versions
        .iter()
        .any(|version| version.number == number && version.state == KeyVersionState::Suspended);
    let has_active = key
        .versions
        .iter()
        .any(|version| version.state == KeyVersionState::Active);
    if is_suspended && !has_active {
        KeyVersionState::Active
    } else {
        KeyVersionState::Deprecated
    }
}

async fn list(client: &Client) -> Result<(), CommandError> {
    let mut page = PageQuery::default();
    loop {
        let keys = client.keys(&page).await.map_err(CommandError::failed)?;
        for key in &keys.items {
            println!("{}", line(key));
        }
        let Some(cursor) = keys.next_cursor else {
            return Ok(());
        };
        page.cursor = Some(cursor);
    }
}

async fn create(options: CreateOptions) -> Result<(), CommandError> {
    let asked = CreateKey {
        name: options.key.name,
        algorithm: word::<KeyAlgorithm>(&options.algorithm, "--algorithm")?,
        owner_team: options.owner,
        purpose: options.purpose,
        environment: options.environment,
        tags: None,
        rotate_every: options.rotate_every.map(Some),
        grace: options.grace,
        max_uses: None,
        exportable: options.exportable.then_some(true),
        minimum_decryption_version: None,
        callers: (!options.callers.is_empty()).then_some(options.callers),
        sensitivity: options
            .sensitivity
            .map(|text| word(&text, "--sensitivity"))
            .transpose()?,
    };
    let client = client(&options.key.server)?;
    let key = client.create_key(&asked).await.map_err(CommandError::failed)?;
    show(&key);
    Ok(())
}

async fn move_to(options: MoveOptions, to: fn(&Key, u32) -> KeyVersionState) -> Result<(), CommandError> {
    let client = client(&options.key.server)?;
    let name = &options.key.name;
    let present = client.key(name).await.map_err(CommandError::failed)?;
    let change = UpdateKeyVersion {
        state: to(&present, options.version),
        reason: options.reason,
    };
    let key = client
        .update_key_version(name, options.version, &change)
        .await
        .map_err(CommandError::failed)?;
    show(&key);
    Ok(())
}

async fn destroy(options: DestroyOptions) -> Result<(), CommandError> {
    let MoveOptions { key, version, reason } = options.version;
    let client = client(&key.server)?;
    let done = if options.keep {
        client.cancel_key_destruction(&key.name, version).await
    } else if options.approve {
        let approval = ApproveDestruction { reason };
        client
            .approve_key_destruction(&key.name, version, &approval)
            .await
    } else {
        let plan = PlanDestruction {
            at: options.at,
            reason,
        };
        client.plan_key_destruction(&key.name, version, &plan).await
    };
    show(&done.map_err(CommandError::failed)?);
    Ok(())
}

/// One of a list of words of the API.
fn word<T: serde::de::DeserializeOwned>(text: &str, option: &str) -> Result<T, CommandError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| {
        CommandError::Usage(format!(
            "{option} {text}: see rota key create --help for the words"
        ))
    })
}

/// The word that the API has for it.
pub(super) fn spoken<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// `cards  aes256-gcm  version 3 active  3 versions`.
fn line(key: &Key) -> String {
    let active = key
        .versions
        .iter()
        .find(|version| version.state == KeyVersionState::Active)
        .map_or_else(
            || "no version active".to_owned(),
            |version| format!("version {} active", version.number),
        );
    format!(
        "{}\t{}\t{active}\t{} version(s)",
        key.name,
        spoken(&key.algorithm),
        key.versions.len()
    )
}

fn show(key: &Key) {
    println!("{}", line(key));
    for version in key.versions.iter().rev() {
        let doom = version
            .destroy_at
            .map_or(String::new(), |at| format!(", to be destroyed at {at}"));
        let needs = version
            .dependents
            .as_ref()
            .filter(|needed| !needed.records.is_empty() || !needed.backups.is_empty())
            .map_or(String::new(), |needed| {
                format!(
                    ", needed by {} target(s) and {} copies",
                    needed.records.len(),
                    needed.backups.len()
                )
            });
        println!(
            "  {}\t{}\t{} uses{doom}{needs}",
            version.number,
            spoken(&version.state),
            version.uses
        );
    }
}
