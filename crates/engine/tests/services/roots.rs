//! Roots of trust for tests, and a house under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use engine::access::{Actor, Role};
use engine::ports::{RootError, RootOfTrust, RootWithRecord, Roots, WrapPlace};
use engine::seal::{
    Key, LocalRoot, MigrationStep, MigrationTarget, NewShares, RemoteRoot, RootRecord, Sealer, UnlockError,
};
use keyring::{KeyMaterial, RootKey, SecretBytes};
use store::Database;

use crate::house::{House, SeededRandomness, SetClock, administrator, open, person};

pub(crate) fn key(byte: u8) -> RootKey {
    RootKey::from_bytes(&SecretBytes::new(vec![byte; 32])).unwrap()
}

/// Roots as an operator configures them: key files with these bytes.
#[derive(Clone, Copy)]
pub(crate) struct Files {
    pub(crate) current: u8,
    pub(crate) next: Option<u8>,
}

pub(crate) fn randomness() -> Arc<SeededRandomness> {
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
pub(crate) struct Machine {
    pub(crate) is_away: Arc<AtomicBool>,
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
pub(crate) async fn start(
    database: &Arc<Database>,
    roots: impl Roots + 'static,
) -> (House, Result<(), UnlockError>) {
    let (clock, randomness) = (Arc::new(SetClock::new()), Arc::new(SeededRandomness::new(77)));
    let sealer = Sealer::new(Arc::new(roots), randomness.clone());
    let opened = sealer.open(database.as_ref(), clock.as_ref()).await;
    let folder = tempfile::tempdir().unwrap();
    let house = House::with_sealer(folder, database.clone(), clock, randomness, sealer);
    (house, opened)
}

pub(crate) async fn fresh(roots: impl Roots + 'static) -> House {
    let folder = tempfile::tempdir().unwrap();
    let database = open(folder.path().join("rota.db")).await;
    let (house, opened) = start(&database, roots).await;
    opened.unwrap();
    // The database lies in the first folder.
    House { folder, ..house }
}

pub(crate) const FILE: Files = Files {
    current: 7,
    next: None,
};

pub(crate) fn operator(name: &str) -> Actor {
    person(name, Role::Operator)
}

pub(crate) fn share_of(shares: &NewShares, position: usize) -> Key {
    Key::Share(shares[position].duplicate())
}

pub(crate) async fn migration_of(house: &House) -> (String, Option<MigrationStep>) {
    let status = house.services.root_status(&administrator()).await.unwrap();
    let Some(migration) = status.migration else {
        panic!("no migration is under way");
    };
    (migration.id, migration.step)
}

/// From a key file to 2 of 3 shares, all the way.
pub(crate) async fn move_to_shares(house: &House) -> NewShares {
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
