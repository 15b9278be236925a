//! Migrations of the root, for people.

use std::sync::{Arc, MutexGuard, PoisonError};

use keyring::{RootKey, SecretText};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::id::MigrationId;
use crate::ports::{RootOfTrust, RootWithRecord};
use crate::rule::Refusal;
use crate::seal::gathering::Gathering;
use crate::seal::local::{LocalRoot, SHARES};
use crate::seal::migration::{
    AskedFor, MigrationMemory, MigrationState, MigrationStep, MigrationTarget, Next, cleared, commit_step,
};
use crate::seal::record::RootRecord;
use crate::seal::sealer::{SealError, Sealer};
use crate::seal::shares::ShareSet;
use crate::seal::unlock::UnlockError;
use crate::seal::wrapping_key::Stored;
use crate::services::Services;

/// The lines of new shares, to be given out: shown once, kept nowhere.
pub type NewShares = Vec<SecretText>;

impl Services {
    /// Begins a migration. It is prepared at once, unless the root that is left is held in shares: then as many of them
    /// as are needed come first. Gives the new shares where it goes to shares.
    ///
    /// # Errors
    /// Not an administrator, no reason, another one under way, sealed, root or store away.
    pub async fn begin_root_migration(
        &self,
        actor: &Actor,
        target: MigrationTarget,
        reason: &str,
    ) -> Result<NewShares, Refusal> {
        actor.require(Role::Administrator)?;
        if reason.trim().is_empty() {
            return Err(Refusal::rule("/reason", "say why, for the audit"));
        }
        self.sealer.require_open()?;
        let stored = Stored::read(self.store.as_ref()).await?;
        if !stored.next.is_empty() {
            return Err(under_way("finalise or cancel it first"));
        }
        let asked_for = AskedFor {
            id: MigrationId::generate(self.clock.as_ref(), self.randomness.as_ref()).to_string(),
            target,
            begun_by: actor.label(),
            reason: reason.trim().to_owned(),
            gathering: Gathering::default(),
        };
        if let RootRecord::Shares(_) = recorded(&stored)? {
            let now = self.clock.now();
            let mut memory = self.sealer.migration();
            // Begun and not yet backed by a single share, it keeps nobody from beginning another.
            if memory
                .asked_for
                .as_ref()
                .is_some_and(|asked| !asked.gathering.is_empty_at(now))
            {
                return Err(under_way(
                    "go on giving shares, or have one of those who gave one cancel it",
                ));
            }
            memory.asked_for = Some(asked_for);
            return Ok(NewShares::new());
        }
        self.prepare_migration(actor, &stored, asked_for, Vec::new())
            .await
    }

    /// Takes a share for the migration `id`: of the root that is left, until there are enough to prepare it; then of the
    /// next root, until there are enough to prove that they open it. Gives the new shares when it prepares one to shares.
    ///
    /// # Errors
    /// Not an operator, another id, a wrong share, sealed, root or store away.
    pub async fn give_migration_share(
        &self,
        actor: &Actor,
        id: &str,
        share: &SecretText,
    ) -> Result<NewShares, Refusal> {
        actor.require(Role::Operator)?;
        self.sealer.require_open()?;
        let stored = Stored::read(self.store.as_ref()).await?;
        match Next::of(&stored)? {
            Some(next) => self
                .give_proof(actor, id, share, &stored, &next)
                .await
                .map(|()| NewShares::new()),
            None => self.give_leave(actor, id, share, &stored).await,
        }
    }

    async fn give_leave(
        &self,
        actor: &Actor,
        id: &str,
        share: &SecretText,
        stored: &Stored,
    ) -> Result<NewShares, Refusal> {
        let RootRecord::Shares(set) = recorded(stored)? else {
            return Err(none_under_way());
        };
        let (asked_for, participants) = {
            let mut memory = self.sealer.migration();
            // The id stands for what was shown: nobody can swap the target under those who give shares.
            let asked_for = memory.asked_for.as_mut().filter(|asked| asked.id == id);
            let gathering = &mut asked_for.ok_or_else(none_under_way)?.gathering;
            let mut participants = gathering.givers();
            let is_complete = gathering.give(&set, share, actor, self.clock.now())?.is_some();
            participants.push(actor.label());
            (memory.asked_for.take_if(|_| is_complete), participants)
        };
        match asked_for {
            None => Ok(NewShares::new()),
            Some(asked_for) => {
                self.prepare_migration(actor, stored, asked_for, participants)
                    .await
            }
        }
    }

