//! `rota reencrypt …`: jobs of a running server over what applications keep, over its API.

use api::client::Client;
use api::reencryption::{
    CensusQuery, Reason, Reencryption, ReencryptionCommand, ReencryptionMode, ReencryptionQuery,
    ReencryptionState, StartReencryption, TuneReencryption,
};
use api::{PageQuery, Timestamp};
use clap::{Args, Subcommand};

use super::CommandError;
use super::key::{ServerOptions, client};

mod words;

/// The token comes from ROTA_TOKEN or ROTA_TOKEN_FILE, never from the command line.
#[derive(Debug, Subcommand)]
pub(super) enum ReencryptCommand {
    /// Places where applications keep sealed values, with what was last found there
    Targets(ServerOptions),
    /// Start a job over a target: every value is wrapped anew under the active version of its key
    Start(Box<StartOptions>),
    /// Jobs, newest first
    List(ListOptions),
    /// One job: progress, rate, time left, and records that could not be moved
    Show(OneJob),
    /// A line whenever a job goes on, until it is over; exit code 1 unless it completed
    Watch(OneJob),
    /// Hold a job; what it did stays
    Pause(CommandOptions),
    /// Let a paused job go on
    Resume(CommandOptions),
    /// End a job for good; what it did stays
    Cancel(CommandOptions),
    /// Turn the speed of a job while it runs
    Tune(TuneOptions),
    /// How many records are under which version of which key
    Census(CensusOptions),
}

/// Which job.
#[derive(Args, Debug)]
pub(super) struct OneJob {
    /// The job's id
    job: String,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Debug)]
pub(super) struct StartOptions {
    /// The name of the target
    target: String,
    #[command(flatten)]
    mode: ModeOptions,
    /// The key whose values are moved; by default the target's own
    #[arg(long)]
    key: Option<String>,
    /// Only records under this version; by default every one that is not active
    #[arg(long, value_name = "VERSION")]
    from: Option<u32>,
    #[command(flatten)]
    pace: Pace,
    /// Stands in the audit trail
    #[arg(long)]
    reason: String,
    /// Show it until it is over, as `watch` does
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    server: ServerOptions,
}

/// What the job does; without any of these it only wraps data keys anew.
#[derive(Args, Debug)]
#[group(multiple = false)]
struct ModeOptions {
    /// Do all of it in memory, compare, and keep nothing
    #[arg(long)]
    shadow: bool,
    /// Only count what would be moved
    #[arg(long)]
    dry_run: bool,
    /// Only count what is there, for the census
    #[arg(long)]
    scan: bool,
    /// Make new data keys too, as after a compromise
    #[arg(long)]
    new_data_keys: bool,
}

/// What is absent is as usual, or stays.
#[derive(Args, Clone, Copy, Debug)]
struct Pace {
    /// Records per second over all replicas; 0 for no limit
    #[arg(long)]
    rate: Option<u32>,
    /// Records of one look
    #[arg(long)]
    batch: Option<u32>,
    /// Ranges worked on at once, over all replicas
    #[arg(long)]
    concurrency: Option<u32>,
    /// Percent of records that do not open at which the job pauses itself
    #[arg(long, value_name = "PERCENT")]
    breaker: Option<f64>,
}

#[derive(Args, Debug)]
pub(super) struct ListOptions {
    /// Only those of this target
    #[arg(long)]
    target: Option<String>,
    /// Only those in this state: planned, running, paused, completed, failed or cancelled
    #[arg(long)]
    state: Option<String>,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Args, Debug)]
pub(super) struct CommandOptions {
    #[command(flatten)]
    job: OneJob,
    /// Stands in the audit trail
    #[arg(long)]
    reason: String,
}

#[derive(Args, Debug)]
pub(super) struct TuneOptions {
    #[command(flatten)]
    job: OneJob,
    #[command(flatten)]
    pace: Pace,
}

#[derive(Args, Debug)]
pub(super) struct CensusOptions {
    /// Only of this target
    #[arg(long)]
    target: Option<String>,
    /// Only of this key
    #[arg(long)]
    key: Option<String>,
    /// Every count since then, such as 2026-12-01T00:00:00Z; by default only the latest of each target
    #[arg(long)]
    since: Option<Timestamp>,
    #[command(flatten)]
    server: ServerOptions,
}

pub(super) async fn reencrypt(command: ReencryptCommand) -> Result<(), CommandError> {
    match command {
        ReencryptCommand::Targets(options) => targets(&client(&options)?).await,
        ReencryptCommand::Start(options) => start(*options).await,
        ReencryptCommand::List(options) => list(options).await,
        ReencryptCommand::Show(one) => {
            let job = client(&one.server)?
                .reencryption(&one.job)
                .await
                .map_err(CommandError::failed)?;
            print!("{}", words::whole(&job));
            Ok(())
        }
        ReencryptCommand::Watch(one) => watch(&client(&one.server)?, &one.job).await,
        ReencryptCommand::Pause(options) => tell(options, ReencryptionCommand::Pause).await,
        ReencryptCommand::Resume(options) => tell(options, ReencryptionCommand::Resume).await,
        ReencryptCommand::Cancel(options) => tell(options, ReencryptionCommand::Cancel).await,
        ReencryptCommand::Tune(options) => tune(options).await,
        ReencryptCommand::Census(options) => census(options).await,
    }
}

