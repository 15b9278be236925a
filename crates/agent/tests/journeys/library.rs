//! The library against a server that keeps the contract.

use std::time::{Duration, Instant};

use crate::support::{Served, TestServer, password, served, within_ten_seconds};
use agent::{Agent, Freshness, Outcome, Unavailable};
use api::{AckStatus, Client, ClientError, Secret, SignalClass};

#[expect(clippy::disallowed_methods, reason = "a test measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// (version, status, count) of every signal that arrived.
fn counts(signals: &[(Instant, api::Signal)]) -> Vec<(u32, u16, u32)> {
    signals
        .iter()
        .map(|(_, signal)| (signal.version, signal.status, signal.count))
        .collect()
}

#[tokio::test]
async fn a_new_version_arrives_within_a_second_and_is_acknowledged() {
    let server = TestServer::start(served(1, None)).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    let first = within_ten_seconds(handle.changed()).await.unwrap();
    assert_eq!(
        (first.version(), first.expose("password").unwrap().as_ref()),
        (1, password(1).as_str())
    );
    assert_eq!(first.expose("port").unwrap(), "5432");
    assert!(
        !format!("{first:?} {handle:?} {agent:?}").contains("secret-of"),
        "nothing prints a value"
    );
    server.acked(|acks| acks.len() == 1).await;
    within_ten_seconds(server.world.fetches.subscribe().wait_for(|(_, long)| *long > 0))
        .await
        .unwrap();

    let changed_at = now();
    server.serve(served(2, Some(1)));
    let second = within_ten_seconds(handle.changed()).await.unwrap();
    assert!(changed_at.elapsed() < Duration::from_secs(1));
    assert_eq!(second.version(), 2);
    assert_eq!(
        handle.previous().unwrap().expose("password").unwrap(),
        password(1)
    );
    assert!(
        std::sync::Arc::ptr_eq(&handle.previous().unwrap(), &first),
        "the same lease, not a copy"
    );
    let acks = server.acked(|acks| acks.len() == 2).await;
    let versions: Vec<_> = acks
        .iter()
        .map(|(name, ack)| (name.as_str(), ack.version, ack.status))
        .collect();
    assert_eq!(
        versions,
        [
            ("orders-1", 1, AckStatus::Loaded),
            ("orders-1", 2, AckStatus::Loaded)
        ]
    );
    let mut fetches = server.world.fetches.subscribe();
    within_ten_seconds(fetches.wait_for(|(_, long)| *long > 1))
        .await
        .unwrap();
    let (all, _) = *fetches.borrow();
    assert!(all <= 4, "{all} fetches: it must not poll hard");

    // Back to version 1: versions are told apart by what is served, not by which is higher.
    server.serve(served(1, None));
    assert_eq!(within_ten_seconds(handle.changed()).await.unwrap().version(), 1);
}

#[tokio::test]
async fn a_refusal_refreshes_at_once_and_retries_once() {
    let server = TestServer::start(served(1, None)).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.ready()).await.unwrap();
    let mut tried = Vec::new();
    let result = handle
        .run(|lease| {
            tried.push(lease.version());
            let answer = if lease.version() == 1 {
                // The issuer has dropped version 1, and the server says so only now.
                server.serve(served(2, None));
                (Outcome::http(401), "refused")
            } else {
                (Outcome::http(200), "accepted")
            };
            async move { answer }
        })
        .await
        .unwrap();
    assert_eq!((result, tried), ("accepted", vec![1, 2]));
    let signals = server.signalled(|signals| signals.len() == 2).await;
    let mut seen = counts(&signals);
    seen.sort_unstable();
    assert_eq!(seen, [(1, 401, 1), (2, 200, 1)]);
}