    async fn prepare_migration(
        &self,
        actor: &Actor,
        stored: &Stored,
        asked_for: AskedFor,
        mut participants: Vec<String>,
    ) -> Result<NewShares, Refusal> {
        let (next, lines) = self.next_root(&asked_for.target).await?;
        participants.sort();
        participants.dedup();
        let now = self.clock.now();
        let state = MigrationState {
            id: asked_for.id,
            step: MigrationStep::Prepared,
            begun_by: asked_for.begun_by,
            reason: asked_for.reason,
            since: now,
            participants,
        };
        let change = self.sealer.prepare(stored, &next, &state).await?;
        let detail = format!("to {}: {}", next.1.describe(), state.reason);
        let draft = AuditDraft::new(actor, now, "root.prepare", format!("root/{}", state.id), detail);
        commit_step(self.store.as_ref(), change, draft).await?;
        *self.sealer.migration() = MigrationMemory::default();
        self.sealer.refresh(self.store.as_ref()).await?;
        Ok(lines)
    }

    async fn next_root(&self, target: &MigrationTarget) -> Result<(RootWithRecord, NewShares), Refusal> {
        match target {
            MigrationTarget::Configured => {
                let next = self.sealer.roots.next().await.map_err(UnlockError::from)?;
                let next = next.ok_or_else(|| {
                    Refusal::rule(
                        "/to",
                        "no next root is configured: set ROTA_NEXT_ROOT and what belongs to it",
                    )
                })?;
                Ok((next, NewShares::new()))
            }
            MigrationTarget::Shares { threshold, shares } => {
                let root_key = RootKey::generate(self.randomness.as_ref());
                let split = ShareSet::split(&root_key, *threshold, *shares, self.randomness.as_ref());
                let (set, shares) = split.map_err(Refusal::Rules)?;
                let lines = shares
                    .iter()
                    .map(crate::seal::shares::Share::expose_line)
                    .collect();
                let root = self.local_root(root_key);
                Ok(((root, RootRecord::Shares(set)), lines))
            }
        }
    }

    fn local_root(&self, root_key: RootKey) -> Arc<dyn RootOfTrust> {
        LocalRoot::new(root_key, SHARES, Arc::clone(&self.sealer.randomness))
    }

    async fn give_proof(
        &self,
        actor: &Actor,
        id: &str,
        share: &SecretText,
        stored: &Stored,
        next: &Next,
    ) -> Result<(), Refusal> {
        let RootRecord::Shares(set) = &next.record else {
            return Err(none_under_way());
        };
        if next.state.id != id {
            return Err(none_under_way());
        }
        let root_key = self
            .sealer
            .migration()
            .proof
            .give(set, share, actor, self.clock.now())?;
        let Some(root_key) = root_key else {
            return Ok(());
        };
        let root = self.local_root(root_key);
        self.note_proof(actor, stored, next, root.as_ref()).await?;
        self.sealer.migration().proven = Some(root);
        Ok(())
    }

