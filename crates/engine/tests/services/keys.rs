//! Keys: what happens by itself, what the limits do, keys that sign.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::access::{Actor, Role};
use engine::catalog::Sensitivity;
use engine::freeze::NewFreeze;
use engine::id::BackupId;
use engine::key::{Decrypt, Encrypt, KeyView, NewKey, NewKeyPolicy, Verified, Verify, VersionMove};
use engine::ports::{AuditFilter, AuditStore, KeyStore, SecretRef, Store};
use engine::recovery::Restored;
use engine::recovery::model::RESTORED;
use engine::{Change, Clock, Refusal, Write};
use keyring::{Algorithm, KeyState, SecretBytes};

use crate::house::{House, administrator, code, name, person, pointers};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn new_key(key: &str, algorithm: Algorithm) -> NewKey {
    NewKey {
        name: key.to_owned(),
        algorithm,
        owner_team: None,
        purpose: None,
        environment: Some("production".to_owned()),
        tags: BTreeMap::new(),
        policy: NewKeyPolicy::default(),
    }
}

pub(crate) async fn made(house: &House, algorithm: Algorithm) -> KeyView {
    let new = new_key("orders", algorithm);
    house.services.create_key(&administrator(), new).await.unwrap()
}

pub(crate) async fn encrypt(house: &House) -> Result<(String, u32), Refusal> {
    let item = Encrypt {
        plaintext: "AAEC",
        context: Some("row 7"),
    };
    let actor = administrator();
    let mut results = house.services.encrypt(&actor, &name("orders"), &[item]).await?;
    results.remove(0).map(|done| (done.ciphertext, done.version))
}

pub(crate) async fn decrypt(house: &House, ciphertext: &str) -> Result<u32, Refusal> {
    let item = Decrypt {
        ciphertext,
        context: Some("row 7"),
    };
    let actor = administrator();
    let mut results = house.services.decrypt(&actor, &name("orders"), &[item]).await?;
    results.remove(0).map(|done| {
        assert_eq!(done.plaintext.expose_bytes(), [0, 1, 2]);
        done.version
    })
}

pub(crate) async fn states(house: &House) -> Vec<KeyState> {
    let view = house
        .services
        .key_view(&administrator(), &name("orders"))
        .await
        .unwrap();
    view.versions.iter().map(|placed| placed.version.state).collect()
}

pub(crate) async fn move_to(house: &House, number: u32, state: KeyState) -> Result<KeyView, Refusal> {
    let asked = VersionMove {
        state,
        reason: "test".to_owned(),
    };
    house
        .services
        .move_key_version(&administrator(), &name("orders"), number, &asked)
        .await
}

#[tokio::test]
async fn a_key_is_rotated_at_its_age_and_a_freeze_holds_that_back() {
    use KeyState::{Active, Deprecated};
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let (old, _) = encrypt(&house).await.unwrap();
    house.clock.advance(90 * DAY - Duration::from_secs(1));
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 0);
    let freeze = NewFreeze {
        environment: Some("production".to_owned()),
        reason: "a sale".to_owned(),
        until: None,
    };
    let freeze = house
        .services
        .create_freeze(&administrator(), freeze)
        .await
        .unwrap();
    house.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        let turn = house.services.tend_keys().await.unwrap();
        assert_eq!((turn.rotated, turn.postponed), (0, 1), "{turn:?}");
    }
    let key = house.database.key(&name("orders")).await.unwrap().unwrap();
    assert!(key.postponed_since.is_some());
    house
        .services
        .end_freeze(&administrator(), &freeze.id)
        .await
        .unwrap();
    let turn = house.services.tend_keys().await.unwrap();
    assert_eq!((turn.rotated, turn.failures.len()), (1, 0), "{turn:?}");
    assert_eq!(states(&house).await, [Deprecated, Active]);
    assert_eq!(decrypt(&house, &old).await.unwrap(), 1);
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 0, "once");

    // The next one is due although the last is not drained: it goes ahead, and that is noted.
    house.clock.advance(90 * DAY);
    decrypt(&house, &old).await.unwrap();
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 1);
    let key = house.database.key(&name("orders")).await.unwrap().unwrap();
    assert_eq!((key.undrained, key.postponed_since), (Some(1), None));
    let filter = AuditFilter {
        action: Some("key.postpone".to_owned()),
        limit: 10,
        ..AuditFilter::default()
    };
    assert_eq!(house.database.audit_entries(&filter).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_came_from_a_backup_seals_nothing_for_long() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let (old, _) = encrypt(&house).await.unwrap();
    let signs = new_key("signs", Algorithm::Ed25519);
    house.services.create_key(&administrator(), signs).await.unwrap();
    house.clock.advance(DAY);
    let restored = Restored {
        at: house.clock.now(),
        backup: BackupId::generate(house.clock.as_ref(), house.randomness.as_ref()),
        backup_made_at: house.clock.now(),
        audit: house.database.audit_head().await.unwrap(),
    };
    let change = Change::new().write(Write::PutSetting {
        key: RESTORED.to_owned(),
        value: serde_json::to_vec(&restored).unwrap(),
    });
    house.database.commit(change).await.unwrap();
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 1);
    assert_eq!(states(&house).await, [KeyState::Deprecated, KeyState::Active]);
    assert_eq!(decrypt(&house, &old).await.unwrap(), 1);
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 0, "once");
}

