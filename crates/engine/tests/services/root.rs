//! Sealed and open, shares, classes, and migrations of the root that are cut anywhere.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use engine::access::{Actor, Role};
use engine::audit::AuditVerification;
use engine::catalog::Sensitivity;
use engine::ports::{CatalogStore, RootError, RootOfTrust, RootWithRecord, Roots, SettingStore, WrapPlace};
use engine::seal::{
    Hierarchy, Key, LocalRoot, MigrationStep, MigrationTarget, NewShares, RemoteRoot, RootRecord,
    SealedBecause, Sealer, UnlockError,
};
use engine::{Clock, Refusal};
use keyring::{
    Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, OpenError, RootKey, SecretBytes, WrappingKey,
};
use store::Database;

use crate::house::{House, SeededRandomness, SetClock, administrator, code, open, person, pointers, text};
use crate::seal::{password_at, place, put};

fn key(byte: u8) -> RootKey {
    RootKey::from_bytes(&SecretBytes::new(vec![byte; 32])).unwrap()
}

/// Roots as an operator configures them: key files with these bytes.
#[derive(Clone, Copy)]
struct Files {
    current: u8,
    next: Option<u8>,
}

fn randomness() -> Arc<SeededRandomness> {
    Arc::new(SeededRandomness::new(40))
}

#[async_trait]
impl Roots for Files {
    async fn open(&self, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError> {
        let opened = |byte| LocalRoot::of_record(record, key(byte), "file", randomness());
        opened(self.current).or_else(|error| self.next.map_or(Err(error), opened))
    }

    async fn first(&self) -> Result<RootWithRecord, RootError> {
        Ok(LocalRoot::first_of_key(key(self.current), "file", randomness()))
    }

    async fn next(&self) -> Result<Option<RootWithRecord>, RootError> {
        let next = self
            .next
            .map(|byte| LocalRoot::first_of_key(key(byte), "file", randomness()));
        Ok(next)
    }
}

/// A machine elsewhere that can be cut off.
#[derive(Clone)]
struct Machine {
    is_away: Arc<AtomicBool>,
}

impl Machine {
    fn record() -> RootRecord {
        RootRecord::Remote(RemoteRoot {
            kind: "machine".to_owned(),
            name: "key 1".to_owned(),
        })
    }

    fn answer<T>(&self, answer: impl FnOnce() -> T) -> Result<T, RootError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(RootError::Away("cut off".to_owned()));
        }
        Ok(answer())
    }

    fn local() -> Arc<dyn RootOfTrust> {
        LocalRoot::new(key(9), "machine", randomness())
    }
}

#[async_trait]
impl RootOfTrust for Machine {
    fn kind(&self) -> &'static str {
        "machine"
    }

    fn is_remote(&self) -> bool {
        true
    }

    async fn wrap(&self, place: WrapPlace<'_>, material: &KeyMaterial) -> Result<Vec<u8>, RootError> {
        self.answer(|| ())?;
        Self::local().wrap(place, material).await
    }

    async fn unwrap(&self, place: WrapPlace<'_>, wrapped: &[u8]) -> Result<KeyMaterial, RootError> {
        self.answer(|| ())?;
        Self::local().unwrap(place, wrapped).await
    }

    async fn check(&self) -> Result<(), RootError> {
        self.answer(|| ())
    }
}

