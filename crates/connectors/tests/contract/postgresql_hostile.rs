//! Hostile names and passwords, and what the server's own log shows of them.

use std::process::Command;

use engine::catalog::Strategy;
use engine::rotation::ErrorClass;
use serde_json::json;
use testing::Postgres;

use crate::fixture::{exposed, password_version};
use crate::postgresql::{ADMIN_PASSWORD, alternating, fixture, prepare};

const PASSWORDS: [&str; 12] = [
    "it's",
    "\"quoted\"; drop role app; --",
    "back\\slash\\'",
    "$dollar$ $1 ${HOME} $$",
    "%percent %41 %s",
    "two\nlines\r\n\ttab",
    "ünïcödé 密码 пароль",
    "soft\u{ad}hyphen and \u{2168}",
    "right to left: \u{5d0}\u{5d1}1",
    "emoji \u{1f511}\u{fe0f}",
    " leading and trailing ",
    "\u{7f}delete",
];

#[tokio::test]
async fn every_password_signs_in_and_as_libpq_reads_it() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role legacy login");
    let fixture = fixture(&postgres, Strategy::InPlace, &json!({"role": "legacy"}));
    let long_password = "x'\\ü".repeat(200);
    for (number, password) in PASSWORDS.into_iter().chain([long_password.as_str()]).enumerate() {
        let mut version = password_version(u32::try_from(number).unwrap() + 1, "legacy", password);
        fixture.issue(&mut version, None).await.unwrap();
        fixture.verify(&version).await.unwrap();
        let other = password_version(99, "legacy", &format!("{password}x"));
        let refusal = fixture.verify(&other).await.unwrap_err();
        assert_eq!(refusal.class, ErrorClass::Authentication);
        let psql = Command::new("psql")
            .args([
                "--no-psqlrc",
                "--host",
                postgres.host(),
                "--port",
                &postgres.port().to_string(),
            ])
            .args([
                "--username",
                "legacy",
                "--dbname",
                postgres.database(),
                "--command",
                "select 1",
            ])
            .env("PGPASSWORD", password)
            .output()
            .unwrap();
        assert!(
            psql.status.success(),
            "{password:?}: {}",
            String::from_utf8_lossy(&psql.stderr)
        );
    }
    for impossible in ["", "zero\0byte"] {
        let mut version = password_version(100, "legacy", impossible);
        assert_eq!(
            fixture.issue(&mut version, None).await.unwrap_err().class,
            ErrorClass::Policy
        );
    }
}

#[tokio::test]
async fn every_name_is_quoted() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let long_ascii = "n".repeat(61);
    let long_unicode = format!("{}x", "ä".repeat(30));
    let names = [
        "we\"ird\"; drop table allowed; --",
        "it's a 'role'",
        "Two Words",
        "back\\slash",
        "$role$ $1",
        "%s %41",
        "ünï角色",
        "select",
        "public ",
        "=equals=",
        &long_ascii,
        &long_unicode,
    ];
    for name in names {
        postgres.execute(&format!("create role \"{}\" nologin", name.replace('"', "\"\"")));
        let fixture = fixture(&postgres, Strategy::Alternating, &json!({ "role": name }));
        assert_eq!(fixture.inspect_target(None).await.broken_rules, [], "{name}");
        let first = fixture.issued(1, None).await;
        let second = fixture.issued(2, Some(&first)).await;
        assert_eq!(second.identity, format!("{name}_b"));
        let seen = fixture.verify(&second).await.unwrap();
        assert!(seen.contains(&format!("acting as `{name}`")), "{seen}");
        fixture.revoke(&first).await.unwrap();
        fixture.confirm_refused(&first, &second).await.unwrap();
    }
    assert_eq!(
        postgres.execute("select count(*) from allowed"),
        "0",
        "the table is still there"
    );
}

#[tokio::test]
async fn the_servers_log_shows_verifiers_only() {
    let postgres = Postgres::start_alone(&[
        "log_statement=all",
        "log_min_messages=debug2",
        "log_error_verbosity=verbose",
        "log_connections=on",
        "log_min_duration_statement=0",
    ]);
    prepare(&postgres);
    // The administrator's password above went in as plain text, by hand; from here on only Rota speaks.
    postgres.stop();
    let by_hand = postgres.log().len();
    postgres.start_again();
    let fixture = alternating(&postgres);
    let first = fixture.issued(1, None).await;
    fixture.verify(&first).await.unwrap();
    let mut second = fixture.propose(2, Some(&first));
    fixture.issue(&mut second, Some(&first)).await.unwrap();
    fixture.issue(&mut second, Some(&first)).await.unwrap();
    fixture.verify(&second).await.unwrap();
    fixture.revoke(&first).await.unwrap();
    fixture.confirm_refused(&first, &second).await.unwrap();
    postgres.stop();
    let log = postgres.log();
    let log = &log[by_hand..];
    assert!(
        log.contains("alter role \"app_b\" login password 'SCRAM-SHA-256$4096:"),
        "the log is on: {log}"
    );
    for secret in [
        exposed(&first, "password"),
        exposed(&second, "password"),
        ADMIN_PASSWORD,
    ] {
        assert!(!log.contains(secret) && !log.contains(&secret.replace('\'', "''")));
    }
}
