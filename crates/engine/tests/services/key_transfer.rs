//! Keys in and out, always wrapped.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Refusal;
use engine::access::Role;
use engine::key::Encrypt;
use engine::ports::CatalogStore;
use keyring::{Algorithm, ImportKeyPair, KeyId, KeyMaterial, SecretBytes, Transfer, wrap_for_transfer};

use crate::house::{House, administrator, code, name, person, pointers};
use crate::keys::new_key;

#[tokio::test]
async fn a_key_comes_in_and_goes_out_only_wrapped() {
    let house = House::new().await;
    let actor = administrator();
    let import = house.services.begin_key_import(&actor).await.unwrap();
    let public: [u8; 32] = STANDARD.decode(&import.public_key).unwrap().try_into().unwrap();
    let material = KeyMaterial::import(&SecretBytes::new(vec![9; 32])).unwrap();
    let orders = KeyId::parse("orders").unwrap();
    let transfer = || Transfer {
        algorithm: Algorithm::Aes256Gcm,
        name: &orders,
    };
    let wrapped = wrap_for_transfer(house.randomness.as_ref(), &public, transfer(), &material).unwrap();
    let wrapped = STANDARD.encode(wrapped);
    let mut new = new_key("orders", Algorithm::Aes256Gcm);
    new.policy.exportable = Some(true);
    let mut other = new.clone();
    other.name = "other".to_owned();
    let refused = house
        .services
        .import_key(&actor, &import.id, other, &wrapped)
        .await;
    assert_eq!(pointers(refused), ["/wrapped"], "wrapped for another name");
    house
        .services
        .import_key(&actor, &import.id, new.clone(), &wrapped)
        .await
        .unwrap();
    let item = Encrypt {
        plaintext: "AAEC",
        context: None,
    };
    let sealed = house.services.encrypt(&actor, &name("orders"), &[item]).await;
    assert!(sealed.unwrap()[0].is_ok());
    new.name = "again".to_owned();
    let again = house.services.import_key(&actor, &import.id, new, &wrapped).await;
    assert!(matches!(again, Err(Refusal::NotFound { .. })), "once");

    let receiver = ImportKeyPair::generate(house.randomness.as_ref());
    let public = STANDARD.encode(receiver.public_key());
    let exported = house
        .services
        .export_key(&actor, &name("orders"), None, &public, "moving out")
        .await
        .unwrap();
    let bytes = STANDARD.decode(&exported.wrapped).unwrap();
    let opened = receiver.unwrap(transfer(), &bytes).unwrap();
    assert_eq!(opened.expose_bytes(), &[9; 32]);
    house
        .services
        .create_key(&actor, new_key("stays", Algorithm::Aes256Gcm))
        .await
        .unwrap();
    let refused = house
        .services
        .export_key(&actor, &name("stays"), None, &public, "moving out")
        .await;
    assert_eq!(code(refused), "not_exportable");
    let operator = person("bob", Role::Operator);
    let refused = house
        .services
        .export_key(&operator, &name("orders"), None, &public, "moving out")
        .await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
}

#[tokio::test]
async fn an_import_that_nobody_finishes_is_forgotten() {
    let house = House::new().await;
    let actor = administrator();
    let import = house.services.begin_key_import(&actor).await.unwrap();
    let waiting = async || {
        let rows = house.database.sealed_rows("key_import", "private_key").await;
        rows.unwrap()
    };
    house
        .clock
        .advance(Duration::from_secs(86_400) - Duration::from_millis(1));
    assert_eq!(house.services.forget_key_imports().await.unwrap(), 0);
    assert_eq!(waiting().await, [import.id.to_string()]);
    house.clock.advance(Duration::from_millis(1));
    let new = new_key("orders", Algorithm::Aes256Gcm);
    let late = house.services.import_key(&actor, &import.id, new, "AA==").await;
    assert_eq!(code(late), "import_expired");
    let younger = house.services.begin_key_import(&actor).await.unwrap();
    assert_eq!(house.services.forget_key_imports().await.unwrap(), 1);
    assert_eq!(waiting().await, [younger.id.to_string()]);
    assert!(younger.expires_at > import.expires_at);
}