#[tokio::test]
async fn a_bad_candidate_falls_back_to_the_previous_version_and_says_so() {
    let server = TestServer::start(served(2, Some(1))).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.ready()).await.unwrap();
    for _ in 0..4 {
        let mut tried = Vec::new();
        let operation = |lease: std::sync::Arc<agent::Lease>| {
            tried.push(lease.version());
            async move {
                (
                    if lease.version() == 2 {
                        Outcome::refused()
                    } else {
                        Outcome::accepted()
                    },
                    lease.version(),
                )
            }
        };
        assert_eq!(handle.run(operation).await, Ok(1));
        assert_eq!(
            tried,
            [2, 1],
            "the candidate is tried first each time, so that the server keeps hearing of it"
        );
    }
    let signals = server
        .signalled(|signals| signals.iter().map(|(_, signal)| signal.count).sum::<u32>() == 8)
        .await;
    let total = |version, status| -> u32 {
        counts(&signals)
            .iter()
            .filter(|(v, s, _)| (*v, *s) == (version, status))
            .map(|(_, _, count)| count)
            .sum()
    };
    assert_eq!((total(2, 401), total(1, 200)), (4, 4));
    assert!(
        signals
            .iter()
            .all(|(_, signal)| signal.credential == "orders-app")
    );
    let (fetches, long_polls) = *server.world.fetches.borrow();
    assert!(
        fetches - long_polls <= 3,
        "four refusals in a row do not hammer the server: {fetches} {long_polls}"
    );

    // Both refused: the answer is the last one's, and there is no third try.
    let mut tries = 0;
    let result = handle
        .run(|lease| {
            tries += 1;
            async move { (Outcome::http(403), lease.version()) }
        })
        .await;
    assert_eq!((result, tries), (Ok(1), 2));
}

#[tokio::test]
async fn outcomes_are_counted_together_and_refusals_do_not_wait() {
    let server = TestServer::start(served(1, None)).await;
    let mut config = server.config();
    config.signal_interval = Duration::from_secs(2);
    let agent = Agent::start(config).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.ready()).await.unwrap();
    for milliseconds in [10, 30] {
        handle.report(1, Outcome::http(200).taking(Duration::from_millis(milliseconds)));
    }
    for _ in 0..48 {
        handle.report(1, Outcome::http(200));
        handle.report(1, Outcome::failed());
    }
    let refused_at = now();
    handle.report(1, Outcome::refused());
    let signals = server
        .signalled(|signals| signals.iter().any(|(_, signal)| signal.status == 401))
        .await;
    let (arrived_at, refusal) = signals.iter().find(|(_, signal)| signal.status == 401).unwrap();
    // 20 ms is the aim; the bound here is wide for a busy machine and still far below the interval of 2 s.
    assert!(arrived_at.duration_since(refused_at) < Duration::from_millis(500));
    assert_eq!((refusal.class, refusal.count), (Some(SignalClass::Auth), 1));
    let good = signals.iter().find(|(_, signal)| signal.status == 200).unwrap();
    assert_eq!(
        (good.1.count, good.1.duration_ms),
        (50, Some(20)),
        "fifty outcomes, one signal, the mean of two times"
    );
    let errors: Vec<_> = signals
        .iter()
        .filter(|(_, signal)| signal.class == Some(SignalClass::Error))
        .collect();
    assert_eq!((errors.len(), errors[0].1.count), (1, 48));
}

#[tokio::test]
async fn what_was_refused_with_503_is_sent_again_and_the_last_words_are_heard() {
    let server = TestServer::start(served(1, None)).await;
    server.world.refusals_left.send_replace(4);
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.ready()).await.unwrap();
    for _ in 0..3 {
        handle.report(1, Outcome::http(401));
    }
    let signals = server.signalled(|signals| !signals.is_empty()).await;
    assert_eq!(
        counts(&signals).iter().map(|(_, _, count)| count).sum::<u32>(),
        3,
        "none lost, none twice"
    );
    server.acked(|acks| acks.len() == 1).await;
    handle.report(1, Outcome::http(200));
    agent.shutdown().await;
    assert_eq!(counts(&server.world.signals.borrow()).last(), Some(&(1, 200, 1)));
    assert_eq!(handle.current().unwrap_err(), Unavailable::Stopped);
    assert_eq!(
        within_ten_seconds(handle.changed()).await.unwrap_err(),
        Unavailable::Stopped
    );
}

