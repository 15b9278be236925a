use std::time::Duration;

use engine::Refusal;
use engine::access::Role;
use engine::catalog::{
    AgeBand, ConsumerUpdate, CredentialUpdate, IssuerUpdate, NewConsumer, NewCredential, NewIssuer,
    NextRotation, PolicyInput, Sensitivity, Strategy, VersionNumber, VersionState,
};
use engine::ports::{CatalogStore, SecretRef, Values};
use engine::rotation::{NewRotation, Trigger};
use serde_json::json;
use testing::Postgres;

use crate::house::{House, administrator, code, name, person, pointers, text};

const DAY: Duration = Duration::from_secs(86_400);

fn login(username: &str, password: &str) -> Values {
    Values::new()
        .with("username", text(username))
        .with("password", text(password))
}

fn issuer(postgres: &Postgres, password: &str) -> NewIssuer {
    NewIssuer {
        name: "main-db".to_owned(),
        kind: "postgresql".to_owned(),
        environment: "test".to_owned(),
        config: json!({
            "host": postgres.host(), "port": postgres.port(), "database": postgres.database(), "sslmode": "disable"
        }),
        admin: login(postgres.username(), password),
        override_reason: None,
        sandbox: false,
    }
}

fn consumer(consumer: &str, environment: &str) -> NewConsumer {
    NewConsumer {
        name: consumer.to_owned(),
        service: "Shop".to_owned(),
        environment: environment.to_owned(),
        labels: Default::default(),
        sandbox: false,
    }
}

fn credential(credential: &str) -> NewCredential {
    NewCredential {
        name: credential.to_owned(),
        kind: "database_password".to_owned(),
        issuer: "main-db".to_owned(),
        owner_team: Some("orders".to_owned()),
        backup_contact: None,
        purpose: "the shop's database".to_owned(),
        sensitivity: Sensitivity::High,
        environment: "test".to_owned(),
        strategy: Strategy::Alternating,
        config: json!({"role": "app"}),
        consumers: vec!["shop".to_owned()],
        tags: Vec::new(),
        review_every: None,
        policy: PolicyInput::default(),
        age_thresholds: None,
        initial: None,
        override_reason: None,
        sandbox: false,
    }
}

/// A house with an issuer, a consumer here and one elsewhere, and a role with a login at a real PostgreSQL.
async fn furnished() -> (House, Postgres) {
    let postgres = Postgres::start_alone(&[]);
    postgres.execute("create role app nologin");
    postgres.execute("create role legacy login password 'legacy-password' in role app");
    let house = House::new().await;
    let services = &house.services;
    services
        .create_issuer(&administrator(), issuer(&postgres, postgres.password()))
        .await
        .unwrap();
    services
        .create_consumer(&administrator(), consumer("shop", "test"))
        .await
        .unwrap();
    services
        .create_consumer(&administrator(), consumer("elsewhere", "production"))
        .await
        .unwrap();
    (house, postgres)
}

#[tokio::test]
async fn an_issuer_is_added_only_when_its_connection_works_and_its_password_is_only_ever_sealed() {
    let postgres = Postgres::start();
    let house = House::new().await;
    let services = &house.services;
    let wrong = || issuer(&postgres, "not-the-password");
    assert_eq!(
        pointers(services.create_issuer(&administrator(), wrong()).await),
        ["/admin"]
    );
    let tried = services
        .test_new_issuer(&administrator(), &wrong())
        .await
        .unwrap();
    assert!(
        !tried.ok && tried.checks[0].detail.starts_with("the issuer refused the login"),
        "{tried:?}"
    );
    let broken = NewIssuer {
        name: "Main".to_owned(),
        kind: "carrier_pigeon".to_owned(),
        ..wrong()
    };
    assert_eq!(
        pointers(services.create_issuer(&administrator(), broken).await),
        ["/name", "/kind"]
    );

    let right = || issuer(&postgres, postgres.password());
    let created = services.create_issuer(&administrator(), right()).await.unwrap();
    assert!(!created.findings.is_empty(), "its administrator is a superuser");
    assert_eq!(
        code(services.create_issuer(&administrator(), right()).await),
        "name_taken"
    );
    let sealed = house
        .database
        .sealed(&SecretRef::issuer_admin(&created.id))
        .await
        .unwrap()
        .unwrap();
    let password = postgres.password().as_bytes();
    assert!(!sealed.windows(password.len()).any(|window| window == password));
    assert!(
        services
            .test_issuer(&person("bob", Role::Operator), &name("main-db"))
            .await
            .unwrap()
            .ok
    );

    let update = IssuerUpdate {
        admin: Some(login(postgres.username(), "wrong")),
        ..IssuerUpdate::default()
    };
    let refused = services
        .update_issuer(&administrator(), &name("main-db"), update, None)
        .await;
    assert_eq!(pointers(refused), ["/admin"]);
    assert!(
        services
            .test_issuer(&administrator(), &name("main-db"))
            .await
            .unwrap()
            .ok,
        "nothing was lost"
    );
    let revision = services
        .issuer(&administrator(), &name("main-db"))
        .await
        .unwrap()
        .revision;
    let delete = |if_match| {
        let services = services.clone();
        async move {
            services
                .delete_issuer(&administrator(), &name("main-db"), if_match)
                .await
        }
    };
    assert!(matches!(delete(Some(revision + 1)).await, Err(Refusal::Stale)));
    delete(Some(revision)).await.unwrap();
    assert!(
        house.database.all_sealed().await.unwrap().is_empty(),
        "what its administrator signs in with is gone"
    );
}

