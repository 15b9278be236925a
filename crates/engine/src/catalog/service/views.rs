//! Credentials as they stand now, for lists and pages.

use crate::access::{Actor, Role};
use crate::catalog::Credential;
use crate::catalog::facts::{CredentialDetail, CredentialFacts, Surroundings};
use crate::name::Name;
use crate::rule::Refusal;
use crate::services::Services;

impl Services {
    /// Every credential with what follows from it, by name. A fixed number of queries, however many there are.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn credentials(&self, actor: &Actor) -> Result<Vec<CredentialFacts>, Refusal> {
        actor.require(Role::Viewer)?;
        let surroundings = self.surroundings().await?;
        let now = self.clock.now();
        let credentials = self.store.credentials().await?;
        Ok(credentials
            .into_iter()
            .map(|credential| surroundings.facts_of(credential, now))
            .collect())
    }

    /// One credential with its versions and instances.
    ///
    /// # Errors
    /// Not a viewer, no such credential.
    pub async fn credential(&self, actor: &Actor, name: &Name) -> Result<CredentialDetail, Refusal> {
        actor.require(Role::Viewer)?;
        let credential = self.store.credential(name).await?;
        let credential = credential.ok_or_else(|| Refusal::not_found("credential", name.as_str()))?;
        self.detail_of(credential).await
    }

    async fn detail_of(&self, credential: Credential) -> Result<CredentialDetail, Refusal> {
        let now = self.clock.now();
        let versions = self.store.versions(&credential.id).await?;
        let instances = self.live.view(&self.store.instances(&credential.id).await?, now);
        let current = credential.current;
        let surroundings = Surroundings::new(
            versions
                .iter()
                .filter(|version| Some(version.number) == current)
                .cloned()
                .collect(),
            self.store
                .rotation_in_flight(&credential.id)
                .await?
                .into_iter()
                .collect(),
            self.store.consumers().await?,
            self.store.issuer(&credential.issuer).await?.into_iter().collect(),
            self.store.freezes_on(now).await?,
        );
        Ok(CredentialDetail {
            facts: surroundings.facts_of(credential, now),
            versions,
            instances,
        })
    }

    async fn surroundings(&self) -> Result<Surroundings, Refusal> {
        Ok(Surroundings::new(
            self.store.current_versions().await?,
            self.store.rotations_in_flight().await?,
            self.store.consumers().await?,
            self.store.issuers().await?,
            self.store.freezes_on(self.clock.now()).await?,
        ))
    }
}
