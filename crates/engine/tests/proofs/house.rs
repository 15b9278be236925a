//! The server's inside on a SQLite file: it dies, and another one opens the same file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::access::{Actor, ActorKind, Role, Throttle};
use engine::change::Topic;
use engine::delivery::Live;
use engine::detection::Detector;
use engine::ports::{Announcer, Connectors, Meter, Values};
use engine::rotation::Driver;
use engine::seal::{RootKeySource, Sealer};
use engine::{Clock, Name, Randomness, Services, Timestamp};
use keyring::{RootKey, SecretBytes, SecretText};
use store::{Database, OpenError, Options};
use tempfile::TempDir;

use crate::cut::{Cut, Stored};
use crate::fault::Faults;

/// A clock that stands until it is moved.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn advance_to(&self, at: Timestamp) {
        self.0.fetch_max(at.as_micros(), Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.advance_to(self.now().after(by));
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// SplitMix64: repeats, and never gives the same bytes twice in a test.
struct SeededRandomness(AtomicU64);

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

/// What the server's announcer does first: it forgets what a change made old.
#[derive(Default)]
struct Forgetting(Mutex<Option<Arc<Live>>>);

impl Announcer for Forgetting {
    fn heard(&self, _told: Vec<engine::delivery::Hearsay>) {}

    fn announce(&self, topic: &Topic) {
        if let Some(live) = &*self.0.lock().unwrap() {
            live.invalidate(topic);
        }
    }
}

struct NoMeter;

impl Meter for NoMeter {
    fn outcomes(&self, _credential: &Name, _status: &'static str, _count: u64) {}
    fn rotation_ended(&self, _kind: &'static str, _outcome: &'static str) {}
    fn rollback_served(&self, _duration: Duration) {}
}

/// One life of the process after another, over one file.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) clock: Arc<SetClock>,
    randomness: Arc<SeededRandomness>,
    pub(crate) faults: Arc<Faults>,
    stored: Arc<Stored>,
    database: Arc<Database>,
    pub(crate) services: Services,
    pub(crate) driver: Driver,
    pub(crate) lives: u32,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(1_800_000_000_000_000)));
        let randomness = Arc::new(SeededRandomness(AtomicU64::new(7)));
        let faults = Arc::<Faults>::default();
        let stored = Arc::<Stored>::default();
        let (database, services) = open(
            folder.path().join("rota.db"),
            &clock,
            &randomness,
            &faults,
            &stored,
        )
        .await;
        Self {
            folder,
            clock,
            randomness,
            faults,
            stored,
            database,
            services,
            driver: Driver::new("life 1".to_owned()),
            lives: 1,
        }
    }

    /// The process dies; what was only in its memory is gone. The next one opens the same file.
    pub(crate) async fn die_and_come_back(&mut self) {
        self.database.close().await;
        let (database, services) = open(
            self.folder.path().join("rota.db"),
            &self.clock,
            &self.randomness,
            &self.faults,
            &self.stored,
        )
        .await;
        self.database = database;
        self.services = services;
        self.lives += 1;
        self.driver = Driver::new(format!("life {}", self.lives));
    }
}

async fn open(
    file: PathBuf,
    clock: &Arc<SetClock>,
    randomness: &Arc<SeededRandomness>,
    faults: &Arc<Faults>,
    stored: &Arc<Stored>,
) -> (Arc<Database>, Services) {
    let announcer = Arc::<Forgetting>::default();
    let url = format!("sqlite://{}", file.display());
    let database = open_database(&url, &announcer).await;
    let root_key = RootKey::from_bytes(&SecretBytes::new(vec![7; 32])).unwrap();
    let sealer = Sealer::unlock(
        database.as_ref(),
        RootKeySource::Key(root_key),
        clock.as_ref(),
        randomness.clone(),
    )
    .await
    .unwrap();
    let sealer = Arc::new(sealer);
    *stored.lock().unwrap() = Some((database.clone(), sealer.clone()));
    let real = connectors::all(randomness.clone(), clock.clone());
    let cut = real.kinds().fold(Connectors::default(), |cut, kind| {
        cut.with(Arc::new(Cut {
            inner: real.of(kind).unwrap().clone(),
            faults: faults.clone(),
            stored: stored.clone(),
        }))
    });
    let live = Arc::new(Live::new(clock.now()));
    *announcer.0.lock().unwrap() = Some(live.clone());
    let services = Services {
        store: database.clone(),
        connectors: cut,
        sealer,
        clock: clock.clone(),
        randomness: randomness.clone(),
        announcer,
        meter: Arc::new(NoMeter),
        live,
        memory: Arc::default(),
        detector: Arc::new(Detector::default()),
        reencryption: Arc::default(),
        throttle: Arc::new(Throttle::new()),
        bootstrap: None,
    };
    (database, services)
}

/// A server of another test that is just being started may hold the file's lock until it is a program of its own: a
/// fork shares what is open. So whoever is too early waits for the lock and tries again.
async fn open_database(url: &str, announcer: &Arc<Forgetting>) -> Arc<Database> {
    let opening = async {
        loop {
            match Database::open(url, announcer.clone(), Options::default()).await {
                Err(OpenError::InUse(lock)) => lock_is_free(lock).await,
                opened => return opened.unwrap(),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), opening)
        .await
        .expect("the life before still holds the database")
}

async fn lock_is_free(lock: PathBuf) {
    let waiting = tokio::task::spawn_blocking(move || std::fs::File::open(lock)?.lock());
    waiting.await.unwrap().unwrap();
}

pub(crate) fn text(secret: &str) -> SecretText {
    SecretText::new(secret.to_owned())
}

pub(crate) fn name(name: &str) -> Name {
    Name::parse(name).unwrap()
}

/// A person who may do everything.
pub(crate) fn ada() -> Actor {
    Actor {
        kind: ActorKind::Account,
        name: "ada".to_owned(),
        role: Some(Role::Administrator),
        source: None,
        correlation: None,
    }
}

/// The one consumer of every credential here.
pub(crate) fn shop() -> Actor {
    Actor {
        kind: ActorKind::Consumer,
        name: "shop".to_owned(),
        role: None,
        source: None,
        correlation: None,
    }
}

/// Whether two versions are made of the same values.
pub(crate) fn same_values(one: &Values, other: &Values) -> bool {
    let exposed = |values: &Values| -> Vec<(String, String)> {
        values
            .iter()
            .map(|(name, value)| (name.to_owned(), value.expose_text().to_owned()))
            .collect()
    };
    exposed(one) == exposed(other)
}
