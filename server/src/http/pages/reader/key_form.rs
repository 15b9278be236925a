//! What the forms of a new key and of one that is changed offer and hold.

use std::collections::BTreeSet;
use std::time::Duration;

use app::forms::{Form as _, KeyEditForm, duration};
use app::reader::ReadError;
use app::views::key::{AlgorithmChoice, KeyFormView, PresentKey};
use engine::Name;
use engine::access::Role;
use engine::catalog::Sensitivity;
use keyring::Algorithm;

use super::key::purpose;
use super::words::sensitivity;
use super::{PageReader, unavailable};

impl PageReader {
    pub(super) async fn read_key_form(&self, name: Option<&str>) -> Result<KeyFormView, ReadError> {
        self.demand(Role::Operator)?;
        let services = &self.state.services;
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        let teams: BTreeSet<String> = credentials
            .iter()
            .filter_map(|facts| facts.credential.owner_team.clone())
            .collect();
        Ok(KeyFormView {
            algorithms: Algorithm::ALL.into_iter().map(choice).collect(),
            environments: self.environments().await?,
            teams: teams.into_iter().collect(),
            present: match name {
                Some(name) => Some(self.present_key(name).await?),
                None => None,
            },
        })
    }

    async fn present_key(&self, name: &str) -> Result<PresentKey, ReadError> {
        let name = Name::parse(name).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let key = services
            .key_view(&self.actor, &name)
            .await
            .map_err(unavailable)?
            .key;
        let policy = &key.policy;
        if policy.sensitivity == Sensitivity::Critical {
            self.demand(Role::Administrator)?;
        }
        let span = |span: Duration| duration::write(span.into());
        let tags = key.tags.iter().map(|(name, value)| format!("{name}={value}"));
        let callers = policy.callers.iter().map(ToString::to_string);
        let form = KeyEditForm {
            description: key.purpose.clone().unwrap_or_default(),
            owner_team: key.owner_team.clone().unwrap_or_default(),
            environment: key
                .environment
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            tags: tags.collect::<Vec<_>>().join("\n"),
            rotate_every: policy.rotate_every.map(span).unwrap_or_default(),
            grace: span(policy.grace),
            max_uses: policy.max_uses.to_string(),
            minimum_decryption_version: policy.minimum_decryption_version.to_string(),
            exportable: if policy.exportable { "true" } else { "" }.to_owned(),
            callers: callers.collect::<Vec<_>>().join("\n"),
            revision: key.revision.to_string(),
        };
        Ok(PresentKey {
            name: key.name.to_string(),
            values: form.values(),
            fixed: format!(
                "Its algorithm, {}, and its class, {},",
                key.algorithm.name(),
                sensitivity(policy.sensitivity)
            ),
            newest_version: u64::from(key.last_number),
            exportable: policy.exportable,
        })
    }
}

fn choice(algorithm: Algorithm) -> AlgorithmChoice {
    let remark = match algorithm {
        Algorithm::Aes256Gcm => "The usual choice: fast on every processor of the last ten years.",
        Algorithm::Aes256GcmSiv => "Forgives a nonce that repeats; slower.",
        Algorithm::ChaCha20Poly1305 => "Fast where the processor has no AES.",
        Algorithm::HmacSha256 => "Proves that a message is unchanged, to whoever may ask Rota.",
        Algorithm::Ed25519 => "Signatures that anybody checks with the public key.",
        Algorithm::EcdsaP256 => "Signatures where a standard asks for a curve of NIST.",
    };
    AlgorithmChoice {
        name: algorithm.name().to_owned(),
        purpose: purpose(algorithm.purpose()).to_owned(),
        remark: remark.to_owned(),
    }
}
