//! Everything read out of one database, and put into another of either kind.

use std::collections::BTreeMap;

use engine::Write;
use engine::audit::{ChainHead, EntryHash};
use engine::catalog::VersionState;
use engine::id::BackupId;
use engine::ports::{AuditStore, CatalogStore, RecoveryStore, RotationStore, SecretRef, Store};
use engine::recovery::{Backup, Cell, TableDigest, TableSummary};
use futures::TryStreamExt;
use store::{Restoration, RestoreError};
use tempfile::TempDir;
use testing::Postgres;

use crate::audit::verify;
use crate::fixture::{Fixture, audited, open};

crate::on_both! {
    a_snapshot_is_one_moment_of_every_table;
    a_database_is_made_anew_on_either_kind;
    what_holds_anything_is_not_overwritten;
    a_restoration_that_is_given_up_leaves_nothing;
    a_row_that_does_not_fit_is_refused;
    backups_are_listed_newest_first;
}

/// Something in every table that the engine writes.
async fn fill(fixture: &Fixture) {
    let issuer = fixture.issuer("db");
    let consumer = fixture.consumer("orders-api");
    let credential = fixture.credential("orders-app", &issuer);
    let version = fixture.version(&credential, 1, VersionState::Current);
    let at = SecretRef::version(&credential.id, version.number);
    let account = fixture.account("ada");
    let change = audited("test.fill")
        .write(Write::InsertIssuer(issuer))
        .write(Write::InsertConsumer(consumer))
        .write(Write::InsertCredential(credential.clone()))
        .write(Write::PutVersion(version))
        .write(Write::PutSecret {
            at,
            sealed: vec![0, 1, 254, 255],
        })
        .write(Write::InsertRotation(Box::new(fixture.rotation(&credential))))
        .write(Write::PutInstance(fixture.instance(&credential, "orders-1")))
        .write(Write::InsertFreeze(fixture.freeze(None)))
        .write(Write::InsertAccount(account.clone()))
        .write(Write::InsertToken(fixture.token("a-hash")))
        .write(Write::InsertSignInLink(
            fixture.sign_in_link(&account, "another-hash"),
        ))
        .write(Write::PutSetting {
            key: "a setting".to_owned(),
            value: vec![7; 200_000],
        });
    fixture.store.commit(change).await.unwrap();
}

type Tables = Vec<(String, Vec<String>, Vec<Vec<Cell>>)>;

async fn read_all(fixture: &Fixture) -> (i64, Tables) {
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let mut tables = Vec::new();
    for table in snapshot.tables().to_vec() {
        let rows = snapshot.rows(&table).try_collect().await.unwrap();
        tables.push((table.name.clone(), table.column_names(), rows));
    }
    (snapshot.migration(), tables)
}

async fn put_all(url: &str, migration: i64, tables: &Tables) -> Result<Restoration, RestoreError> {
    let mut restoration = Restoration::begin(url, migration).await?;
    for (name, columns, rows) in tables {
        restoration.table(name, columns).await?;
        for row in rows {
            restoration.row(row.clone()).await?;
        }
    }
    Ok(restoration)
}

fn digests(tables: &Tables) -> BTreeMap<String, TableSummary> {
    let digest = |(name, _, rows): &(String, Vec<String>, Vec<Vec<Cell>>)| {
        let mut digest = TableDigest::new(name);
        rows.iter().for_each(|row| digest.add(row));
        (name.clone(), digest.summary())
    };
    tables.iter().map(digest).collect()
}

fn empty_place() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("new.db").display());
    (folder, url)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "new.db.lock").collect()
}

async fn a_snapshot_is_one_moment_of_every_table(fixture: Fixture) {
    fill(&fixture).await;
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let change = audited("test.later").write(Write::InsertConsumer(fixture.consumer("later")));
    fixture.store.commit(change).await.unwrap();
    let mut seen = BTreeMap::new();
    for table in snapshot.tables().to_vec() {
        let rows: Vec<_> = snapshot.rows(&table).try_collect().await.unwrap();
        seen.insert(table.name.clone(), rows.len());
    }
    assert_eq!(seen.get("consumer"), Some(&1), "what came later is not in it");
    assert_eq!(snapshot.audit().sequence, 1);
    for table in ["session", "idempotency", "migration"] {
        assert!(!seen.contains_key(table), "{table} is left out");
    }
    for table in [
        "audit_entry",
        "audit_head",
        "credential",
        "freeze",
        "secret",
        "setting",
        "version",
    ] {
        assert_eq!(seen.get(table), Some(&1), "{table}");
    }
    let position = |name: &str| snapshot.tables().iter().position(|table| table.name == name);
    assert!(position("issuer") < position("credential"));
    assert!(position("credential") < position("version"));
    let settings = snapshot.settings().await.unwrap();
    assert_eq!(settings, [("a setting".to_owned(), vec![7; 200_000])]);
}

