//! What only the server keeps: sessions and idempotent replies.

use std::time::Duration;

use engine::Write;
use engine::ports::Store;
use store::{IdempotencyKey, Reservation, StoredSession};

use crate::fixture::{Fixture, audited};

crate::on_both! {
    sessions_are_made_once_kept_and_ended;
    a_request_is_answered_once_and_repeated_from_memory;
}

async fn sessions_are_made_once_kept_and_ended(fixture: Fixture) {
    let store = &fixture.store;
    let now = fixture.now();
    let account = fixture.account("ada");
    store
        .commit(audited("account.create").write(Write::InsertAccount(account.clone())))
        .await
        .unwrap();
    let mut session = StoredSession {
        id_hash: "aa".to_owned(),
        account: None,
        body: "{}".to_owned(),
        expires_at: now.after(Duration::from_secs(60)),
    };
    assert!(store.create_session(&session).await.unwrap());
    assert!(!store.create_session(&session).await.unwrap(), "the id is taken");
    session.account = Some(account.id.clone());
    store.save_session(&session).await.unwrap();
    let other = StoredSession {
        id_hash: "bb".to_owned(),
        account: None,
        ..session.clone()
    };
    store.save_session(&other).await.unwrap();
    assert_eq!(
        store.load_session("aa", now).await.unwrap(),
        Some(session.clone())
    );
    assert_eq!(
        store.load_session("aa", session.expires_at).await.unwrap(),
        None,
        "it ran out"
    );
    assert_eq!(store.load_session("cc", now).await.unwrap(), None);
    store.delete_sessions_of(&account.id).await.unwrap();
    assert_eq!(store.load_session("aa", now).await.unwrap(), None);
    assert_eq!(store.delete_expired_sessions(now).await.unwrap(), 0);
    assert_eq!(store.delete_expired_sessions(other.expires_at).await.unwrap(), 1);
    store.delete_session("bb").await.unwrap();
}

async fn a_request_is_answered_once_and_repeated_from_memory(fixture: Fixture) {
    let store = &fixture.store;
    let now = fixture.now();
    let at = IdempotencyKey {
        token: "t",
        path: "/api/v1/issuers",
        key: "k",
    };
    let reserve = |body: &'static str, abandoned| store.reserve_idempotent(at, body, now, abandoned);
    let long_ago = now.before(Duration::from_secs(60));
    let after = now.after(Duration::from_secs(60));
    assert_eq!(reserve("body", long_ago).await.unwrap(), Reservation::Ours);
    assert_eq!(reserve("body", long_ago).await.unwrap(), Reservation::InProgress);
    assert_eq!(reserve("other", long_ago).await.unwrap(), Reservation::OtherBody);
    assert_eq!(reserve("other", after).await.unwrap(), Reservation::OtherBody);
    assert_eq!(
        reserve("body", after).await.unwrap(),
        Reservation::Ours,
        "its holder died"
    );
    store.release_idempotent(at).await.unwrap();
    assert_eq!(reserve("body", long_ago).await.unwrap(), Reservation::Ours);
    store.finish_idempotent(at, &[1, 2]).await.unwrap();
    store.release_idempotent(at).await.unwrap();
    assert_eq!(
        reserve("body", after).await.unwrap(),
        Reservation::Replied(vec![1, 2])
    );
    let elsewhere = IdempotencyKey {
        path: "/api/v1/consumers",
        ..at
    };
    let there = store
        .reserve_idempotent(elsewhere, "other", now, long_ago)
        .await
        .unwrap();
    assert_eq!(there, Reservation::Ours);
    assert_eq!(store.delete_idempotent_before(now).await.unwrap(), 0);
    assert_eq!(store.delete_idempotent_before(after).await.unwrap(), 2);
}
