//! Every kind of target on its real server: scans without gaps, swaps only what still is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::ports::{Bounds, ConnectorError, Locator, StoredRecord, Swap, TargetSession, Values};
use engine::rotation::ErrorClass;
use redis::AsyncCommands;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};
use testing::{Postgres, Redis};

use crate::fixture::{Seeded, Still, values};

pub(crate) async fn open(
    kind: &str,
    config: &Value,
    login: Option<&Values>,
    columns: &[&str],
) -> Result<Box<dyn TargetSession>, ConnectorError> {
    let connectors = connectors::all(Arc::new(Seeded::default()), Arc::new(Still));
    let kind = connectors.target(kind).unwrap();
    let config = kind.check(config).unwrap();
    assert_eq!(kind.check(&config).unwrap(), config, "what is stored reads back");
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    kind.open(&config, login, &columns).await
}

/// Everything in these bounds, three records at a time.
pub(crate) async fn all_of(session: &mut dyn TargetSession, bounds: &Bounds) -> Vec<StoredRecord> {
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let batch = session.scan(bounds, cursor.as_ref(), 3).await.unwrap();
        records.extend(batch.records);
        match batch.next {
            Some(next) => cursor = Some(next),
            None => return records,
        }
    }
}

pub(crate) fn by_locator(records: &[StoredRecord]) -> BTreeMap<String, Vec<u8>> {
    records
        .iter()
        .map(|record| (record.locator.0.clone(), record.stored.clone()))
        .collect()
}

pub(crate) fn swap(record: &StoredRecord, after: &[u8]) -> Swap {
    Swap {
        locator: record.locator.clone(),
        before: record.stored.clone(),
        after: after.to_vec(),
    }
}

/// The records that their own fields name, among those that are found; none where the fields do not hold the key.
pub(crate) async fn located(session: &mut dyn TargetSession) -> usize {
    let mut named = 0;
    for record in all_of(session, &Bounds::default()).await {
        let located = session.locate(&record.fields);
        let found = session.read(&located).await.unwrap();
        assert!(
            found.iter().all(|other| other.locator == record.locator),
            "{:?} names {found:?}",
            record.fields
        );
        named += found.len().min(1);
    }
    named
}

/// What holds for each kind, on ten records with the values `value 0` to `value 9`. `change` writes beside us.
pub(crate) async fn keeps_the_contract<Writing: Future<Output = ()>>(
    session: &mut dyn TargetSession,
    change: impl Fn(Locator) -> Writing,
) {
    let records = all_of(session, &Bounds::default()).await;
    let found = by_locator(&records);
    assert_eq!(found.len(), 10, "{found:?}");
    let mut texts: Vec<String> = found
        .values()
        .map(|value| String::from_utf8(value.clone()).unwrap())
        .collect();
    texts.sort();
    assert_eq!(
        texts,
        (0..10)
            .map(|number| format!("value {number}"))
            .collect::<Vec<_>>()
    );
    assert!((9..=11).contains(&session.estimate().await.unwrap()));

    let mut together = BTreeMap::new();
    for bounds in session.split(4).await.unwrap() {
        for (locator, value) in by_locator(&all_of(session, &bounds).await) {
            assert!(together.insert(locator, value).is_none(), "ranges overlap");
        }
    }
    assert_eq!(together, found, "ranges leave a gap");

    change(records[1].locator.clone()).await;
    let swaps: Vec<Swap> = records[..3]
        .iter()
        .map(|record| swap(record, b"moved 01"))
        .collect();
    assert_eq!(session.replace(&swaps).await.unwrap(), [true, false, true]);
    assert_eq!(
        session.replace(&swaps).await.unwrap(),
        [false, false, false],
        "said twice"
    );
    let locators: Vec<Locator> = records[..3].iter().map(|record| record.locator.clone()).collect();
    let now = by_locator(&session.read(&locators).await.unwrap());
    assert_eq!(now[&locators[0].0], b"moved 01");
    assert_eq!(now[&locators[1].0], b"a writer's", "a writer beside us lost");
    let gone = Swap {
        locator: Locator(locators[0].0.replace(|digit: char| digit.is_ascii_digit(), "9")),
        before: b"value 0".to_vec(),
        after: b"moved 02".to_vec(),
    };
    assert_eq!(session.replace(&[gone]).await.unwrap(), [false]);
}

fn table(server: &Postgres, table: &str, column: &str) -> Value {
    json!({
        "host": server.host(), "port": server.port(), "database": server.database(), "sslmode": "disable",
        "table": table, "column": column
    })
}

fn superuser(server: &Postgres) -> Values {
    values(&[("username", server.username()), ("password", server.password())])
}

