//! Consumers as they are in the field: the client library, and requests to the API with what it hands out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent::{Agent, Config, Handle, Lease, Outcome};
use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::world::{BenchCredential, World};

/// How often instances use their key.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two uses of an established version.
    pub settled: Duration,
    /// Between two uses of a new version, while the one before is handed out beside it.
    pub candidate: Duration,
    /// Whether outcomes are reported at all.
    pub use_of_key: UseOfKey,
}

/// What an instance does with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseOfKey {
    CallAndReport,
    /// It fetches and acknowledges, and never says how it went.
    Silent,
}

/// The instances of one consumer.
#[derive(Debug)]
pub struct Fleet {
    seen: Arc<Seen>,
    /// By instance: the version it last used with success.
    used: Vec<watch::Receiver<u32>>,
    _tasks: JoinSet<()>,
}

/// What they saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// From the first refusal that the program saw to the previous version in its hands.
    pub returns: Mutex<Vec<Duration>>,
    candidate_uses: AtomicU64,
    candidate_micros: AtomicU64,
}

impl Seen {
    /// Uses per second of an instance that holds a candidate.
    pub fn candidate_rate(all: &[&Seen]) -> f64 {
        let sum =
            |field: fn(&Seen) -> &AtomicU64| all.iter().map(|seen| field(seen).load(Ordering::SeqCst)).sum();
        let (uses, micros): (u64, u64) = (
            sum(|seen| &seen.candidate_uses),
            sum(|seen| &seen.candidate_micros),
        );
        if micros == 0 {
            0.0
        } else {
            uses as f64 * 1e6 / micros as f64
        }
    }
}

/// Builds the HTTP client that all instances share towards the API.
pub fn api_client() -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5));
    Ok(builder.redirect(reqwest::redirect::Policy::none()).build()?)
}

impl Fleet {
    /// Starts so many instances of a credential's consumer.
    pub fn start(world: &World, credential: &BenchCredential, instances: usize, pace: Pace) -> Result<Self> {
        let http = api_client()?;
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        let mut used = Vec::new();
        for number in 0..instances {
            let name = instance_name(&credential.name, number);
            let agent = Agent::start(Config::new(
                &world.server.url,
                credential.token(),
                &name,
                [&credential.name],
            ))?;
            let handle = agent.credential(&credential.name)?;
            let (used_now, receiver) = watch::channel(0);
            used.push(receiver);
            let watcher = Arc::new(Watcher::default());
            tasks.spawn(Arc::clone(&watcher).keep(handle.clone(), Arc::clone(&seen)));
            let instance = Instance {
                name,
                credential: credential.name.clone(),
                orders_url: format!("{}/orders", world.orders.url),
                http: http.clone(),
                seen: Arc::clone(&seen),
                used: used_now,
                watcher,
                pace,
            };
            tasks.spawn(async move {
                instance.work(handle).await;
                drop(agent);
            });
        }
        Ok(Self {
            seen,
            used,
            _tasks: tasks,
        })
    }

    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Waits until every instance has used `version` (or, silent, holds it).
    pub async fn all_use(&mut self, version: u32) -> Result<()> {
        for used in &mut self.used {
            let waited = used.wait_for(|now| *now == version);
            tokio::time::timeout(Duration::from_secs(60), waited)
                .await
                .with_context(|| format!("not every instance used version {version}"))??;
        }
        Ok(())
    }
}

/// What an instance is called.
pub fn instance_name(credential: &str, number: usize) -> String {
    format!("{credential}.{number}")
}

/// Times the way back of one instance.
#[derive(Debug, Default)]
struct Watcher(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    refused: Option<(u32, Instant)>,
    /// Refusals of versions up to here belong to a way back that is over.
    over: u32,
}

impl Watcher {
    fn note_refusal(&self, version: u32) {
        let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if version > progress.over && progress.refused.is_none() {
            progress.refused = Some((version, Instant::now()));
        }
    }

    /// Follows what is handed out: a version lower than the one that was refused is the way back.
    async fn keep(self: Arc<Self>, mut handle: Handle, seen: Arc<Seen>) {
        while let Ok(lease) = handle.changed().await {
            let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((version, since)) = progress.refused else {
                continue;
            };
            if lease.version() < version {
                seen.returns
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(since.elapsed());
                *progress = Progress {
                    refused: None,
                    over: version,
                };
            }
        }
    }
}

struct Instance {
    name: String,
    credential: String,
    orders_url: String,
    http: reqwest::Client,
    seen: Arc<Seen>,
    used: watch::Sender<u32>,
    watcher: Arc<Watcher>,
    pace: Pace,
}

impl Instance {
    async fn work(&self, mut handle: Handle) {
        if self.pace.use_of_key == UseOfKey::Silent {
            while let Ok(lease) = handle.changed().await {
                self.used.send_replace(lease.version());
            }
            return;
        }
        let mut last_candidate_use: Option<Instant> = None;
        while handle.ready().await.is_ok() {
            let on_candidate = handle.previous().is_some();
            let mut tick = tokio::time::interval(if on_candidate {
                self.pace.candidate
            } else {
                self.pace.settled
            });
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            tick.reset();
            // A new pace begins when what is handed out changes.
            while handle.previous().is_some() == on_candidate && handle.current().is_ok() {
                tick.tick().await;
                if on_candidate {
                    self.note_candidate_use(last_candidate_use.replace(Instant::now()));
                }
                let used = handle
                    .run(|lease| async move { (self.call(&lease).await, ()) })
                    .await;
                if used.is_err() {
                    break;
                }
            }
            last_candidate_use = None;
        }
    }

    fn note_candidate_use(&self, last: Option<Instant>) {
        let Some(last) = last else { return };
        let micros = u64::try_from(last.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.seen.candidate_uses.fetch_add(1, Ordering::SeqCst);
        self.seen.candidate_micros.fetch_add(micros, Ordering::SeqCst);
    }

    async fn call(&self, lease: &Lease) -> Outcome {
        let Some(key) = lease.expose("key") else {
            return Outcome::failed();
        };
        let request = self.http.get(&self.orders_url).bearer_auth(&*key);
        let request = request
            .header("x-credential", &self.credential)
            .header("x-instance", &self.name);
        match request.send().await {
            Ok(response) => {
                let outcome = Outcome::http(response.status().as_u16());
                if outcome.is_refusal() {
                    self.watcher.note_refusal(lease.version());
                } else {
                    self.used.send_replace(lease.version());
                }
                outcome
            }
            Err(_) => Outcome::failed(),
        }
    }
}
