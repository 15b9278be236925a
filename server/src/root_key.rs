//! The roots of trust that the operator configured: one file per kind, put together here.

mod aws_kms;
pub mod file;
mod given;
mod metered;
mod pkcs11;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::Randomness;
use engine::ports::{RootError, RootOfTrust, RootWithRecord, Roots};
use engine::seal::local::{KEY_FILE, LocalRoot};
use engine::seal::record::RootRecord;
use keyring::{RootKeyOrigin, SecretText};

pub use file::{RootKeyError, read_or_create};
pub use given::{AskForShare, GivenRoots};

use crate::config::RootKeySource;
use crate::host::OsRandomness;
use crate::telemetry::Metrics;
use metered::Metered;

/// What is configured. Nothing is kept open here: files are read and machines asked each time.
#[derive(Debug)]
pub struct ConfiguredRoots {
    current: RootKeySource,
    /// Where a migration goes.
    next: Option<RootKeySource>,
    metrics: Arc<Metrics>,
}

impl ConfiguredRoots {
    /// The roots of this configuration.
    pub fn new(current: RootKeySource, next: Option<RootKeySource>, metrics: Arc<Metrics>) -> Self {
        Self {
            current,
            next,
            metrics,
        }
    }

    fn metered(&self, root: Arc<dyn RootOfTrust>) -> Arc<dyn RootOfTrust> {
        Metered::over(root, Arc::clone(&self.metrics))
    }
}

#[async_trait]
impl Roots for ConfiguredRoots {
    async fn open(&self, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError> {
        // Nothing needs to be configured for these: the people come.
        if let RootRecord::Shares(set) = record {
            let (threshold, shares) = (set.threshold, set.shares);
            return Err(RootError::NeedsShares { threshold, shares });
        }
        let refused = match open(&self.current, record).await {
            Ok(root) => return Ok(self.metered(root)),
            Err(error) => error,
        };
        // After a migration the settings of both roots may stand for a while.
        match &self.next {
            Some(next) => match open(next, record).await {
                Ok(root) => Ok(self.metered(root)),
                Err(_) => Err(refused),
            },
            None => Err(refused),
        }
    }

    async fn first(&self) -> Result<RootWithRecord, RootError> {
        let (root, record) = first(&self.current).await?;
        Ok((self.metered(root), record))
    }

    async fn next(&self) -> Result<Option<RootWithRecord>, RootError> {
        match &self.next {
            None => Ok(None),
            Some(next) => {
                let (root, record) = first(next).await?;
                Ok(Some((self.metered(root), record)))
            }
        }
    }
}

fn randomness() -> Arc<dyn Randomness> {
    Arc::new(OsRandomness)
}

/// The root of one source, as this record describes it.
async fn open(source: &RootKeySource, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError> {
    match source {
        RootKeySource::File(path) | RootKeySource::BesideDatabase(path) => of_file(path, record, KEY_FILE),
        RootKeySource::Systemd(path) => of_file(path, record, "systemd"),
        RootKeySource::Passphrase(given) => {
            let Some(passphrase) = given.copy() else {
                return Err(RootError::NeedsPassphrase);
            };
            let root = of_passphrase(passphrase, record).await?;
            // It opened: from here on it is typed again, so that sealing leaves nothing behind.
            given.forget();
            Ok(root)
        }
        RootKeySource::PassphraseFile(path) => of_passphrase(passphrase_in(path)?, record).await,
        RootKeySource::AskForPassphrase => match record {
            RootRecord::Key(_) => Err(RootError::NeedsPassphrase),
            other => Err(other_than(other, "a passphrase")),
        },
        RootKeySource::Shares => Err(other_than(record, "shares")),
        RootKeySource::Pkcs11(settings) => pkcs11::open(settings, record).await,
        RootKeySource::AwsKms(settings) => aws_kms::open(settings, record).await,
    }
}

/// A new root of one source: for an empty database, or for a migration to go to.
async fn first(source: &RootKeySource) -> Result<RootWithRecord, RootError> {
    match source {
        RootKeySource::File(path) | RootKeySource::BesideDatabase(path) => {
            let key = read_or_create(path, false, &OsRandomness).map_err(refused)?;
            Ok(LocalRoot::first_of_key(key, KEY_FILE, randomness()))
        }
        RootKeySource::Systemd(path) => {
            let key = file::read_credential(path).map_err(refused)?;
            Ok(LocalRoot::first_of_key(key, "systemd", randomness()))
        }
        RootKeySource::Passphrase(given) => match given.copy() {
            Some(passphrase) => of_new_passphrase(passphrase).await,
            None => Err(RootError::NeedsPassphrase),
        },
        RootKeySource::PassphraseFile(path) => of_new_passphrase(passphrase_in(path)?).await,
        RootKeySource::Pkcs11(settings) => pkcs11::first(settings).await,
        RootKeySource::AwsKms(settings) => aws_kms::first(settings).await,
        RootKeySource::AskForPassphrase => Err(RootError::Refused(
            "a new root needs its passphrase: set ROTA_ROOT_PASSPHRASE_FILE for this start".to_owned(),
        )),
        RootKeySource::Shares => Err(RootError::Refused(
            "a new database cannot begin with shares: start it with a key file, then run \
             `rota root migrate --to shares --threshold 3 --shares 5` and give the shares out"
                .to_owned(),
        )),
    }
}

fn of_file(path: &Path, record: &RootRecord, kind: &'static str) -> Result<Arc<dyn RootOfTrust>, RootError> {
    match record {
        RootRecord::Key(stored) if stored.origin() == RootKeyOrigin::Given => {
            let key = match kind {
                KEY_FILE => read_or_create(path, true, &OsRandomness),
                _ => file::read_credential(path),
            };
            LocalRoot::of_record(record, key.map_err(refused)?, kind, randomness())
        }
        other => Err(other_than(other, "a key file")),
    }
}

/// On a thread of its own: it takes a noticeable time and a lot of memory.
async fn of_passphrase(
    passphrase: SecretText,
    record: &RootRecord,
) -> Result<Arc<dyn RootOfTrust>, RootError> {
    let record = record.clone();
    let made =
        tokio::task::spawn_blocking(move || LocalRoot::of_passphrase(&record, &passphrase, randomness()));
    made.await.map_err(refused)?
}

async fn of_new_passphrase(passphrase: SecretText) -> Result<RootWithRecord, RootError> {
    let made = tokio::task::spawn_blocking(move || LocalRoot::first_of_passphrase(&passphrase, randomness()));
    made.await.map_err(refused)?
}

fn passphrase_in(path: &Path) -> Result<SecretText, RootError> {
    crate::config::read_secret_file("ROTA_ROOT_PASSPHRASE_FILE", path).map_err(refused)
}

fn other_than(record: &RootRecord, given: &str) -> RootError {
    RootError::Other {
        stored: record.describe(),
        given: given.to_owned(),
    }
}

fn refused(cause: impl std::fmt::Display) -> RootError {
    RootError::Refused(cause.to_string())
}
