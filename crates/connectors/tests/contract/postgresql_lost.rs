//! Connections that break in the middle of an act.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::catalog::Strategy;
use engine::rotation::ErrorClass;
use serde_json::json;
use testing::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{Fixture, values};
use crate::postgresql::{ADMIN, ADMIN_PASSWORD, issuer_config, prepare};

/// When the link goes down.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The server never sees the statement.
    Before,
    /// The server has done it, and its answer is lost.
    After,
}

/// A link to the server that breaks once, at the first statement that holds a word.
struct Link {
    port: u16,
    armed: Arc<AtomicBool>,
}

impl Link {
    async fn start(server_port: u16, word: &'static str, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(true));
        let still_armed = Arc::clone(&armed);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server_port, word, cut, Arc::clone(&still_armed)));
            }
        });
        Self { port, armed }
    }
}

async fn carry(mut client: TcpStream, server_port: u16, word: &str, cut: Cut, armed: Arc<AtomicBool>) {
    let mut server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                let sent = &from_client[..count];
                let has_word = sent.windows(word.len()).any(|window| window == word.as_bytes());
                if has_word && armed.swap(false, Ordering::SeqCst) {
                    if matches!(cut, Cut::After) {
                        server.write_all(sent).await.unwrap();
                        // Only once the server answers has it done it.
                        server.read(&mut from_server).await.unwrap();
                    }
                    return;
                }
                server.write_all(sent).await.unwrap();
            }
            read = server.read(&mut from_server) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&from_server[..count]).await.is_err() { return }
            }
        }
    }
}

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
        assert!(!link.armed.load(Ordering::SeqCst));
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
    for (word, cut) in [
        ("nologin password", Cut::After),
        ("commit", Cut::Before),
        ("commit", Cut::After),
    ] {
        let whole = Link::start(postgres.port(), "no statement holds this", Cut::Before).await;
        let fixture = over(&whole, &postgres);
        let first = fixture.issued(1, None).await;
        let second = fixture.issued(2, Some(&first)).await;
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
