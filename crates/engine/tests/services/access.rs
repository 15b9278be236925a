use std::time::Duration;

use engine::access::{
    AccountUpdate, ActorKind, NewAccount, NewToken, Role, SignInError, TokenScope, secret_token,
};
use engine::catalog::NewConsumer;
use engine::{Clock, Refusal};

use crate::house::{BOOTSTRAP, House, administrator, code, name, person, pointers, text};

const PASSWORD: &str = "a long enough password";

async fn create(house: &House, account: &str, role: Role) {
    let new = NewAccount {
        name: account.to_owned(),
        display_name: String::new(),
        role,
        password: Some(text(PASSWORD)),
    };
    house
        .services
        .create_account(&administrator(), new)
        .await
        .unwrap();
}

#[tokio::test]
async fn only_the_right_password_of_an_enabled_account_signs_in_and_every_try_is_audited() {
    let house = House::new().await;
    create(&house, "bob", Role::Operator).await;
    let try_with = |account: &'static str, password: &'static str| {
        let services = house.services.clone();
        async move { services.sign_in(account, &text(password), "10.0.0.1", None).await }
    };
    assert_eq!(try_with(" Bob ", PASSWORD).await.unwrap().name, name("bob"));
    assert!(matches!(try_with("bob", "wrong").await, Err(SignInError::Wrong)));
    assert!(matches!(
        try_with("nobody", PASSWORD).await,
        Err(SignInError::Wrong)
    ));
    let disable = AccountUpdate {
        disabled: Some(true),
        ..AccountUpdate::default()
    };
    house
        .services
        .update_account(&administrator(), &name("bob"), disable, None)
        .await
        .unwrap();
    assert!(matches!(try_with("bob", PASSWORD).await, Err(SignInError::Wrong)));
    assert!(matches!(try_with("bob", PASSWORD).await, Err(SignInError::Wrong)));
    assert!(
        matches!(try_with("bob", PASSWORD).await, Err(SignInError::Wait(_))),
        "three tries are free"
    );
    house.clock.advance(Duration::from_secs(3_600));
    assert!(matches!(try_with("bob", PASSWORD).await, Err(SignInError::Wrong)));
    let filter = engine::ports::AuditFilter {
        action: Some("account.sign_in".to_owned()),
        ..Default::default()
    };
    let outcomes: Vec<String> = house
        .services
        .audit(&administrator(), filter)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| format!("{} {}", entry.draft.object, entry.draft.outcome))
        .collect();
    assert_eq!(outcomes.last().unwrap(), "account/bob ok");
    assert_eq!(
        outcomes.len(),
        6,
        "a try that was not taken is not audited: {outcomes:?}"
    );
    assert!(
        outcomes[..5]
            .iter()
            .all(|outcome| outcome == "account wrong name or password")
    );
}

#[tokio::test]
async fn a_session_ends_with_its_password_its_role_or_its_account() {
    let house = House::new().await;
    create(&house, "root", Role::Administrator).await;
    create(&house, "bob", Role::Operator).await;
    let bob = house
        .services
        .account(&administrator(), &name("bob"))
        .await
        .unwrap();
    let session = |epoch| {
        let (services, id) = (house.services.clone(), bob.id.clone());
        async move { services.authenticate_session(&id, epoch, None).await }
    };
    let actor = session(bob.session_epoch).await.unwrap();
    assert_eq!(
        (actor.kind, actor.role),
        (ActorKind::Account, Some(Role::Operator))
    );
    let wrong = house
        .services
        .change_password(&actor, Some(&text("wrong")), &text("another long password"))
        .await;
    assert_eq!(pointers(wrong), ["/present"]);
    let short = house
        .services
        .change_password(&actor, Some(&text(PASSWORD)), &text("short"))
        .await;
    assert_eq!(pointers(short), ["/new"]);
    let new = text("another long password");
    let changed = house
        .services
        .change_password(&actor, Some(&text(PASSWORD)), &new)
        .await
        .unwrap();
    assert!(matches!(
        session(bob.session_epoch).await,
        Err(Refusal::Unauthenticated)
    ));
    assert!(
        session(changed.session_epoch).await.is_ok(),
        "the server begins this one anew"
    );
    let lower = AccountUpdate {
        role: Some(Role::Viewer),
        ..AccountUpdate::default()
    };
    let lowered = house
        .services
        .update_account(&administrator(), &name("bob"), lower, Some(changed.revision))
        .await;
    assert!(session(changed.session_epoch).await.is_err());
    assert!(session(lowered.unwrap().session_epoch).await.is_ok());
    let raise = || AccountUpdate {
        role: Some(Role::Operator),
        ..AccountUpdate::default()
    };
    let stale = house
        .services
        .update_account(&administrator(), &name("bob"), raise(), Some(1))
        .await;
    assert!(matches!(stale, Err(Refusal::Stale)));
    let last = AccountUpdate {
        disabled: Some(true),
        ..AccountUpdate::default()
    };
    assert_eq!(
        code(
            house
                .services
                .update_account(&administrator(), &name("root"), last, None)
                .await
        ),
        "last_administrator"
    );
    let refused = house
        .services
        .update_account(&person("bob", Role::Operator), &name("bob"), raise(), None)
        .await;
    assert!(
        matches!(refused, Err(Refusal::Forbidden(_))),
        "nobody raises their own role"
    );
}

