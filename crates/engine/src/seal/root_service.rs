//! Sealing, unsealing and watching the root of trust.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use keyring::SecretText;

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::Change;
use crate::clock::Timestamp;
use crate::ports::RootError;
use crate::rule::Refusal;
use crate::seal::gathering::Progress;
use crate::seal::hierarchy::Hierarchy;
use crate::seal::local::{LocalRoot, SHARES};
use crate::seal::migration::{MigrationState, MigrationStep, MigrationTarget, Next};
use crate::seal::migration_service::recorded;
use crate::seal::record::RootRecord;
use crate::seal::sealer::{SealError, SealedBecause, Sealer};
use crate::seal::shares::{Share, ShareSet};
use crate::seal::unlock::UnlockError;
use crate::seal::wrapping_key::{ActiveVersion, Stored};
use crate::services::Services;

/// What somebody brings to unseal.
#[derive(Debug)]
pub enum Key {
    /// Nothing: the configured root is to be tried.
    Configured,
    /// One share of several.
    Share(SecretText),
    /// The passphrase of the root key.
    Passphrase(SecretText),
}

/// The root of trust and what it keeps open, for people.
#[derive(Clone, Debug)]
pub struct RootStatus {
    /// Why nothing opens; None while it serves.
    pub sealed: Option<SealedBecause>,
    /// The root that wrapped what is stored; None before the first start.
    pub root: Option<String>,
    /// The kind of the open root, and whether it stands elsewhere.
    pub kind: Option<(&'static str, bool)>,
    /// When a root that stands elsewhere last answered.
    pub answered_at: Option<Timestamp>,
    /// Shares given to unseal.
    pub gathering: Option<Progress>,
    pub migration: Option<MigrationStatus>,
    pub wrapping_keys: Vec<(Hierarchy, ActiveVersion)>,
}

/// A migration of the root, for people.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    pub id: String,
    /// None: it waits for shares of the root that is left.
    pub step: Option<MigrationStep>,
    pub to: String,
    pub begun_by: String,
    pub reason: String,
    /// Shares that were given: of the root that is left, or of the next one as proof.
    pub gathering: Option<Progress>,
}

/// A root that stands elsewhere may be silent for so long before what it wrapped is wiped from memory.
pub const USUAL_GRACE: Duration = Duration::from_secs(3_600);

