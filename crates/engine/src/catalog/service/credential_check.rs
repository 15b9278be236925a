//! The checks that a new credential and a changed one share.

use std::time::Duration;

use crate::catalog::age::AgeThresholds;
use crate::catalog::service::{check_text, parse_name, rule_of};
use crate::catalog::{Credential, Environment, Issuer};
use crate::name::Name;
use crate::ports::{IssuerAccess, Material, Target};
use crate::rotation::ErrorClass;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

impl Services {
    /// The consumers by name: they exist, stand in the credential's environment, and none twice.
    pub(super) async fn checked_consumers(
        &self,
        given: &[String],
        environment: Option<&Environment>,
        broken: &mut Vec<RuleError>,
    ) -> Result<Vec<Name>, Refusal> {
        let mut consumers = Vec::new();
        for (index, text) in given.iter().enumerate() {
            let pointer = format!("/consumers/{index}");
            let Some(name) = parse_name(text, &pointer, broken) else {
                continue;
            };
            match self.store.consumer(&name).await? {
                None => broken.push(RuleError::new(
                    pointer,
                    format!("there is no consumer `{name}`; add it first"),
                )),
                Some(consumer) if environment.is_some_and(|own| *own != consumer.environment) => {
                    let detail = format!("consumer `{name}` is in `{}`, not here", consumer.environment);
                    broken.push(RuleError::new(pointer, detail));
                }
                Some(_) if consumers.contains(&name) => {
                    broken.push(RuleError::new(pointer, format!("`{name}` is listed twice")));
                }
                Some(_) => consumers.push(name),
            }
        }
        Ok(consumers)
    }

    /// Looks at what the credential names at its issuer; gives the findings.
    pub(super) async fn inspected_target(
        &self,
        credential: &Credential,
        issuer: &Issuer,
        adopted: Option<&Material>,
    ) -> Result<Vec<String>, Refusal> {
        let connector = self
            .connectors
            .of(&issuer.kind)
            .ok_or_else(|| no_connector(issuer))?;
        let admin = self.opened_admin(issuer).await?;
        let access = IssuerAccess {
            issuer,
            admin: &admin,
        };
        let inspection = connector
            .inspect_target(access, target_of(credential), adopted)
            .await;
        let inspection = inspection.map_err(|error| match error.class {
            ErrorClass::Network | ErrorClass::UnknownOutcome => Refusal::Unavailable(format!(
                "issuer `{}` could not be reached: {}",
                issuer.name, error.detail
            )),
            ErrorClass::Authentication
            | ErrorClass::Permission
            | ErrorClass::Policy
            | ErrorClass::Conflict => Refusal::Rules(vec![rule_of(&error, "/issuer", "/config")]),
        })?;
        if inspection.broken_rules.is_empty() {
            Ok(inspection.findings)
        } else {
            Err(Refusal::Rules(inspection.broken_rules))
        }
    }
}

/// The connector's view of a credential.
pub(super) fn target_of(credential: &Credential) -> Target<'_> {
    Target {
        credential: &credential.id,
        name: &credential.name,
        strategy: credential.strategy,
        config: &credential.config,
    }
}

pub(super) fn no_connector(issuer: &Issuer) -> Refusal {
    Refusal::rule(
        "/issuer",
        format!(
            "there is no connector for `{}`, the kind of issuer `{}`",
            issuer.kind, issuer.name
        ),
    )
}

/// The words that describe a credential to people.
pub(super) fn check_words(credential: &Credential, broken: &mut Vec<RuleError>) {
    check_text(&credential.purpose, "/purpose", 2_000, broken);
    for (text, pointer) in [
        (&credential.owner_team, "/owner_team"),
        (&credential.backup_contact, "/backup_contact"),
    ] {
        check_text(text.as_deref().unwrap_or_default(), pointer, 200, broken);
    }
    if credential.tags.len() > 64 {
        broken.push(RuleError::new("/tags", "at most 64 tags"));
    }
    for (index, tag) in credential.tags.iter().enumerate() {
        let pointer = format!("/tags/{index}");
        check_text(tag, &pointer, 127, broken);
        if tag.trim().is_empty() {
            broken.push(RuleError::new(pointer, "a tag is not empty"));
        }
    }
    check_times(credential.review_every, credential.age_thresholds, broken);
}

fn check_times(
    review_every: Option<Duration>,
    thresholds: Option<AgeThresholds>,
    broken: &mut Vec<RuleError>,
) {
    if review_every.is_some_and(|every| every.is_zero()) {
        broken.push(RuleError::new(
            "/review_every",
            "must be longer than zero, for example P90D",
        ));
    }
    if thresholds.is_some_and(|thresholds| thresholds.yellow_from >= thresholds.red_from) {
        broken.push(RuleError::new(
            "/age_thresholds/red_from",
            "must come after yellow_from",
        ));
    }
}
