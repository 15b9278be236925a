//! Keys in and out, always wrapped: imported under a key pair made here for one import, exported under the receiver's
//! public key, and only where the key was made so (KEY-5).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring::{
    ImportKeyPair, KeyId as TransferName, KeyMaterial, KeyState, SecretBytes, TRANSFER_PUBLIC_KEY_LENGTH,
    Transfer, wrap_for_transfer,
};

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::Sensitivity;
use crate::change::{Change, Topic, Write};
use crate::clock::Timestamp;
use crate::id::{KeyId, KeyImportId};
use crate::key::create::NewKey;
use crate::key::model::{Key, KeyVersion, Origin};
use crate::key::moves;
use crate::key::rotate::check_reason;
use crate::key::views::KeyView;
use crate::name::Name;
use crate::ports::SecretRef;
use crate::rule::Refusal;
use crate::services::Services;

/// An import that nobody finishes is forgotten.
const IMPORT_LASTS: Duration = Duration::from_secs(86_400);
const IMPORT_TABLE: &str = "key_import";
const IMPORT_FIELD: &str = "private_key";

/// A key pair for one import. Its private half stays here, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyImport {
    pub id: KeyImportId,
    pub expires_at: Timestamp,
    /// X25519; standard base64.
    pub public_key: String,
}

/// A key as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedKey {
    pub number: u32,
    /// Standard base64: HPKE (RFC 9180), X25519-HKDF-SHA256, AES-256-GCM.
    pub wrapped: String,
    /// What both sides bind the wrap to.
    pub info: String,
}

impl SecretRef {
    fn key_import(id: &KeyImportId) -> Self {
        Self {
            table: IMPORT_TABLE,
            row: id.to_string(),
            field: IMPORT_FIELD,
        }
    }
}

impl Services {
    /// Makes the key pair under which one key is to be wrapped that is imported here.
    ///
    /// # Errors
    /// Not an administrator, store away.
    pub async fn begin_key_import(&self, actor: &Actor) -> Result<KeyImport, Refusal> {
        actor.require(Role::Administrator)?;
        let pair = ImportKeyPair::generate(self.randomness.as_ref());
        let id = KeyImportId::generate(self.clock.as_ref(), self.randomness.as_ref());
        let at = SecretRef::key_import(&id);
        let now = self.clock.now();
        let private = SecretBytes::new(pair.expose_bytes().to_vec());
        let sealed = self.sealer.seal_bytes(&at, &private)?;
        let draft = AuditDraft::new(
            actor,
            now,
            "key.import.begin",
            format!("key_import/{id}"),
            "a key pair for one import",
        );
        let change = Change::new().audit(draft).write(Write::PutSecret { at, sealed });
        self.store.commit(change).await?;
        Ok(KeyImport {
            expires_at: id.made_at().unwrap_or(now).after(IMPORT_LASTS),
            id,
            public_key: STANDARD.encode(pair.public_key()),
        })
    }

    /// Makes a key whose first version was made elsewhere. The key pair of the import is used up.
    ///
    /// # Errors
    /// Not an administrator, no such import, it has run out, broken rules, the name is taken, what was sent does not open.
    pub async fn import_key(
        &self,
        actor: &Actor,
        import: &KeyImportId,
        new: NewKey,
        wrapped: &str,
    ) -> Result<KeyView, Refusal> {
        actor.require(Role::Administrator)?;
        if has_run_out(import, self.clock.now()) {
            let detail =
                "this import was begun more than 24 hours ago; begin another, and wrap the key for that one";
            return Err(Refusal::conflict("import_expired", detail));
        }
        let key = self.new_key(actor, new).await?;
        let at = SecretRef::key_import(import);
        let sealed = self.store.sealed(&at).await?;
        let sealed = sealed.ok_or_else(|| Refusal::not_found("key import", import.as_str()))?;
        let private = self.sealer.open_bytes(&at, &sealed)?;
        let refused = |detail: String| Refusal::rule("/wrapped", detail);
        let pair = ImportKeyPair::from_bytes(&private).ok_or_else(|| {
            Refusal::Unavailable("the import's key pair is damaged; begin another".to_owned())
        })?;
        let wrapped = STANDARD
            .decode(wrapped)
            .map_err(|_| refused("must be standard base64 with padding".to_owned()))?;
        let name = transfer_name(&key)?;
        let transfer = Transfer {
            algorithm: key.algorithm,
            name: &name,
        };
        let material = pair
            .unwrap(transfer, &wrapped)
            .map_err(|error| refused(error.to_string()))?;
        let now = self.clock.now();
        let mut version = KeyVersion::new(&key.id, 1, KeyState::Active, now, "imported");
        version.origin = Origin::Imported;
        let material = SecretBytes::new(material.expose_bytes().to_vec());
        let detail = format!("{}, by import {import}", key.algorithm);
        let change = Change::new()
            .audit(AuditDraft::new(actor, now, "key.import", key.object(), detail))
            .write(Write::InsertKey(Box::new(key.clone())))
            .write(Write::PutKeyVersion(Box::new(version.clone())))
            .write(self.sealed_material(&key, 1, &material)?)
            .write(Write::ShredSecret { at })
            .topic(Topic::Key(key.id.clone()))
            .topic(Topic::Catalog);
        self.store.commit(change).await?;
        Ok(self.place_key(key, vec![version]))
    }