#[async_trait]
impl Roots for Machine {
    async fn open(&self, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError> {
        assert_eq!(*record, Self::record());
        self.answer(|| Arc::new(self.clone()) as Arc<dyn RootOfTrust>)
    }

    async fn first(&self) -> Result<RootWithRecord, RootError> {
        self.answer(|| (Arc::new(self.clone()) as Arc<dyn RootOfTrust>, Self::record()))
    }

    async fn next(&self) -> Result<Option<RootWithRecord>, RootError> {
        Ok(None)
    }
}

/// A process over this database, and whether it could open its keys.
async fn start(database: &Arc<Database>, roots: impl Roots + 'static) -> (House, Result<(), UnlockError>) {
    let (clock, randomness) = (Arc::new(SetClock::new()), Arc::new(SeededRandomness::new(77)));
    let sealer = Sealer::new(Arc::new(roots), randomness.clone());
    let opened = sealer.open(database.as_ref(), clock.as_ref()).await;
    let folder = tempfile::tempdir().unwrap();
    let house = House::with_sealer(folder, database.clone(), clock, randomness, sealer);
    (house, opened)
}

async fn fresh(roots: impl Roots + 'static) -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path().join("rota.db")).await;
    let (house, opened) = start(&database, roots).await;
    opened.unwrap();
    // The database lies in the first folder.
    House { folder, ..house }
}

const FILE: Files = Files {
    current: 7,
    next: None,
};

fn operator(name: &str) -> Actor {
    person(name, Role::Operator)
}

fn share_of(shares: &NewShares, position: usize) -> Key {
    Key::Share(shares[position].duplicate())
}

async fn migration_of(house: &House) -> (String, Option<MigrationStep>) {
    let status = house.services.root_status(&administrator()).await.unwrap();
    let Some(migration) = status.migration else {
        panic!("no migration is under way");
    };
    (migration.id, migration.step)
}

/// From a key file to 2 of 3 shares, all the way.
async fn move_to_shares(house: &House) -> NewShares {
    let target = MigrationTarget::Shares {
        threshold: 2,
        shares: 3,
    };
    let shares = house
        .services
        .begin_root_migration(&administrator(), target, "people")
        .await
        .unwrap();
    assert_eq!(shares.len(), 3);
    let (id, _) = migration_of(house).await;
    for (name, share) in ["ben", "cleo"].iter().zip(&shares) {
        house
            .services
            .give_migration_share(&operator(name), &id, share)
            .await
            .unwrap();
    }
    assert_eq!(migration_of(house).await.1, Some(MigrationStep::Verified));
    house
        .services
        .finalise_root_migration(&administrator(), &id)
        .await
        .unwrap();
    shares
}

#[tokio::test]
async fn the_wrapping_key_of_one_class_opens_nothing_of_another() {
    let house = fresh(FILE).await;
    let (at, secret) = (place(&house), text("hunter2").into_bytes());
    let classes = [
        Sensitivity::Low,
        Sensitivity::Medium,
        Sensitivity::High,
        Sensitivity::Critical,
    ];
    let mut seen = Vec::new();
    for class in classes {
        let hierarchy = Hierarchy::Class(class);
        let sealed = house.services.sealer.seal_bytes_for(class, &at, &secret).unwrap();
        let opened = house.services.sealer.open_bytes(&at, &sealed).unwrap();
        assert_eq!(opened.expose_bytes(), b"hunter2");
        let id = KeyId::parse(&format!("rota.class.{}", hierarchy.label())).unwrap();
        assert_eq!(keyring::inspect(&sealed).unwrap().key_id, id);
        seen.push((hierarchy, id, sealed));
    }
    // Each class's key, taken out by the root key and put under the other's name, as a thief with both would.
    for (thief, thief_id, _) in &seen {
        let setting = format!("wrapping_key.class.{}.version.0000000001", thief.label());
        let wrapped = house.database.setting(&setting).await.unwrap().unwrap();
        for (victim, victim_id, sealed) in &seen {
            let material = key(7)
                .open_wrapping_key(thief_id, KeyVersion::FIRST, &wrapped)
                .unwrap();
            let own = WrappingKey::new(KeyVersion::FIRST, KeyState::Active, material);
            let ring = Keyring::new(victim_id.clone(), [own]).unwrap();
            let opened = ring.open(&Context::new(at.table, &at.row, at.field), sealed);
            if thief == victim {
                assert_eq!(opened.unwrap().expose_bytes(), b"hunter2");
            } else {
                assert_eq!(
                    opened.unwrap_err(),
                    OpenError::NotAuthentic,
                    "{thief:?} {victim:?}"
                );
            }
        }
        assert!(
            key(7)
                .open_wrapping_key(&seen[0].1, KeyVersion::FIRST, &wrapped)
                .is_ok()
                == (*thief == seen[0].0)
        );
    }
}

#[tokio::test]
async fn a_class_is_rotated_by_itself_when_it_is_too_old() {
    let house = fresh(FILE).await;
    let version = |class| {
        house
            .services
            .sealer
            .active_of(Hierarchy::Class(class))
            .unwrap()
            .version
    };
    house.clock.advance(Duration::from_secs(31 * 86_400));
    house.services.tend_wrapping_keys().await.unwrap();
    assert_eq!(
        (version(Sensitivity::Critical), version(Sensitivity::High)),
        (2, 1)
    );
}

#[tokio::test]
async fn a_database_from_before_there_were_classes_gets_their_keys_at_its_next_start() {
    let house = fresh(FILE).await;
    let url = format!("sqlite://{}", house.folder.path().join("rota.db").display());
    house.database.close().await;
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let before = "delete from setting where key like 'wrapping_key.class.%' or key = 'root_key.epoch'";
    sqlx::query(before).execute(&pool).await.unwrap();
    pool.close().await;
    let database = open(house.folder.path().join("rota.db")).await;
    let (again, opened) = start(&database, FILE).await;
    opened.unwrap();
    let sealer = &again.services.sealer;
    let sealed = sealer.seal_bytes_for(Sensitivity::High, &place(&again), &text("x").into_bytes());
    assert!(sealed.is_ok());
}

#[tokio::test]
async fn sealing_wipes_the_keys_and_unsealing_brings_them_back() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let before = house.services.sealer.generation();
    assert_eq!(
        pointers(house.services.seal(&administrator(), " ").await),
        ["/reason"]
    );
    let refused = house.services.seal(&operator("ben"), "alarm").await;
    assert!(matches!(refused, Err(Refusal::Forbidden(_))));
    house.services.seal(&administrator(), "alarm").await.unwrap();
    assert!(house.services.sealer.generation() > before, "caches are dropped");
    assert!(matches!(password_at(&house, &at).await, Err(Refusal::Sealed(_))));
    assert!(matches!(
        house.services.sealer.require_open(),
        Err(Refusal::Sealed(_))
    ));
    let status = house.services.root_status(&administrator()).await.unwrap();
    let because = status.sealed.unwrap();
    assert!(because.to_string().contains("account:ada") && because.to_string().contains("alarm"));
    assert_eq!(status.wrapping_keys.len(), 5, "what needs no key is still told");
    // Nothing brings them back but people.
    house.services.tend_root(Duration::ZERO).await.unwrap();
    house.services.tend_wrapping_keys().await.unwrap();
    assert!(matches!(
        house.services.sealer.sealed_because(),
        Some(SealedBecause::ByHand { .. })
    ));
    house
        .services
        .unseal(&operator("ben"), Key::Configured)
        .await
        .unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
    house
        .services
        .unseal(&operator("ben"), Key::Configured)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_root_in_shares_starts_sealed_and_different_people_unseal_it() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let shares = move_to_shares(&house).await;
    assert_eq!(
        password_at(&house, &at).await.unwrap(),
        "hunter2",
        "it serves all the while"
    );

