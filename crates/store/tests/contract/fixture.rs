//! Both databases, and things to put into them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::access::{Account, Actor, Role, SignInLink, Token, TokenHash, TokenOwner, TokenScope};
use engine::audit::AuditDraft;
use engine::catalog::{
    Consumer, Credential, CredentialKind, Issuer, Policy, Sensitivity, Strategy, Version, VersionNumber,
    VersionState,
};
use engine::change::Topic;
use engine::delivery::Instance;
use engine::freeze::Freeze;
use engine::id::{
    AccountId, ConsumerId, CredentialId, FreezeId, IssuerId, KeyId, RotationId, SignInLinkId, TokenId,
};
use engine::ports::Announcer;
use engine::rotation::{Rotation, RotationState, Trigger};
use engine::{Change, Clock, Name, Randomness, Timestamp};
use store::{Database, Options};
use tempfile::TempDir;
use testing::Postgres;
use tokio::sync::mpsc;

/// Rises by a millisecond at each look, so that ids sort by creation.
#[derive(Debug, Default)]
pub(crate) struct SteppingClock(AtomicI64);

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

/// Counts: enough to be unique.
#[derive(Debug, Default)]
struct CountingRandomness(AtomicI64);

impl Randomness for CountingRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (byte, filled) in buffer
            .iter_mut()
            .rev()
            .zip(next.iter().rev().chain(std::iter::repeat(&7)))
        {
            *byte = *filled;
        }
    }
}

/// Collects what was announced.
#[derive(Debug)]
pub(crate) struct Ears(mpsc::UnboundedSender<Topic>);

impl Announcer for Ears {
    fn heard(&self, _told: Vec<engine::delivery::Hearsay>) {}

    fn announce(&self, topic: &Topic) {
        self.0.send(topic.clone()).ok();
    }
}

/// Where a database is kept; dropped after it.
#[derive(Debug)]
pub(crate) enum Home {
    Folder(TempDir),
    Server(Postgres),
}

/// One open database and what makes things for it.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) store: Arc<Database>,
    pub(crate) home: Home,
    heard: Mutex<mpsc::UnboundedReceiver<Topic>>,
    clock: SteppingClock,
    randomness: CountingRandomness,
}

