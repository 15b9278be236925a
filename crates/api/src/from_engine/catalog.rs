//! Issuers, consumers, credentials, versions, policies and freezes.

use std::collections::BTreeMap;

use engine::Name;
use engine::catalog as from;
use engine::catalog::age::{AgeThresholds as EngineThresholds, PolicyStatus as EngineStatus};
use engine::catalog::facts::{CredentialDetail, CredentialFacts, NextRotation};
use engine::catalog::service as asked;
use engine::delivery::InstanceView;
use engine::detection::Counts;

use super::rotation::instance;
use super::same_words;
use crate::Finding;
use crate::consumer::{Consumer, Instance};
use crate::credential::{
    AgeBand, AgeThresholds, BlastRadius, Credential, PolicyStatus, RotationInFlight, Sensitivity, Strategy,
};
use crate::freeze::Freeze;
use crate::issuer::{Breaker, Issuer, IssuerCheck, IssuerTest};
use crate::policy::{Evidence, Policy, PolicyInput};
use crate::token::Token;
use crate::version::{Version, VersionState};

same_words! {
    Sensitivity = from::Sensitivity { Low, Medium, High, Critical }
    Strategy = from::Strategy { Alternating, Dual, InPlace, Reissue }
    AgeBand = from::AgeBand { Green, Yellow, Red }
    PolicyStatus = EngineStatus { OnTime, Due, Overdue }
    Evidence = from::Evidence { Signals, AcksAndProbe }
    VersionState = from::VersionState { Candidate, Current, Previous, Retired, Failed, Destroyed }
}

impl From<EngineThresholds> for AgeThresholds {
    fn from(thresholds: EngineThresholds) -> Self {
        Self {
            yellow_from: thresholds.yellow_from.into(),
            red_from: thresholds.red_from.into(),
        }
    }
}

impl From<AgeThresholds> for EngineThresholds {
    fn from(thresholds: AgeThresholds) -> Self {
        Self {
            yellow_from: thresholds.yellow_from.into(),
            red_from: thresholds.red_from.into(),
        }
    }
}

impl From<from::Policy> for Policy {
    fn from(policy: from::Policy) -> Self {
        Self {
            max_age: policy.max_age.into(),
            grace: policy.grace.into(),
            soak: policy.soak.into(),
            waves: policy.waves.into_iter().map(u32::from).collect(),
            approvals: u32::from(policy.approvals),
            evidence: policy.evidence.into(),
            max_hold: Some(policy.max_hold.into()),
            rollback_drain: Some(policy.rollback_drain.into()),
        }
    }
}

impl From<PolicyInput> for asked::PolicyInput {
    fn from(policy: PolicyInput) -> Self {
        Self {
            max_age: policy.max_age.map(Into::into),
            grace: policy.grace.map(Into::into),
            soak: policy.soak.map(Into::into),
            waves: policy.waves,
            approvals: policy.approvals,
            evidence: policy.evidence.map(Into::into),
            max_hold: policy.max_hold.map(Into::into),
            rollback_drain: policy.rollback_drain.map(Into::into),
        }
    }
}

impl From<engine::freeze::Freeze> for Freeze {
    fn from(freeze: engine::freeze::Freeze) -> Self {
        Self {
            id: freeze.id.to_string(),
            environment: freeze.environment.map(|environment| environment.to_string()),
            reason: freeze.reason,
            until: freeze.until.map(Into::into),
            created_by: freeze.started_by,
            created_at: freeze.created_at.into(),
            ended_at: freeze.ended_at.map(Into::into),
        }
    }
}

impl Issuer {
    /// An issuer with how many credentials it issues and what is wrong with it.
    pub fn from_parts(issuer: from::Issuer, credentials: usize, findings: Vec<Finding>) -> Self {
        Self {
            id: issuer.id.to_string(),
            name: issuer.name.to_string(),
            kind: issuer.kind,
            environment: issuer.environment.to_string(),
            config: issuer.config,
            admin_username: issuer.admin_username,
            breaker: Some(Breaker {
                consecutive_errors: issuer.breaker.consecutive_errors,
                opened_at: issuer.breaker.opened_at.map(Into::into),
            }),
            credentials: count(credentials),
            sandbox: issuer.sandbox,
            revision: issuer.revision,
            created_at: issuer.created_at.into(),
            updated_at: None,
            last_test: None,
            findings,
        }
    }
}

impl From<asked::IssuerTest> for IssuerTest {
    fn from(test: asked::IssuerTest) -> Self {
        let checks = test.checks.into_iter();
        Self {
            ok: test.ok,
            tested_at: test.tested_at.into(),
            checks: checks
                .map(|check| IssuerCheck {
                    name: check.name,
                    ok: check.ok,
                    detail: check.detail,
                })
                .collect(),
        }
    }
}

impl Consumer {
    /// A consumer with what it is bound to, its tokens and its instances over all credentials.
    pub fn from_parts(
        consumer: from::Consumer,
        credentials: Vec<String>,
        tokens: Vec<Token>,
        instances: &[InstanceView],
    ) -> Self {
        let services = BTreeMap::from([(consumer.name.clone(), consumer.service.clone())]);
        let last_seen_at = instances.iter().map(|view| view.last_seen_at).max();
        Self {
            id: consumer.id.to_string(),
            name: consumer.name.to_string(),
            service: consumer.service,
            environment: consumer.environment.to_string(),
            labels: consumer.labels,
            credentials,
            tokens,
            instances: wire_instances(instances, &services),
            sandbox: consumer.sandbox,
            revision: consumer.revision,
            created_at: consumer.created_at.into(),
            last_seen_at: last_seen_at.map(Into::into),
        }
    }
}

