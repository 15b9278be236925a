//! What the forms start with.

use std::collections::BTreeSet;

use api::{Consumer, Credential, Issuer};
use app::forms::{ConsumerForm, CredentialForm, Form, IssuerForm, Values};
use app::reader::ReadError;
use app::views::consumer::ConsumerFormView;
use app::views::credential::{ConsumerChoice, CredentialFormView, IssuerChoice};
use app::views::issuer::IssuerFormView;
use engine::Name;
use engine::access::Role;

use super::issuer::address;
use super::{PageReader, unavailable};

impl PageReader {
    pub(super) async fn read_issuer_form(&self, name: Option<&str>) -> Result<IssuerFormView, ReadError> {
        self.demand(Role::Administrator)?;
        let services = &self.state.services;
        let present = match parsed(name)? {
            None => None,
            Some(name) => {
                let issuer = services.issuer(&self.actor, &name).await.map_err(unavailable)?;
                Some(IssuerForm::of(&Issuer::from_parts(issuer, 0, Vec::new())).values())
            }
        };
        let environments = self.environments().await?;
        Ok(IssuerFormView {
            present,
            environments,
            may_administer: true,
        })
    }

    pub(super) async fn read_consumer_form(&self, name: Option<&str>) -> Result<ConsumerFormView, ReadError> {
        self.demand(Role::Operator)?;
        let services = &self.state.services;
        let present = match parsed(name)? {
            None => None,
            Some(name) => {
                let consumer = services.consumer(&self.actor, &name).await.map_err(unavailable)?;
                Some(ConsumerForm::of(&Consumer::from_parts(consumer, Vec::new(), Vec::new(), &[])).values())
            }
        };
        let environments = self.environments().await?;
        Ok(ConsumerFormView {
            present,
            environments,
            server_url: self.server_url(),
            may_operate: true,
        })
    }

    pub(super) async fn read_credential_form(
        &self,
        name: Option<&str>,
    ) -> Result<CredentialFormView, ReadError> {
        self.demand(Role::Operator)?;
        let services = &self.state.services;
        let issuers = services.issuers(&self.actor).await.map_err(unavailable)?;
        let consumers = services.consumers(&self.actor).await.map_err(unavailable)?;
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        let teams: BTreeSet<String> = credentials
            .iter()
            .filter_map(|facts| facts.credential.owner_team.clone())
            .collect();
        let present = match parsed(name)? {
            None => None,
            Some(name) => {
                let detail = services
                    .credential(&self.actor, &name)
                    .await
                    .map_err(unavailable)?;
                let of = |issuer: &&engine::catalog::Issuer| issuer.name == detail.facts.credential.issuer;
                let kind = issuers
                    .iter()
                    .find(of)
                    .map(|issuer| issuer.kind.clone())
                    .unwrap_or_default();
                Some(present_values(
                    &Credential::from_detail(detail, Vec::new()),
                    &kind,
                ))
            }
        };
        Ok(CredentialFormView {
            present,
            issuers: issuers
                .iter()
                .map(|issuer| IssuerChoice {
                    name: issuer.name.to_string(),
                    kind: issuer.kind.clone(),
                    environment: issuer.environment.to_string(),
                    address: address(issuer),
                })
                .collect(),
            consumers: consumers
                .iter()
                .map(|consumer| ConsumerChoice {
                    name: consumer.name.to_string(),
                    service: consumer.service.clone(),
                    environment: consumer.environment.to_string(),
                })
                .collect(),
            teams: teams.into_iter().collect(),
            may_operate: true,
            may_administer: self.may_administer(),
        })
    }

    pub(super) fn demand(&self, role: Role) -> Result<(), ReadError> {
        self.actor.require(role).map_err(unavailable)
    }

    pub(super) async fn environments(&self) -> Result<Vec<String>, ReadError> {
        let services = &self.state.services;
        let issuers = services.issuers(&self.actor).await.map_err(unavailable)?;
        let consumers = services.consumers(&self.actor).await.map_err(unavailable)?;
        let all: BTreeSet<String> = issuers
            .iter()
            .map(|issuer| issuer.environment.to_string())
            .chain(consumers.iter().map(|consumer| consumer.environment.to_string()))
            .collect();
        Ok(all.into_iter().collect())
    }
}

fn present_values(credential: &Credential, issuer_kind: &str) -> Values {
    CredentialForm::of(credential, issuer_kind).values()
}

fn parsed(name: Option<&str>) -> Result<Option<Name>, ReadError> {
    name.map(Name::parse).transpose().map_err(|_| ReadError::NotFound)
}
