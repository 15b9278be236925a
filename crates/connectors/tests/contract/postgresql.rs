//! PostgreSQL: the contract, and what its strategies promise beyond it.

use engine::catalog::Strategy;
use engine::rotation::ErrorClass;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor, Row};
use testing::Postgres;

use crate::acts;
use crate::fixture::{Fixture, exposed, password_version, values};

pub(crate) const ADMIN: &str = "rota_admin";
pub(crate) const ADMIN_PASSWORD: &str = r#"adm'in"\ $1 %41 {{x}} pass"#;

/// A server with an administrator that is no superuser, and a role that may read one table.
pub(crate) fn prepare(postgres: &Postgres) {
    let quoted_password = ADMIN_PASSWORD.replace('\'', "''");
    postgres.execute(&format!(
        "create role {ADMIN} login createrole password '{quoted_password}'; create role app nologin;
         create table allowed (id bigint); create table secret (id bigint);
         grant select, insert on allowed to app; grant create on schema public to app;"
    ));
}

pub(crate) fn issuer_config(postgres: &Postgres) -> Value {
    json!({"host": postgres.host(), "port": postgres.port(), "database": postgres.database(), "sslmode": "disable"})
}

pub(crate) fn fixture(postgres: &Postgres, strategy: Strategy, config: &Value) -> Fixture {
    let admin = values(&[("username", ADMIN), ("password", ADMIN_PASSWORD)]);
    Fixture::new("postgresql", strategy, &issuer_config(postgres), config, admin)
}

pub(crate) fn alternating(postgres: &Postgres) -> Fixture {
    let config = json!({
        "role": "app", "probe": "select id from allowed", "forbidden_probe": "select id from secret",
    });
    fixture(postgres, Strategy::Alternating, &config)
}

pub(crate) async fn connect(
    postgres: &Postgres,
    login: &str,
    password: &str,
) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(postgres.host())
        .port(postgres.port())
        .database(postgres.database())
        .username(login)
        .password(password)
        .ssl_mode(sqlx::postgres::PgSslMode::Disable);
    PgConnection::connect_with(&options).await
}

#[tokio::test]
async fn alternating_keeps_the_contract() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let fixture = alternating(&postgres);
    acts::keeps_the_contract_with_overlap(&fixture).await;
    assert_eq!(
        postgres.execute("select rolname, rolcanlogin from pg_roles where rolname like 'app%' order by 1"),
        "app|f\napp_a|t\napp_b|t"
    );
}

#[tokio::test]
async fn in_place_keeps_the_contract() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role legacy login password 'the old one'");
    let fixture = fixture(&postgres, Strategy::InPlace, &json!({"role": "legacy"}));
    acts::keeps_the_contract_in_place(&fixture, password_version(1, "legacy", "the old one")).await;
}

#[tokio::test]
async fn an_adopted_login_is_replaced_and_retired() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    // The adopted login bears the name of a slot, so its successor must take the other one, and it must be reusable.
    postgres.execute(
        "create role app_a login password 'by hand' in role app; alter role app_a set work_mem = '7MB'",
    );
    let fixture = alternating(&postgres);
    let adopted = password_version(1, "app_a", "by hand");
    let inspection = fixture.inspect_target(Some(&adopted)).await;
    assert_eq!(inspection.broken_rules, []);
    let second = fixture.issued(2, Some(&adopted)).await;
    assert_eq!(second.identity, "app_b");
    fixture.verify(&adopted).await.unwrap();
    fixture.revoke(&adopted).await.unwrap();
    fixture.confirm_refused(&adopted, &second).await.unwrap();
    let third = fixture.issued(3, Some(&second)).await;
    assert_eq!(third.identity, "app_a");
    fixture.verify(&third).await.unwrap();
    let mut session = connect(&postgres, "app_a", exposed(&third, "password"))
        .await
        .unwrap();
    let work_mem: String = session.fetch_one("show work_mem").await.unwrap().get(0);
    assert_eq!(
        work_mem, "7MB",
        "what the adopted login relied on came along twice"
    );
}

#[tokio::test]
async fn a_stranger_under_a_slots_name_is_left_alone() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute(
        "create role app_a login password 'somebody else'; comment on role app_a is 'the orders app'",
    );
    let fixture = alternating(&postgres);
    let mut candidate = fixture.propose(1, None);
    let refuse_and_undo = async |candidate: &mut engine::ports::Material| {
        let refusal = fixture.issue(candidate, None).await.unwrap_err();
        assert_eq!(refusal.class, ErrorClass::Policy);
        assert!(refusal.detail.contains("drop role \"app_a\""), "{refusal}");
        // The rollback that follows must not hurt the stranger.
        fixture.revoke(candidate).await.unwrap();
        assert_eq!(
            postgres.execute(
                "select shobj_description(oid, 'pg_authid'), rolpassword is null from pg_authid
                 where rolname = 'app_a'"
            ),
            "the orders app|f"
        );
    };
    refuse_and_undo(&mut candidate).await;
    connect(&postgres, "app_a", "somebody else").await.unwrap();

    // Nor where it may not sign in, or where the server lets everybody in.
    postgres.execute("alter role app_a nologin");
    refuse_and_undo(&mut candidate).await;
    postgres.execute("alter role app_a login");
    let hba = postgres.folder().join("data/pg_hba.conf");
    let original = std::fs::read_to_string(&hba).unwrap();
    std::fs::write(&hba, format!("host all app_a 127.0.0.1/32 trust\n{original}")).unwrap();
    postgres.stop();
    postgres.start_again();
    refuse_and_undo(&mut candidate).await;
    connect(&postgres, "app_a", "anything").await.unwrap();
}