fn wire_instances(instances: &[InstanceView], services: &BTreeMap<Name, String>) -> Vec<Instance> {
    let in_cohort = |view: &InstanceView| view.stored.cohort_of.is_some();
    instances
        .iter()
        .map(|view| instance(view, services, in_cohort(view), Counts::default()))
        .collect()
}

/// What of a credential is not in its facts.
#[derive(Debug, Default)]
pub struct CredentialParts {
    pub versions: Vec<from::Version>,
    pub instances: Vec<InstanceView>,
    pub findings: Vec<Finding>,
}

impl Credential {
    /// One credential in whole.
    pub fn from_detail(detail: CredentialDetail, findings: Vec<Finding>) -> Self {
        let parts = CredentialParts {
            versions: detail.versions,
            instances: detail.instances,
            findings,
        };
        Self::from_parts(detail.facts, parts)
    }

    /// A credential as it stands now.
    pub fn from_parts(facts: CredentialFacts, parts: CredentialParts) -> Self {
        let live = parts.instances.iter().filter(|view| view.live).count();
        let automated = facts.is_automated();
        let due_at = match &facts.next_rotation {
            NextRotation::At(time) | NextRotation::WithApproval(time) => Some(*time),
            NextRotation::Held { .. } | NextRotation::Waits { .. } => None,
        };
        let blast_radius = BlastRadius {
            score: u32::try_from(facts.score).unwrap_or(u32::MAX),
            consumers: count(facts.credential.consumers.len()),
            services: count(facts.services.len()),
            instances: count(live),
        };
        let versions = versions(parts.versions, &parts.instances, facts.rotation.as_ref());
        let credential = facts.credential;
        Self {
            id: credential.id.to_string(),
            name: credential.name.to_string(),
            kind: kind(credential.kind).to_owned(),
            issuer: credential.issuer.to_string(),
            owner_team: credential.owner_team,
            backup_contact: credential.backup_contact,
            purpose: credential.purpose,
            sensitivity: credential.sensitivity.into(),
            environment: credential.environment.to_string(),
            strategy: credential.strategy.into(),
            config: credential.config,
            consumers: credential.consumers.iter().map(ToString::to_string).collect(),
            tags: credential.tags,
            review_every: credential.review_every.map(Into::into),
            policy: credential.policy.into(),
            age_seconds: facts.age.map(|age| age.as_secs()),
            age_band: facts.band.into(),
            policy_status: facts.status.into(),
            current_version: credential.current.map(|number| number.0),
            versions,
            automated,
            instances: count(live),
            next_rotation_at: due_at.map(Into::into),
            expires_at: facts.expires_at.map(Into::into),
            last_rotated_at: credential.last_rotated_at.map(Into::into),
            schedule_hold: credential.schedule_hold,
            age_thresholds: credential.age_thresholds.map(Into::into),
            rotation: facts.rotation.as_ref().map(|rotation| RotationInFlight {
                id: rotation.id.to_string(),
                state: rotation.into(),
            }),
            blast_radius,
            findings: parts.findings,
            sandbox: credential.sandbox,
            revision: credential.revision,
            created_at: credential.created_at.into(),
            updated_at: None,
        }
    }
}

fn versions(
    versions: Vec<from::Version>,
    instances: &[InstanceView],
    rotation: Option<&engine::rotation::Rotation>,
) -> Vec<Version> {
    let grace_until = rotation.and_then(|rotation| match &rotation.state {
        engine::rotation::RotationState::Grace { until, .. } => Some((*until).into()),
        _ => None,
    });
    versions
        .into_iter()
        .map(|version| {
            let holding = instances
                .iter()
                .filter(|view| view.live && view.acknowledged == Some(version.number))
                .count();
            let is_previous = version.state == from::VersionState::Previous;
            let made_by = rotation.filter(|rotation| rotation.to == version.number);
            Version {
                number: version.number.0,
                state: version.state.into(),
                identity: Some(version.identity).filter(|identity| !identity.is_empty()),
                created_at: version.created_at.into(),
                promoted_at: version.promoted_at.map(Into::into),
                grace_until: grace_until.filter(|_| is_previous),
                retired_at: version.retired_at.map(Into::into),
                last_proved_at: version.last_proved_at.map(Into::into),
                failure: version.failure,
                rotation: made_by.map(|rotation| rotation.id.to_string()),
                instances: count(holding),
            }
        })
        .collect()
}

/// The word of a kind.
fn kind(kind: from::CredentialKind) -> &'static str {
    match kind {
        from::CredentialKind::DatabasePassword => "database_password",
        from::CredentialKind::ApiKey => "api_key",
        from::CredentialKind::Certificate => "certificate",
        from::CredentialKind::SigningKey => "signing_key",
        from::CredentialKind::SshKey => "ssh_key",
        from::CredentialKind::Token => "token",
        from::CredentialKind::Other => "other",
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
