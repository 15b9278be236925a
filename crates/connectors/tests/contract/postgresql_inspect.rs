//! What is looked at before anything relies on it.

use engine::catalog::Strategy;
use engine::ports::Inspection;
use engine::rotation::ErrorClass;
use serde_json::json;
use testing::Postgres;

use crate::fixture::{Fixture, password_version, values};
use crate::postgresql::{ADMIN, ADMIN_PASSWORD, alternating, fixture, issuer_config, prepare};

/// The one rule that is broken.
fn only_rule(inspection: &Inspection) -> (&str, &str) {
    assert_eq!(inspection.broken_rules.len(), 1, "{inspection:?}");
    (
        &inspection.broken_rules[0].pointer,
        &inspection.broken_rules[0].detail,
    )
}

#[tokio::test]
async fn an_administrator_is_looked_at() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role weak login password 'weak'");
    let mut fixture = alternating(&postgres);
    let inspection = fixture.inspect_issuer().await.unwrap();
    assert!(inspection.summary.starts_with("PostgreSQL 1"), "{inspection:?}");
    assert_eq!(
        (inspection.findings.len(), inspection.broken_rules.len()),
        (0, 0),
        "{inspection:?}"
    );

    fixture.admin = values(&[
        ("username", postgres.username()),
        ("password", postgres.password()),
    ]);
    let inspection = fixture.inspect_issuer().await.unwrap();
    assert!(inspection.findings[0].contains("superuser"), "{inspection:?}");

    fixture.admin = values(&[("username", "weak"), ("password", "weak")]);
    let inspection = fixture.inspect_issuer().await.unwrap();
    assert_eq!(only_rule(&inspection).0, "/admin/username");
    assert!(
        only_rule(&inspection)
            .1
            .contains("alter role \"weak\" createrole")
    );
    let mut candidate = fixture.propose(1, None);
    let refusal = fixture.issue(&mut candidate, None).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Permission, "{refusal}");
}

#[tokio::test]
async fn errors_have_their_class_and_no_secret() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let fresh = |issuer: serde_json::Value, username: &str, password: &str| {
        let admin = values(&[("username", username), ("password", password)]);
        Fixture::new(
            "postgresql",
            Strategy::Alternating,
            &issuer,
            &json!({"role": "app"}),
            admin,
        )
    };
    let good = issuer_config(&postgres);
    let with = |field: &str, value: serde_json::Value| {
        let mut config = good.clone();
        config[field] = value;
        config
    };
    let table = [
        (good.clone(), ADMIN, "wrong hunter2", ErrorClass::Authentication),
        (
            good.clone(),
            "nobody at all",
            ADMIN_PASSWORD,
            ErrorClass::Authentication,
        ),
        (
            with("database", json!("no_such_database")),
            ADMIN,
            ADMIN_PASSWORD,
            ErrorClass::Policy,
        ),
        (with("port", json!(1)), ADMIN, ADMIN_PASSWORD, ErrorClass::Network),
        (
            with("sslmode", json!("verify-full")),
            ADMIN,
            ADMIN_PASSWORD,
            ErrorClass::Policy,
        ),
        (good.clone(), "a,comma", ADMIN_PASSWORD, ErrorClass::Policy),
        (good.clone(), "a\nline", ADMIN_PASSWORD, ErrorClass::Policy),
    ];
    for (issuer, username, password, class) in table {
        let fixture = fresh(issuer, username, password);
        let mut candidate = fixture.propose(1, None);
        for error in [
            fixture.inspect_issuer().await.unwrap_err(),
            fixture.issue(&mut candidate, None).await.unwrap_err(),
            fixture.revoke(&candidate).await.unwrap_err(),
        ] {
            assert_eq!(error.class, class, "{error}");
            assert!(!error.detail.contains(password), "{error}");
        }
    }
    let fixture = fresh(good, ADMIN, ADMIN_PASSWORD);
    postgres.stop();
    assert_eq!(
        fixture.inspect_issuer().await.unwrap_err().class,
        ErrorClass::Network
    );
    postgres.start_again();
    fixture.inspect_issuer().await.unwrap();
}