#[tokio::test]
async fn a_table_of_postgresql_with_several_key_columns_and_hostile_names() {
    let server = Postgres::start();
    server.execute(
        r#"create table "or""ders; --" (tenant text, "i'd" uuid, "va""lue" bytea, primary key (tenant, "i'd"))"#,
    );
    server.execute(
        r#"insert into "or""ders; --" select 't' || n % 3, gen_random_uuid(), convert_to('value ' || n, 'utf8')
           from generate_series(0, 9) n; insert into "or""ders; --" values ('t', gen_random_uuid(), null)"#,
    );
    let config = table(&server, "or\"ders; --", "va\"lue");
    let mut session = open("postgresql", &config, Some(&superuser(&server)), &["tenant"])
        .await
        .unwrap();
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    assert!(records.iter().all(|record| record.fields[0].starts_with('t')));
    assert_eq!(located(session.as_mut()).await, 0, "half of a key names nothing");
    let columns = ["i'd", "tenant"];
    let mut with_key = open("postgresql", &config, Some(&superuser(&server)), &columns)
        .await
        .unwrap();
    assert_eq!(located(with_key.as_mut()).await, 10);
    keeps_the_contract(session.as_mut(), |locator| {
        let keys: Vec<String> = serde_json::from_str(&locator.0).unwrap();
        server.execute(&format!(
            r#"update "or""ders; --" set "va""lue" = 'a writer''s' where "i'd" = '{}'"#,
            keys[1]
        ));
        std::future::ready(())
    })
    .await;
}

#[tokio::test]
async fn a_text_column_of_postgresql_and_a_row_that_somebody_holds() {
    let server = Postgres::start();
    server.execute("create table notes (id bigint primary key, value text)");
    server.execute("insert into notes select n, 'value ' || n from generate_series(0, 9) n");
    let config = table(&server, "notes", "value");
    let login = superuser(&server);
    let mut session = open("postgresql", &config, Some(&login), &[]).await.unwrap();
    keeps_the_contract(session.as_mut(), |locator| {
        server.execute(&format!(
            "update notes set value = 'a writer''s' where id = {}",
            locator.0
        ));
        std::future::ready(())
    })
    .await;

    let mut holder = sqlx::PgConnection::connect(&server.url()).await.unwrap();
    holder
        .execute("begin; update notes set value = 'held' where id = 5")
        .await
        .unwrap();
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let swaps: Vec<Swap> = records[5..7]
        .iter()
        .map(|record| swap(record, b"moved 03"))
        .collect();
    let done = tokio::time::timeout(std::time::Duration::from_secs(1), session.replace(&swaps)).await;
    assert_eq!(
        done.expect("it waited for somebody else's lock").unwrap(),
        [false, true]
    );
    holder.execute("commit").await.unwrap();
    assert_eq!(
        session.replace(&swaps[..1]).await.unwrap(),
        [false],
        "it changed meanwhile"
    );
}

#[tokio::test]
async fn what_cannot_be_scanned_without_gaps_is_refused() {
    let server = Postgres::start();
    server.execute("create table loose (id bigint, value bytea)");
    server.execute("create table nullable (id bigint unique, value bytea)");
    server.execute("create table numbers (id bigint primary key, value bigint)");
    server.execute("create table hidden (id bigint primary key, value bytea); alter table hidden enable row level security");
    server.execute("create role reader login password 'reader'; grant select, update on all tables in schema public to reader");
    let login = superuser(&server);
    for (name, key, word) in [
        ("loose", None, "primary key"),
        ("loose", Some("id"), "null"),
        ("nullable", Some("id"), "null"),
        ("numbers", None, "bytea"),
        ("absent", None, "no table"),
    ] {
        let mut config = table(&server, name, "value");
        if let Some(key) = key {
            config["key"] = json!([key]);
        }
        let refused = open("postgresql", &config, Some(&login), &[])
            .await
            .err()
            .unwrap();
        assert!(refused.detail.contains(word), "{name}: {}", refused.detail);
        assert_eq!(refused.class, ErrorClass::Policy);
    }
    // Rows that this login is not shown would be missed: the server must refuse, not hide them.
    let reader = values(&[("username", "reader"), ("password", "reader")]);
    let config = table(&server, "hidden", "value");
    let mut session = open("postgresql", &config, Some(&reader), &[]).await.unwrap();
    let refused = session.scan(&Bounds::default(), None, 10).await.unwrap_err();
    assert!(
        refused.detail.contains("row-level security"),
        "{}",
        refused.detail
    );
    let wrong = values(&[("username", "reader"), ("password", "wrong")]);
    let refused = open("postgresql", &config, Some(&wrong), &[])
        .await
        .err()
        .unwrap();
    assert_eq!(refused.class, ErrorClass::Authentication);
}