    let (house, opened) = start(&house.database, FILE).await;
    assert!(opened.unwrap_err().may_pass());
    assert!(matches!(password_at(&house, &at).await, Err(Refusal::Sealed(_))));
    let services = &house.services;
    let unseal = |name: &'static str, key| async move { services.unseal(&operator(name), key).await };
    unseal("ben", share_of(&shares, 0)).await.unwrap();
    unseal("ben", share_of(&shares, 0)).await.unwrap();
    let status = services.root_status(&administrator()).await.unwrap();
    assert_eq!(status.gathering.unwrap().given, [(1, "account:ben".to_owned())]);
    assert_eq!(code(unseal("ben", share_of(&shares, 1)).await), "same_person");
    assert_eq!(code(unseal("cleo", share_of(&shares, 0)).await), "share_given");
    let viewer = person("vic", Role::Viewer);
    assert!(services.unseal(&viewer, share_of(&shares, 2)).await.is_err());
    unseal("cleo", share_of(&shares, 2)).await.unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn wrong_shares_are_named_bounded_for_each_person_and_take_nothing_from_the_others() {
    let house = fresh(FILE).await;
    let shares = move_to_shares(&house).await;
    let (house, _) = start(&house.database, FILE).await;
    let services = &house.services;
    services
        .unseal(&operator("ben"), share_of(&shares, 0))
        .await
        .unwrap();
    for _ in 0..5 {
        let mistyped = Key::Share(text("rota-share-1.00000000.1.00.00"));
        assert_eq!(
            pointers(services.unseal(&operator("eve"), mistyped).await),
            ["/share"]
        );
    }
    let refused = services.unseal(&operator("eve"), share_of(&shares, 1)).await;
    assert_eq!(code(refused), "too_many_requests");
    // The others go on as if nothing had been.
    services
        .unseal(&operator("cleo"), share_of(&shares, 1))
        .await
        .unwrap();
    assert!(services.sealer.is_open());

    let (house, _) = start(&house.database, FILE).await;
    house
        .services
        .unseal(&operator("ben"), share_of(&shares, 0))
        .await
        .unwrap();
    house.clock.advance(Duration::from_secs(3_601));
    house
        .services
        .unseal(&operator("cleo"), share_of(&shares, 1))
        .await
        .unwrap();
    assert!(!house.services.sealer.is_open(), "a share does not wait for ever");
}

#[tokio::test]
async fn shares_are_reissued_by_a_quorum_and_only_those_who_gave_one_may_cancel() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let old = move_to_shares(&house).await;
    let services = &house.services;
    let target = MigrationTarget::Shares {
        threshold: 2,
        shares: 2,
    };
    // Begun without a share, it keeps nobody from beginning another.
    for _ in 0..2 {
        assert!(
            services
                .begin_root_migration(&administrator(), target.clone(), "Cleo left")
                .await
                .unwrap()
                .is_empty()
        );
    }
    let (id, step) = migration_of(&house).await;
    assert_eq!(step, None);
    services
        .give_migration_share(&operator("ben"), &id, &old[0])
        .await
        .unwrap();
    let again = services
        .begin_root_migration(&administrator(), target.clone(), "mine")
        .await;
    assert_eq!(code(again), "root_migration");
    for outsider in [administrator(), operator("eve")] {
        let refused = services.cancel_root_migration(&outsider, &id, "no").await;
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    }
    let other_id = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(
        code(
            services
                .give_migration_share(&operator("cleo"), other_id, &old[1])
                .await
        ),
        "no_migration"
    );
    let new = services
        .give_migration_share(&operator("cleo"), &id, &old[1])
        .await
        .unwrap();
    assert_eq!(new.len(), 2, "the quorum is there: the new shares are given out");
    for outsider in [administrator(), operator("eve")] {
        let refused = services.cancel_root_migration(&outsider, &id, "no").await;
        assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    }
    assert_eq!(
        code(services.finalise_root_migration(&administrator(), &id).await),
        "not_verified"
    );
    assert_eq!(
        code(services.verify_root_migration(&administrator(), &id).await),
        "shares_needed"
    );
    assert_eq!(
        pointers(
            services
                .give_migration_share(&operator("ben"), &id, &old[0])
                .await
        ),
        ["/share"]
    );
    services
        .give_migration_share(&operator("ben"), &id, &new[0])
        .await
        .unwrap();
    services
        .give_migration_share(&operator("dora"), &id, &new[1])
        .await
        .unwrap();
    services
        .finalise_root_migration(&administrator(), &id)
        .await
        .unwrap();

