//! Tables of MySQL as targets, on a real MariaDB.

use std::fs;
use std::path::Path;

use engine::ports::{Bounds, Cursor, Swap, TargetSession, Values};
use engine::rotation::ErrorClass;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use testing::MariaDb;

use crate::fixture::values;
use crate::postgresql_tls::{make_authority, openssl};
use crate::targets::{all_of, by_locator, keeps_the_contract, located, open, swap};

fn table(server: &MariaDb, table: &str, column: &str) -> Value {
    json!({
        "host": server.host(), "port": server.port(), "database": server.database(), "sslmode": "disable",
        "table": table, "column": column
    })
}

fn owner(server: &MariaDb) -> Values {
    values(&[("username", server.username()), ("password", server.password())])
}

async fn connected(server: &MariaDb) -> sqlx::MySqlConnection {
    let (host, port, database) = (server.host(), server.port(), server.database());
    let (username, password) = (server.username(), server.password());
    let url = format!("mysql://{username}:{password}@{host}:{port}/{database}?ssl-mode=disabled");
    sqlx::MySqlConnection::connect(&url).await.unwrap()
}

async fn opened(server: &MariaDb, name: &str) -> Box<dyn TargetSession> {
    open("mysql", &table(server, name, "value"), Some(&owner(server)), &[])
        .await
        .unwrap()
}