#[tokio::test]
async fn an_adopted_login_of_any_name_is_retired_twice() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role legacy login password 'by hand' in role app");
    let fixture = alternating(&postgres);
    let adopted = password_version(1, "legacy", "by hand");
    let second = fixture.issued(2, Some(&adopted)).await;
    assert_eq!(second.identity, "app_a");
    for _ in 0..2 {
        fixture.revoke(&adopted).await.unwrap();
        fixture.confirm_refused(&adopted, &second).await.unwrap();
    }
    let third = fixture.issued(3, Some(&second)).await;
    assert_eq!(third.identity, "app_b");
    fixture.verify(&third).await.unwrap();
}

#[tokio::test]
async fn retiring_ends_sessions_and_counts_them() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let fixture = alternating(&postgres);
    let first = fixture.issued(1, None).await;
    let second = fixture.issued(2, Some(&first)).await;
    let mut old = Vec::new();
    for _ in 0..3 {
        old.push(
            connect(&postgres, "app_a", exposed(&first, "password"))
                .await
                .unwrap(),
        );
    }
    let mut new = connect(&postgres, "app_b", exposed(&second, "password"))
        .await
        .unwrap();
    let detail = fixture.revoke(&first).await.unwrap();
    assert!(detail.contains("3 of its sessions"), "{detail}");
    for session in &mut old {
        assert!(session.execute("select 1").await.is_err());
    }
    new.execute("select 1").await.unwrap();
    assert_eq!(
        postgres.execute(
            "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname = 'rota_admin'"
        ),
        "0",
        "the membership that ending sessions takes was only lent"
    );
}

#[tokio::test]
async fn a_login_acts_as_its_role_with_its_settings() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let database = postgres.database();
    postgres.execute(&format!(
        "create schema \"odd, \"\"name\"; alter role app set search_path = \"$user\", public, \"odd, \"\"name\";
         alter role app set \"my.note\" = 'it''s \\ here'; alter role app in database {database} set work_mem = '9MB';
         alter role app set log_duration = on; grant set on parameter \"my.note\" to {ADMIN}"
    ));
    let fixture = alternating(&postgres);
    let mut candidate = fixture.propose(1, None);
    let detail = fixture.issue(&mut candidate, None).await.unwrap();
    assert!(
        detail.contains("log_duration"),
        "a superuser's setting is named: {detail}"
    );
    let mut session = connect(&postgres, "app_a", exposed(&candidate, "password"))
        .await
        .unwrap();
    for (setting, expected) in [
        ("search_path", "\"$user\", public, \"odd, \"\"name\""),
        ("my.note", "it's \\ here"),
        ("work_mem", "9MB"),
        ("role", "app"),
    ] {
        let value: String = sqlx::query(&format!("select current_setting('{setting}')"))
            .fetch_one(&mut session)
            .await
            .unwrap()
            .get(0);
        assert_eq!(value, expected, "{setting}");
    }
    session
        .execute("create table made_by_it (id bigint)")
        .await
        .unwrap();
    assert_eq!(
        postgres.execute("select tableowner from pg_tables where tablename = 'made_by_it'"),
        "app"
    );

    // A setting taken off the role leaves with the next issue of a first version.
    postgres.execute("alter role app reset all");
    fixture.issue(&mut candidate, None).await.unwrap();
    let mut session = connect(&postgres, "app_a", exposed(&candidate, "password"))
        .await
        .unwrap();
    let path: String = session.fetch_one("show search_path").await.unwrap().get(0);
    assert_eq!(path, "\"$user\", public");
}

#[tokio::test]
async fn probes_prove_what_a_version_may_do() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let with = |probe: &str, forbidden: &str| {
        fixture(
            &postgres,
            Strategy::Alternating,
            &json!({"role": "app", "probe": probe, "forbidden_probe": forbidden}),
        )
    };
    let good = with("insert into allowed values (1)", "delete from secret");
    let version = good.issued(1, None).await;
    let seen = good.verify(&version).await.unwrap();
    assert!(
        seen.contains("acting as `app`") && seen.contains("forbidden probe was refused"),
        "{seen}"
    );
    assert_eq!(
        postgres.execute("select count(*) from allowed"),
        "0",
        "a probe leaves nothing behind"
    );

    for (probe, forbidden, class) in [
        (
            "select id from secret",
            "delete from secret",
            ErrorClass::Permission,
        ),
        ("select 1", "select id from allowed", ErrorClass::Policy),
        ("select 1", "select id from no_such_table", ErrorClass::Policy),
        ("select 1; select 2", "delete from secret", ErrorClass::Policy),
    ] {
        let refusal = with(probe, forbidden).verify(&version).await.unwrap_err();
        assert_eq!(refusal.class, class, "{probe} / {forbidden}: {refusal}");
    }
}

