//! Databases cut short or torn at a random byte (R2): each opens as it was at some moment, or is refused; none opens as
//! something that never was.

use std::path::Path;
use std::sync::Arc;

use engine::ports::{CatalogStore, SecretRef, Store};
use engine::{Change, Write};
use keyring::{Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, SecretBytes, WrappingKey};
use sqlx::ConnectOptions;
use store::{Database, Options};
use tempfile::TempDir;

use crate::audit::verify;
use crate::fixture::{Fixture, audited, open};

/// `cargo run --release -p bench -- torn` asks for a thousand.
fn cuts() -> usize {
    std::env::var("ROTA_TORN")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20)
}

/// SplitMix64: the same cuts in every run of one seed, which a failure names.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from(mixed ^ (mixed >> 31)).unwrap() % bound.max(1)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.below(256)).unwrap();
        }
    }
}

struct Fixed;

impl keyring::Randomness for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(9);
    }
}

fn keys() -> Keyring {
    let material = KeyMaterial::import(&SecretBytes::new(vec![3; 32])).unwrap();
    let key = WrappingKey::new(KeyVersion::FIRST, KeyState::Active, material);
    Keyring::new(KeyId::parse("torn").unwrap(), [key]).unwrap()
}

/// What the files of a database were at one moment, as a kill leaves them.
#[derive(Clone)]
struct Moment {
    database: Vec<u8>,
    wal: Vec<u8>,
    /// The same database after a checkpoint had copied the log into it.
    checkpointed: Vec<u8>,
}

fn value(number: i64) -> String {
    format!(
        "value {number} {}",
        "x".repeat(usize::try_from(number).unwrap() % 700)
    )
}

async fn checkpoint(file: &Path) {
    let options: sqlx::sqlite::SqliteConnectOptions = format!("sqlite:{}", file.display()).parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    sqlx::query("pragma wal_checkpoint(passive)")
        .execute(&mut connection)
        .await
        .unwrap();
    // Not closed: the last one to close would remove the log.
    std::mem::forget(connection);
}

async fn moment_of(folder: &Path) -> Moment {
    let database = std::fs::read(folder.join("rota.db")).unwrap();
    let wal = std::fs::read(folder.join("rota.db-wal")).unwrap();
    let copy = TempDir::new().unwrap();
    std::fs::write(copy.path().join("rota.db"), &database).unwrap();
    std::fs::write(copy.path().join("rota.db-wal"), &wal).unwrap();
    checkpoint(&copy.path().join("rota.db")).await;
    let checkpointed = std::fs::read(copy.path().join("rota.db")).unwrap();
    Moment {
        database,
        wal,
        checkpointed,
    }
}

/// Change number `n` of the history stores consumer `c-n` and a sealed value, with audit entry `n`.
async fn history(fixture: &Fixture, folder: &Path) -> Vec<Moment> {
    let keys = keys();
    let mut moments = Vec::new();
    for number in 1..=150 {
        let at = SecretRef {
            table: "torn",
            row: format!("{number:04}"),
            field: "value",
        };
        let context = Context::new(at.table, &at.row, at.field);
        let sealed = keys.seal(&Fixed, &context, value(number).as_bytes()).unwrap();
        let change: Change = audited("test.insert")
            .write(Write::InsertConsumer(fixture.consumer(&format!("c-{number:04}"))))
            .write(Write::PutSecret {
                at,
                sealed: sealed.into_bytes(),
            });
        fixture.store.commit(change).await.unwrap();
        if [30, 90, 150].contains(&number) {
            moments.push(moment_of(folder).await);
        }
    }
    moments
}

/// One way to lose part of a file.
fn damage(moment: &Moment, dice: &mut Dice, folder: &Path) -> String {
    let (mut database, mut wal) = (moment.database.clone(), Some(moment.wal.clone()));
    let told = match dice.below(8) {
        0 => {
            let at = dice.below(moment.wal.len());
            wal = Some(moment.wal[..at].to_vec());
            format!("log cut at {at}")
        }
        1 => {
            let at = dice.below(moment.wal.len());
            let mut torn = moment.wal.clone();
            torn[at..].fill(0);
            wal = Some(torn);
            format!("log zero from {at}")
        }
        2 => {
            let at = dice.below(moment.wal.len());
            let mut torn = moment.wal.clone();
            dice.fill(&mut torn[at..]);
            wal = Some(torn);
            format!("log garbage from {at}")
        }
        3 => {
            let at = dice.below(database.len());
            database.truncate(at);
            format!("database cut at {at}")
        }
        4 => {
            database.clone_from(&moment.checkpointed);
            let at = dice.below(database.len());
            database.truncate(at);
            wal = None;
            format!("database cut at {at}, no log")
        }
        5 => {
            let at = dice.below(moment.checkpointed.len());
            let old = moment.database.get(at..).unwrap_or_default().to_vec();
            database = [&moment.checkpointed[..at], &old].concat();
            format!("checkpoint torn at {at}")
        }
        6 => {
            database.clone_from(&moment.checkpointed);
            let at = dice.below(database.len());
            database[at..].fill(0);
            wal = None;
            format!("database zero from {at}, no log")
        }
        _ => {
            database.clone_from(&moment.checkpointed);
            let at = dice.below(database.len());
            // A sector of the disk.
            let end = (at / 512 * 512 + 512).min(database.len());
            database[at..end].fill(0);
            wal = None;
            format!("sector zero from {at}, no log")
        }
    };
    std::fs::write(folder.join("rota.db"), database).unwrap();
    if let Some(wal) = wal {
        std::fs::write(folder.join("rota.db-wal"), wal).unwrap();
    }
    // As a killed server leaves it.
    std::fs::write(folder.join("rota.db.lock"), "in use\n").unwrap();
    told
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// As it was after so many changes.
    Consistent(i64),
    Refused(String),
    /// It opened as something that never was.
    Silent(String),
}