pub(crate) async fn open(url: &str, replica: &str) -> (Arc<Database>, mpsc::UnboundedReceiver<Topic>) {
    let (announcer, heard) = mpsc::unbounded_channel();
    let options = Options {
        replica: replica.to_owned(),
        ..Options::default()
    };
    let store = Database::open(url, Arc::new(Ears(announcer)), options)
        .await
        .unwrap();
    (store, heard)
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        Self::on(Home::Folder(TempDir::new().unwrap())).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::on(Home::Server(Postgres::start())).await
    }

    async fn on(home: Home) -> Self {
        let (store, heard) = open(&home.url(), "first").await;
        Self {
            store,
            home,
            heard: Mutex::new(heard),
            clock: SteppingClock::default(),
            randomness: CountingRandomness::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn key_id(&self) -> KeyId {
        KeyId::generate(&self.clock, &self.randomness)
    }

    /// Moves the clock on.
    pub(crate) fn skip(&self, micros: i64) {
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was announced since the last look.
    pub(crate) fn heard(&self) -> Vec<Topic> {
        let mut heard = self.heard.lock().unwrap();
        std::iter::from_fn(|| heard.try_recv().ok()).collect()
    }

    /// A number, asked behind the store's back.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        match &self.home {
            Home::Server(postgres) => postgres.execute(sql).parse().unwrap(),
            Home::Folder(_) => {
                use sqlx::{ConnectOptions, Row};
                let options: sqlx::sqlite::SqliteConnectOptions = self.home.url().parse().unwrap();
                let mut connection = options.connect().await.unwrap();
                sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
            }
        }
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        match &self.home {
            Home::Server(postgres) => {
                postgres.execute(sql);
            }
            Home::Folder(_) => {
                use sqlx::{ConnectOptions, Connection, Executor};
                let options: sqlx::sqlite::SqliteConnectOptions = self.home.url().parse().unwrap();
                let mut connection = options.foreign_keys(false).connect().await.unwrap();
                connection.execute(sql).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    pub(crate) fn issuer(&self, issuer: &str) -> Issuer {
        Issuer {
            id: IssuerId::generate(&self.clock, &self.randomness),
            name: name(issuer),
            kind: "postgresql".to_owned(),
            environment: name("production"),
            config: serde_json::json!({"host": "db.example", "port": 5432}),
            admin_username: Some("admin".to_owned()),
            breaker: engine::catalog::model::Breaker::default(),
            findings: vec!["the administrator is a superuser".to_owned()],
            sandbox: false,
            created_at: self.now(),
            revision: 1,
        }
    }

    pub(crate) fn consumer(&self, consumer: &str) -> Consumer {
        Consumer {
            id: ConsumerId::generate(&self.clock, &self.randomness),
            name: name(consumer),
            service: "orders".to_owned(),
            environment: name("production"),
            labels: BTreeMap::from([("team".to_owned(), "blue ü".to_owned())]),
            sandbox: false,
            created_at: self.now(),
            revision: 1,
        }
    }

    pub(crate) fn credential(&self, credential: &str, issuer: &Issuer) -> Credential {
        Credential {
            id: CredentialId::generate(&self.clock, &self.randomness),
            name: name(credential),
            kind: CredentialKind::DatabasePassword,
            issuer: issuer.name.clone(),
            owner_team: Some("blue".to_owned()),
            backup_contact: None,
            purpose: "orders".to_owned(),
            sensitivity: Sensitivity::High,
            environment: name("production"),
            strategy: Strategy::Alternating,
            config: serde_json::json!({"role": "app"}),
            consumers: vec![name("orders-api")],
            tags: Vec::new(),
            review_every: Some(Duration::from_secs(86_400)),
            policy: Policy::default(),
            age_thresholds: None,
            current: None,
            last_number: VersionNumber(0),
            schedule_hold: None,
            adopted: false,
            sandbox: false,
            created_at: self.now(),
            last_rotated_at: None,
            revision: 1,
        }
    }

    pub(crate) fn version(&self, credential: &Credential, number: u32, state: VersionState) -> Version {
        Version {
            credential: credential.id.clone(),
            number: VersionNumber(number),
            state,
            identity: "app_a".to_owned(),
            created_at: self.now(),
            promoted_at: None,
            retired_at: None,
            last_proved_at: None,
            failure: None,
        }
    }

    pub(crate) fn rotation(&self, credential: &Credential) -> Rotation {
        Rotation {
            id: RotationId::generate(&self.clock, &self.randomness),
            credential: credential.id.clone(),
            credential_name: credential.name.clone(),
            issuer: credential.issuer.clone(),
            environment: credential.environment.clone(),
            strategy: credential.strategy,
            from: None,
            to: VersionNumber(1),
            policy: credential.policy.clone(),
            reason: "due".to_owned(),
            trigger: Trigger::Schedule,
            emergency: false,
            started_by: "system:scheduler".to_owned(),
            approvals: Vec::new(),
            state: RotationState::Planned,
            pause: None,
            hold: None,
            retry: None,
            way_back_proved_at: None,
            cut_off: Vec::new(),
            sandbox: false,
            created_at: self.now(),
            finished_at: None,
            revision: 1,
        }
    }

    pub(crate) fn instance(&self, credential: &Credential, instance: &str) -> Instance {
        Instance {
            credential: credential.id.clone(),
            consumer: name("orders-api"),
            instance: instance.to_owned(),
            handed: Some(VersionNumber(1)),
            handed_at: Some(self.now()),
            versions_handed: vec![VersionNumber(1)],
            cohort_of: None,
            acknowledged: None,
            acknowledged_at: None,
            load_error: None,
            first_seen_at: self.now(),
        }
    }

    pub(crate) fn freeze(&self, until: Option<Timestamp>) -> Freeze {
        Freeze {
            id: FreezeId::generate(&self.clock, &self.randomness),
            environment: Some(name("production")),
            reason: "a sale".to_owned(),
            started_by: "account:ada".to_owned(),
            created_at: self.now(),
            until,
            ended_at: None,
            revision: 1,
        }
    }

    pub(crate) fn account(&self, account: &str) -> Account {
        Account {
            id: AccountId::generate(&self.clock, &self.randomness),
            name: name(account),
            display_name: "Ada".to_owned(),
            role: Role::Administrator,
            password_hash: None,
            session_epoch: 0,
            disabled_at: None,
            created_at: self.now(),
            revision: 1,
        }
    }

    pub(crate) fn token(&self, hash: &str) -> Token {
        Token {
            id: TokenId::generate(&self.clock, &self.randomness),
            owner: TokenOwner::Consumer {
                name: name("orders-api"),
            },
            scope: TokenScope::Api,
            hash: TokenHash(hash.to_owned()),
            hint: "abcd".to_owned(),
            created_at: self.now(),
            expires_at: None,
            revoked_at: None,
            revision: 1,
        }
    }

    pub(crate) fn sign_in_link(&self, account: &Account, hash: &str) -> SignInLink {
        SignInLink {
            id: SignInLinkId::generate(&self.clock, &self.randomness),
            account: account.id.clone(),
            hash: TokenHash(hash.to_owned()),
            expires_at: self.now().after(Duration::from_secs(900)),
            used_at: None,
            revision: 1,
        }
    }
}

impl Home {
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}", folder.path().join("rota.db").display()),
            Self::Server(postgres) => postgres.url(),
        }
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A change with one audit entry.
pub(crate) fn audited(action: &str) -> Change {
    Change::new().audit(AuditDraft::new(
        &Actor::system("test"),
        Timestamp::from_micros(1),
        action,
        "thing/1",
        "a test",
    ))
}

/// One test, run on both databases.
#[macro_export]
macro_rules! on_both {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        mod sqlite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::fixture::Fixture::sqlite().await).await;
            })*
        }
        mod postgres {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::fixture::Fixture::postgres().await).await;
            })*
        }
    };
}
