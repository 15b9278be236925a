//! Copies that applications keep of their data: backups and replicas. A version that one of them needs is not
//! destroyed (REENC-8).

use serde::{Deserialize, Serialize};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::id::{ApplicationBackupId, KeyId};
use crate::name::Name;
use crate::reencryption::census::VersionCount;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A copy and the key versions it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationBackup {
    pub id: ApplicationBackupId,
    pub name: Name,
    pub kind: CopyKind,
    /// The target it is a copy of.
    pub target: Option<Name>,
    pub key: KeyId,
    pub key_name: Name,
    pub versions: Vec<u32>,
    pub taken_at: Timestamp,
    /// It is kept until then; None: until it is taken off the list.
    pub until: Option<Timestamp>,
    /// Where the escrow bundle lies that opens it, in the owner's words.
    pub escrow: Option<String>,
    pub note: Option<String>,
    pub created_at: Timestamp,
    pub revision: i64,
}

/// What kind of copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyKind {
    Backup,
    Replica,
}

/// A copy as asked for.
#[derive(Clone, Debug)]
pub struct NewApplicationBackup {
    pub name: String,
    pub kind: CopyKind,
    pub target: Option<Name>,
    pub key: Option<Name>,
    /// None: those that the target's latest census found.
    pub versions: Option<Vec<u32>>,
    pub taken_at: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub escrow: Option<String>,
    pub note: Option<String>,
}

impl ApplicationBackup {
    /// Whether it needs a version now.
    pub fn needs(&self, key: &KeyId, version: u32, now: Timestamp) -> bool {
        self.key == *key && self.versions.contains(&version) && self.until.is_none_or(|until| until > now)
    }
}

impl Services {
    /// Registers a copy. Where its versions are not given, they are those of the target's latest census.
    ///
    /// # Errors
    /// Not an operator, broken rules, the name is taken.
    pub async fn register_application_backup(
        &self,
        actor: &Actor,
        new: NewApplicationBackup,
    ) -> Result<ApplicationBackup, Refusal> {
        actor.require(Role::Operator)?;
        let now = self.clock.now();
        let mut broken = Vec::new();
        let name = crate::catalog::service::parse_name(&new.name, "/name", &mut broken);
        let target = match &new.target {
            Some(target) => {
                let found = self.store.target(target).await?;
                if found.is_none() {
                    broken.push(RuleError::new(
                        "/target",
                        format!("there is no target `{target}`"),
                    ));
                }
                found
            }
            None => None,
        };
        let key = match (&new.key, &target) {
            (Some(key), _) => self.key_named(key).await?.map(|id| (id, key.clone())),
            (None, Some(target)) => Some((target.key.clone(), target.key_name.clone())),
            (None, None) => None,
        };
        if key.is_none() {
            let detail = "name the key, or a target of it";
            broken.push(RuleError::new("/key", detail));
        }
        let versions = match (new.versions, &target, &key) {
            (Some(versions), ..) => versions,
            (None, Some(target), Some((key, _))) => {
                let census = self.store.latest_census(&target.id).await?;
                let met = census.map(|census| census.versions).unwrap_or_default();
                let of_key = |counted: &VersionCount| counted.key == key.as_str();
                met.into_iter()
                    .filter(of_key)
                    .map(|counted| counted.version)
                    .collect()
            }
            (None, ..) => Vec::new(),
        };
        if versions.is_empty() {
            let detail = "say which versions it needs, or scan its target first";
            broken.push(RuleError::new("/versions", detail));
        }
        if new.until.is_some_and(|until| until <= now) {
            broken.push(RuleError::new("/until", "its retention has ended already"));
        }
        let (Some(name), Some((key, key_name)), true) = (name, key, broken.is_empty()) else {
            return Err(Refusal::Rules(broken));
        };
        let backup = ApplicationBackup {
            id: ApplicationBackupId::generate(self.clock.as_ref(), self.randomness.as_ref()),
            name,
            kind: new.kind,
            target: new.target,
            key,
            key_name,
            versions,
            taken_at: new.taken_at.unwrap_or(now),
            until: new.until,
            escrow: new.escrow,
            note: new.note,
            created_at: now,
            revision: 0,
        };
        let detail = format!(
            "needs versions {:?} of key `{}`",
            backup.versions, backup.key_name
        );
        let object = format!("application_backup/{}", backup.name);
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                now,
                "application_backup.register",
                object,
                detail,
            ))
            .write(Write::InsertApplicationBackup(Box::new(backup.clone())))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(backup)
    }

    /// All registered copies, by name.
    ///
    /// # Errors
    /// Not a viewer.
    pub async fn application_backups(&self, actor: &Actor) -> Result<Vec<ApplicationBackup>, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(self.store.application_backups().await?)
    }

    /// Takes a copy off the list: it is gone, or no longer needs its versions.
    ///
    /// # Errors
    /// Not an operator, no such copy.
    pub async fn remove_application_backup(&self, actor: &Actor, name: &Name) -> Result<(), Refusal> {
        actor.require(Role::Operator)?;
        let all = self.store.application_backups().await?;
        let backup = all.into_iter().find(|backup| backup.name == *name);
        let backup = backup.ok_or_else(|| Refusal::not_found("application backup", name.as_str()))?;
        let detail = format!("no longer needs versions {:?}", backup.versions);
        let object = format!("application_backup/{name}");
        let now = self.clock.now();
        let change = Change::new()
            .audit(AuditDraft::new(
                actor,
                now,
                "application_backup.remove",
                object,
                detail,
            ))
            .write(Write::DeleteApplicationBackup(Box::new(backup)))
            .topic(Topic::Catalog);
        Ok(self.store.commit(change).await?)
    }
}