async fn a_database_is_made_anew_on_either_kind(fixture: Fixture) {
    fill(&fixture).await;
    let (migration, tables) = read_all(&fixture).await;
    let (_folder, file) = empty_place();
    let server = Postgres::start();
    for url in [file, server.url()] {
        let mut restoration = put_all(&url, migration, &tables).await.unwrap();
        let found = restoration.read_back().await.unwrap();
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|table| (table.name.clone(), table))
            .collect();
        assert_eq!(
            found,
            digests(&tables),
            "the same rows give the same hashes on {url}"
        );
        let draft = audited("test.restored").audit;
        restoration
            .add(vec![("restored".to_owned(), b"yes".to_vec())], draft)
            .await
            .unwrap();
        restoration.commit().await.unwrap();
        let (restored, _ears) = open(&url, "restored").await;
        assert_eq!(
            restored.credentials().await.unwrap(),
            fixture.store.credentials().await.unwrap()
        );
        assert_eq!(restored.rotations_in_flight().await.unwrap().len(), 1);
        assert_eq!(restored.all_sealed().await.unwrap()[0].3, [0, 1, 254, 255]);
        assert_eq!(verify(&restored).await.unwrap().sequence, 2, "the chain goes on");
        restored.close().await;
    }
}

async fn what_holds_anything_is_not_overwritten(fixture: Fixture) {
    let (migration, _) = read_all(&fixture).await;
    let url = fixture.home.url();
    let before = fixture.store.audit_head().await.unwrap();
    let refused = Restoration::begin(&url, migration).await.unwrap_err();
    assert!(matches!(refused, RestoreError::NotEmpty(_)), "{refused}");
    fixture.store.close().await;
    let refused = Restoration::begin(&url, migration).await.unwrap_err();
    assert!(
        matches!(refused, RestoreError::NotEmpty(_)),
        "also when nobody uses it: {refused}"
    );
    let (again, _ears) = open(&url, "again").await;
    assert_eq!(again.audit_head().await.unwrap(), before);

    let (folder, empty) = empty_place();
    std::fs::write(folder.path().join("new.db-wal"), b"of a database that was here").unwrap();
    let refused = Restoration::begin(&empty, migration).await.unwrap_err();
    assert!(matches!(refused, RestoreError::NotEmpty(_)), "{refused}");
    let refused = Restoration::begin(&empty, 9_999).await.unwrap_err();
    assert!(
        matches!(refused, RestoreError::Newer { migration: 9_999, .. }),
        "{refused}"
    );
}

async fn a_restoration_that_is_given_up_leaves_nothing(fixture: Fixture) {
    fill(&fixture).await;
    let (migration, tables) = read_all(&fixture).await;
    let (folder, file) = empty_place();
    let server = Postgres::start();
    for url in [server.url(), file] {
        drop(put_all(&url, migration, &tables).await.unwrap());
        assert!(names(&folder).is_empty(), "{:?}", names(&folder));
        // What a killed one left beside it is not in the way.
        std::fs::write(folder.path().join("new.db.restoring"), b"half").unwrap();
        put_all(&url, migration, &tables)
            .await
            .unwrap()
            .commit()
            .await
            .unwrap();
        std::fs::remove_file(folder.path().join("new.db.restoring")).ok();
    }
    assert_eq!(names(&folder), ["new.db"]);
}

async fn a_row_that_does_not_fit_is_refused(fixture: Fixture) {
    fill(&fixture).await;
    let (migration, tables) = read_all(&fixture).await;
    let (_folder, url) = empty_place();
    let wrong_columns = |tables: &mut Tables| tables[0].1.push("more".to_owned());
    let unknown_table = |tables: &mut Tables| tables[0].0 = "nothing".to_owned();
    let wrong_kind = |tables: &mut Tables| {
        let table = tables.iter_mut().find(|(name, ..)| name == "secret").unwrap();
        table.2[0][3] = Cell::Text("no bytes".to_owned());
    };
    let short_row = |tables: &mut Tables| {
        let table = tables.iter_mut().find(|(name, ..)| name == "secret").unwrap();
        table.2[0].pop();
    };
    let changes: [&dyn Fn(&mut Tables); 4] = [&wrong_columns, &unknown_table, &wrong_kind, &short_row];
    for (position, change) in changes.into_iter().enumerate() {
        let mut changed = tables.clone();
        change(&mut changed);
        let put = async { put_all(&url, migration, &changed).await?.commit().await };
        let refused = put.await.unwrap_err();
        assert!(
            matches!(refused, RestoreError::Shape(..)),
            "change {position}: {refused}"
        );
    }
}

async fn backups_are_listed_newest_first(fixture: Fixture) {
    let backup = |number: i64| Backup {
        id: BackupId::parse(&format!("01890a5d-ac96-774b-bcce-b302099a80{number:02}")).unwrap(),
        made_at: engine::Timestamp::from_micros(number),
        made_by: "account:ada".to_owned(),
        bytes: 1,
        sha256: "00".to_owned(),
        rows: 3,
        audit: ChainHead {
            sequence: 4,
            hash: EntryHash::genesis(),
        },
    };
    for number in [1, 3, 2] {
        let change = audited("backup.make").write(Write::InsertBackup(backup(number)));
        fixture.store.commit(change).await.unwrap();
    }
    assert_eq!(fixture.store.backups(2).await.unwrap(), [backup(3), backup(2)]);
    let unaudited = engine::Change::new().write(Write::InsertBackup(backup(4)));
    assert!(fixture.store.commit(unaudited).await.is_err());
}