    /// Proves that the next root, opened afresh from the configuration, opens everything.
    ///
    /// # Errors
    /// Not an administrator, another id, the next root is held in shares (then its shares prove it), it does not open
    /// everything, sealed, root or store away.
    pub async fn verify_root_migration(&self, actor: &Actor, id: &str) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        self.sealer.require_open()?;
        let stored = Stored::read(self.store.as_ref()).await?;
        let next = expected(&stored, id)?;
        if let RootRecord::Shares(set) = &next.record {
            let detail = format!(
                "{} of the new shares prove it: give them one by one",
                set.threshold
            );
            return Err(Refusal::conflict("shares_needed", detail));
        }
        let root = self
            .sealer
            .roots
            .open(&next.record)
            .await
            .map_err(UnlockError::from)?;
        self.note_proof(actor, &stored, &next, root.as_ref()).await
    }

    async fn note_proof(
        &self,
        actor: &Actor,
        stored: &Stored,
        next: &Next,
        root: &dyn RootOfTrust,
    ) -> Result<(), Refusal> {
        self.sealer.prove(stored, next, root).await?;
        let (object, detail) = (format!("root/{}", next.state.id), next.record.describe());
        let draft = AuditDraft::new(actor, self.clock.now(), "root.verify", object, detail);
        commit_step(self.store.as_ref(), next.verified(stored), draft).await
    }

    /// Makes the next root the one. The last root opens nothing any more that is stored from here on.
    ///
    /// # Errors
    /// Not an administrator, another id, not verified, sealed, store away.
    pub async fn finalise_root_migration(&self, actor: &Actor, id: &str) -> Result<(), Refusal> {
        actor.require(Role::Administrator)?;
        self.sealer.require_open()?;
        let stored = Stored::read(self.store.as_ref()).await?;
        let next = expected(&stored, id)?;
        if next.state.step != MigrationStep::Verified {
            return Err(Refusal::conflict(
                "not_verified",
                "verify it first: nothing proves yet that the next root opens everything",
            ));
        }
        let (object, detail) = (format!("root/{id}"), next.record.describe());
        let draft = AuditDraft::new(actor, self.clock.now(), "root.finalise", object, detail);
        commit_step(self.store.as_ref(), next.finalised(&stored), draft).await?;
        let proven = std::mem::take(&mut *self.sealer.migration()).proven;
        match proven {
            Some(root) => self.sealer.open_by(self.store.as_ref(), root).await?,
            None => self.sealer.refresh(self.store.as_ref()).await?,
        }
        Ok(())
    }

    /// Gives a migration up; everything stays under the root that is there.
    ///
    /// # Errors
    /// Not an administrator, another id, shares were given and none of them by this person, store away.
    pub async fn cancel_root_migration(&self, actor: &Actor, id: &str, reason: &str) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        let stored = Stored::read(self.store.as_ref()).await?;
        let Some(next) = Next::of(&stored)? else {
            return self.cancel_asked_for(actor, id);
        };
        if next.state.id != id {
            return Err(none_under_way());
        }
        let took_part = next.state.participants.contains(&actor.label());
        if next.state.participants.is_empty() {
            actor.require(Role::Administrator)?;
        } else if !took_part {
            return Err(only_participants());
        }
        let (object, detail) = (format!("root/{id}"), reason.trim());
        let draft = AuditDraft::new(actor, self.clock.now(), "root.cancel", object, detail);
        commit_step(self.store.as_ref(), cleared(&stored), draft).await?;
        *self.sealer.migration() = MigrationMemory::default();
        self.sealer.refresh(self.store.as_ref()).await?;
        Ok(())
    }

    fn cancel_asked_for(&self, actor: &Actor, id: &str) -> Result<(), Refusal> {
        let mut memory = self.sealer.migration();
        let asked_for = memory.asked_for.as_ref().filter(|asked| asked.id == id);
        let gathering = &asked_for.ok_or_else(none_under_way)?.gathering;
        if gathering.is_empty_at(self.clock.now()) {
            actor.require(Role::Administrator)?;
        } else if !gathering.has_given(actor) {
            return Err(only_participants());
        }
        memory.asked_for = None;
        Ok(())
    }
}

impl Sealer {
    pub(crate) fn migration(&self) -> MutexGuard<'_, MigrationMemory> {
        self.migration.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to wrap by a root that is not the recorded one any more: somebody finalised a migration elsewhere.
    pub(crate) fn require_current_root(&self, stored: &Stored) -> Result<(), UnlockError> {
        let known = self.with_keys(|keys| Ok::<_, SealError>(keys.stored.record.clone()))?;
        if known == stored.record {
            return Ok(());
        }
        let detail =
            "the root was migrated elsewhere and this server has not followed: seal and unseal it".to_owned();
        Err(UnlockError::Root(crate::ports::RootError::Refused(detail)))
    }
}

pub(crate) fn recorded(stored: &Stored) -> Result<RootRecord, UnlockError> {
    RootRecord::parse(stored.record.as_ref().ok_or(UnlockError::RecordMissing)?)
}

fn expected(stored: &Stored, id: &str) -> Result<Next, Refusal> {
    Next::of(stored)?
        .filter(|next| next.state.id == id)
        .ok_or_else(none_under_way)
}

fn none_under_way() -> Refusal {
    Refusal::conflict(
        "no_migration",
        "no migration of the root with this id waits for that; look at the status",
    )
}

fn under_way(advice: &str) -> Refusal {
    Refusal::conflict(
        "root_migration",
        format!("a migration of the root is under way; {advice}"),
    )
}

fn only_participants() -> Refusal {
    Refusal::Forbidden("only those who gave a share may cancel this; ask one of them".to_owned())
}