#[tokio::test]
async fn a_sign_in_link_works_once_within_fifteen_minutes_and_makes_the_first_administrator() {
    let house = House::new().await;
    let cli = engine::access::Actor::system("command line");
    let link = house.services.create_sign_in_link(&cli, None).await.unwrap();
    let token = link.expose_text();
    assert_eq!(
        house.services.sign_in_link_account(token).await.unwrap().name,
        name("admin")
    );
    let (one, other) = tokio::join!(
        house.services.use_sign_in_link(token, "127.0.0.1", None),
        house.services.use_sign_in_link(token, "127.0.0.1", None)
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "once");
    let admin = one.or(other).unwrap();
    assert_eq!(admin.role, Role::Administrator);
    assert!(matches!(
        house.services.sign_in_link_account(token).await,
        Err(Refusal::NotFound { .. })
    ));

    let second = house.services.create_sign_in_link(&cli, None).await.unwrap();
    assert_eq!(
        house
            .services
            .sign_in_link_account(second.expose_text())
            .await
            .unwrap()
            .id,
        admin.id
    );
    house.clock.advance(Duration::from_secs(15 * 60));
    assert!(
        house
            .services
            .use_sign_in_link(second.expose_text(), "127.0.0.1", None)
            .await
            .is_err()
    );
    assert!(matches!(
        house
            .services
            .create_sign_in_link(&person("bob", Role::Operator), None)
            .await,
        Err(Refusal::Forbidden(_))
    ));
}

#[tokio::test]
async fn tokens_are_who_they_say_until_they_expire_or_are_revoked() {
    let house = House::new().await;
    let services = &house.services;
    let token = |role, scope, expires_after| NewToken {
        name: "deploy".to_owned(),
        role,
        scope,
        expires_after,
    };
    let hour = Some(Duration::from_secs(3_600));
    let api = services
        .create_token(&administrator(), token(Role::Operator, TokenScope::Api, hour))
        .await
        .unwrap();
    let known = services
        .authenticate_token(api.secret.expose_text(), Some("10.1.1.1"))
        .await
        .unwrap();
    assert_eq!(
        (known.actor.label(), known.actor.role),
        ("token:deploy".to_owned(), Some(Role::Operator))
    );
    assert_eq!(
        known.expires_at,
        Some(house.clock.now().after(Duration::from_secs(3_600)))
    );
    let metrics = token(Role::Administrator, TokenScope::Metrics, None);
    let metrics = services.create_token(&administrator(), metrics).await.unwrap();
    let limited = services
        .authenticate_token(metrics.secret.expose_text(), None)
        .await
        .unwrap();
    assert_eq!(
        (limited.scope, limited.actor.role),
        (TokenScope::Metrics, None),
        "it may do nothing else"
    );
    let bootstrap = services.authenticate_token(BOOTSTRAP, None).await.unwrap();
    assert_eq!(
        (bootstrap.actor.kind, bootstrap.actor.role),
        (ActorKind::Bootstrap, Some(Role::Administrator))
    );

    services
        .revoke_token(&administrator(), &metrics.token.id)
        .await
        .unwrap();
    services
        .revoke_token(&administrator(), &metrics.token.id)
        .await
        .unwrap();
    house.clock.advance(Duration::from_secs(3_600));
    let never = secret_token::generate(secret_token::TokenKind::Api, house.randomness.as_ref());
    for gone in [
        api.secret.expose_text(),
        metrics.secret.expose_text(),
        never.expose_text(),
        "",
        "Bootstrap",
    ] {
        assert!(matches!(
            services.authenticate_token(gone, None).await,
            Err(Refusal::Unauthenticated)
        ));
    }
    assert!(
        services
            .program_tokens(&administrator())
            .await
            .unwrap()
            .is_empty()
    );
    let refused = services
        .create_token(
            &person("bob", Role::Operator),
            token(Role::Viewer, TokenScope::Api, None),
        )
        .await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
    let broken = NewToken {
        name: "Not A Name".to_owned(),
        ..token(Role::Viewer, TokenScope::Api, Some(Duration::ZERO))
    };
    assert_eq!(
        pointers(services.create_token(&administrator(), broken).await),
        ["/name", "/expires_after"]
    );
}

#[tokio::test]
async fn a_consumer_changes_its_token_with_two_valid_at_once_and_never_three() {
    let house = House::new().await;
    let services = &house.services;
    let new = NewConsumer {
        name: "shop".to_owned(),
        service: "Shop".to_owned(),
        environment: "test".to_owned(),
        labels: Default::default(),
        sandbox: false,
    };
    let created = services
        .create_consumer(&administrator(), new.clone())
        .await
        .unwrap();
    let first = created.token.secret;
    let actor = services
        .authenticate_token(first.expose_text(), None)
        .await
        .unwrap()
        .actor;
    assert_eq!(
        (actor.kind, actor.name.as_str(), actor.role),
        (ActorKind::Consumer, "shop", None)
    );
    assert!(matches!(
        services.consumers(&actor).await,
        Err(Refusal::Forbidden(_))
    ));
    assert_eq!(
        code(services.create_consumer(&administrator(), new).await),
        "name_taken"
    );

    house.clock.advance(Duration::from_secs(1));
    let second = services
        .add_consumer_token(&administrator(), &name("shop"), None)
        .await
        .unwrap()
        .secret;
    let third = services
        .add_consumer_token(&administrator(), &name("shop"), None)
        .await;
    assert_eq!(code(third), "two_tokens_valid");
    services
        .authenticate_token(first.expose_text(), None)
        .await
        .unwrap();
    services
        .revoke_older_consumer_tokens(&administrator(), &name("shop"))
        .await
        .unwrap();
    services
        .revoke_older_consumer_tokens(&administrator(), &name("shop"))
        .await
        .unwrap();
    assert!(
        services
            .authenticate_token(first.expose_text(), None)
            .await
            .is_err()
    );
    services
        .authenticate_token(second.expose_text(), None)
        .await
        .unwrap();
    services
        .delete_consumer(&administrator(), &name("shop"), None)
        .await
        .unwrap();
    assert!(
        services
            .authenticate_token(second.expose_text(), None)
            .await
            .is_err()
    );
}