#[tokio::test]
async fn a_table_of_mysql_with_several_key_columns_and_hostile_names() {
    // Neither mode of the server may change what our statements mean.
    let server = MariaDb::start(&["sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]);
    server.execute(
        r#"create table `or``ders" \'; --` (tenant varchar(20), `i'd` bigint unsigned, `va``lue"` blob, raw binary(2),
           primary key (tenant, `i'd`))"#,
    );
    // Neighbours at the end of the range: as doubles they would all be one.
    server.execute(
        r#"insert into `or``ders" \'; --` select concat('t''\\', seq % 3), 18446744073709551615 - seq,
           concat('value ', seq), unhex('00ff') from seq_0_to_9;
           insert into `or``ders" \'; --` values ('t', 1, null, null)"#,
    );
    let config = table(&server, r#"or`ders" \'; --"#, "va`lue\"");
    let columns = ["tenant", "i'd", "raw"];
    let mut session = open("mysql", &config, Some(&owner(&server)), &columns)
        .await
        .unwrap();
    for record in all_of(session.as_mut(), &Bounds::default()).await {
        assert!(record.fields[0].starts_with(r"t'\"), "{:?}", record.fields);
        assert!(
            record.fields[1].starts_with("184467440737095516"),
            "{:?}",
            record.fields
        );
        assert_eq!(record.fields[2], "00ff");
    }
    assert_eq!(located(session.as_mut()).await, 10);
    keeps_the_contract(session.as_mut(), |locator| {
        let keys: Vec<String> = serde_json::from_str(&locator.0).unwrap();
        server.execute(&format!(
            r#"update `or``ders" \'; --` set `va``lue"` = 'a writer''s' where `i'd` = {}"#,
            keys[1]
        ));
        std::future::ready(())
    })
    .await;
}

#[tokio::test]
async fn keys_of_every_type_large_rows_and_large_tables_of_mysql() {
    let server = MariaDb::start(&[]);
    let login = owner(&server);
    for (number, (of_type, key)) in [
        ("bigint", "cast(seq as signed) - 5"),
        (
            "decimal(38,10)",
            "12345678901234567890.0000000001 + seq * 0.0000000001",
        ),
        ("binary(16)", "unhex(md5(seq))"),
        ("varbinary(9)", "concat(unhex('00'), seq)"),
        ("char(36) collate utf8mb4_bin", "concat('A', seq)"),
        ("varchar(30) character set latin1", "concat('Stra\u{df}e ', seq)"),
        (
            "datetime(6)",
            "timestamp'2026-03-29 02:30:00.000001' + interval seq microsecond",
        ),
        (
            "timestamp(3)",
            "timestamp'2026-03-29 02:30:00.001' + interval seq * 1000 microsecond",
        ),
        ("date", "date'2026-02-25' + interval seq day"),
        ("uuid", "concat('0f0e0d0c-0b0a-1908-8706-05040302010', seq)"),
    ]
    .into_iter()
    .enumerate()
    {
        server.execute(&format!(
            "create table keys_{number} (id {of_type} primary key, value blob); \
             insert into keys_{number} select {key}, concat('value ', seq) from seq_0_to_9"
        ));
        let mut session = opened(&server, &format!("keys_{number}")).await;
        let records = all_of(session.as_mut(), &Bounds::default()).await;
        assert_eq!(by_locator(&records).len(), 10, "{of_type}");
        let swaps: Vec<Swap> = records.iter().map(|record| swap(record, b"moved")).collect();
        assert_eq!(session.replace(&swaps).await.unwrap(), [true; 10], "{of_type}");
        let mut together = 0;
        for bounds in session.split(3).await.unwrap() {
            let part = all_of(session.as_mut(), &bounds).await;
            assert!(part.iter().all(|record| record.stored == b"moved"), "{of_type}");
            together += part.len();
        }
        assert_eq!(together, 10, "{of_type}");
    }

    // Together they are more than the server takes as one packet.
    server.execute(
        "create table large (id int primary key, value longblob); \
         insert into large select seq, repeat(char(65 + seq), 3000000) from seq_0_to_7",
    );
    let mut session = opened(&server, "large").await;
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let after = vec![b'z'; 3_000_000];
    let swaps: Vec<Swap> = records.iter().map(|record| swap(record, &after)).collect();
    assert_eq!(session.replace(&swaps).await.unwrap(), [true; 8]);
    let moved = server.execute("select count(*) from large where value = repeat('z', 3000000)");
    assert_eq!(moved, "8");

    server.execute(
        "create table many (id bigint primary key, value varchar(9)); \
         insert into many select seq, 'v' from seq_1_to_100001",
    );
    let mut session = open("mysql", &table(&server, "many", "value"), Some(&login), &[])
        .await
        .unwrap();
    let ranges = session.split(4).await.unwrap();
    assert_eq!(ranges.len(), 4);
    let mut found = Vec::new();
    for bounds in &ranges {
        let mut cursor: Option<Cursor> = None;
        loop {
            let batch = session.scan(bounds, cursor.as_ref(), 20_000).await.unwrap();
            let numbers = batch
                .records
                .iter()
                .map(|record| record.locator.0.parse::<u32>().unwrap());
            found.extend(numbers);
            cursor = batch.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    assert!(found.iter().copied().eq(1..=100_001), "a gap, or a row met twice");
}

#[tokio::test]
async fn a_text_column_of_mysql_and_rows_that_others_write() {
    let server = MariaDb::start(&["sql-mode="]);
    server.execute(
        "create table notes (id bigint primary key, value text collate utf8mb4_general_ci, narrow varbinary(8)); \
         insert into notes select seq, concat('value ', seq), 'narrow' from seq_0_to_9; \
         create user mover@'%' identified by 'mover'; grant select, update on application.notes to mover@'%'",
    );
    let login = values(&[("username", "mover"), ("password", "mover")]);
    let config = table(&server, "notes", "value");
    let mut session = open("mysql", &config, Some(&login), &[]).await.unwrap();
    keeps_the_contract(session.as_mut(), |locator| {
        server.execute(&format!(
            "update notes set value = 'a writer''s' where id = {}",
            locator.0
        ));
        std::future::ready(())
    })
    .await;

    // To the column's collation these are equal; to us they are not.
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    for like in ["VALUE 4", "value 4 "] {
        let almost = Swap {
            before: like.into(),
            ..swap(&records[4], b"moved 04")
        };
        assert_eq!(session.replace(&[almost]).await.unwrap(), [false], "{like:?}");
    }

    let mut holder = connected(&server).await;
    holder
        .execute("begin; update notes set value = 'held' where id = 5")
        .await
        .unwrap();
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

    let mut rival = open("mysql", &config, Some(&login), &[]).await.unwrap();
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let [ours, theirs] = ["ours", "theirs"].map(|after| {
        let swaps = records.iter().map(|record| swap(record, after.as_bytes()));
        swaps.collect::<Vec<_>>()
    });
    let (we, they) = tokio::join!(session.replace(&ours), rival.replace(&theirs));
    let now = by_locator(&all_of(session.as_mut(), &Bounds::default()).await);
    for ((record, we), they) in records.iter().zip(we.unwrap()).zip(they.unwrap()) {
        assert!(!(we && they), "both replaced {:?}", record.locator);
        let stands = now[&record.locator.0].as_slice();
        match (we, they) {
            (true, _) => assert_eq!(stands, b"ours"),
            (_, true) => assert_eq!(stands, b"theirs"),
            _ => assert_eq!(stands, record.stored),
        }
    }

    // The server's own mode would cut it off without a word.
    let mut session = open("mysql", &table(&server, "notes", "narrow"), Some(&login), &[])
        .await
        .unwrap();
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let refused = session
        .replace(&[swap(&records[0], b"too long for it")])
        .await
        .unwrap_err();
    assert!(refused.detail.contains("widen"), "{}", refused.detail);
    assert_eq!(server.execute("select distinct narrow from notes"), "narrow");
}

#[tokio::test]
async fn what_mysql_cannot_keep_safe_is_refused() {
    let server = MariaDb::start(&[]);
    server.execute(
        "create table loose (id bigint, value blob); \
         create table nullable (id bigint unique, value blob); \
         create table numbers (id bigint primary key, value bigint); \
         create table padded (id bigint primary key, value char(200)); \
         create table floating (id double primary key, value blob); \
         create table unlocked (id bigint primary key, value blob) engine = MyISAM; \
         create table historic (id bigint primary key, value blob) with system versioning; \
         create table plain (id bigint primary key, value blob); \
         create view looking as select * from plain; \
         create user reader@'%' identified by 'reader'; grant select on application.plain to reader@'%'",
    );
    let login = owner(&server);
    for (name, key, word) in [
        ("loose", None, "primary key"),
        ("loose", Some("id"), "null"),
        ("nullable", Some("id"), "null"),
        ("plain", Some("value"), "null"),
        ("numbers", None, "varbinary"),
        ("padded", None, "varbinary"),
        ("floating", None, "exactly"),
        ("unlocked", None, "InnoDB"),
        ("historic", None, "history"),
        ("looking", None, "view"),
        ("PLAIN", None, "no table"),
        ("absent", None, "no table"),
    ] {
        let mut config = table(&server, name, "value");
        if let Some(key) = key {
            config["key"] = json!([key]);
        }
        let refused = open("mysql", &config, Some(&login), &[]).await.err().unwrap();
        assert!(refused.detail.contains(word), "{name}: {}", refused.detail);
        assert_eq!(refused.class, ErrorClass::Policy, "{name}");
    }
    let mut elsewhere = table(&server, "plain", "value");
    elsewhere["database"] = json!("absent");
    let refused = open("mysql", &elsewhere, Some(&login), &[]).await.err().unwrap();
    assert!(refused.detail.contains("database"), "{}", refused.detail);

    server.execute("insert into plain values (1, 'value 1')");
    let plain = table(&server, "plain", "value");
    let reader = values(&[("username", "reader"), ("password", "reader")]);
    let mut session = open("mysql", &plain, Some(&reader), &[]).await.unwrap();
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let refused = session.replace(&[swap(&records[0], b"moved")]).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::Permission, "{}", refused.detail);
    let wrong = values(&[("username", "reader"), ("password", "wrong")]);
    let refused = open("mysql", &plain, Some(&wrong), &[]).await.err().unwrap();
    assert_eq!(refused.class, ErrorClass::Authentication, "{}", refused.detail);
    server.stop();
    let refused = session.scan(&Bounds::default(), None, 10).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::Network, "{}", refused.detail);
}

fn certify(folder: &Path, alternative_name: &str) {
    fs::write(
        folder.join("extensions"),
        format!("subjectAltName={alternative_name}\n"),
    )
    .unwrap();
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server -keyout server.key -out server.csr",
    );
    openssl(
        folder,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile extensions \
         -out server.crt",
    );
    use std::os::unix::fs::PermissionsExt;
    for file in ["", "server.key", "server.crt"] {
        let mode = if file.is_empty() { 0o755 } else { 0o644 };
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(mode)).unwrap();
    }
}

#[tokio::test]
async fn the_server_of_mysql_must_prove_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let ours = make_authority(folder.path(), "ours");
    let theirs = make_authority(folder.path(), "theirs");
    certify(folder.path(), "IP:127.0.0.1");
    let setting = |name: &str, file: &str| format!("{name}={}", folder.path().join(file).display());
    let server = MariaDb::start(&[
        &setting("ssl-cert", "server.crt"),
        &setting("ssl-key", "server.key"),
        "require-secure-transport=ON",
    ]);
    server.execute("create table plain (id bigint primary key, value blob)");
    let login = owner(&server);
    let signed_in = async |sslmode: &str, ca_pem: Option<&str>| {
        let mut config = table(&server, "plain", "value");
        config["sslmode"] = json!(sslmode);
        if let Some(ca_pem) = ca_pem {
            config["ca_pem"] = json!(ca_pem);
        }
        open("mysql", &config, Some(&login), &[]).await.map(|_| ())
    };
    signed_in("verify-full", Some(&ours)).await.unwrap();
    signed_in("verify-ca", Some(&ours)).await.unwrap();
    signed_in("require", None).await.unwrap();
    for (sslmode, ca_pem) in [
        ("verify-full", None),
        ("verify-full", Some(theirs.as_str())),
        ("verify-ca", None),
    ] {
        let refused = signed_in(sslmode, ca_pem).await.unwrap_err();
        assert_eq!(refused.class, ErrorClass::Policy, "{sslmode}: {}", refused.detail);
        assert!(refused.detail.contains("TLS"), "{}", refused.detail);
    }
    signed_in("disable", None).await.unwrap_err();

    server.stop();
    certify(folder.path(), "DNS:db.example");
    server.start_again();
    let refused = signed_in("verify-full", Some(&ours)).await.unwrap_err();
    assert_eq!(
        refused.class,
        ErrorClass::Policy,
        "another host's certificate: {}",
        refused.detail
    );
    signed_in("require", None).await.unwrap();
}
