//! What readers meet under an old version is moved soon, and what bars a rotation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::key::{Decrypt, Encrypt};
use engine::reencryption::Mode;
use engine::reencryption::service::TargetUpdate;
use engine::{Name, Refusal};
use keyring::KeyState;

use crate::house::{House, administrator, key_name, new_job};
use crate::life::filled;
use crate::place::Place;

fn target() -> Name {
    Name::parse("orders").unwrap()
}

fn require_shadow() -> TargetUpdate {
    TargetUpdate {
        require_shadow: Some(true),
        ..TargetUpdate::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reader_met_under_an_old_version_is_moved_and_nothing_else() {
    let house = House::new(5).await;
    let place = Place::sqlite(&house).await;
    house.new_key(&[KeyState::Active]).await;
    let services = &house.services;
    let mut sealed = Vec::new();
    for id in 0..4 {
        let context = format!("t/{id}");
        let item = Encrypt {
            plaintext: "AAEC",
            context: Some(&context),
        };
        let mut done = services
            .encrypt(&administrator(), &key_name(), &[item])
            .await
            .unwrap();
        let ciphertext = done.remove(0).unwrap().ciphertext;
        place
            .insert(id, "t", &STANDARD.decode(&ciphertext).unwrap())
            .await;
        sealed.push(ciphertext);
    }
    place.register(&house).await;
    let read = async |id: usize, context: &str| {
        let item = Decrypt {
            ciphertext: &sealed[id],
            context: Some(context),
        };
        let mut done = services
            .decrypt(&administrator(), &key_name(), &[item])
            .await
            .unwrap();
        done.remove(0)
    };
    let versions = async || -> Vec<u32> {
        let records = place.all().await;
        let version = |sealed: &Vec<u8>| keyring::inspect(sealed).unwrap().version.number();
        records.iter().map(|(_, _, sealed)| version(sealed)).collect()
    };
    // Learns of the target.
    assert_eq!(services.work_queue(services, 100).await.unwrap(), 0);
    read(3, "t/3").await.unwrap();
    assert!(
        services.reencryption.queue.is_empty(),
        "its version is the active one"
    );
    services
        .rotate_key(&administrator(), &key_name(), "test", true)
        .await
        .unwrap();

    read(3, "t/3").await.unwrap();
    read(3, "t/3").await.unwrap();
    assert!(
        read(1, "t/2").await.is_err(),
        "another context opens nothing, and queues nothing"
    );
    assert_eq!(services.work_queue(services, 100).await.unwrap(), 1);
    assert_eq!(versions().await, [1, 1, 1, 2]);
    assert_eq!(services.work_queue(services, 100).await.unwrap(), 0);

    // What bars a job bars this too.
    services
        .update_target(&administrator(), &target(), require_shadow(), None)
        .await
        .unwrap();
    read(0, "t/0").await.unwrap();
    assert_eq!(services.work_queue(services, 100).await.unwrap(), 1);
    assert_eq!(versions().await, [1, 1, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_wants_a_shadow_run_before_a_job_and_before_a_rotation() {
    let house = House::new(5).await;
    let place = Place::sqlite(&house).await;
    let key = filled(&house, &place, 10).await;
    house.keys.put(&key, &[KeyState::Deprecated, KeyState::Active]);
    let services = &house.services;
    services
        .update_target(&administrator(), &target(), require_shadow(), None)
        .await
        .unwrap();
    let rotated = services
        .rotate_key(&administrator(), &key_name(), "test", true)
        .await;
    assert!(
        matches!(
            rotated,
            Err(Refusal::Conflict {
                code: "shadow_required",
                ..
            })
        ),
        "{rotated:?}"
    );
    let refused = services
        .start_reencryption(&administrator(), new_job("orders", Mode::Rewrap))
        .await;
    assert!(matches!(
        refused,
        Err(Refusal::Conflict {
            code: "shadow_required",
            ..
        })
    ));
    assert_eq!(services.targets_without_shadow(&key).await.unwrap().len(), 1);
    let shadow = services
        .start_reencryption(&administrator(), new_job("orders", Mode::Shadow))
        .await
        .unwrap();
    let replica = house.replica("one");
    house.completed(&shadow.id).await;
    assert!(services.targets_without_shadow(&key).await.unwrap().is_empty());
    let job = services
        .start_reencryption(&administrator(), new_job("orders", Mode::Rewrap))
        .await
        .unwrap();
    house.completed(&job.id).await;
    services
        .rotate_key(&administrator(), &key_name(), "test", true)
        .await
        .unwrap();
    replica.kill().await;
}
