//! What every handler may use.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use engine::Services;
use engine::recovery::RecoveryPolicy;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::announcements::Announcements;
use crate::config::AddressRange;
use crate::telemetry::Metrics;

/// The handle that handlers take; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

/// What stands behind [`AppState`].
#[derive(Debug)]
pub struct Shared {
    pub services: Services,
    pub database: Arc<store::Database>,
    pub announcements: Arc<Announcements>,
    pub metrics: Arc<Metrics>,
    pub trusted_proxies: Vec<AddressRange>,
    pub metrics_open: bool,
    /// The address people use; known once the port is.
    pub public_url: OnceLock<Url>,
    /// `root.key` lies beside the database it protects.
    pub root_key_beside_database: bool,
    /// A root that stands elsewhere may be silent for so long.
    pub root_grace: std::time::Duration,
    /// What keeps keys in memory from getting out.
    pub memory: api::root::Memory,
    pub sandbox: bool,
    /// The sandbox's programs, once they run.
    pub sandbox_programs: OnceLock<crate::sandbox::Sandbox>,
    /// Operations per second by key version, of the last minutes.
    pub key_rates: crate::workers::key_rates::KeyRates,
    /// How fast jobs of re-encryption went.
    pub job_rates: crate::workers::job_rates::JobRates,
    /// For requests that bring no id of their own.
    pub correlation_ids: super::correlation::Ids,
    /// Passwords that are being checked at once: each takes memory and a core.
    pub password_checks: tokio::sync::Semaphore,
    /// Backups that are being made: one at a time.
    pub backups: tokio::sync::Semaphore,
    /// How often a restore is rehearsed, and what is too old.
    pub recovery: RecoveryPolicy,
    /// From which rate of failures on a key stops.
    pub key_alarm: engine::reencryption::BreakerPolicy,
    /// Workers that requests may begin.
    pub tasks: TaskTracker,
    /// Where they grow before they are sent.
    pub spool_folder: PathBuf,
    /// Ends waiting polls and event streams.
    pub shutdown: CancellationToken,
}

impl AppState {
    /// Shares what was composed.
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// People reach us by https, so cookies are for https only.
    pub fn is_https(&self) -> bool {
        self.public_url.get().is_some_and(|url| url.scheme() == "https")
    }

    /// The root key lies beside the database, and is still the root: not after a migration to another.
    pub fn root_key_beside_database(&self) -> bool {
        let is_key_file = |(kind, _)| kind == engine::seal::local::KEY_FILE;
        self.root_key_beside_database && self.services.sealer.root_kind().is_some_and(is_key_file)
    }

    /// `ROTA_BOOTSTRAP_TOKEN` is set: a program may act as an administrator.
    pub fn bootstrap_token_active(&self) -> bool {
        self.services.bootstrap.is_some()
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