#[tokio::test]
async fn a_person_waits_for_the_last_version_to_be_drained_or_confirms() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let rotate = async |confirm| {
        let actor = person("bob", Role::Operator);
        house
            .services
            .rotate_key(&actor, &name("orders"), "test", confirm)
            .await
    };
    rotate(false).await.unwrap();
    rotate(false).await.unwrap();
    encrypt(&house).await.unwrap();
    rotate(false).await.unwrap();
    assert_eq!(code(rotate(false).await), "not_drained");
    rotate(true).await.unwrap();
    // Version 4 was never used; version 3, which was, has had its grace.
    house.clock.advance(8 * DAY);
    rotate(false).await.unwrap();
    let viewer = person("eve", Role::Viewer);
    let refused = house
        .services
        .rotate_key(&viewer, &name("orders"), "test", true)
        .await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
}

#[tokio::test]
async fn at_the_hard_limit_another_version_takes_over_before_anything_is_sealed() {
    let house = House::new().await;
    let view = made(&house, Algorithm::Aes256Gcm).await;
    let limit = 1_u64 << 32;
    // All but three uses were set aside by processes that are gone.
    let set_aside = house
        .database
        .reserve_key_uses(&view.key.id, 1, limit - 3, limit)
        .await
        .unwrap();
    assert!(set_aside);
    let freeze = NewFreeze {
        environment: None,
        reason: "an incident".to_owned(),
        until: None,
    };
    house
        .services
        .create_freeze(&administrator(), freeze)
        .await
        .unwrap();
    let mut versions = Vec::new();
    for _ in 0..5 {
        versions.push(encrypt(&house).await.unwrap().1);
    }
    assert_eq!(versions, [1, 1, 1, 2, 2], "whatever is frozen");
    let stored = house.database.key_versions(&view.key.id).await.unwrap();
    assert_eq!(stored[0].reserved, limit);
    house.services.store_key_usage().await.unwrap();
    let stored = house.database.key_versions(&view.key.id).await.unwrap();
    assert_eq!((stored[0].uses, stored[1].uses), (3, 2));
}

#[tokio::test]
async fn a_much_used_version_is_replaced_well_before_the_limit() {
    let house = House::new().await;
    let view = made(&house, Algorithm::Aes256GcmSiv).await;
    let half = 1_u64 << 31;
    assert!(
        house
            .database
            .reserve_key_uses(&view.key.id, 1, half, half)
            .await
            .unwrap()
    );
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 1);
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 0);
}

#[tokio::test]
async fn what_a_rotation_left_half_done_is_finished() {
    let house = House::new().await;
    let view = made(&house, Algorithm::Aes256Gcm).await;
    // The first step of a rotation on a server that died after it.
    let mut key = view.key.clone();
    key.last_number = 2;
    key.promoting = Some(2);
    let mut staged = view.versions[0].version.clone();
    staged.number = 2;
    staged.state = KeyState::PreActive;
    staged.activated_at = None;
    let at = SecretRef::key_material(&key.id, 2);
    let sealed = house
        .services
        .sealer
        .seal_bytes(&at, &SecretBytes::new(vec![7; 32]))
        .unwrap();
    let change = engine::Change::new()
        .audit(engine::audit::AuditDraft::new(
            &Actor::system("test"),
            view.key.created_at,
            "key.stage",
            "key/orders",
            "x",
        ))
        .write(Write::UpdateKey(Box::new(key)))
        .write(Write::PutKeyVersion(Box::new(staged)))
        .write(Write::PutSecret { at, sealed });
    engine::ports::Store::commit(house.database.as_ref(), change)
        .await
        .unwrap();
    assert_eq!(encrypt(&house).await.unwrap().1, 1);
    assert_eq!(house.services.tend_keys().await.unwrap().rotated, 1);
    assert_eq!(states(&house).await, [KeyState::Deprecated, KeyState::Active]);
    assert_eq!(encrypt(&house).await.unwrap().1, 2);
    let key = house.database.key(&name("orders")).await.unwrap().unwrap();
    assert_eq!((key.promoting, key.last_number), (None, 2));
}