struct Deaf;

impl engine::ports::Announcer for Deaf {
    fn announce(&self, _: &engine::change::Topic) {}

    fn heard(&self, _: Vec<engine::delivery::Hearsay>) {}
}

async fn judge(folder: &Path) -> Verdict {
    let url = format!("sqlite:{}", folder.join("rota.db").display());
    let database = match Database::open(&url, Arc::new(Deaf), Options::default()).await {
        Ok(database) => database,
        Err(error) => return Verdict::Refused(error.to_string()),
    };
    let verdict = read(&database).await;
    database.close().await;
    verdict
}

async fn read(database: &Arc<Database>) -> Verdict {
    let head = match verify(database).await {
        Ok(head) => head.sequence,
        Err(error) => return Verdict::Silent(format!("the audit: {error}")),
    };
    let (consumers, sealed) = match (database.consumers().await, database.all_sealed().await) {
        (Ok(consumers), Ok(sealed)) => (consumers, sealed),
        (Err(error), _) | (_, Err(error)) => return Verdict::Refused(error.to_string()),
    };
    let names: Vec<String> = consumers
        .iter()
        .map(|consumer| consumer.name.to_string())
        .collect();
    let expected: Vec<String> = (1..=head).map(|number| format!("c-{number:04}")).collect();
    if names != expected {
        return Verdict::Silent(format!("{} consumers after {head} changes", names.len()));
    }
    if i64::try_from(sealed.len()).unwrap() != head {
        return Verdict::Silent(format!("{} sealed values after {head} changes", sealed.len()));
    }
    let keys = keys();
    for (number, (table, row, field, bytes)) in (1..).zip(&sealed) {
        match keys.open(&Context::new(table, row, field), bytes) {
            // Its seal is what tells: nobody is handed a wrong value.
            Err(error) => return Verdict::Refused(error.to_string()),
            Ok(opened) if opened.expose_bytes() == value(number).as_bytes() => {}
            Ok(_) => return Verdict::Silent(format!("sealed value {number} is another one")),
        }
    }
    Verdict::Consistent(head)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_database_opens_consistent_or_is_refused() {
    let fixture = Fixture::sqlite().await;
    let crate::fixture::Home::Folder(home) = &fixture.home else {
        panic!("it is SQLite")
    };
    let moments = history(&fixture, home.path()).await;
    let seed = std::env::var("ROTA_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| {
            let mut bytes = [0; 8];
            std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        });
    let mut dice = Dice(seed);
    let (mut consistent, mut refused) = (0, 0);
    for cut in 0..cuts() {
        let folder = TempDir::new().unwrap();
        let moment = &moments[dice.below(moments.len())];
        let told = damage(moment, &mut dice, folder.path());
        match judge(folder.path()).await {
            Verdict::Consistent(_) => consistent += 1,
            Verdict::Refused(_) => refused += 1,
            Verdict::Silent(what) => panic!("cut {cut} ({told}, ROTA_SEED={seed}): {what}"),
        }
    }
    println!("{consistent} opened consistent, {refused} were refused, none was silently corrupt");
    assert_eq!(consistent + refused, cuts());
    let whole = TempDir::new().unwrap();
    let last = moments.last().unwrap();
    std::fs::write(whole.path().join("rota.db"), &last.database).unwrap();
    std::fs::write(whole.path().join("rota.db-wal"), &last.wal).unwrap();
    assert_eq!(
        judge(whole.path()).await,
        Verdict::Consistent(150),
        "undamaged, nothing is lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lost_everything_is_not_taken_for_a_new_one() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rota.db");
    let url = format!("sqlite:{}", file.display());
    let (store, _ears) = open(&url, "first").await;
    store.close().await;
    std::fs::write(&file, b"").unwrap();
    let refused = Database::open(&url, Arc::new(Deaf), Options::default())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("damaged"), "{refused}");
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0, "nothing was written");
}
