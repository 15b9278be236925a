//! Builds the parts and puts them together: the only place that knows both the store and the connectors.

use std::sync::{Arc, OnceLock};

use engine::access::{BootstrapToken, Throttle};
use engine::delivery::Live;
use engine::detection::Detector;
use engine::ports::{Announcer, Roots};
use engine::seal::Sealer;
use engine::{Clock, Memory, Randomness, Services};
use store::{AuditDurability, Backend, Database, Options};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::announcements::Announcements;
use crate::commands::CommandError;
use crate::config::{self, Config, DatabaseUrl, RootKeySource};
use crate::host::{OsRandomness, SystemClock};
use crate::http::AppState;
use crate::http::correlation::Ids;
use crate::http::state::Shared;
use crate::root_key::ConfiguredRoots;
use crate::telemetry::Metrics;
use crate::workers;

/// Passwords checked at once: each takes 19 MiB and a core.
const PASSWORD_CHECKS: usize = 2;
/// Series that name one object, where nobody set a limit.
const SERIES_LIMIT: usize = 10_000;

/// The parts of a process that are more than its services.
#[derive(Debug)]
pub struct Parts {
    pub services: Services,
    pub database: Arc<Database>,
    pub announcements: Arc<Announcements>,
    pub metrics: Arc<Metrics>,
}

/// Everything `rota serve` needs; the database is open when this returns, and the keys too, unless they must be had from
/// people or their root is away: then it is sealed.
///
/// # Errors
/// With what is wrong and how to mend it; nothing was changed then.
pub async fn compose(
    config: &Config,
    memory: api::root::Memory,
    shutdown: CancellationToken,
) -> Result<AppState, CommandError> {
    let options = Options {
        audit_durability: match config.audit_durability {
            config::AuditDurability::Written => AuditDurability::Written,
            config::AuditDurability::Fsynced => AuditDurability::Fsynced,
        },
        view_bound: config.keys.view_limit,
        ..Options::default()
    };
    let roots = (config.root_key.clone(), config.next_root.clone());
    let series_limit = config.metrics_series_limit;
    let mut parts = build(&config.database, roots, series_limit, options).await?;
    if let Some(token) = &config.bootstrap_token {
        let token = BootstrapToken::new(token.duplicate()).map_err(CommandError::failed)?;
        // Before anything is moved from this stack to the heap: what hashing left lies where the next values are built,
        // and the gaps in them would take it along.
        crate::memory::wipe_stack();
        parts.services.bootstrap = Some(Arc::new(token));
    }
    let correlation_ids = Ids::new(parts.services.randomness.as_ref());
    Ok(AppState::new(Shared {
        services: parts.services,
        database: parts.database,
        announcements: parts.announcements,
        metrics: parts.metrics,
        trusted_proxies: config.trusted_proxies.clone(),
        metrics_open: config.metrics_open,
        public_url: OnceLock::new(),
        root_key_beside_database: matches!(config.root_key, RootKeySource::BesideDatabase(_)),
        root_grace: config.root_grace,
        memory,
        sandbox: config.sandbox,
        sandbox_programs: OnceLock::new(),
        key_rates: crate::workers::key_rates::KeyRates::default(),
        job_rates: crate::workers::job_rates::JobRates::default(),
        correlation_ids,
        password_checks: Semaphore::new(PASSWORD_CHECKS),
        backups: Semaphore::new(1),
        recovery: config.recovery,
        key_alarm: config.keys.alarm,
        tasks: TaskTracker::new(),
        spool_folder: config.spool_folder(),
        shutdown,
    }))
}

/// The parts alone, for commands that work without a server.
///
/// # Errors
/// As [`compose`].
pub async fn compose_services(
    database: &DatabaseUrl,
    root_key: &RootKeySource,
) -> Result<Parts, CommandError> {
    let roots = (root_key.clone(), None);
    build(database, roots, SERIES_LIMIT, Options::default()).await
}

/// Opens the database and brings it to this version.
///
/// # Errors
/// When it is in use, newer than this program, or away.
pub async fn open_database(
    url: &DatabaseUrl,
    announcer: Arc<dyn Announcer>,
) -> Result<Arc<Database>, CommandError> {
    open_with(url, announcer, Options::default()).await
}

async fn open_with(
    url: &DatabaseUrl,
    announcer: Arc<dyn Announcer>,
    options: Options,
) -> Result<Arc<Database>, CommandError> {
    let mut replica = [0; 8];
    OsRandomness.fill(&mut replica);
    let options = Options {
        replica: hex::encode(replica),
        ..options
    };
    Database::open(url.expose_url(), announcer, options)
        .await
        .map_err(CommandError::failed)
}

async fn build(
    url: &DatabaseUrl,
    (root_key, next_root): (RootKeySource, Option<RootKeySource>),
    series_limit: usize,
    options: Options,
) -> Result<Parts, CommandError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let randomness: Arc<OsRandomness> = Arc::new(OsRandomness);
    let live = Arc::new(Live::new(clock.now()));
    let memory = Arc::new(Memory::new());
    let announcements = Arc::new(Announcements::new(Arc::clone(&live), Arc::clone(&memory)));
    let announcer: Arc<dyn Announcer> = announcements.clone();
    let database = open_with(url, Arc::clone(&announcer), options).await?;
    if database.backend() == Backend::Postgres {
        // Others may change what is remembered here.
        memory.view.depend_on_renewal(database.view_bound());
    }
    let metrics = Arc::new(Metrics::new(series_limit).map_err(CommandError::failed)?);
    let roots = ConfiguredRoots::new(root_key, next_root, Arc::clone(&metrics));
    let sealer = Sealer::new(Arc::new(roots), randomness.clone());
    match sealer.open(database.as_ref(), clock.as_ref()).await {
        Ok(()) => {}
        Err(error) if error.may_pass() => {
            if let Some(because) = sealer.sealed_because() {
                workers::root::say_sealed(&because);
            }
        }
        Err(error) => return Err(CommandError::failed(error)),
    }
    let services = Services {
        store: database.clone(),
        connectors: connectors::all(randomness.clone(), clock.clone()),
        sealer: Arc::new(sealer),
        clock,
        randomness,
        announcer,
        meter: metrics.clone(),
        live,
        memory,
        detector: Arc::new(Detector::default()),
        reencryption: Arc::default(),
        throttle: Arc::new(Throttle::new()),
        bootstrap: None,
    };
    Ok(Parts {
        services,
        database,
        announcements,
        metrics,
    })
}

/// The roots that are configured, for commands.
///
/// # Errors
/// When no metrics can be made.
pub(crate) fn configured_roots(
    root_key: RootKeySource,
    next_root: Option<RootKeySource>,
) -> Result<ConfiguredRoots, CommandError> {
    let metrics = Arc::new(Metrics::new(SERIES_LIMIT).map_err(CommandError::failed)?);
    Ok(ConfiguredRoots::new(root_key, next_root, metrics))
}

/// The keys of a database, opened by what an operator gave, for commands that need nothing else.
pub(crate) async fn unlock(
    database: &Database,
    roots: Arc<dyn Roots>,
    clock: &dyn Clock,
) -> Result<Sealer, CommandError> {
    let sealer = Sealer::new(roots, Arc::new(OsRandomness));
    sealer.open(database, clock).await.map_err(CommandError::failed)?;
    Ok(sealer)
}