#[tokio::test]
async fn only_a_refusal_of_the_credential_is_a_proof() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let fixture = alternating(&postgres);
    let first = fixture.issued(1, None).await;
    let second = fixture.issued(2, Some(&first)).await;
    let hba = postgres.folder().join("data/pg_hba.conf");
    let original = std::fs::read_to_string(&hba).unwrap();
    let replace_hba = |rule: &str| {
        std::fs::write(&hba, format!("{rule}\n{original}")).unwrap();
        postgres.stop();
        postgres.start_again();
    };

    replace_hba("host all app_a 127.0.0.1/32 reject");
    let refusal = fixture.confirm_refused(&first, &second).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Policy, "{refusal}");
    assert!(refusal.detail.contains("pg_hba"), "{refusal}");

    // Where the server asks for no password, nologin is what keeps the dead one out: SQLSTATE 28000.
    replace_hba("host all app_a 127.0.0.1/32 trust");
    let refusal = fixture.confirm_refused(&first, &second).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Conflict, "still signs in: {refusal}");
    fixture.revoke(&first).await.unwrap();
    let proof = fixture.confirm_refused(&first, &second).await.unwrap();
    assert!(proof.contains("28000"), "{proof}");

    replace_hba("");
    let proof = fixture.confirm_refused(&first, &second).await.unwrap();
    assert!(proof.contains("28P01"), "{proof}");

    // And only while the other one signs in.
    fixture.revoke(&second).await.unwrap();
    let refusal = fixture.confirm_refused(&first, &second).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Authentication, "{refusal}");
}

#[tokio::test]
async fn a_stale_driver_cannot_undo_a_newer_version() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let fixture = alternating(&postgres);
    let mut first = fixture.issued(1, None).await;
    let second = fixture.issued(2, Some(&first)).await;
    fixture.revoke(&first).await.unwrap();
    let third = fixture.issued(3, Some(&second)).await;
    assert_eq!(third.identity, first.identity);
    let refusal = fixture.issue(&mut first, Some(&second)).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Conflict, "{refusal}");
    fixture.revoke(&first).await.unwrap();
    fixture.verify(&third).await.unwrap();
    let in_use = password_version(4, &third.identity, "x");
    let mut in_use = in_use;
    let refusal = fixture.issue(&mut in_use, Some(&third)).await.unwrap_err();
    assert_eq!(
        refusal.class,
        ErrorClass::Policy,
        "the login in use is never overwritten: {refusal}"
    );
}

/// A driver that was held up past its lease comes with an act that has been undone meanwhile: the server refuses it.
#[tokio::test]
async fn a_revoked_version_is_not_let_in_again() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let fixture = alternating(&postgres);
    let first = fixture.issued(1, None).await;

    // Revoked before its login was ever made.
    let mut unheard = fixture.propose(2, Some(&first));
    fixture.revoke(&unheard).await.unwrap();
    let refusal = fixture.issue(&mut unheard, Some(&first)).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Conflict, "{refusal}");
    acts::assert_refused(&fixture, &unheard).await;

    // Rolled back.
    let mut failed = fixture.issued(3, Some(&first)).await;
    fixture.revoke(&failed).await.unwrap();
    let refusal = fixture.issue(&mut failed, Some(&first)).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Conflict, "{refusal}");
    acts::assert_refused(&fixture, &failed).await;

    let next = fixture.issued(4, Some(&first)).await;
    fixture.verify(&next).await.unwrap();
    fixture.verify(&first).await.unwrap();
}

#[tokio::test]
async fn a_late_password_does_not_replace_the_restored_one() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    postgres.execute("create role solo login password 'first'");
    let fixture = fixture(&postgres, Strategy::InPlace, &json!({"role": "solo"}));
    let mut first = password_version(1, "solo", "first");
    let mut second = fixture.propose(2, Some(&first));
    fixture.issue(&mut second, Some(&first)).await.unwrap();
    fixture.issue(&mut first, Some(&second)).await.unwrap();
    let refusal = fixture.issue(&mut second, Some(&first)).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Conflict, "{refusal}");
    fixture.verify(&first).await.unwrap();

    let mut third = fixture.propose(3, Some(&first));
    fixture.issue(&mut third, Some(&first)).await.unwrap();
    fixture.verify(&third).await.unwrap();
    let refusal = fixture.issue(&mut first, Some(&second)).await.unwrap_err();
    assert_eq!(refusal.class, ErrorClass::Conflict, "{refusal}");
    fixture.verify(&third).await.unwrap();
}