#[tokio::test]
async fn a_table_of_sqlite_with_text_and_blobs_and_keys_of_any_type() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("application.db");
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let mut writer = SqliteConnection::connect_with(&options).await.unwrap();
    writer
        .execute(r#"create table "or""ders" (id primary key, tenant text, value)"#)
        .await
        .unwrap();
    writer
        .execute(
            r#"insert into "or""ders" values (1, 'a', 'value 0'), (2, 'a', x'76616c75652031'), ('one', 'b', 'value 2'),
               ('two', 'b', 'value 3'), (x'00ff', 'c', 'value 4'), (1.5, 'c', 'value 5'), (-7, 'd', 'value 6'),
               (9007199254740993, 'd', 'value 7'), ('ü''"', 'e', 'value 8'), (x'', 'e', 'value 9'), (99, 'f', null)"#,
        )
        .await
        .unwrap();
    let config = json!({"file": file, "table": "or\"ders", "column": "value", "key": ["id"]});
    let mut session = open("sqlite", &config, None, &["tenant"]).await.unwrap();
    let writer = tokio::sync::Mutex::new(writer);
    keeps_the_contract(session.as_mut(), |locator| {
        let writer = &writer;
        async move {
            let statement = r#"update "or""ders" set value = 'a writer''s' where case typeof(id) when 'blob' then '' else json_quote(id) end = ?"#;
            let query = sqlx::query(statement).bind(locator.0);
            let done = query.execute(&mut *writer.lock().await).await.unwrap();
            assert_eq!(done.rows_affected(), 1);
        }
    })
    .await;
    let types = sqlx::query_scalar::<_, String>(
        r#"select group_concat(distinct typeof(value)) from "or""ders" where value is not null"#,
    );
    let types = types.fetch_one(&mut *writer.lock().await).await.unwrap();
    assert!(
        types.contains("text") && types.contains("blob"),
        "{types}: a value changed its type"
    );

    let absent = json!({"file": folder.path().join("absent.db"), "table": "t", "column": "c"});
    assert!(open("sqlite", &absent, None, &[]).await.is_err());
    assert!(!folder.path().join("absent.db").exists(), "it was made");
    writer
        .lock()
        .await
        .execute("create table loose (a, b)")
        .await
        .unwrap();
    let loose = json!({"file": file, "table": "loose", "column": "b", "key": ["a"]});
    let refused = open("sqlite", &loose, None, &[]).await.err().unwrap();
    assert!(refused.detail.contains("unique"), "{}", refused.detail);
}

#[tokio::test]
async fn keys_of_redis_by_pattern_with_their_time_to_live() {
    let server = Redis::start();
    let client = redis::Client::open(server.url()).unwrap();
    let mut writer = client.get_multiplexed_async_connection().await.unwrap();
    for number in 0..9 {
        let () = writer
            .set_ex(format!("cache:{number}"), format!("value {number}"), 1_000)
            .await
            .unwrap();
    }
    let () = writer.set(b"cache:\xff\x00".as_slice(), "value 9").await.unwrap();
    let () = writer.lpush("cache:list", "another type").await.unwrap();
    let config = json!({"host": server.host(), "port": server.port(), "tls": false, "pattern": "cache:*"});
    let login = values(&[("password", server.password())]);
    let mut with_key = open("redis", &config, Some(&login), &["key"]).await.unwrap();
    assert_eq!(located(with_key.as_mut()).await, 9, "all whose keys are texts");
    assert!(with_key.locate(&["elsewhere:1".to_owned()]).is_empty());
    let mut session = open("redis", &config, Some(&login), &[]).await.unwrap();
    keeps_the_contract(session.as_mut(), |locator| {
        let mut writer = writer.clone();
        async move {
            let key = match locator.0.strip_prefix("hex:") {
                None => locator.0.into_bytes(),
                Some(_) => b"cache:\xff\x00".to_vec(),
            };
            let () = writer
                .set_options(
                    key,
                    "a writer's",
                    redis::SetOptions::default().with_expiration(redis::SetExpiry::KEEPTTL),
                )
                .await
                .unwrap();
        }
    })
    .await;
    for number in 0..9 {
        let ttl: i64 = writer.ttl(format!("cache:{number}")).await.unwrap();
        assert!(ttl > 900, "cache:{number} lost its time to live: {ttl}");
    }
    let wrong = values(&[("password", "wrong")]);
    let refused = open("redis", &config, Some(&wrong), &[]).await.err().unwrap();
    assert_eq!(refused.class, ErrorClass::Authentication, "{}", refused.detail);
}

#[tokio::test]
async fn broken_configurations_say_which_field() {
    let connectors = connectors::all(Arc::new(Seeded::default()), Arc::new(Still));
    for (kind, config, pointers) in [
        (
            "postgresql",
            json!({"host": "db", "table": "t"}),
            vec!["/config/column"],
        ),
        (
            "postgresql",
            json!({"host": "db", "table": "t", "column": "c", "sslmode": "disable"}),
            vec!["/config/sslmode"],
        ),
        (
            "sqlite",
            json!({"file": "relative.db", "table": "t", "column": "c"}),
            vec!["/config/file"],
        ),
        (
            "redis",
            json!({"host": "cache", "tls": false, "pattern": "*"}),
            vec!["/config/tls"],
        ),
        (
            "redis",
            json!({"host": "cache", "pattern": "*", "colour": "red"}),
            vec!["/config/colour"],
        ),
    ] {
        let broken = connectors.target(kind).unwrap().check(&config).unwrap_err();
        let found: Vec<&str> = broken.iter().map(|rule| rule.pointer.as_str()).collect();
        assert_eq!(found, pointers, "{kind} {config}");
    }
}
