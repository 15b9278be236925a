//! The audit chain, and that tampering shows.

use engine::access::{Actor, ActorKind};
use engine::audit::{AuditDraft, ChainBreak, ChainHead, verify_chain};
use engine::ports::{AuditFilter, AuditStore, Store};
use engine::{Change, Timestamp};
use store::Database;

use crate::fixture::Fixture;

crate::on_both! {
    entries_are_found_by_every_filter;
    tampering_is_found;
}

pub(crate) async fn verify(store: &Database) -> Result<ChainHead, ChainBreak> {
    let mut head = ChainHead::genesis();
    loop {
        let filter = AuditFilter {
            after: Some(head.sequence),
            ascending: true,
            limit: 100,
            ..AuditFilter::default()
        };
        let page = store.audit_entries(&filter).await.unwrap();
        if page.is_empty() {
            break;
        }
        head = verify_chain(head, &page)?;
    }
    let stored = store.audit_head().await.unwrap();
    if stored == head {
        Ok(head)
    } else {
        Err(ChainBreak::Truncated {
            expected: stored.sequence,
            found: head.sequence,
        })
    }
}

fn draft(actor: &str, action: &str, object: &str) -> AuditDraft {
    let actor = Actor {
        kind: ActorKind::Account,
        name: actor.to_owned(),
        role: None,
        source: Some("192.0.2.1".to_owned()),
        correlation: None,
    };
    AuditDraft::new(&actor, Timestamp::from_micros(-5), action, object, "in words — ü")
}

async fn entries_are_found_by_every_filter(fixture: Fixture) {
    let store = &fixture.store;
    let entries = [
        ("Ada", "rotation.start", "credential/app"),
        ("zoe", "rotation.pause", "credential/app/versions/1"),
        ("zoe", "issuer_create", "credential/app2"),
    ];
    let change = entries
        .iter()
        .fold(Change::new(), |change, (actor, action, object)| {
            change.audit(draft(actor, action, object))
        });
    store.commit(change).await.unwrap();
    let sequences = async |filter: AuditFilter| -> Vec<i64> {
        let filter = AuditFilter { limit: 10, ..filter };
        let found = store.audit_entries(&filter).await.unwrap();
        found.iter().map(|entry| entry.sequence).collect()
    };
    let all = AuditFilter::default;
    assert_eq!(sequences(all()).await, [3, 2, 1]);
    assert_eq!(
        sequences(AuditFilter {
            ascending: true,
            ..all()
        })
        .await,
        [1, 2, 3]
    );
    assert_eq!(
        sequences(AuditFilter {
            actor: Some("ada".to_owned()),
            ..all()
        })
        .await,
        [1]
    );
    assert_eq!(
        sequences(AuditFilter {
            action: Some("Rotation".to_owned()),
            ..all()
        })
        .await,
        [2, 1]
    );
    let literal = AuditFilter {
        action: Some("n_".to_owned()),
        ..all()
    };
    assert_eq!(
        sequences(literal).await,
        Vec::<i64>::new(),
        "a word is no pattern"
    );
    assert_eq!(
        sequences(AuditFilter {
            action: Some("r_c".to_owned()),
            ..all()
        })
        .await,
        [3]
    );
    let below = AuditFilter {
        object: Some("credential/app".to_owned()),
        ..all()
    };
    assert_eq!(sequences(below).await, [2, 1]);
    assert_eq!(
        sequences(AuditFilter {
            before: Some(3),
            ..all()
        })
        .await,
        [2, 1]
    );
    assert_eq!(
        sequences(AuditFilter {
            after: Some(2),
            ascending: true,
            ..all()
        })
        .await,
        [3]
    );
    assert_eq!(verify(store).await.unwrap().sequence, 3);
    let first = store
        .audit_entries(&AuditFilter {
            limit: 1,
            ascending: true,
            ..all()
        })
        .await
        .unwrap();
    assert_eq!(first[0].draft, draft("Ada", "rotation.start", "credential/app"));
}

async fn tampering_is_found(fixture: Fixture) {
    let store = &fixture.store;
    for number in 0..6 {
        let change = Change::new().audit(draft("ada", "test.act", &format!("thing/{number}")));
        store.commit(change).await.unwrap();
    }
    fixture
        .tamper("update audit_entry set actor = 'account:eve' where sequence = 3")
        .await;
    assert_eq!(verify(store).await, Err(ChainBreak::Altered { sequence: 3 }));
    fixture
        .tamper("update audit_entry set actor = 'account:ada' where sequence = 3")
        .await;
    assert!(verify(store).await.is_ok(), "mended");
    fixture.tamper("delete from audit_entry where sequence = 6").await;
    assert_eq!(
        verify(store).await,
        Err(ChainBreak::Truncated {
            expected: 6,
            found: 5
        })
    );
    fixture.tamper("delete from audit_entry where sequence = 2").await;
    assert_eq!(
        verify(store).await,
        Err(ChainBreak::Gap {
            expected: 2,
            found: 3
        })
    );
}