#[tokio::test]
async fn a_version_below_the_minimum_opens_nothing() {
    let house = House::new().await;
    made(&house, Algorithm::Aes256Gcm).await;
    let (old, _) = encrypt(&house).await.unwrap();
    let actor = administrator();
    house
        .services
        .rotate_key(&actor, &name("orders"), "test", false)
        .await
        .unwrap();
    let update = |minimum| engine::key::KeyUpdate {
        policy: NewKeyPolicy {
            minimum_decryption_version: Some(minimum),
            ..NewKeyPolicy::default()
        },
        ..engine::key::KeyUpdate::default()
    };
    let refused = house
        .services
        .update_key(&actor, &name("orders"), update(3), None)
        .await;
    assert_eq!(pointers(refused), ["/minimum_decryption_version"]);
    house
        .services
        .update_key(&actor, &name("orders"), update(2), None)
        .await
        .unwrap();
    assert_eq!(code(decrypt(&house, &old).await), "key_version_unusable");
}

#[tokio::test]
async fn a_key_has_one_purpose() {
    let house = House::new().await;
    made(&house, Algorithm::Ed25519).await;
    assert_eq!(code(encrypt(&house).await), "wrong_purpose");
    let mac = house
        .services
        .mac(&administrator(), &name("orders"), &["AA=="])
        .await;
    assert_eq!(code(mac), "wrong_purpose");
    let mut mac_key = new_key("tags", Algorithm::HmacSha256);
    mac_key.policy.sensitivity = Some(Sensitivity::Critical);
    let operator = person("bob", Role::Operator);
    let refused = house.services.create_key(&operator, mac_key.clone()).await;
    assert!(
        matches!(refused, Err(Refusal::Forbidden(_))),
        "critical ones are an administrator's"
    );
    house
        .services
        .create_key(&administrator(), mac_key)
        .await
        .unwrap();
    let sign = house
        .services
        .sign(&administrator(), &name("tags"), &["AA=="])
        .await;
    assert_eq!(code(sign), "wrong_purpose");
    assert_eq!(
        code(house.services.public_keys(&administrator(), &name("tags")).await),
        "wrong_purpose"
    );
    let refused = house.services.mac(&operator, &name("tags"), &["AA=="]).await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
}

#[tokio::test]
async fn signatures_and_codes_are_verified_by_the_version_that_made_them() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256, Algorithm::HmacSha256] {
        let house = House::new().await;
        made(&house, algorithm).await;
        let actor = administrator();
        let orders = name("orders");
        let messages = ["AAEC", "?"];
        let mut results = match algorithm {
            Algorithm::HmacSha256 => house.services.mac(&actor, &orders, &messages).await.unwrap(),
            _ => house.services.sign(&actor, &orders, &messages).await.unwrap(),
        };
        assert_eq!(pointers(results.remove(1)), ["/message"]);
        let tagged = results.remove(0).unwrap();
        house
            .services
            .rotate_key(&actor, &orders, "test", false)
            .await
            .unwrap();
        let verify = async |message, tag| {
            let item = Verify { message, tag };
            house
                .services
                .verify(&actor, &orders, &[item])
                .await
                .unwrap()
                .remove(0)
        };
        assert_eq!(
            verify("AAEC", &tagged.tag).await.unwrap(),
            Verified::By(1),
            "{algorithm}"
        );
        for (message, tag) in [
            ("AAED", tagged.tag.as_str()),
            ("AAEC", "AAEC"),
            ("AAEC", "?"),
            ("AAEC", &tagged.raw),
        ] {
            assert_eq!(verify(message, tag).await.unwrap(), Verified::No);
        }
        if algorithm != Algorithm::HmacSha256 {
            let public = house.services.public_keys(&actor, &orders).await.unwrap();
            assert_eq!(public.len(), 2);
            let raw = STANDARD.decode(&tagged.raw).unwrap();
            assert!(
                public[1].key.verifies(&[0, 1, 2], &raw),
                "any program can check the last bytes"
            );
        }
        move_to(&house, 1, KeyState::Revoked).await.unwrap();
        assert_eq!(code(verify("AAEC", &tagged.tag).await), "key_version_unusable");
    }
}

#[tokio::test]
async fn a_forbidden_algorithm_makes_no_new_key_and_its_keys_are_listed() {
    let house = House::new().await;
    let actor = administrator();
    made(&house, Algorithm::ChaCha20Poly1305).await;
    let forbidden = [Algorithm::ChaCha20Poly1305];
    let uses = house
        .services
        .forbid_algorithms(&actor, &forbidden, "policy")
        .await
        .unwrap();
    let chacha = uses.iter().find(|found| found.is_forbidden).unwrap();
    assert_eq!(
        (chacha.algorithm, chacha.keys.as_slice()),
        (forbidden[0], [name("orders")].as_slice())
    );
    let refused = house
        .services
        .create_key(&actor, new_key("next", forbidden[0]))
        .await;
    assert_eq!(pointers(refused), ["/algorithm"]);
    encrypt(&house).await.unwrap();
    house
        .services
        .create_key(&actor, new_key("next", Algorithm::Aes256Gcm))
        .await
        .unwrap();
}
