//! Keys and what is done with them.

use std::time::Duration;

use engine::key as from;

use super::same_words;
use crate::key::{
    AlgorithmUse, CreateKey, ExportedKey, Key, KeyAlarm, KeyAlgorithm, KeyDependents, KeyDestruction,
    KeyImport, KeyUse, KeyVersion, KeyVersionState, PublicKey, UpdateKey,
};

same_words! {
    KeyAlgorithm = keyring::Algorithm { Aes256Gcm, Aes256GcmSiv, ChaCha20Poly1305, HmacSha256, Ed25519, EcdsaP256 }
    KeyUse = keyring::Purpose { Encrypt, Mac, Sign }
    KeyVersionState = keyring::KeyState { PreActive, Active, Deprecated, Suspended, Revoked, Destroyed }
}

/// The fields of a policy stand alike in both bodies.
macro_rules! policy {
    ($body:expr) => {
        from::NewKeyPolicy {
            rotate_every: $body.rotate_every.map(|age| age.map(Duration::from)),
            grace: $body.grace.map(Into::into),
            max_uses: $body.max_uses,
            exportable: $body.exportable,
            minimum_decryption_version: $body.minimum_decryption_version,
            callers: $body.callers,
            sensitivity: $body.sensitivity.map(Into::into),
        }
    };
}

impl From<CreateKey> for from::NewKey {
    fn from(body: CreateKey) -> Self {
        Self {
            name: body.name,
            algorithm: body.algorithm.into(),
            owner_team: body.owner_team,
            purpose: body.purpose,
            environment: body.environment,
            tags: body.tags.unwrap_or_default(),
            policy: policy!(body),
        }
    }
}

impl From<UpdateKey> for from::KeyUpdate {
    fn from(body: UpdateKey) -> Self {
        Self {
            owner_team: body.owner_team,
            purpose: body.purpose,
            environment: body.environment,
            tags: body.tags,
            policy: policy!(body),
        }
    }
}

impl From<from::KeyView> for Key {
    fn from(view: from::KeyView) -> Self {
        let active_version = view.active().map(|active| active.number);
        let from::Key { policy, .. } = view.key;
        Self {
            id: view.key.id.to_string(),
            name: view.key.name.to_string(),
            algorithm: view.key.algorithm.into(),
            owner_team: view.key.owner_team,
            purpose: view.key.purpose,
            environment: view.key.environment.map(|environment| environment.to_string()),
            tags: view.key.tags,
            rotate_every: policy.rotate_every.map(Into::into),
            grace: Some(policy.grace.into()),
            use_for: Some(view.key.algorithm.purpose().into()),
            max_uses: Some(policy.max_uses),
            exportable: Some(policy.exportable),
            minimum_decryption_version: Some(policy.minimum_decryption_version),
            callers: policy.callers.iter().map(ToString::to_string).collect(),
            sensitivity: Some(policy.sensitivity.into()),
            active_version,
            due_at: view.due_at.map(Into::into),
            postponed_since: view.key.postponed_since.map(Into::into),
            alarm: view.alarm.map(Into::into),
            undrained: view.key.undrained,
            versions: view.versions.into_iter().map(Into::into).collect(),
            revision: view.key.revision,
            created_at: view.key.created_at.into(),
        }
    }
}

impl From<from::KeyVersionView> for KeyVersion {
    fn from(view: from::KeyVersionView) -> Self {
        let version = view.version;
        Self {
            number: version.number,
            state: version.state.into(),
            created_at: version.created_at.into(),
            uses: version.uses,
            activated_at: version.activated_at.map(Into::into),
            state_since: Some(version.state_since.into()),
            reason: Some(version.reason),
            last_decrypted_at: version.opened_at.map(Into::into),
            destroy_at: version.destroy_at.map(Into::into),
            destruction: version.destruction.map(Into::into),
            destroyed_at: version.destroyed_at.map(Into::into),
            imported: version.origin == from::Origin::Imported,
            moves: view.moves.into_iter().map(Into::into).collect(),
            dependents: view.dependents.map(Into::into),
        }
    }
}

impl From<from::DestructionRequest> for KeyDestruction {
    fn from(request: from::DestructionRequest) -> Self {
        let (approved_by, approved_at) = request
            .approval
            .map(|approval| (approval.by, approval.at.into()))
            .unzip();
        Self {
            asked_by: request.asked_by,
            asked_at: request.asked_at.into(),
            reason: request.reason,
            approved_by,
            approved_at,
        }
    }
}

impl From<from::Dependents> for KeyDependents {
    fn from(dependents: from::Dependents) -> Self {
        Self {
            in_use: dependents.opened_at.is_some(),
            records: dependents.records.into_iter().collect(),
            backups: dependents.backups,
        }
    }
}

impl From<from::update::AlgorithmUse> for AlgorithmUse {
    fn from(algorithm: from::update::AlgorithmUse) -> Self {
        Self {
            algorithm: algorithm.algorithm.into(),
            forbidden: algorithm.is_forbidden,
            keys: algorithm.keys.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<from::VersionPublicKey> for PublicKey {
    fn from(public: from::VersionPublicKey) -> Self {
        use base64::Engine as _;
        Self {
            version: public.number,
            state: public.state.into(),
            algorithm: public.key.algorithm().into(),
            pem: public.key.spki_pem(),
            raw: base64::engine::general_purpose::STANDARD.encode(public.key.raw()),
        }
    }
}

impl From<from::KeyImport> for KeyImport {
    fn from(import: from::KeyImport) -> Self {
        Self {
            id: import.id.to_string(),
            public_key: import.public_key,
            expires_at: import.expires_at.into(),
            info: "rota key transfer 1:{algorithm}:{name}".to_owned(),
        }
    }
}

impl From<from::ExportedKey> for ExportedKey {
    fn from(exported: from::ExportedKey) -> Self {
        Self {
            version: exported.number,
            wrapped: exported.wrapped,
            info: exported.info,
        }
    }
}

impl From<engine::reencryption::alarm::KeyAlarm> for KeyAlarm {
    fn from(alarm: engine::reencryption::alarm::KeyAlarm) -> Self {
        Self {
            version: alarm.version,
            since: alarm.since.into(),
            records: alarm.records,
            failed: alarm.failed,
            detail: alarm.in_words(),
        }
    }
}