impl Services {
    /// Wipes every key from memory. What needs none goes on.
    ///
    /// # Errors
    /// Not an administrator, no reason. It is sealed even when the store is away and the audit entry cannot be written.
    pub async fn seal(&self, actor: &Actor, reason: &str) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > 1_000 {
            return Err(Refusal::rule("/reason", "say why, in 1 to 1,000 characters"));
        }
        self.sealer.close(SealedBecause::ByHand {
            by: actor.label(),
            reason: reason.to_owned(),
        });
        self.forget_open_keys();
        self.sealer.gathering().clear();
        *self.sealer.migration() = super::migration::MigrationMemory::default();
        self.audit_root(actor, "root.seal", reason).await
    }

    /// Opens the keys again, or takes one more share towards that. Repeating it does no harm.
    ///
    /// # Errors
    /// Not an operator, the share or passphrase is wrong, root or store away.
    pub async fn unseal(&self, actor: &Actor, key: Key) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        if self.sealer.sealed_because().is_none() {
            return Ok(());
        }
        let store = self.store.as_ref();
        match key {
            Key::Configured => self.sealer.open(store, self.clock.as_ref()).await?,
            Key::Passphrase(passphrase) => {
                let record = recorded(&Stored::read(store).await?)?;
                let randomness = Arc::clone(&self.sealer.randomness);
                let root =
                    LocalRoot::of_passphrase(&record, &passphrase, randomness).map_err(
                        |error| match error {
                            RootError::WrongKey(_) => {
                                Refusal::rule("/passphrase", "this is another passphrase")
                            }
                            other => Refusal::rule("/passphrase", other.to_string()),
                        },
                    )?;
                self.sealer.open_by(store, root).await?;
            }
            Key::Share(share) => {
                if !self.take_share(actor, &share).await? {
                    return Ok(());
                }
            }
        }
        self.sealer.gathering().clear();
        self.audit_root(actor, "root.unseal", "the keys are in memory again")
            .await
    }

    /// Whether that was the last one needed.
    async fn take_share(&self, actor: &Actor, line: &SecretText) -> Result<bool, Refusal> {
        let store = self.store.as_ref();
        let stored = Stored::read(store).await?;
        let sets = sets_of(&stored)?;
        // Either root unseals while a migration is under way: the share says which set it is of.
        let named = Share::parse(line).ok().map(|share| share.set());
        let set = sets
            .iter()
            .find(|set| Some(&set.id) == named.as_ref())
            .or(sets.first());
        let set = set.ok_or_else(|| {
            Refusal::rule(
                "/share",
                "the root key is not held in shares; unseal without one, or by its passphrase",
            )
        })?;
        let (root_key, progress) = {
            let (mut gathering, now) = (self.sealer.gathering(), self.clock.now());
            let root_key = gathering.give(set, line, actor, now)?;
            (root_key, gathering.progress(set, now))
        };
        let Some(root_key) = root_key else {
            let detail = format!(
                "{} of {} shares of set {}",
                progress.given.len(),
                set.threshold,
                set.id
            );
            self.audit_root(actor, "root.share", &detail).await?;
            return Ok(false);
        };
        let root = LocalRoot::new(root_key, SHARES, Arc::clone(&self.sealer.randomness));
        self.sealer.open_by(store, root).await?;
        Ok(true)
    }

    /// The root, whether it is open, and what is under way. Works while sealed.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn root_status(&self, actor: &Actor) -> Result<RootStatus, Refusal> {
        actor.require(Role::Viewer)?;
        let stored = Stored::read(self.store.as_ref()).await?;
        let record = stored
            .record
            .as_ref()
            .map(|record| RootRecord::parse(record))
            .transpose()?;
        let sealed = self.sealer.sealed_because();
        let now = self.clock.now();
        let gathering = match &record {
            Some(RootRecord::Shares(set)) if sealed.is_some() => {
                Some(self.sealer.gathering().progress(set, now))
            }
            _ => None,
        };
        let active = stored.hierarchies.iter();
        Ok(RootStatus {
            sealed,
            kind: self.sealer.root_kind(),
            answered_at: self.sealer.answered_at(),
            gathering,
            migration: self.migration_status(&stored, record.as_ref())?,
            root: record.map(|record| record.describe()),
            wrapping_keys: active
                .filter_map(|(hierarchy, of)| Some((*hierarchy, of.active?)))
                .collect(),
        })
    }

    fn migration_status(
        &self,
        stored: &Stored,
        record: Option<&RootRecord>,
    ) -> Result<Option<MigrationStatus>, Refusal> {
        let now = self.clock.now();
        let memory = self.sealer.migration();
        if let Some(next) = Next::of(stored)? {
            let MigrationState {
                id,
                step,
                begun_by,
                reason,
                ..
            } = next.state;
            let gathering = match &next.record {
                RootRecord::Shares(set) if step == MigrationStep::Prepared => {
                    Some(memory.proof.progress(set, now))
                }
                _ => None,
            };
            return Ok(Some(MigrationStatus {
                id,
                step: Some(step),
                to: next.record.describe(),
                begun_by,
                reason,
                gathering,
            }));
        }
        let (Some(asked_for), Some(RootRecord::Shares(set))) = (&memory.asked_for, record) else {
            return Ok(None);
        };
        let to = match asked_for.target {
            MigrationTarget::Configured => "the next root that is configured".to_owned(),
            MigrationTarget::Shares { threshold, shares } => {
                format!("{shares} new shares, {threshold} of which are needed")
            }
        };
        Ok(Some(MigrationStatus {
            id: asked_for.id.clone(),
            step: None,
            to,
            begun_by: asked_for.begun_by.clone(),
            reason: asked_for.reason.clone(),
            gathering: Some(asked_for.gathering.progress(set, now)),
        }))
    }

    /// One look at the root. One that stands elsewhere and is silent for longer than `grace` takes its keys with it;
    /// when it answers again they are opened again, without anybody's doing.
    ///
    /// # Errors
    /// Still away, or wrong: look again later. What people sealed stays so.
    pub async fn tend_root(&self, grace: Duration) -> Result<(), Refusal> {
        match self.sealer.sealed_because() {
            None => self.check_root(grace).await,
            Some(SealedBecause::Starting | SealedBecause::Root(RootError::Away(_))) => {
                self.sealer.open(self.store.as_ref(), self.clock.as_ref()).await?;
                self.sealer.note_answer(self.clock.now());
                self.audit_root(
                    &Actor::system("root"),
                    "root.unseal",
                    "the root of trust answers again",
                )
                .await
            }
            Some(SealedBecause::ByHand { .. } | SealedBecause::Root(_)) => Ok(()),
        }
    }

    async fn check_root(&self, grace: Duration) -> Result<(), Refusal> {
        let Ok(root) = self.sealer.root() else {
            return Ok(());
        };
        if !root.is_remote() {
            return Ok(());
        }
        let checked = root.check().await;
        let now = self.clock.now();
        let Err(error) = checked else {
            self.sealer.note_answer(now);
            return Ok(());
        };
        let silent_since = self
            .sealer
            .answered_at()
            .unwrap_or_else(|| self.sealer.note_answer(now));
        if now.since(silent_since) >= grace {
            let detail = format!("{error}; it was silent for longer than ROTA_ROOT_GRACE");
            self.sealer
                .close(SealedBecause::Root(RootError::Away(detail.clone())));
            self.forget_open_keys();
            self.audit_root(&Actor::system("root"), "root.seal", &detail)
                .await?;
        }
        Err(UnlockError::from(error).into())
    }

    async fn audit_root(&self, actor: &Actor, action: &str, detail: &str) -> Result<(), Refusal> {
        let draft = AuditDraft::new(actor, self.clock.now(), action, "root", detail);
        Ok(self.store.commit(Change::new().audit(draft)).await?)
    }
}

impl Sealer {
    pub(crate) fn gathering(&self) -> std::sync::MutexGuard<'_, super::gathering::Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a root that stands elsewhere last answered.
    pub fn answered_at(&self) -> Option<Timestamp> {
        *self.answered_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_answer(&self, now: Timestamp) -> Timestamp {
        *self.answered_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        now
    }

    /// How many values of whatever was opened may be kept by others: none while sealed. For `/metrics`.
    pub fn is_open(&self) -> bool {
        self.with_keys(|_| Ok::<_, SealError>(())).is_ok()
    }
}

/// The sets of shares that open what is stored: of the root that is there, and of the one a migration goes to.
fn sets_of(stored: &Stored) -> Result<Vec<ShareSet>, Refusal> {
    let next = Next::of(stored)?.map(|next| next.record);
    let records = [Some(recorded(stored)?), next].into_iter().flatten();
    let set = |record| match record {
        RootRecord::Shares(set) => Some(set),
        RootRecord::Key(_) | RootRecord::Remote(_) => None,
    };
    Ok(records.filter_map(set).collect())
}