#[tokio::test]
async fn every_rule_that_a_credential_breaks_is_named_at_once_and_nothing_is_stored() {
    let (house, _postgres) = furnished().await;
    let broken = NewCredential {
        name: "Not a name".to_owned(),
        kind: "password".to_owned(),
        purpose: "  ".to_owned(),
        environment: "production".to_owned(),
        config: json!({}),
        consumers: vec!["shop".to_owned(), "nobody".to_owned()],
        policy: PolicyInput {
            waves: Some(vec![50, 20]),
            ..PolicyInput::default()
        },
        ..credential("x")
    };
    let found = pointers(house.services.create_credential(&administrator(), broken).await);
    for pointer in [
        "/name",
        "/kind",
        "/purpose",
        "/environment",
        "/config/role",
        "/consumers/0",
        "/consumers/1",
        "/policy/waves",
    ] {
        assert!(
            found.iter().any(|found| found == pointer),
            "{pointer} is not among {found:?}"
        );
    }
    let unknown = NewCredential {
        config: json!({"role": "nobody_made_this"}),
        ..credential("x")
    };
    let found = pointers(house.services.create_credential(&administrator(), unknown).await);
    assert!(
        found.iter().all(|pointer| pointer.starts_with("/config")),
        "the issuer says so: {found:?}"
    );
    let viewer = person("vera", Role::Viewer);
    assert!(matches!(
        house.services.create_credential(&viewer, credential("x")).await,
        Err(Refusal::Forbidden(_))
    ));
    assert!(house.database.credentials().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_adopted_login_becomes_version_one_and_ages_from_then_on() {
    let (house, postgres) = furnished().await;
    let services = &house.services;
    let wrong = NewCredential {
        initial: Some(login("legacy", "wrong")),
        ..credential("orders-app")
    };
    let found = pointers(services.create_credential(&administrator(), wrong).await);
    assert!(
        found.iter().all(|pointer| pointer.starts_with("/initial")),
        "{found:?}"
    );
    let right = || NewCredential {
        initial: Some(login("legacy", "legacy-password")),
        ..credential("orders-app")
    };
    let created = services
        .create_credential(&administrator(), right())
        .await
        .unwrap();
    assert_eq!((created.current, created.adopted), (Some(VersionNumber(1)), true));
    assert_eq!(
        code(services.create_credential(&administrator(), right()).await),
        "name_taken"
    );
    let opened = services
        .opened_values(&SecretRef::version(&created.id, VersionNumber(1)))
        .await
        .unwrap();
    assert_eq!(opened.get("password").unwrap().expose_text(), "legacy-password");

    house.clock.advance(DAY * 45);
    let viewer = person("vera", Role::Viewer);
    let detail = services.credential(&viewer, &name("orders-app")).await.unwrap();
    let facts = &detail.facts;
    assert_eq!((facts.age, facts.band), (Some(DAY * 45), AgeBand::Red));
    assert_eq!(facts.score, 400, "two reached, weight 4, half of its life");
    assert_eq!(
        facts.next_rotation,
        NextRotation::At(created.created_at.after(DAY * 81))
    );
    assert_eq!(detail.versions.len(), 1);
    assert_eq!(
        (detail.versions[0].state, detail.versions[0].identity.as_str()),
        (VersionState::Current, "legacy")
    );
    assert_eq!(
        services.credentials(&viewer).await.unwrap()[0].score,
        400,
        "the list says the same"
    );
    let board = services.board(&viewer, DAY * 30, None).await.unwrap();
    assert_eq!(
        (board.totals.credentials, board.totals.percent_automated()),
        (1, Some(100.0))
    );

    let operator = person("bob", Role::Operator);
    services
        .hold_schedule(&operator, &name("orders-app"), "audit")
        .await
        .unwrap();
    let held = services
        .credential(&viewer, &name("orders-app"))
        .await
        .unwrap()
        .facts
        .next_rotation;
    assert_eq!(
        held,
        NextRotation::Held {
            reason: "audit".to_owned()
        }
    );
    services
        .resume_schedule(&operator, &name("orders-app"), Some("the audit is over"))
        .await
        .unwrap();
    drop(postgres);
}

#[tokio::test]
async fn a_credential_is_changed_field_by_field_and_deleted_with_its_values() {
    let (house, _postgres) = furnished().await;
    let services = &house.services;
    let adopted = NewCredential {
        initial: Some(login("legacy", "legacy-password")),
        ..credential("orders-app")
    };
    let created = services
        .create_credential(&administrator(), adopted)
        .await
        .unwrap();
    let update = |update: CredentialUpdate, if_match| {
        let services = services.clone();
        async move {
            services
                .update_credential(
                    &person("bob", Role::Operator),
                    &name("orders-app"),
                    update,
                    if_match,
                )
                .await
        }
    };
    let team = |team: &str| CredentialUpdate {
        owner_team: Some(team.to_owned()),
        ..CredentialUpdate::default()
    };
    let changed = update(team("payments"), Some(created.revision)).await.unwrap();
    assert_eq!(
        (changed.owner_team.as_deref(), changed.revision),
        (Some("payments"), created.revision + 1)
    );
    assert!(matches!(
        update(team("x"), Some(created.revision)).await,
        Err(Refusal::Stale)
    ));
    assert_eq!(
        update(team("payments"), None).await.unwrap().revision,
        changed.revision,
        "nothing changed"
    );
    let elsewhere = CredentialUpdate {
        consumers: Some(vec!["elsewhere".to_owned()]),
        ..CredentialUpdate::default()
    };
    assert_eq!(pointers(update(elsewhere, None).await), ["/consumers/0"]);
    let lax = json!({"role": "app", "allow_privileged_role": true});
    let overriding = CredentialUpdate {
        config: Some(lax),
        ..CredentialUpdate::default()
    };
    assert!(
        matches!(update(overriding, None).await, Err(Refusal::Forbidden(_))),
        "an administrator's decision"
    );

    let moved = ConsumerUpdate {
        environment: Some("production".to_owned()),
        ..ConsumerUpdate::default()
    };
    assert_eq!(
        pointers(
            services
                .update_consumer(&administrator(), &name("shop"), moved, None)
                .await
        ),
        ["/environment"]
    );
    assert_eq!(
        code(
            services
                .delete_consumer(&administrator(), &name("shop"), None)
                .await
        ),
        "in_use"
    );
    assert_eq!(
        code(
            services
                .delete_issuer(&administrator(), &name("main-db"), None)
                .await
        ),
        "in_use"
    );

    let new = NewRotation {
        credential: name("orders-app"),
        reason: "test".to_owned(),
        emergency: false,
        trigger: Trigger::Person,
    };
    services.start_rotation(&administrator(), new).await.unwrap();
    let delete = services
        .delete_credential(&administrator(), &name("orders-app"), None, None)
        .await;
    assert_eq!(code(delete), "rotation_in_progress");
    let other = services
        .create_credential(
            &administrator(),
            NewCredential {
                config: json!({"role": "app"}),
                ..credential("unused")
            },
        )
        .await;
    let other = other.unwrap();
    assert_eq!(other.current, None, "its first rotation makes version 1");
    services
        .delete_credential(
            &administrator(),
            &other.name,
            Some(other.revision),
            Some("no longer used"),
        )
        .await
        .unwrap();
    assert!(matches!(
        services.credential(&administrator(), &other.name).await,
        Err(Refusal::NotFound { .. })
    ));
}
