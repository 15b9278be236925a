//! Consumers: the list and one of them.

use app::reader::ReadError;
use app::views::catalog::CatalogQuery;
use app::views::consumer::{ConsumerInstance, ConsumerLine, ConsumerView, ConsumersView, TokenLine};
use app::views::credential::InstanceHealth;
use engine::Name;
use engine::access::{Token, TokenOwner};
use engine::catalog::{Consumer, CredentialFacts};
use engine::delivery::InstanceView;

use super::credential::{instance_line, line as credential_line};
use super::issuer::listed;
use super::rotation::health;
use super::words::{count, moment};
use super::{PageReader, unavailable};

impl PageReader {
    pub(super) async fn read_consumers(&self, query: CatalogQuery) -> Result<ConsumersView, ReadError> {
        let services = &self.state.services;
        let mut consumers = services.consumers(&self.actor).await.map_err(unavailable)?;
        consumers.retain(|consumer| self.is_within(&consumer.environment));
        let query = self.narrowed(query);
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        let instances = self.all_instances().await?;
        let lines: Vec<ConsumerLine> = consumers
            .iter()
            .map(|consumer| line(consumer, &credentials, &instances))
            .collect();
        let live_instances = lines.iter().map(|line| line.live_instances).sum();
        let failing_instances = lines.iter().map(|line| line.failing_instances).sum();
        let listing = listed(
            lines,
            &query,
            |line| [&line.name, &line.service],
            |line| &line.environment,
        );
        Ok(ConsumersView {
            listing,
            live_instances,
            failing_instances,
            may_operate: self.may_operate(),
        })
    }

    pub(super) async fn read_consumer(&self, name: &str) -> Result<ConsumerView, ReadError> {
        let name = Name::parse(name).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let consumer = services.consumer(&self.actor, &name).await.map_err(unavailable)?;
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        let instances = self.all_instances().await?;
        let tokens = services.consumer_tokens(&self.actor).await.map_err(unavailable)?;
        let now = self.now();
        let of_this = |token: &&Token| {
            token.is_valid(now)
                && matches!(&token.owner, TokenOwner::Consumer { name } if *name == consumer.name)
        };
        let named = |view: &InstanceView| {
            credentials
                .iter()
                .find(|facts| facts.credential.id == view.stored.credential)
                .map_or_else(String::new, |facts| facts.credential.name.to_string())
        };
        Ok(ConsumerView {
            line: line(&consumer, &credentials, &instances),
            labels: consumer.labels.clone().into_iter().collect(),
            instances: instances
                .iter()
                .filter(|view| view.stored.consumer == consumer.name)
                .map(|view| ConsumerInstance {
                    credential: named(view),
                    instance: instance_line(view),
                })
                .collect(),
            credentials: used(&consumer, &credentials).map(credential_line).collect(),
            tokens: tokens.iter().filter(of_this).map(token_line).collect(),
            server_url: self.server_url(),
            may_operate: self.may_operate(),
        })
    }

    /// The address that programs reach this server at.
    pub(super) fn server_url(&self) -> String {
        self.state
            .public_url
            .get()
            .map_or_else(String::new, |url| url.as_str().trim_end_matches('/').to_owned())
    }

    async fn all_instances(&self) -> Result<Vec<InstanceView>, ReadError> {
        let services = &self.state.services;
        let stored = services.store.all_instances().await.map_err(unavailable)?;
        Ok(services.live.view(&stored, self.now()))
    }
}

fn used<'a>(
    consumer: &'a Consumer,
    credentials: &'a [CredentialFacts],
) -> impl Iterator<Item = &'a CredentialFacts> {
    credentials
        .iter()
        .filter(|facts| facts.credential.consumers.contains(&consumer.name))
}

fn line(consumer: &Consumer, credentials: &[CredentialFacts], instances: &[InstanceView]) -> ConsumerLine {
    let own: Vec<&InstanceView> = instances
        .iter()
        .filter(|view| view.stored.consumer == consumer.name)
        .collect();
    let with =
        |wanted: InstanceHealth| count(own.iter().filter(|view| health(view, false) == wanted).count());
    ConsumerLine {
        name: consumer.name.to_string(),
        service: consumer.service.clone(),
        environment: consumer.environment.to_string(),
        live_instances: count(own.iter().filter(|view| view.live).count()),
        absent_instances: with(InstanceHealth::Absent),
        failing_instances: with(InstanceHealth::Failing),
        credentials: count(used(consumer, credentials).count()),
        last_seen: own.iter().map(|view| view.last_seen_at).max().map(moment),
        sandbox: consumer.sandbox,
    }
}

fn token_line(token: &Token) -> TokenLine {
    TokenLine {
        id: token.id.to_string(),
        hint: token.hint.clone(),
        created_at: moment(token.created_at),
        expires_at: token.expires_at.map(moment),
        last_used: None,
    }
}