async fn targets(client: &Client) -> Result<(), CommandError> {
    let mut page = PageQuery::default();
    loop {
        let targets = client.targets(&page).await.map_err(CommandError::failed)?;
        for target in &targets.items {
            println!("{}", words::target(target));
        }
        let Some(cursor) = targets.next_cursor else {
            return Ok(());
        };
        page.cursor = Some(cursor);
    }
}

async fn start(options: StartOptions) -> Result<(), CommandError> {
    let asked = StartReencryption {
        target: options.target,
        key: options.key,
        mode: options.mode.mode(),
        from: options.from,
        reason: options.reason,
        tuning: options.pace.tuning(),
    };
    let client = client(&options.server)?;
    let job = client
        .start_reencryption(&asked)
        .await
        .map_err(CommandError::failed)?;
    if options.watch {
        return watch(&client, &job.id).await;
    }
    println!("{}", words::line(&job));
    Ok(())
}

async fn list(options: ListOptions) -> Result<(), CommandError> {
    let client = client(&options.server)?;
    let mut query = ReencryptionQuery {
        target: options.target,
        state: options.state,
        ..ReencryptionQuery::default()
    };
    loop {
        let jobs = client.reencryptions(&query).await.map_err(CommandError::failed)?;
        for job in &jobs.items {
            println!("{}", words::line(job));
        }
        let Some(cursor) = jobs.next_cursor else {
            return Ok(());
        };
        query.cursor = Some(cursor);
    }
}

/// Shows a job until nothing more happens to it by itself.
async fn watch(client: &Client, id: &str) -> Result<(), CommandError> {
    let mut shown = String::new();
    loop {
        let mut events = client
            .reencryption_events(id)
            .await
            .map_err(CommandError::failed)?;
        while let Some(job) = events.next().await.map_err(CommandError::failed)? {
            let line = words::line(&job);
            if line != shown {
                println!("{line}");
                shown = line;
            }
            if let Some(end) = end_of(&job) {
                return end;
            }
        }
        // The server ended the stream, for it stops or lost its database: what the job is now, it says itself.
        let job = client.reencryption(id).await.map_err(CommandError::failed)?;
        if let Some(end) = end_of(&job) {
            return end;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// How it ended; a job that the breaker holds waits for a person, so that is an end for who watches.
fn end_of(job: &Reencryption) -> Option<Result<(), CommandError>> {
    let by_breaker = job.paused_by.as_deref() == Some("breaker");
    match job.state {
        ReencryptionState::Completed => Some(Ok(())),
        ReencryptionState::Failed | ReencryptionState::Cancelled => Some(Err(words::not_completed(job))),
        ReencryptionState::Paused if by_breaker => Some(Err(words::not_completed(job))),
        ReencryptionState::Paused | ReencryptionState::Planned | ReencryptionState::Running => None,
    }
}

async fn tell(options: CommandOptions, command: ReencryptionCommand) -> Result<(), CommandError> {
    let reason = Reason {
        reason: options.reason,
    };
    let job = client(&options.job.server)?
        .command_reencryption(&options.job.job, command, &reason)
        .await
        .map_err(CommandError::failed)?;
    println!("{}", words::line(&job));
    Ok(())
}

async fn tune(options: TuneOptions) -> Result<(), CommandError> {
    let tuning = options.pace.tuning();
    if tuning == TuneReencryption::default() {
        return Err(CommandError::Usage(
            "nothing to turn: give --rate, --batch, --concurrency or --breaker".to_owned(),
        ));
    }
    let job = client(&options.job.server)?
        .tune_reencryption(&options.job.job, &tuning)
        .await
        .map_err(CommandError::failed)?;
    print!("{}", words::whole(&job));
    Ok(())
}

async fn census(options: CensusOptions) -> Result<(), CommandError> {
    let client = client(&options.server)?;
    let is_history = options.since.is_some();
    let query = CensusQuery {
        target: options.target,
        key: options.key,
        since: options.since,
    };
    let history = client.census(&query).await.map_err(CommandError::failed)?;
    for (place, census) in history.items.iter().enumerate() {
        // Oldest first: a later one of the same target says more.
        let is_latest = !history.items[place + 1..]
            .iter()
            .any(|later| later.target == census.target);
        if is_history || is_latest {
            print!("{}", words::census(census));
        }
    }
    for (key, version) in &history.oldest {
        println!("oldest version in use of key {key}: {version}");
    }
    Ok(())
}

impl ModeOptions {
    fn mode(&self) -> ReencryptionMode {
        match self {
            Self { shadow: true, .. } => ReencryptionMode::Shadow,
            Self { dry_run: true, .. } => ReencryptionMode::DryRun,
            Self { scan: true, .. } => ReencryptionMode::Scan,
            Self {
                new_data_keys: true, ..
            } => ReencryptionMode::Reencrypt,
            _ => ReencryptionMode::Rewrap,
        }
    }
}

impl Pace {
    fn tuning(self) -> TuneReencryption {
        TuneReencryption {
            batch_size: self.batch,
            concurrency: self.concurrency,
            rate: self.rate,
            breaker_percent: self.breaker,
            breaker_least: None,
        }
    }
}
