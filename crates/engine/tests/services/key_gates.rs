//! A key whose data stopped opening (KEY-14): what stops, what goes through, and how it begins again.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::access::Role;
use engine::key::{Decrypt, Encrypt, NewKey, NewKeyPolicy, VersionMove};
use engine::reencryption::BreakerPolicy;
use engine::{Refusal, Services};
use keyring::{Algorithm, KeyState};

use crate::house::{House, administrator, code, name, person, pointers};

const NONE: [u32; 0] = [];
const DAY: Duration = Duration::from_secs(86_400);

async fn move_to(services: &Services, number: u32, state: KeyState) -> Result<(), Refusal> {
    let asked = VersionMove {
        state,
        reason: "test".to_owned(),
    };
    let moved = services
        .move_key_version(&administrator(), &name("orders"), number, &asked)
        .await;
    moved.map(|_| ())
}

async fn decrypt(services: &Services, ciphertext: &str, times: usize) {
    let item = Decrypt {
        ciphertext,
        context: None,
    };
    services
        .decrypt(&administrator(), &name("orders"), &vec![item; times])
        .await
        .unwrap();
}

async fn rotate(services: &Services) -> Result<(), Refusal> {
    let rotated = services
        .rotate_key(&administrator(), &name("orders"), "test", true)
        .await;
    rotated.map(|_| ())
}

async fn raised(services: &Services) -> Vec<u32> {
    let raised = services
        .raise_key_alarms(&BreakerPolicy::default())
        .await
        .unwrap();
    raised.iter().map(|alarm| alarm.version).collect()
}

/// A key with a value under version 1, which was revoked; version 2 is active.
async fn with_revoked_version(house: &House) -> String {
    let new = NewKey {
        name: "orders".to_owned(),
        algorithm: Algorithm::Aes256Gcm,
        owner_team: None,
        purpose: None,
        environment: None,
        tags: std::collections::BTreeMap::new(),
        policy: NewKeyPolicy::default(),
    };
    let services = &house.services;
    services.create_key(&administrator(), new).await.unwrap();
    let item = Encrypt {
        plaintext: "AAEC",
        context: None,
    };
    let mut sealed = services
        .encrypt(&administrator(), &name("orders"), &[item])
        .await
        .unwrap();
    rotate(services).await.unwrap();
    move_to(services, 1, KeyState::Revoked).await.unwrap();
    sealed.remove(0).unwrap().ciphertext
}

#[tokio::test]
async fn data_that_is_refused_stops_a_key_until_a_person_has_looked() {
    let house = House::new().await;
    let services = &house.services;
    let other = Services {
        reencryption: Arc::default(),
        ..services.clone()
    };
    let sealed = with_revoked_version(&house).await;

    decrypt(services, &sealed, 99).await;
    assert_eq!(
        raised(services).await,
        NONE,
        "fewer than a hundred decide nothing"
    );
    decrypt(&other, &sealed, 200).await;
    decrypt(services, &sealed, 1).await;
    assert_eq!(raised(services).await, [1]);
    assert_eq!(raised(&other).await, NONE, "one alarm for all replicas");
    let view = services
        .key_view(&administrator(), &name("orders"))
        .await
        .unwrap();
    assert_eq!(
        view.alarm.map(|alarm| (alarm.version, alarm.failed)),
        Some((1, 100))
    );

    // What would make more data unreadable waits.
    assert_eq!(code(rotate(services).await), "key_alarm");
    assert_eq!(code(move_to(services, 1, KeyState::Destroyed).await), "key_alarm");
    assert_eq!(
        code(move_to(services, 2, KeyState::Deprecated).await),
        "key_alarm"
    );
    house.clock.advance(91 * DAY);
    for _ in 0..2 {
        let turn = services.tend_keys().await.unwrap();
        assert_eq!((turn.rotated, turn.postponed), (0, 1), "{turn:?}");
        assert!(turn.failures.is_empty(), "{turn:?}");
    }
    // A person's revocation goes through, and so does the way back.
    move_to(services, 2, KeyState::Revoked).await.unwrap();
    move_to(services, 1, KeyState::Deprecated).await.unwrap();
    decrypt(services, &sealed, 1).await;

    let operator = person("bob", Role::Operator);
    let refused = services
        .clear_key_alarm(&operator, &name("orders"), "looked")
        .await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
    let clear = async |reason: &str| {
        services
            .clear_key_alarm(&administrator(), &name("orders"), reason)
            .await
    };
    assert_eq!(pointers(clear(" ").await), ["/reason"]);
    assert!(clear("revoked by mistake").await.unwrap().alarm.is_none());
    clear("revoked by mistake").await.unwrap();
    // What the other replica had counted before says nothing any more.
    assert_eq!((raised(services).await, raised(&other).await), (vec![], vec![]));
    rotate(services).await.unwrap();

    // Counting began anew, on both.
    move_to(services, 1, KeyState::Revoked).await.unwrap();
    house.clock.advance(Duration::from_secs(1));
    decrypt(&other, &sealed, 100).await;
    assert_eq!(raised(&other).await, [1]);
}

#[tokio::test]
async fn bytes_that_a_caller_made_up_stop_nothing() {
    let house = House::new().await;
    let services = &house.services;
    let sealed = with_revoked_version(&house).await;
    let mut forged = STANDARD.decode(&sealed).unwrap();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    decrypt(services, &STANDARD.encode(&forged), 300).await;
    decrypt(services, &STANDARD.encode(&forged[..last]), 300).await;
    decrypt(services, "not an envelope", 300).await;
    assert_eq!(raised(services).await, NONE);
    rotate(services).await.unwrap();
}
