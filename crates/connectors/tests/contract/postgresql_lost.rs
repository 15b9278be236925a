//! Connections that break in the middle of an act.

use engine::catalog::Strategy;
use engine::rotation::ErrorClass;
use serde_json::json;
use testing::Postgres;

use crate::fixture::{Fixture, values};
use crate::link::{Cut, Link};
use crate::postgresql::{ADMIN, ADMIN_PASSWORD, issuer_config, prepare};

fn over(link: &Link, postgres: &Postgres) -> Fixture {
    let mut issuer = issuer_config(postgres);
    issuer["port"] = json!(link.port);
    let admin = values(&[("username", ADMIN), ("password", ADMIN_PASSWORD)]);
    Fixture::new(
        "postgresql",
        Strategy::Alternating,
        &issuer,
        &json!({"role": "app"}),
        admin,
    )
}

#[tokio::test]
async fn an_issue_that_lost_its_connection_is_simply_repeated() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let mut number = 0;
    let mut current = None;
    for (word, cut) in [
        ("create role", Cut::Before),
        ("create role", Cut::After),
        ("grant ", Cut::After),
        ("login password", Cut::Before),
        ("login password", Cut::After),
        ("commit", Cut::Before),
        ("commit", Cut::After),
    ] {
        number += 1;
        let link = Link::start(postgres.port(), word, cut).await;
        let fixture = over(&link, &postgres);
        let mut candidate = fixture.propose(number, current.as_ref());
        if word == "create role" {
            postgres.execute(&format!("drop role if exists {}", candidate.identity));
        }
        let error = fixture.issue(&mut candidate, current.as_ref()).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::UnknownOutcome, "{word} {cut:?}: {error}");
        assert!(link.is_cut());
        fixture.issue(&mut candidate, current.as_ref()).await.unwrap();
        fixture.verify(&candidate).await.unwrap();
        if let Some(previous) = current.replace(candidate) {
            fixture.verify(&previous).await.unwrap();
            fixture.revoke(&previous).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_revocation_that_lost_its_connection_is_simply_repeated() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let whole = Link::start(postgres.port(), "no statement holds this", Cut::Before).await;
    let fixture = over(&whole, &postgres);
    let first = fixture.issued(1, None).await;
    for (number, word, cut) in [
        (2, "nologin password", Cut::After),
        (3, "commit", Cut::Before),
        (4, "commit", Cut::After),
    ] {
        let second = fixture.issued(number, Some(&first)).await;
        let broken_link = Link::start(postgres.port(), word, cut).await;
        let broken = over(&broken_link, &postgres);
        let error = broken.revoke(&second).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::UnknownOutcome, "{word} {cut:?}: {error}");
        broken.revoke(&second).await.unwrap();
        broken.confirm_refused(&second, &first).await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_answer_while_looking_is_only_the_network() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let link = Link::start(postgres.port(), "pg_signal_backend", Cut::After).await;
    let fixture = over(&link, &postgres);
    assert_eq!(
        fixture.inspect_issuer().await.unwrap_err().class,
        ErrorClass::Network
    );
    fixture.inspect_issuer().await.unwrap();
}
