//! Services over a SQLite file, with a clock and a randomness that the test controls.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use engine::access::{Actor, ActorKind, BootstrapToken, Role, Throttle};
use engine::change::Topic;
use engine::delivery::Live;
use engine::detection::Detector;
use engine::ports::{Announcer, Meter};
use engine::seal::{RootKeySource, Sealer, UnlockError};
use engine::{Clock, Name, Randomness, Services, Timestamp};
use keyring::{RootKey, SecretBytes, SecretText};
use store::{Database, Options};
use tempfile::TempDir;

pub(crate) const BOOTSTRAP: &str = "bootstrap-token-of-forty-characters-long";

/// A clock that stands until it is moved.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(1_800_000_000_000_000))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// SplitMix64: repeats, and never gives the same bytes twice in a test.
pub(crate) struct SeededRandomness(AtomicU64);

impl SeededRandomness {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) struct Quiet;

impl Announcer for Quiet {
    fn heard(&self, _told: Vec<engine::delivery::Hearsay>) {}

    fn announce(&self, _topic: &Topic) {}
}

impl Meter for Quiet {
    fn outcomes(&self, _credential: &Name, _status: &'static str, _count: u64) {}
    fn rotation_ended(&self, _kind: &'static str, _outcome: &'static str) {}
    fn rollback_served(&self, _duration: Duration) {}
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) randomness: Arc<SeededRandomness>,
    pub(crate) database: Arc<Database>,
    pub(crate) services: Services,
}

pub(crate) fn root_key(byte: u8) -> RootKeySource {
    RootKeySource::Key(RootKey::from_bytes(&SecretBytes::new(vec![byte; 32])).unwrap())
}

pub(crate) async fn open(file: PathBuf) -> Arc<Database> {
    let url = format!("sqlite://{}", file.display());
    Database::open(&url, Arc::new(Quiet), Options::default())
        .await
        .unwrap()
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = open(folder.path().join("rota.db")).await;
        Self::over(folder, database, 7).await.unwrap()
    }

    pub(crate) async fn over(folder: TempDir, database: Arc<Database>, key: u8) -> Result<Self, UnlockError> {
        let randomness = Arc::new(SeededRandomness::new(key.into()));
        let clock = Arc::new(SetClock::new());
        let sealer = Sealer::unlock(
            database.as_ref(),
            root_key(key),
            clock.as_ref(),
            randomness.clone(),
        )
        .await?;
        Ok(Self::with_sealer(folder, database, clock, randomness, sealer))
    }

    /// Over a sealer that may be sealed.
    pub(crate) fn with_sealer(
        folder: TempDir,
        database: Arc<Database>,
        clock: Arc<SetClock>,
        randomness: Arc<SeededRandomness>,
        sealer: Sealer,
    ) -> Self {
        let bootstrap = BootstrapToken::new(text(BOOTSTRAP)).unwrap();
        let services = Services {
            store: database.clone(),
            connectors: connectors::all(randomness.clone(), clock.clone()),
            sealer: Arc::new(sealer),
            clock: clock.clone(),
            randomness: randomness.clone(),
            announcer: Arc::new(Quiet),
            meter: Arc::new(Quiet),
            live: Arc::new(Live::new(clock.now())),
            memory: Arc::new(forgetful()),
            detector: Arc::new(Detector::default()),
            reencryption: Arc::default(),
            throttle: Arc::new(Throttle::new()),
            bootstrap: Some(Arc::new(bootstrap)),
        };
        Self {
            folder,
            clock,
            randomness,
            database,
            services,
        }
    }
}

/// Beside other replicas of which nothing is ever heard: everything is read from the store.
fn forgetful() -> engine::Memory {
    let memory = engine::Memory::new();
    memory.view.depend_on_renewal(Duration::from_secs(1));
    memory
}

pub(crate) fn text(secret: &str) -> SecretText {
    SecretText::new(secret.to_owned())
}

pub(crate) fn name(name: &str) -> Name {
    Name::parse(name).unwrap()
}

pub(crate) fn person(name: &str, role: Role) -> Actor {
    Actor {
        kind: ActorKind::Account,
        name: name.to_owned(),
        role: Some(role),
        source: Some("127.0.0.1".to_owned()),
        correlation: None,
    }
}

pub(crate) fn administrator() -> Actor {
    person("ada", Role::Administrator)
}

/// The pointers of the broken rules of a refusal.
pub(crate) fn pointers<T: std::fmt::Debug>(result: Result<T, engine::Refusal>) -> Vec<String> {
    match result {
        Err(engine::Refusal::Rules(rules)) => rules.into_iter().map(|rule| rule.pointer).collect(),
        other => panic!("expected broken rules, not {other:?}"),
    }
}

/// The stable code of a conflict.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, engine::Refusal>) -> &'static str {
    match result {
        Err(engine::Refusal::Conflict { code, .. }) => code,
        Err(engine::Refusal::RotationInProgress { .. }) => "rotation_in_progress",
        other => panic!("expected a conflict, not {other:?}"),
    }
}
