use engine::audit::{AuditVerification, ChainBreak};
use engine::freeze::NewFreeze;
use engine::ports::AuditFilter;

use crate::house::{House, administrator, pointers};

async fn freeze(house: &House, reason: &str) {
    let new = NewFreeze {
        environment: None,
        reason: reason.to_owned(),
        until: None,
    };
    let freeze = house.services.create_freeze(&administrator(), new).await.unwrap();
    assert_eq!(house.services.freezes(&administrator()).await.unwrap().len(), 1);
    house
        .services
        .end_freeze(&administrator(), &freeze.id)
        .await
        .unwrap();
    house
        .services
        .end_freeze(&administrator(), &freeze.id)
        .await
        .unwrap();
    assert!(house.services.freezes(&administrator()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_audit_tells_who_did_what_and_verifies_from_the_beginning_and_from_a_checkpoint() {
    let house = House::new().await;
    freeze(&house, "first").await;
    let checkpoint = house.services.audit_checkpoint(&administrator()).await.unwrap();
    freeze(&house, "second").await;
    let head = house.services.audit_checkpoint(&administrator()).await.unwrap();
    assert_eq!(
        head.sequence,
        checkpoint.sequence + 2,
        "ending twice is one entry"
    );
    for from in [None, Some(checkpoint.clone()), Some(head.clone())] {
        let found = house.services.verify_audit(&administrator(), from).await.unwrap();
        assert_eq!(found, AuditVerification::Whole { head: head.clone() });
    }
    let filter = AuditFilter {
        action: Some("freeze.create".to_owned()),
        ..AuditFilter::default()
    };
    let entries = house.services.audit(&administrator(), filter).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(
        entries[0].draft.detail, "every environment: second",
        "newest first"
    );
    assert_eq!(entries[0].draft.actor, "account:ada");

    let mut later = head.clone();
    later.sequence += 5;
    let found = house
        .services
        .verify_audit(&administrator(), Some(later))
        .await
        .unwrap();
    let expected = ChainBreak::Truncated {
        expected: head.sequence + 5,
        found: head.sequence,
    };
    assert_eq!(found, AuditVerification::Broken(expected));
    let mut other = checkpoint;
    other.hash.0 = "f".repeat(64);
    let found = house
        .services
        .verify_audit(&administrator(), Some(other.clone()))
        .await
        .unwrap();
    assert_eq!(
        found,
        AuditVerification::Broken(ChainBreak::Unlinked {
            sequence: other.sequence + 1
        })
    );
}

#[tokio::test]
async fn a_freeze_names_every_rule_it_breaks() {
    let house = House::new().await;
    let new = NewFreeze {
        environment: Some("No Name".to_owned()),
        reason: " ".to_owned(),
        until: Some(engine::Timestamp::from_micros(1)),
    };
    let broken = pointers(house.services.create_freeze(&administrator(), new).await);
    assert_eq!(broken, ["/environment", "/reason", "/until"]);
}
