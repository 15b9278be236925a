//! Callers who use keys, as jobs see them.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::key::{Encrypt, NewKey, NewKeyPolicy};
use keyring::Algorithm;

use crate::house::{House, administrator, name};

#[tokio::test]
async fn jobs_of_reencryption_hear_how_long_callers_wait() {
    let house = House::new().await;
    let new = NewKey {
        name: "orders".to_owned(),
        algorithm: Algorithm::Aes256Gcm,
        owner_team: None,
        purpose: None,
        environment: None,
        tags: BTreeMap::new(),
        policy: NewKeyPolicy::default(),
    };
    house.services.create_key(&administrator(), new).await.unwrap();
    let encrypt = async || {
        let item = Encrypt {
            plaintext: "AAEC",
            context: None,
        };
        let (actor, key) = (administrator(), name("orders"));
        house.services.encrypt(&actor, &key, &[item]).await.unwrap();
    };
    let foreground = &house.services.reencryption.foreground;
    for _ in 0..20 {
        encrypt().await;
    }
    assert_eq!(foreground.latest(), None, "the second is not over");
    house.clock.advance(Duration::from_secs(1));
    encrypt().await;
    assert!(foreground.latest().is_some(), "nobody told of those who wait");
}
