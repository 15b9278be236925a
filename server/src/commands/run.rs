//! `rota run`: a program that knows nothing of Rota, given its credentials.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use agent::run::{HandOver, Masking, OnChange, Options};
use clap::Args;

use super::CommandError;
use crate::config::read_secret;

/// `rota run`. The consumer's token comes from ROTA_TOKEN or ROTA_TOKEN_FILE, never from the command line.
#[derive(Args, Debug)]
pub(super) struct RunOptions {
    /// The credential to hand over; may be given several times
    #[arg(
        long = "credential",
        required = true,
        env = "ROTA_CREDENTIAL",
        value_delimiter = ','
    )]
    credentials: Vec<String>,
    /// The address of the Rota server
    #[arg(long, env = "ROTA_SERVER", default_value = "http://127.0.0.1:3000")]
    server: String,
    /// The name of this running copy, stable over restarts; by default the name of this machine
    #[arg(long, env = "ROTA_INSTANCE")]
    instance: Option<String>,
    /// Hand values over as variables with this prefix, instead of files
    #[arg(long, env = "ROTA_ENV_PREFIX", value_name = "PREFIX", num_args = 0..=1, default_missing_value = "")]
    env: Option<String>,
    /// The memory-backed folder for files
    #[arg(long, env = "ROTA_DIRECTORY", default_value = "/dev/shm")]
    directory: PathBuf,
    /// What a new version does to the program: restart, or signal:HUP and the like
    #[arg(long, env = "ROTA_ON_CHANGE", default_value = "restart")]
    on_change: OnChange,
    /// Do not mask values in what the program prints
    #[arg(long)]
    no_mask: bool,
    /// Seconds the program may take to stop
    #[arg(long, env = "ROTA_STOP_GRACE_SECONDS", default_value_t = 10)]
    stop_grace_seconds: u64,
    /// The program and its arguments, after --
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(super) async fn run(options: RunOptions) -> Result<u8, CommandError> {
    let token = read_secret("ROTA_TOKEN", "ROTA_TOKEN_FILE")?.ok_or_else(|| {
        CommandError::Usage("no token: set ROTA_TOKEN or ROTA_TOKEN_FILE to the consumer's token".to_owned())
    })?;
    let instance = options.instance.unwrap_or_else(agent::run::default_instance);
    let token = api::Secret::new(token.expose_text());
    let config = agent::Config::new(options.server, token, instance, options.credentials);
    let mut wanted = Options::new(config, options.command);
    wanted.hand_over = match options.env {
        Some(prefix) => HandOver::Environment { prefix },
        None => HandOver::Files {
            directory: options.directory,
        },
    };
    wanted.on_change = options.on_change;
    wanted.stop_grace = Duration::from_secs(options.stop_grace_seconds);
    if options.no_mask {
        wanted.masking = Masking::Off;
    }
    Ok(agent::run::run(wanted).await?)
}