#[tokio::test]
async fn the_last_good_value_outlives_the_server_for_a_bounded_time() {
    let mut server = TestServer::start(served(1, None)).await;
    let mut config = server.config();
    config.outage_limit = Duration::from_secs(2);
    let agent = Agent::start(config).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    let lease = within_ten_seconds(handle.changed()).await.unwrap();
    server.stop().await;
    within_ten_seconds(async {
        while !matches!(handle.status().freshness, Freshness::Outage { .. }) {
            handle.run(|_| async { (Outcome::refused(), ()) }).await.unwrap();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(
        handle.current().unwrap().version(),
        1,
        "the last good value is served"
    );

    let weak = std::sync::Arc::downgrade(&lease);
    drop(lease);
    // The handle remembers what it saw last; the agent itself lets go when the time is over.
    within_ten_seconds(async {
        while weak.strong_count() > 1 {
            handle.wait_for_news().await;
        }
    })
    .await;
    assert!(matches!(handle.status().freshness, Freshness::Expired { .. }));
    assert!(matches!(handle.current(), Err(Unavailable::Expired { .. })));

    server.serve(served(2, None));
    server.listen().await;
    assert_eq!(
        within_ten_seconds(handle.changed()).await.unwrap().version(),
        2,
        "it comes back by itself"
    );
    assert_eq!(handle.status().freshness, Freshness::Fresh);
}

#[tokio::test]
async fn a_short_outage_is_only_a_state() {
    let server = TestServer::start(served(1, None)).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.changed()).await.unwrap();
    server.serve(Served::Unavailable);
    handle.refresh().await;
    assert!(
        matches!(handle.status().freshness, Freshness::Outage { .. }),
        "{:?}",
        handle.status()
    );
    server.serve(served(2, None));
    assert_eq!(within_ten_seconds(handle.changed()).await.unwrap().version(), 2);
}

#[tokio::test]
async fn what_is_withdrawn_is_erased_at_once() {
    let server = TestServer::start(served(1, None)).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.changed()).await.unwrap();
    server.serve(Served::NotBound);
    let withdrawn = within_ten_seconds(handle.changed()).await.unwrap_err();
    assert!(matches!(withdrawn, Unavailable::Withdrawn { .. }));
    assert!(handle.current().is_err());
    assert_eq!(handle.status().version, None);
}

#[tokio::test]
async fn a_version_that_a_program_cannot_load_is_never_acknowledged_by_polling() {
    let server = TestServer::start(served(1, None)).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(handle.changed()).await.unwrap();
    let mut fetches = server.world.fetches.subscribe();
    within_ten_seconds(fetches.wait_for(|(_, long)| *long == 1))
        .await
        .unwrap();
    handle.acknowledge_failure(1, "it has no port");
    server
        .acked(|acks| {
            acks.last()
                .is_some_and(|(_, ack)| ack.status == AckStatus::Failed)
        })
        .await;
    // Once the poll that was under way is answered, no further one carries the tag of what could not be loaded.
    server.serve(served(1, Some(9)));
    within_ten_seconds(fetches.wait_for(|(all, _)| *all > 4))
        .await
        .unwrap();
    assert_eq!(fetches.borrow().1, 1);
    assert_eq!(
        server.world.acks.borrow().last().unwrap().1.status,
        AckStatus::Failed
    );
    server.serve(served(2, None));
    assert_eq!(within_ten_seconds(handle.changed()).await.unwrap().version(), 2);
    server
        .acked(|acks| {
            acks.last()
                .is_some_and(|(_, ack)| (ack.version, ack.status) == (2, AckStatus::Loaded))
        })
        .await;
}

#[tokio::test]
async fn a_first_version_is_waited_for() {
    let server = TestServer::start(Served::NoVersionYet).await;
    let agent = Agent::start(server.config()).unwrap();
    let mut handle = agent.credential("orders-app").unwrap();
    within_ten_seconds(server.world.fetches.subscribe().wait_for(|(all, _)| *all > 1))
        .await
        .unwrap();
    assert!(matches!(handle.current(), Err(Unavailable::Waiting { .. })));
    server.serve(served(1, None));
    assert_eq!(within_ten_seconds(handle.ready()).await.unwrap().version(), 1);
    assert!(agent.credential("other").is_err());
}

#[tokio::test]
async fn a_redirect_never_takes_the_token_along() {
    let server = TestServer::start(Served::NoVersionYet).await;
    let client = Client::new(
        &format!("http://{}", server.address),
        &Secret::new(crate::support::TOKEN),
    )
    .unwrap();
    let refused = client.whoami().await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Unexpected { status: 302, .. }),
        "{refused}"
    );
    assert!(!format!("{client:?} {refused:?}").contains(crate::support::TOKEN));
    let stranger = Client::new(&format!("http://{}", server.address), &Secret::new("wrong")).unwrap();
    let refused = stranger
        .fetch_delivery("orders-app", "orders-1")
        .await
        .unwrap_err();
    assert_eq!(
        (refused.status(), refused.code()),
        (Some(401), Some("unauthenticated"))
    );
}
