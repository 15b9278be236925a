//! Services over a store on disk, keys held in memory, and replicas that can be killed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::access::{Actor, Role, Throttle};
use engine::change::Topic;
use engine::delivery::Live;
use engine::detection::Detector;
use engine::id::KeyId;
use engine::ports::{Announcer, Meter};
use engine::reencryption::{self, Job, JobState, KeySource, MovingKey, Range};
use engine::seal::{RootKeySource, Sealer};
use engine::{Clock, Memory, Name, Randomness, Refusal, Services, Timestamp};
use keyring::{Context, KeyMaterial, KeyState, KeyVersion, Keyring, RootKey, SecretBytes, WrappingKey};
use store::{Database, Options};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// The host's time, without reading its wall clock.
pub(crate) struct RunningClock(tokio::time::Instant);

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let micros = i64::try_from(self.0.elapsed().as_micros()).unwrap();
        Timestamp::from_micros(1_800_000_000_000_000 + micros)
    }
}

/// SplitMix64: never gives the same bytes twice in a test.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes) % end
    }
}

impl Randomness for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Rings whenever something was stored, once what it made old is forgotten.
#[derive(Clone)]
struct Bell {
    rings: tokio::sync::watch::Sender<u64>,
    memory: Arc<Memory>,
}

impl Announcer for Bell {
    fn announce(&self, topic: &Topic) {
        self.memory.invalidate(topic);
        self.rings.send_modify(|rings| *rings += 1);
    }
    fn heard(&self, _told: Vec<engine::delivery::Hearsay>) {}
}

struct Quiet;

impl Meter for Quiet {
    fn outcomes(&self, _credential: &Name, _status: &'static str, _count: u64) {}
    fn rotation_ended(&self, _kind: &'static str, _outcome: &'static str) {}
    fn rollback_served(&self, _duration: Duration) {}
}

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Keys in memory. What a version's bytes are follows from its number.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<KeyId, Arc<Keyring>>>);

impl Keys {
    pub(crate) fn put(&self, key: &KeyId, states: &[KeyState]) {
        self.0
            .lock()
            .unwrap()
            .insert(key.clone(), Arc::new(keyring_of(key, states)));
    }

    pub(crate) fn get(&self, key: &KeyId) -> Arc<Keyring> {
        Arc::clone(&self.0.lock().unwrap()[key])
    }
}

fn keyring_of(key: &KeyId, states: &[KeyState]) -> Keyring {
    let versions = states.iter().zip(1_u32..).map(|(state, number)| {
        let bytes = SecretBytes::new(vec![u8::try_from(number).unwrap(); 32]);
        let version = KeyVersion::new(number).unwrap();
        WrappingKey::new(version, *state, KeyMaterial::import(&bytes).unwrap())
    });
    Keyring::new(keyring::KeyId::parse(key.as_str()).unwrap(), versions).unwrap()
}

#[async_trait]
impl KeySource for Keys {
    async fn moving_key(&self, key: &KeyId, _uses: u64) -> Result<Arc<dyn MovingKey>, Refusal> {
        Ok(self.get(key))
    }

    async fn refreshed_key(&self, key: &KeyId, uses: u64) -> Result<Arc<dyn MovingKey>, Refusal> {
        self.moving_key(key, uses).await
    }
}

pub(crate) struct House {
    pub(crate) services: Services,
    pub(crate) keys: Arc<Keys>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) folder: TempDir,
    bell: Bell,
}