    /// Forgets the key pairs of imports that were begun and never finished; gives how many. For every minute or so.
    ///
    /// # Errors
    /// Store away.
    pub async fn forget_key_imports(&self) -> Result<usize, Refusal> {
        let now = self.clock.now();
        let mut forgotten = 0;
        for row in self.store.sealed_rows(IMPORT_TABLE, IMPORT_FIELD).await? {
            let Ok(import) = KeyImportId::parse(&row) else {
                continue;
            };
            if !has_run_out(&import, now) {
                continue;
            }
            let draft = AuditDraft::new(
                &Actor::system("keys"),
                now,
                "key.import.expire",
                format!("key_import/{import}"),
                "nobody finished it within 24 hours",
            );
            let at = SecretRef::key_import(&import);
            let change = Change::new().audit(draft).write(Write::ShredSecret { at });
            self.store.commit(change).await?;
            forgotten += 1;
        }
        Ok(forgotten)
    }

    /// Wraps one version (None: the active one) for whoever holds the private half of `public_key`.
    ///
    /// # Errors
    /// Not an administrator, no such key or version, the key may not leave, the version opens nothing, no public key.
    pub async fn export_key(
        &self,
        actor: &Actor,
        name: &Name,
        number: Option<u32>,
        public_key: &str,
        reason: &str,
    ) -> Result<ExportedKey, Refusal> {
        actor.require(Role::Administrator)?;
        check_reason(reason)?;
        let key = self.stored_key(name).await?;
        if !key.policy.exportable {
            let detail = format!("key `{name}` was made to stay here");
            return Err(Refusal::conflict("not_exportable", detail));
        }
        let versions = self.store.key_versions(&key.id).await?;
        let version = match number {
            Some(number) => moves::find(&key, &versions, number)?,
            None => moves::active(&versions).ok_or_else(|| {
                Refusal::conflict(
                    "key_version_unusable",
                    "no version is active; name the one to export",
                )
            })?,
        };
        if !version.state.may_open() {
            let detail = format!(
                "version {} is {} and does not leave",
                version.number, version.state
            );
            return Err(Refusal::conflict("key_version_unusable", detail));
        }
        let public_key: [u8; TRANSFER_PUBLIC_KEY_LENGTH] = STANDARD
            .decode(public_key)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Refusal::rule("/public_key", "must be an X25519 public key: 32 bytes, base64"))?;
        let material = self.material_of(&key.id, version.number).await?;
        let transfer_name = transfer_name(&key)?;
        let transfer = Transfer {
            algorithm: key.algorithm,
            name: &transfer_name,
        };
        let info = transfer.info();
        let wrapped = wrap_for_transfer(self.randomness.as_ref(), &public_key, transfer, &material)
            .map_err(|error| Refusal::rule("/public_key", error.to_string()))?;
        // Told before it leaves: no entry, no key.
        let change = Change::new().audit(AuditDraft::new(
            actor,
            self.clock.now(),
            "key.export",
            key.version_object(version.number),
            reason.trim(),
        ));
        self.store.commit(change).await?;
        Ok(ExportedKey {
            number: version.number,
            wrapped: STANDARD.encode(wrapped),
            info,
        })
    }

    async fn material_of(&self, key: &KeyId, number: u32) -> Result<KeyMaterial, Refusal> {
        let gone = || Refusal::Unavailable("the material of the version is missing".to_owned());
        let at = SecretRef::key_material(key, number);
        let sealed = self.store.sealed(&at).await?.ok_or_else(gone)?;
        let opened = self.opened_material(&at, &sealed).await?;
        KeyMaterial::import(&opened).ok_or_else(gone)
    }
}

fn transfer_name(key: &Key) -> Result<TransferName, Refusal> {
    TransferName::parse(key.name.as_str()).map_err(|error| Refusal::rule("/name", error.to_string()))
}

/// A key that may leave, or a critical one, is an administrator's decision.
pub(crate) fn needs_administrator(key: &Key) -> bool {
    key.policy.exportable || key.policy.sensitivity == Sensitivity::Critical
}

fn has_run_out(import: &KeyImportId, now: Timestamp) -> bool {
    import
        .made_at()
        .is_none_or(|made_at| now.since(made_at) >= IMPORT_LASTS)
}
