//! API keys over HTTP: the contract, lost answers, and what errors say.

use engine::catalog::VersionNumber;
use engine::ports::Material;
use engine::rotation::ErrorClass;
use serde_json::json;

use crate::acts;
use crate::fixture::{exposed, values};
use crate::key_service::{ADMIN_TOKEN, KeyService};
use crate::link::{Cut, Link};

#[tokio::test]
async fn keys_that_rota_makes_keep_the_contract() {
    let service = KeyService::start().await;
    acts::keeps_the_contract_with_overlap(&service.fixture(true)).await;
    assert_eq!(service.keys().len(), 2, "versions 3 and 4 are left");
}

#[tokio::test]
async fn keys_that_the_issuer_makes_keep_the_contract() {
    let service = KeyService::start().await;
    let fixture = service.fixture(false);
    acts::keeps_the_contract_with_overlap(&fixture).await;
    assert_eq!(service.keys().len(), 2);
    let made = fixture.issued(5, None).await;
    assert!(exposed(&made, "key").starts_with("made by the service"));
    assert_eq!(exposed(&made, "key_id"), made.identity);
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_leaves_one_working_key() {
    for supplied in [true, false] {
        for cut in [Cut::Before, Cut::After] {
            let service = KeyService::start().await;
            let link = Link::start(service.port, "POST /v1/keys", cut).await;
            let fixture = KeyService::fixture_of(&KeyService::config(link.port, supplied));
            let mut candidate = fixture.propose(1, None);
            let error = fixture.issue(&mut candidate, None).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::UnknownOutcome, "{error}");
            assert!(link.is_cut());
            let lost = service.keys();
            assert_eq!(lost.len(), usize::from(matches!(cut, Cut::After)));
            fixture.issue(&mut candidate, None).await.unwrap();
            fixture.verify(&candidate).await.unwrap();
            let keys = service.keys();
            assert_eq!(keys.len(), 1, "{keys:?}");
            assert_eq!(keys[0].id, candidate.identity);
            if let Some(lost) = lost.first() {
                assert_eq!(
                    lost.id == keys[0].id,
                    supplied,
                    "a key whose secret nobody knows does not stay"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_lost_creation_can_be_undone_without_its_id() {
    let service = KeyService::start().await;
    let link = Link::start(service.port, "POST /v1/keys", Cut::After).await;
    let fixture = KeyService::fixture_of(&KeyService::config(link.port, true));
    let mut candidate = fixture.propose(1, None);
    fixture.issue(&mut candidate, None).await.unwrap_err();
    assert_eq!((service.keys().len(), candidate.identity.as_str()), (1, ""));
    for _ in 0..2 {
        fixture.revoke(&candidate).await.unwrap();
        assert_eq!(service.keys().len(), 0);
    }
}

#[tokio::test]
async fn a_lost_revocation_is_simply_repeated() {
    let service = KeyService::start().await;
    for cut in [Cut::Before, Cut::After] {
        let link = Link::start(service.port, "DELETE /v1/keys", cut).await;
        let fixture = KeyService::fixture_of(&KeyService::config(link.port, true));
        let first = fixture.issued(1, None).await;
        let second = fixture.issued(2, Some(&first)).await;
        assert_eq!(
            fixture.revoke(&second).await.unwrap_err().class,
            ErrorClass::UnknownOutcome
        );
        fixture.revoke(&second).await.unwrap();
        fixture.confirm_refused(&second, &first).await.unwrap();
    }
}

/// HTTP services know no fence: what a driver makes that was held up past its lease is found by its label.
#[tokio::test]
async fn keys_made_late_do_not_stay() {
    let service = KeyService::start().await;
    let fixture = service.fixture(true);
    let first = fixture.issued(1, None).await;
    let second = fixture.issued(2, Some(&first)).await;
    let credential = fixture.target().credential.clone();
    let late = |id: &str, number: u32| {
        service.insert(
            id,
            &format!("rota-{credential}-v{number}"),
            &format!("secret of {id}"),
        );
    };
    late("twin", 2);
    fixture.revoke(&second).await.unwrap();
    let ids = |keys: Vec<crate::key_service::Key>| keys.into_iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids(service.keys()), [first.identity.as_str()]);

    late("after its rollback", 2);
    service.insert("foreign", "rota-somebody-else-v2", "another's");
    service.insert("plain", "made by hand", "a person's");
    let third = fixture.issued(3, Some(&first)).await;
    let kept = [first.identity.as_str(), "foreign", "plain", &third.identity];
    assert_eq!(ids(service.keys()), kept);
}

#[tokio::test]
async fn a_key_that_may_do_too_much_is_refused() {
    let service = KeyService::start().await;
    let fixture = service.fixture(true);
    let version = fixture.issued(1, None).await;
    let seen = fixture.verify(&version).await.unwrap();
    assert!(seen.contains("forbidden request was refused"), "{seen}");
    service.let_keys_do_anything();
    assert_eq!(
        fixture.verify(&version).await.unwrap_err().class,
        ErrorClass::Policy
    );
}

#[tokio::test]
async fn an_adopted_key_is_tested_and_can_be_revoked() {
    let service = KeyService::start().await;
    service.insert("old-1", "by hand", "the \"old\" k\u{e9}y");
    let fixture = service.fixture(true);
    let adopt = |pairs: &[(&str, &str)]| Material {
        number: VersionNumber(1),
        identity: String::new(),
        values: values(pairs),
    };
    let adopted = adopt(&[("key_id", "old-1"), ("key", "the \"old\" k\u{e9}y")]);
    let inspection = fixture.inspect_target(Some(&adopted)).await;
    assert_eq!((inspection.broken_rules, inspection.findings), (vec![], vec![]));
    for (wrong, pointer) in [
        (adopt(&[("key", "the \"old\" k\u{e9}y")]), "/initial/key_id"),
        (adopt(&[("key_id", "old-1"), ("key", "another")]), "/initial/key"),
        (adopt(&[("key_id", "old-1")]), "/initial/key"),
    ] {
        assert_eq!(
            fixture.inspect_target(Some(&wrong)).await.broken_rules[0].pointer,
            pointer
        );
    }
    let second = fixture.issued(2, Some(&adopted)).await;
    fixture.revoke(&adopted).await.unwrap();
    fixture.confirm_refused(&adopted, &second).await.unwrap();
}

#[tokio::test]
async fn errors_have_their_class_and_no_secret() {
    let service = KeyService::start().await;
    let fixture = service.fixture(true);
    let first = fixture.issued(1, None).await;
    let second = fixture.issued(2, Some(&first)).await;
    let secrets = format!(
        "{{\"error\": \"{} {}\"}}",
        exposed(&first, "key"),
        ADMIN_TOKEN.replace('"', "'")
    );
    for (status, reading, changing) in [
        (400, ErrorClass::Policy, ErrorClass::Policy),
        (401, ErrorClass::Authentication, ErrorClass::Authentication),
        (403, ErrorClass::Permission, ErrorClass::Permission),
        (409, ErrorClass::Conflict, ErrorClass::Conflict),
        (429, ErrorClass::Network, ErrorClass::Network),
        (500, ErrorClass::Network, ErrorClass::UnknownOutcome),
        (503, ErrorClass::Network, ErrorClass::UnknownOutcome),
    ] {
        service.answer(status, vec![], &secrets);
        let errors = [
            (fixture.inspect_issuer().await.unwrap_err(), reading),
            (fixture.verify(&first).await.unwrap_err(), reading),
            (fixture.revoke(&first).await.unwrap_err(), changing),
        ];
        for (error, class) in errors {
            assert_eq!(error.class, class, "{status}: {error}");
            assert!(error.detail.contains(&status.to_string()), "{error}");
            assert!(!error.detail.contains(exposed(&first, "key")), "{error}");
            assert!(!error.detail.contains("töken"), "{error}");
        }
        // A server in trouble refuses everybody: that proves nothing about one key.
        if !matches!(status, 401 | 403) {
            assert_eq!(
                fixture.confirm_refused(&first, &second).await.unwrap_err().class,
                reading
            );
        }
    }
    for (body, part) in [("no json", "items_pointer"), ("{\"items\": 1}", "items_pointer")] {
        service.answer(200, vec![], body);
        let error = fixture.inspect_issuer().await.unwrap_err();
        assert!(
            error.class == ErrorClass::Policy && error.detail.contains(part),
            "{error}"
        );
    }
    service.answer(200, vec![], &"x".repeat(2 * 1024 * 1024));
    assert!(
        fixture
            .inspect_issuer()
            .await
            .unwrap_err()
            .detail
            .contains("bytes")
    );

    service.behave();
    let mut wrong = service.fixture(true);
    wrong.admin = values(&[("token", "wrong")]);
    assert_eq!(
        wrong.inspect_issuer().await.unwrap_err().class,
        ErrorClass::Authentication
    );
    wrong.admin = values(&[("token", "split\r\nx-evil: hunter2")]);
    let error = wrong.inspect_issuer().await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Policy);
    assert!(!error.detail.contains("hunter2"), "{error}");
    let nobody = KeyService::fixture_of(&KeyService::config(1, true));
    assert_eq!(
        nobody.inspect_issuer().await.unwrap_err().class,
        ErrorClass::Network
    );
}

#[tokio::test]
async fn urls_hold_no_secret() {
    let service = KeyService::start().await;
    let fixture = service.fixture(true);
    let first = fixture.issued(1, None).await;
    fixture.verify(&first).await.unwrap();
    fixture.revoke(&first).await.unwrap();
    assert!(service.urls().len() >= 5);
    for url in service.urls() {
        assert!(
            !url.contains(exposed(&first, "key")) && !url.contains("ken"),
            "{url}"
        );
    }
    assert!(
        service.keys().is_empty(),
        "the id with slashes and dots arrived as it was"
    );
}

#[tokio::test]
async fn variables_of_the_credential_are_filled_in() {
    let service = KeyService::start().await;
    let mut config = KeyService::config(service.port, true);
    config["list"]["path"] = json!("/keys?account={{variables.account}}");
    let mut fixture = KeyService::fixture_of(&config);
    let mut candidate = fixture.propose(1, None);
    let error = fixture.issue(&mut candidate, None).await.unwrap_err();
    assert!(
        error.class == ErrorClass::Policy && error.detail.contains("{{account}}"),
        "{error}"
    );
    fixture.inspect_issuer().await.unwrap();
    fixture.config = json!({"variables": {"account": "a&b=c"}});
    fixture.issue(&mut candidate, None).await.unwrap();
    assert!(
        service.urls().contains(&"/v1/keys?account=a%26b%3Dc".to_owned()),
        "{:?}",
        service.urls()
    );
}
