//! People, programs, links.

use engine::access::TokenHash;
use engine::ports::{AccessStore, Store};
use engine::{CommitError, Write};

use crate::fixture::{Fixture, audited, name};

crate::on_both! {
    accounts_are_found_by_id_and_name;
    tokens_are_found_by_hash_and_revoked_once;
    a_sign_in_link_is_used_once;
}

async fn accounts_are_found_by_id_and_name(fixture: Fixture) {
    let store = &fixture.store;
    let (second, mut first) = (fixture.account("zoe"), fixture.account("ada"));
    let change = audited("account.create")
        .write(Write::InsertAccount(second.clone()))
        .write(Write::InsertAccount(first.clone()));
    store.commit(change).await.unwrap();
    first.session_epoch = 1;
    store
        .commit(audited("account.update").write(Write::UpdateAccount(first.clone())))
        .await
        .unwrap();
    first.revision += 1;
    assert_eq!(store.account(&first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(
        store.account_by_name(&first.name).await.unwrap(),
        Some(first.clone())
    );
    assert_eq!(store.account_by_name(&name("nobody")).await.unwrap(), None);
    assert_eq!(store.accounts().await.unwrap(), [first, second]);
}

async fn tokens_are_found_by_hash_and_revoked_once(fixture: Fixture) {
    let store = &fixture.store;
    let mut token = fixture.token("aa");
    store
        .commit(audited("token.create").write(Write::InsertToken(token.clone())))
        .await
        .unwrap();
    assert_eq!(
        store.token_by_hash(&token.hash).await.unwrap(),
        Some(token.clone())
    );
    let twin = audited("token.create").write(Write::InsertToken(fixture.token("aa")));
    assert!(matches!(
        store.commit(twin).await,
        Err(CommitError::Stale { kind: "token", .. })
    ));
    token.revoked_at = Some(fixture.now());
    let revoke = || audited("token.revoke").write(Write::UpdateToken(token.clone()));
    store.commit(revoke()).await.unwrap();
    assert!(matches!(
        store.commit(revoke()).await,
        Err(CommitError::Stale { .. })
    ));
    token.revision += 1;
    assert_eq!(store.token(&token.id).await.unwrap(), Some(token.clone()));
    assert_eq!(store.tokens().await.unwrap(), [token]);
    assert_eq!(
        store.token_by_hash(&TokenHash("bb".to_owned())).await.unwrap(),
        None
    );
}

async fn a_sign_in_link_is_used_once(fixture: Fixture) {
    let store = &fixture.store;
    let account = fixture.account("ada");
    let mut link = fixture.sign_in_link(&account, "aa");
    let change = audited("link.create")
        .write(Write::InsertAccount(account))
        .write(Write::InsertSignInLink(link.clone()));
    store.commit(change).await.unwrap();
    assert_eq!(
        store.sign_in_link_by_hash(&link.hash).await.unwrap(),
        Some(link.clone())
    );
    link.used_at = Some(fixture.now());
    let using = || audited("link.use").write(Write::UpdateSignInLink(link.clone()));
    let (one, other) = tokio::join!(store.commit(using()), store.commit(using()));
    assert!(
        one.is_ok() != other.is_ok(),
        "exactly one wins: {one:?} {other:?}"
    );
    assert_eq!(
        store
            .sign_in_link_by_hash(&TokenHash("bb".to_owned()))
            .await
            .unwrap(),
        None
    );
}