    let (house, _) = start(&house.database, FILE).await;
    assert_eq!(
        pointers(house.services.unseal(&operator("ben"), share_of(&old, 0)).await),
        ["/share"]
    );
    house
        .services
        .unseal(&operator("ben"), share_of(&new, 0))
        .await
        .unwrap();
    house
        .services
        .unseal(&operator("dora"), share_of(&new, 1))
        .await
        .unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

#[tokio::test]
async fn a_participant_may_cancel_and_everything_stays_under_the_old_root() {
    let house = fresh(FILE).await;
    let at = put(&house, "hunter2").await;
    let old = move_to_shares(&house).await;
    let services = &house.services;
    let target = MigrationTarget::Shares {
        threshold: 2,
        shares: 2,
    };
    services
        .begin_root_migration(&administrator(), target, "mistake")
        .await
        .unwrap();
    let (id, _) = migration_of(&house).await;
    for (name, share) in ["ben", "cleo"].iter().zip(&old) {
        services
            .give_migration_share(&operator(name), &id, share)
            .await
            .unwrap();
    }
    let refused = services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "now")
        .await;
    assert_eq!(code(refused), "root_migration");
    services
        .cancel_root_migration(&operator("ben"), &id, "mistake")
        .await
        .unwrap();
    services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "now")
        .await
        .unwrap();
    let (house, _) = start(&house.database, FILE).await;
    house
        .services
        .unseal(&operator("ben"), share_of(&old, 2))
        .await
        .unwrap();
    house
        .services
        .unseal(&operator("cleo"), share_of(&old, 1))
        .await
        .unwrap();
    assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
}