#[tokio::test]
async fn a_role_must_exist_and_hold_plain_grants_only() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let check = |config: serde_json::Value| fixture(&postgres, Strategy::Alternating, &config);
    let missing = check(json!({"role": "ghost"}));
    let inspection = missing.inspect_target(None).await;
    assert_eq!(only_rule(&inspection).0, "/config/role");
    assert!(only_rule(&inspection).1.contains("create role \"ghost\""));
    let mut candidate = missing.propose(1, None);
    assert_eq!(
        missing.issue(&mut candidate, None).await.unwrap_err().class,
        ErrorClass::Policy
    );

    postgres.execute(
        "create role via_a nologin superuser; create role via_b nologin in role via_a;
         create role p1 nologin superuser; create role p2 nologin createrole; create role p3 nologin createdb;
         create role p4 nologin replication; create role p5 nologin bypassrls;
         create role p6 nologin in role pg_read_all_data; create role p7 nologin in role via_b;",
    );
    for (role, word) in [
        ("p1", "superuser"),
        ("p2", "createrole"),
        ("p3", "createdb"),
        ("p4", "replication"),
        ("p5", "bypassrls"),
        ("p6", "pg_read_all_data"),
        ("p7", "superuser through `via_a`"),
    ] {
        let inspection = check(json!({ "role": role })).inspect_target(None).await;
        let (pointer, detail) = only_rule(&inspection);
        assert_eq!(pointer, "/config/role");
        assert!(
            detail.contains(word) && detail.contains("allow_privileged_role"),
            "{detail}"
        );
        let overridden = check(json!({"role": role, "allow_privileged_role": true}))
            .inspect_target(None)
            .await;
        assert_eq!(overridden.broken_rules, []);
        assert!(overridden.findings[0].contains(word), "{overridden:?}");
    }
}

#[tokio::test]
async fn logins_that_are_taken_are_told_at_creation() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role app_b nologin");
    let fixture = alternating(&postgres);
    let inspection = fixture.inspect_target(None).await;
    assert!(
        only_rule(&inspection).1.contains("drop role \"app_b\""),
        "{inspection:?}"
    );
    postgres.execute("drop role app_b");

    fixture.issued(1, None).await;
    assert_eq!(
        fixture.inspect_target(None).await.broken_rules,
        [],
        "our own login is no obstacle"
    );
    let mut other = alternating(&postgres);
    other.credential = engine::id::CredentialId::parse("01890a5d-ac96-774b-bcce-0000000000c2").unwrap();
    let inspection = other.inspect_target(None).await;
    assert!(
        only_rule(&inspection)
            .1
            .contains("belongs to the Rota credential"),
        "{inspection:?}"
    );
}

#[tokio::test]
async fn an_adopted_login_must_be_replaceable() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute(
        "create role member login password 'right' in role app; create role outsider login password 'right';
         create role owner login password 'right' in role app; create role mighty login createdb password 'right' in role app;
         create table owned (id bigint); alter table owned owner to owner; alter role app login password 'right'",
    );
    let fixture = alternating(&postgres);
    let adopt = |login: &str, password: &str| password_version(1, login, password);
    assert_eq!(
        fixture
            .inspect_target(Some(&adopt("member", "right")))
            .await
            .broken_rules,
        []
    );
    for (login, password, pointer, part) in [
        ("member", "wrong", "/initial/password", "does not sign in"),
        (
            "outsider",
            "right",
            "/initial/username",
            "grant \"app\" to \"outsider\"",
        ),
        (
            "owner",
            "right",
            "/initial/username",
            "reassign owned by \"owner\" to \"app\"",
        ),
        ("mighty", "right", "/initial/username", "createdb"),
        ("ghost", "right", "/initial/username", "no login `ghost`"),
        ("app", "right", "/initial/username", "role of its own"),
    ] {
        let inspection = fixture.inspect_target(Some(&adopt(login, password))).await;
        let (seen_pointer, detail) = only_rule(&inspection);
        assert_eq!(seen_pointer, pointer, "{login}");
        assert!(detail.contains(part), "{login}: {detail}");
    }
}

#[tokio::test]
async fn in_place_needs_a_login() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role legacy login password 'right'");
    let check = |role: &str| fixture(&postgres, Strategy::InPlace, &json!({ "role": role }));
    let inspection = check("app").inspect_target(None).await;
    assert!(only_rule(&inspection).1.contains("alter role \"app\" login"));
    let inspection = check("legacy").inspect_target(None).await;
    assert_eq!(inspection.broken_rules, []);
    assert!(inspection.findings[0].contains("cut off"));
    let adopted = password_version(1, "legacy", "right");
    let inspection = check("legacy").inspect_target(Some(&adopted)).await;
    assert_eq!((inspection.broken_rules, inspection.findings), (vec![], vec![]));
    let other = password_version(1, "app_a", "right");
    assert_eq!(
        only_rule(&check("legacy").inspect_target(Some(&other)).await).0,
        "/initial/username"
    );
}
