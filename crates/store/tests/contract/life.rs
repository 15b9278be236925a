//! Opening, upgrading, dying.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use engine::ports::{AuditStore, CatalogStore, Store, StoreError};
use engine::{CommitError, Write};
use store::{Database, MigrationError, OpenError, Options};
use tempfile::TempDir;

use crate::audit::verify;
use crate::fixture::{Fixture, audited, open};

crate::on_both! {
    a_database_is_opened_again_with_all_it_held;
    a_changed_migration_is_refused;
    a_newer_database_is_refused;
}

struct Deaf;

impl engine::ports::Announcer for Deaf {
    fn announce(&self, _: &engine::change::Topic) {}
    fn heard(&self, _: Vec<engine::delivery::Hearsay>) {}
}

async fn try_open(url: &str) -> Result<std::sync::Arc<Database>, OpenError> {
    Database::open(url, std::sync::Arc::new(Deaf), Options::default()).await
}

async fn a_database_is_opened_again_with_all_it_held(fixture: Fixture) {
    let insert = audited("test.insert").write(Write::InsertIssuer(fixture.issuer("db")));
    fixture.store.commit(insert).await.unwrap();
    fixture.store.close().await;
    let refusal = fixture.store.commit(audited("test.closed")).await.unwrap_err();
    assert!(matches!(
        refusal,
        CommitError::Unavailable {
            outcome_unknown: false,
            ..
        }
    ));
    assert!(matches!(
        fixture.store.issuers().await,
        Err(StoreError::Unavailable(_))
    ));
    let again = try_open(&fixture.home.url()).await.unwrap();
    assert_eq!(again.issuers().await.unwrap().len(), 1);
    assert_eq!(verify(&again).await.unwrap().sequence, 1);
}

async fn a_changed_migration_is_refused(fixture: Fixture) {
    fixture.store.close().await;
    fixture
        .tamper("update migration set checksum = 'something else'")
        .await;
    let error = try_open(&fixture.home.url()).await.unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Migration(MigrationError::Changed { number: 1, .. })
        ),
        "{error}"
    );
}

async fn a_newer_database_is_refused(fixture: Fixture) {
    fixture.store.close().await;
    fixture
        .tamper("insert into migration (number, name, checksum) values (999, '0999_later', '')")
        .await;
    let error = try_open(&fixture.home.url()).await.unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Migration(MigrationError::Newer { number: 999, .. })
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_second_server_on_one_file_is_refused_until_the_first_lets_go() {
    let fixture = Fixture::sqlite().await;
    let url = fixture.home.url();
    let error = try_open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert!(error.to_string().contains("rota.db.lock"));
    fixture.store.close().await;
    try_open(&url).await.unwrap().close().await;
}

#[tokio::test]
async fn the_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::sqlite().await;
    let crate::fixture::Home::Folder(folder) = &fixture.home else {
        panic!("it is SQLite")
    };
    for file in ["rota.db", "rota.db-wal", "rota.db.lock"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused_in_words() {
    for url in [
        "mysql://u:hunter2@localhost/x",
        "sqlite::memory:",
        "sqlite:",
        "rota.db",
    ] {
        let error = try_open(url).await.unwrap_err();
        assert!(matches!(error, OpenError::Url(_)), "{url}: {error}");
        assert!(!error.to_string().contains("hunter2"));
    }
    let folder = TempDir::new().unwrap();
    let nowhere = format!("sqlite:{}/missing/rota.db", folder.path().display());
    assert!(matches!(
        try_open(&nowhere).await.unwrap_err(),
        OpenError::File(..)
    ));
    let error = try_open("postgres://nobody:hunter2@127.0.0.1:1/x")
        .await
        .unwrap_err();
    assert!(
        matches!(error, OpenError::Database(_)) && !error.to_string().contains("hunter2"),
        "{error}"
    );
}

/// Set for the child of [`an_acknowledged_change_survives_a_kill`].
const DOOMED: &str = "ROTA_STORE_TEST_DOOMED_URL";

/// Not a test by itself: what the killed child runs. Says each change that was acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn doomed_child() {
    let Ok(url) = std::env::var(DOOMED) else { return };
    let (store, _ears) = open(&url, "doomed").await;
    let fixture = Fixture::sqlite().await;
    let from = store.audit_head().await.unwrap().sequence;
    // Ids of other rounds are taken.
    fixture.skip(1_000_000 * from);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let store = std::sync::Arc::clone(&store);
        let consumers: Vec<_> = (0..400)
            .map(|number| fixture.consumer(&format!("c-{from}-{task}-{number}")))
            .collect();
        tasks.spawn(async move {
            for consumer in consumers {
                let acknowledged = consumer.name.clone();
                let change = audited("test.insert").write(Write::InsertConsumer(consumer));
                store.commit(change).await.unwrap();
                println!("acknowledged {acknowledged}");
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_change_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("rota.db").display());
    let mut acknowledged = Vec::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "life::doomed_child", "--nocapture", "--test-threads=1"])
            .env(DOOMED, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        // A different point of the work each time.
        while seen < 20 + 7 * round {
            let line = lines.next().expect("the child ended too early").unwrap();
            if let Some((_, name)) = line.split_once("acknowledged ") {
                acknowledged.push(name.to_owned());
                seen += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said before it died counts as well, except a line cut in the middle.
        let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
        rest.pop();
        acknowledged.extend(
            rest.iter()
                .filter_map(|line| Some(line.split_once("acknowledged ")?.1.to_owned())),
        );
        let (store, _ears) = open(&url, "survivor").await;
        let stored: std::collections::HashSet<String> = store
            .consumers()
            .await
            .unwrap()
            .iter()
            .map(|found| found.name.to_string())
            .collect();
        let lost: Vec<_> = acknowledged
            .iter()
            .filter(|name| !stored.contains(*name))
            .collect();
        assert!(
            lost.is_empty(),
            "round {round}: {lost:?} were acknowledged and are gone"
        );
        let head = verify(&store).await.unwrap();
        assert_eq!(
            head.sequence,
            i64::try_from(stored.len()).unwrap(),
            "no change without its entry"
        );
        store.close().await;
    }
}