/// Polls so many times and then drops it, as a kill would: what was sent may or may not have happened.
async fn cut<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Cut at every point where prepare, verify or finalise waits for the store, each time from the beginning. While it is
/// under way the server starts under either root, and at no point under neither.
#[tokio::test]
async fn a_migration_of_the_root_may_be_cut_anywhere() {
    let both = Files {
        current: 7,
        next: Some(8),
    };
    let (old_only, new_only) = (
        FILE,
        Files {
            current: 8,
            next: None,
        },
    );
    let mut cuts = 0;
    for polls in 1.. {
        let house = fresh(both).await;
        let path = house.folder.path().join("rota.db");
        let at = put(&house, "hunter2").await;
        let done = cut(polls, migrate(&house)).await;
        let is_done = done.is_some();
        if let Some(result) = done {
            result.unwrap();
        }
        cuts += 1;
        // The process ends: what it had sent is written, and the next one reads through connections of its own.
        house.database.close().await;
        let database = open(path).await;
        let (seen, _) = start(&database, both).await;
        let status = seen.services.root_status(&administrator()).await.unwrap();
        let mut refused = Vec::new();
        for roots in [both, old_only, new_only] {
            let (house, opened) = start(&database, roots).await;
            match opened {
                Ok(()) => {
                    let password = password_at(&house, &at).await.unwrap();
                    assert_eq!(password, "hunter2", "{polls} polls");
                }
                Err(error) => refused.push((roots.current, error.to_string())),
            }
        }
        match status.migration.map(|migration| migration.step) {
            Some(step) => assert!(
                refused.is_empty(),
                "{step:?}: under either root, after {polls} polls; {refused:?}"
            ),
            // Not prepared yet: under the old one. Finalised: under the new one.
            None => assert_eq!(refused.len(), 1, "after {polls} polls: {refused:?}"),
        }
        if is_done {
            assert_eq!(refused[0].0, old_only.current, "{refused:?}");
            assert!(matches!(
                start(&database, old_only).await.1,
                Err(UnlockError::WrongRootKey(_))
            ));
            let (house, _) = start(&database, new_only).await;
            let found = house.services.verify_audit(&administrator(), None).await.unwrap();
            assert!(matches!(found, AuditVerification::Whole { .. }));
            break;
        }
    }
    assert!(cuts > 8, "it was cut at several points, not at {cuts}");
}

/// From the root in use to the one configured as the next, all the way.
async fn migrate(house: &House) -> Result<(), Refusal> {
    let (services, actor) = (&house.services, administrator());
    services
        .begin_root_migration(&actor, MigrationTarget::Configured, "yearly")
        .await?;
    let (id, _) = migration_of(house).await;
    services.verify_root_migration(&actor, &id).await?;
    services.finalise_root_migration(&actor, &id).await
}

#[tokio::test]
async fn another_replica_follows_a_migration_and_never_wraps_by_the_root_that_was_left() {
    let both = Files {
        current: 7,
        next: Some(8),
    };
    let house = fresh(both).await;
    let at = put(&house, "hunter2").await;
    let (follower, opened) = start(&house.database, both).await;
    opened.unwrap();
    let (left_behind, opened) = start(&house.database, FILE).await;
    opened.unwrap();
    let services = &house.services;
    services
        .begin_root_migration(&administrator(), MigrationTarget::Configured, "yearly")
        .await
        .unwrap();
    let (id, _) = migration_of(&house).await;
    services
        .verify_root_migration(&administrator(), &id)
        .await
        .unwrap();
    services
        .finalise_root_migration(&administrator(), &id)
        .await
        .unwrap();
    follower.services.tend_wrapping_keys().await.unwrap();
    follower
        .services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "after")
        .await
        .unwrap();
    // One without the new root goes on with what is in memory until the keys differ, and adds nothing.
    let refused = left_behind
        .services
        .rotate_wrapping_key(&administrator(), Hierarchy::Store, "mine")
        .await;
    assert!(refused.is_err());
    let (again, opened) = start(&house.database, both).await;
    opened.unwrap();
    for house in [&house, &follower, &again] {
        assert_eq!(password_at(house, &at).await.unwrap(), "hunter2");
    }
    assert_eq!(again.services.sealer.active().unwrap().version, 2);
    assert!(again.database.sealed(&at).await.unwrap().is_some());
}

#[tokio::test]
async fn keys_outlive_their_root_for_the_grace_and_come_back_with_it() {
    let machine = Machine {
        is_away: Arc::new(AtomicBool::new(false)),
    };
    let house = fresh(machine.clone()).await;
    let at = put(&house, "hunter2").await;
    let grace = Duration::from_secs(600);
    let services = &house.services;
    services.tend_root(grace).await.unwrap();
    machine.is_away.store(true, Ordering::SeqCst);
    for _ in 0..9 {
        house.clock.advance(Duration::from_secs(60));
        assert!(services.tend_root(grace).await.is_err());
        assert_eq!(password_at(&house, &at).await.unwrap(), "hunter2");
    }
    house.clock.advance(Duration::from_secs(60));
    assert!(services.tend_root(grace).await.is_err());
    assert!(matches!(password_at(&house, &at).await, Err(Refusal::Sealed(_))));
    assert!(services.tend_root(grace).await.is_err(), "still away");
    // One that starts meanwhile waits too.
    let (other, opened) = start(&house.database, machine.clone()).await;
    assert!(opened.unwrap_err().may_pass());
    machine.is_away.store(false, Ordering::SeqCst);
    for house in [&house, &other] {
        house.services.tend_root(grace).await.unwrap();
        assert_eq!(password_at(house, &at).await.unwrap(), "hunter2");
    }
    assert_eq!(other.services.sealer.answered_at(), Some(other.clock.now()));
}