impl House {
    pub(crate) async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(RunningClock(tokio::time::Instant::now()));
        let dice = Arc::new(Dice::new(seed));
        let url = format!("sqlite://{}", folder.path().join("rota.db").display());
        let bell = Bell {
            rings: tokio::sync::watch::Sender::new(0),
            memory: Arc::default(),
        };
        let database = Database::open(&url, Arc::new(bell.clone()), Options::default())
            .await
            .unwrap();
        let root = RootKeySource::Key(RootKey::from_bytes(&SecretBytes::new(vec![9; 32])).unwrap());
        let sealer = Sealer::unlock(database.as_ref(), root, clock.as_ref(), dice.clone())
            .await
            .unwrap();
        let services = Services {
            store: database,
            connectors: connectors::all(dice.clone(), clock.clone()),
            sealer: Arc::new(sealer),
            clock: clock.clone(),
            randomness: dice.clone(),
            announcer: Arc::new(bell.clone()),
            meter: Arc::new(Quiet),
            memory: Arc::clone(&bell.memory),
            live: Arc::new(Live::new(clock.now())),
            detector: Arc::new(Detector::default()),
            reencryption: Arc::default(),
            throttle: Arc::new(Throttle::new()),
            bootstrap: None,
        };
        Self {
            services,
            keys: Arc::default(),
            dice,
            folder,
            bell,
        }
    }

    /// A key of the catalog whose versions have these states; what they seal with is the test's own.
    pub(crate) async fn new_key(&self, states: &[KeyState]) -> KeyId {
        let new = engine::key::NewKey {
            name: key_name().to_string(),
            algorithm: keyring::Algorithm::Aes256Gcm,
            owner_team: None,
            purpose: None,
            environment: None,
            tags: std::collections::BTreeMap::new(),
            policy: engine::key::NewKeyPolicy::default(),
        };
        let made = self.services.create_key(&administrator(), new).await.unwrap();
        self.keys.put(&made.key.id, states);
        made.key.id
    }

    pub(crate) fn seal(&self, key: &KeyId, context: &str, plaintext: &str) -> Vec<u8> {
        let keyring = self.keys.get(key);
        let sealed = keyring.seal(
            self.dice.as_ref(),
            &Context::of_caller(context),
            plaintext.as_bytes(),
        );
        sealed.unwrap().into_bytes()
    }

    /// What a caller reads: the text and the version.
    pub(crate) fn open(&self, key: &KeyId, context: &str, envelope: &[u8]) -> (String, u32) {
        let opened = self.keys.get(key).open(&Context::of_caller(context), envelope);
        let text = opened.unwrap().into_text().unwrap().expose_text().to_owned();
        (text, keyring::inspect(envelope).unwrap().version.number())
    }

    /// A server's worker, until it is dropped: then it is dead in the middle of whatever it did.
    pub(crate) fn replica(&self, holder: &str) -> Replica {
        let services = self.services.clone();
        let keys = Arc::clone(&self.keys);
        let holder = holder.to_owned();
        let mut rings = self.bell.rings.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut ranges = JoinSet::new();
            // The leases of the dead run out without a sound.
            let mut looks = tokio::time::interval(LOOK_EVERY);
            loop {
                for worker in services.tend_jobs(&holder, 16).await.unwrap() {
                    let services = services.clone();
                    let keys = Arc::clone(&keys);
                    ranges.spawn(async move {
                        services
                            .drive_range(keys.as_ref(), worker, tokio::time::sleep)
                            .await;
                    });
                }
                tokio::select! {
                    _ = looks.tick() => {}
                    _ = rings.changed() => {}
                }
            }
        });
        Replica(tasks)
    }

    pub(crate) async fn job(&self, id: &engine::id::JobId) -> Job {
        self.services.store.job(id).await.unwrap().unwrap()
    }

    /// Waits until a job looks like that.
    pub(crate) async fn until(&self, id: &engine::id::JobId, is_so: impl Fn(&Job) -> bool) -> Job {
        self.until_ranges(id, |job, _| is_so(job)).await
    }

    /// The same, looking at its ranges too.
    pub(crate) async fn until_ranges(
        &self,
        id: &engine::id::JobId,
        is_so: impl Fn(&Job, &[Range]) -> bool,
    ) -> Job {
        let mut rings = self.bell.rings.subscribe();
        let waiting = async {
            loop {
                let job = self.job(id).await;
                let ranges = self.services.store.ranges(id).await.unwrap();
                if is_so(&job, &ranges) {
                    return job;
                }
                rings.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), waiting).await {
            Ok(job) => job,
            Err(_) => {
                let ranges = self.services.store.ranges(id).await.unwrap();
                panic!("it never came: {:#?} {ranges:#?}", self.job(id).await)
            }
        }
    }

    pub(crate) async fn completed(&self, id: &engine::id::JobId) -> Job {
        self.until(id, |job| job.state == JobState::Completed).await
    }
}

/// A worker that is running.
pub(crate) struct Replica(JoinSet<()>);

impl Replica {
    /// Dies between two polls, and everything it does with it.
    pub(crate) async fn kill(mut self) {
        self.0.shutdown().await;
    }
}

pub(crate) fn administrator() -> Actor {
    Actor {
        role: Some(Role::Administrator),
        ..Actor::system("test")
    }
}

pub(crate) fn new_job(target: &str, mode: reencryption::Mode) -> reencryption::service::NewJob {
    reencryption::service::NewJob {
        target: target.to_owned(),
        key: None,
        mode,
        from: None,
        tuning: reencryption::service::TuningUpdate {
            rate: Some(0),
            batch_size: Some(20),
            concurrency: Some(4),
            ..Default::default()
        },
        reason: "test".to_owned(),
    }
}

/// The one key of the house.
pub(crate) fn key_name() -> Name {
    Name::parse("orders-key").unwrap()
}
