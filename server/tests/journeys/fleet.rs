//! Consumers as they are in the field: the client library, and a login to PostgreSQL a few times a second.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{Agent, Config, Handle, Lease, Outcome};
use api::Secret;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::task::JoinSet;

use crate::world::CREDENTIAL;

/// Between two logins of one instance.
const PACE: Duration = Duration::from_millis(40);

/// Several instances of one consumer.
pub struct Fleet {
    seen: Arc<Seen>,
    tasks: JoinSet<()>,
}

/// What they saw.
#[derive(Default)]
pub struct Seen {
    pub logins: AtomicU64,
    pub refused: AtomicU64,
    /// A login refused, the credential refreshed, and refused again: held longer than one refresh.
    pub refused_after_refresh: AtomicU64,
    /// Versions that instance number `.1` logged in with.
    pub used: Mutex<BTreeSet<(u32, usize)>>,
    /// Every password that was handed out.
    pub passwords: Mutex<BTreeSet<String>>,
    /// Instances that fail with this version: 0 means none. The fault is in the consumer, not in Rota.
    broken_version: AtomicU32,
    /// How many instances have the fault.
    broken_instances: AtomicU32,
}

impl Fleet {
    pub fn start(url: &str, token: &str, instances: usize) -> Self {
        Self::start_from(url, token, 0, instances)
    }

    /// The same, numbered from `first` on.
    pub fn start_from(url: &str, token: &str, first: usize, instances: usize) -> Self {
        let seen = Arc::new(Seen::default());
        let mut tasks = JoinSet::new();
        for number in first..first + instances {
            let token = Secret::new(token.to_owned());
            let agent = Agent::start(Config::new(url, token, format!("orders-{number}"), [CREDENTIAL]))
                .expect("an agent");
            let handle = agent.credential(CREDENTIAL).expect("a handle");
            let worker = Worker {
                number,
                seen: Arc::clone(&seen),
            };
            tasks.spawn(async move {
                worker.work(handle).await;
                drop(agent);
            });
        }
        Self { seen, tasks }
    }

    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// From now on so many instances misuse this version.
    pub fn break_version(&self, version: u32, instances: u32) {
        self.seen.broken_instances.store(instances, Ordering::SeqCst);
        self.seen.broken_version.store(version, Ordering::SeqCst);
    }

    /// Waits until each of these instances has logged in with `version`.
    pub async fn all_use(&self, version: u32, instances: std::ops::Range<usize>) {
        let mut ticks = tokio::time::interval(PACE);
        let everyone = async {
            loop {
                ticks.tick().await;
                let used = self.seen.used.lock().unwrap();
                if instances.clone().all(|number| used.contains(&(version, number))) {
                    return;
                }
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), everyone).await;
        assert!(
            waited.is_ok(),
            "not everyone used version {version}: {:?}",
            self.seen.used.lock().unwrap()
        );
    }

    /// Nobody was refused with a credential for longer than one refresh.
    pub fn assert_never_stuck(&self) {
        assert_eq!(
            self.seen.refused_after_refresh.load(Ordering::SeqCst),
            0,
            "a refused credential was held on to"
        );
        assert!(
            self.seen.logins.load(Ordering::SeqCst) > 0,
            "nobody logged in at all"
        );
    }

    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

struct Worker {
    number: usize,
    seen: Arc<Seen>,
}

impl Worker {
    async fn work(&self, mut handle: Handle) {
        let mut ticks = tokio::time::interval(PACE);
        while handle.ready().await.is_ok() {
            ticks.tick().await;
            let refused = Arc::new(AtomicU32::new(0));
            let attempts = handle.run(|lease| {
                let refused = Arc::clone(&refused);
                async move {
                    let outcome = self.log_in(&lease).await;
                    if outcome.is_refusal() && !self.is_broken(lease.version()) {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    (outcome, ())
                }
            });
            if attempts.await.is_err() {
                continue;
            }
            if refused.load(Ordering::SeqCst) > 1 {
                self.seen.refused_after_refresh.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn is_broken(&self, version: u32) -> bool {
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        self.seen.broken_version.load(Ordering::SeqCst) == version
            && number < self.seen.broken_instances.load(Ordering::SeqCst)
    }

    async fn log_in(&self, lease: &Lease) -> Outcome {
        let password = lease.expose("password").unwrap_or_default().into_owned();
        self.seen.passwords.lock().unwrap().insert(password.clone());
        let wrong = self.is_broken(lease.version());
        let options = PgConnectOptions::new_without_pgpass()
            .host(&lease.expose("host").unwrap_or_default())
            .port(lease.expose("port").unwrap_or_default().parse().unwrap_or(0))
            .database(&lease.expose("database").unwrap_or_default())
            .username(&lease.expose("username").unwrap_or_default())
            .password(if wrong { "not the password" } else { &password })
            .ssl_mode(PgSslMode::Disable)
            .disable_statement_logging();
        let read = async {
            let mut connection = options.connect().await?;
            sqlx::query("select count(*) from orders")
                .execute(&mut connection)
                .await?;
            connection.close().await
        };
        match read.await {
            Ok(()) => {
                self.seen.logins.fetch_add(1, Ordering::SeqCst);
                self.seen
                    .used
                    .lock()
                    .unwrap()
                    .insert((lease.version(), self.number));
                Outcome::accepted()
            }
            Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("28")) => {
                self.seen.refused.fetch_add(1, Ordering::SeqCst);
                Outcome::refused()
            }
            Err(_) => Outcome::failed(),
        }
    }
}
