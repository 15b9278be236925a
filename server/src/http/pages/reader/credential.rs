//! The list of credentials and a credential's page.

use std::collections::{BTreeMap, BTreeSet};

use app::reader::ReadError;
use app::views::credential::{
    ConsumerGroup, CredentialLine, CredentialOrder, CredentialView, CredentialsQuery, CredentialsView,
    FindingLine, InFlight, InstanceLine, NextRotation as Next, PolicyView, RotationPlan, Severity,
    VersionLane,
};
use app::views::{Age, AgeBand, Listing, PolicyStatus};
use engine::Name;
use engine::catalog::facts::{CredentialDetail, CredentialFacts, NextRotation};
use engine::catalog::{Consumer, Evidence, Strategy, Version, VersionState};
use engine::delivery::InstanceView;
use engine::delivery::serve::cohort_size;
use engine::ports::RotationFilter;

use super::issuer::kind_in_words;
use super::rotation::{health, line as rotation_line, stage};
use super::words::{band, count, kind, moment, number, sensitivity, status, strategy, version_state};
use super::{PageReader, unavailable};

/// Credentials on one page of the list.
const PAGE: usize = 50;
/// Rotations shown in a credential's history.
const HISTORY: u32 = 20;

impl PageReader {
    /// The list, filtered and in order.
    pub(super) async fn read_credentials(
        &self,
        mut query: CredentialsQuery,
    ) -> Result<CredentialsView, ReadError> {
        let services = &self.state.services;
        let mut facts = services.credentials(&self.actor).await.map_err(unavailable)?;
        facts.retain(|facts| self.is_within(&facts.credential.environment));
        // The switch goes before a filter that an address still carries.
        if self.environment().is_some() {
            query.environment = None;
        }
        let lines: Vec<CredentialLine> = facts.iter().map(line).collect();
        let bands = |wanted: AgeBand| {
            count(
                lines
                    .iter()
                    .filter(|line| line.age.is_some_and(|age| age.band == wanted))
                    .count(),
            )
        };
        let set = |words: BTreeSet<String>| words.into_iter().collect::<Vec<_>>();
        let mut chosen: Vec<CredentialLine> = lines
            .iter()
            .filter(|line| matches(line, &query))
            .cloned()
            .collect();
        order(&mut chosen, query.sort);
        let total = chosen.len();
        let start = query
            .cursor
            .as_deref()
            .and_then(|cursor| chosen.iter().position(|line| line.name == cursor))
            .map_or(0, |position| position + 1);
        let items: Vec<CredentialLine> = chosen.into_iter().skip(start).take(PAGE).collect();
        let more = total > start + items.len();
        Ok(CredentialsView {
            teams: set(lines.iter().filter_map(|line| line.team.clone()).collect()),
            kinds: set(lines.iter().map(|line| line.kind.clone()).collect()),
            environments: set(lines.iter().map(|line| line.environment.clone()).collect()),
            automated: count(facts.iter().filter(|facts| facts.is_automated()).count()),
            needs_person: self.needs().await?.len() as u64,
            fresh: bands(AgeBand::Fresh),
            ageing: bands(AgeBand::Ageing),
            stale: bands(AgeBand::Stale),
            listing: Listing {
                next_cursor: items.last().filter(|_| more).map(|line| line.name.clone()),
                items,
                total: count(total),
                unfiltered_total: count(lines.len()),
            },
        })
    }

    /// One credential with its versions, consumers, plan and history.
    pub(super) async fn read_credential(&self, name: &str) -> Result<CredentialView, ReadError> {
        let name = Name::parse(name).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let detail = services
            .credential(&self.actor, &name)
            .await
            .map_err(unavailable)?;
        let credential = &detail.facts.credential;
        let issuer = services
            .store
            .issuer(&credential.issuer)
            .await
            .map_err(unavailable)?;
        let consumers = services.store.consumers().await.map_err(unavailable)?;
        let filter = RotationFilter {
            credential: Some(credential.id.clone()),
            limit: HISTORY,
            ..RotationFilter::default()
        };
        let history = services.store.rotations(&filter).await.map_err(unavailable)?;
        Ok(CredentialView {
            line: line(&detail.facts),
            purpose: credential.purpose.clone(),
            backup_contact: credential.backup_contact.clone(),
            tags: credential.tags.clone(),
            issuer: credential.issuer.to_string(),
            issuer_kind: issuer
                .map(|issuer| kind_in_words(&issuer.kind))
                .unwrap_or_default(),
            strategy: strategy(credential.strategy),
            strategy_warning: warning(credential.strategy),
            policy: policy(&detail.facts),
            schedule_hold: credential.schedule_hold.clone(),
            versions: lanes(&detail.versions),
            planned: detail.facts.due_at().map(moment),
            consumers: groups(&credential.consumers, &consumers, &detail.instances),
            plan: plan(&detail, &consumers),
            history: history.iter().map(rotation_line).collect(),
            findings: findings(&detail.facts),
            may_operate: self.may_operate(),
            may_administer: self.may_administer(),
        })
    }
}

/// A credential as a line of a list.
pub(super) fn line(facts: &CredentialFacts) -> CredentialLine {
    let credential = &facts.credential;
    CredentialLine {
        name: credential.name.to_string(),
        kind: kind(credential.kind),
        environment: credential.environment.to_string(),
        team: credential.owner_team.clone(),
        sensitivity: sensitivity(credential.sensitivity),
        age: facts.age.map(|age| Age {
            age,
            lifetime: credential.policy.max_age,
            band: band(facts.band),
        }),
        status: status(facts.status),
        current_version: credential.current.map(number),
        next_rotation: match &facts.next_rotation {
            NextRotation::At(at) => Next::At(moment(*at)),
            NextRotation::WithApproval(_) => Next::ByHand,
            NextRotation::Held { reason } => Next::Held {
                reason: reason.clone(),
            },
            NextRotation::Waits { reason } => Next::Waits {
                reason: reason.clone(),
            },
        },
        consumers: count(credential.consumers.len()),
        in_flight: facts.rotation.as_ref().map(|rotation| InFlight {
            rotation: rotation.id.to_string(),
            words: stage(rotation).words(),
        }),
        sandbox: credential.sandbox,
    }
}

fn matches(line: &CredentialLine, query: &CredentialsQuery) -> bool {
    let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let text = query.text.as_deref().map(str::to_lowercase);
    is(&query.environment, &line.environment)
        && is(&query.kind, &line.kind)
        && query
            .team
            .as_deref()
            .is_none_or(|team| line.team.as_deref() == Some(team))
        && query
            .band
            .is_none_or(|band| line.age.is_some_and(|age| age.band == band))
        && query.status.is_none_or(|status| line.status == status)
        && text.is_none_or(|text| {
            line.name.contains(&text)
                || line
                    .team
                    .as_deref()
                    .unwrap_or_default()
                    .to_lowercase()
                    .contains(&text)
        })
}

fn order(lines: &mut [CredentialLine], by: CredentialOrder) {
    let age = |line: &CredentialLine| line.age.map_or(std::time::Duration::MAX, |age| age.age);
    match by {
        CredentialOrder::Name => {}
        CredentialOrder::Age => lines.sort_by_key(|line| std::cmp::Reverse(age(line))),
        CredentialOrder::NextRotation => lines.sort_by_key(|line| match line.next_rotation {
            Next::At(at) => (0, Some(at)),
            _ => (1, None),
        }),
        CredentialOrder::Urgency => lines.sort_by_key(|line| {
            let status = match line.status {
                PolicyStatus::Overdue => 0,
                PolicyStatus::Due => 1,
                PolicyStatus::OnTime => 2,
            };
            let band = line.age.map_or(0, |age| match age.band {
                AgeBand::Stale => 1,
                AgeBand::Ageing => 2,
                AgeBand::Fresh => 3,
            });
            (
                line.in_flight.is_none(),
                status,
                band,
                std::cmp::Reverse(age(line)),
            )
        }),
    }
}

fn warning(strategy: Strategy) -> Option<String> {
    (strategy == Strategy::InPlace).then(|| {
        "There is one slot at the issuer, so old and new are never valid together: for at most one refresh a consumer may be refused.".to_owned()
    })
}

fn policy(facts: &CredentialFacts) -> PolicyView {
    let policy = &facts.credential.policy;
    PolicyView {
        max_age: policy.max_age,
        grace: policy.grace,
        soak: policy.soak,
        waves: policy.waves.clone(),
        approvals: u32::from(policy.approvals),
        evidence: match policy.evidence {
            Evidence::Signals => "signals",
            Evidence::AcksAndProbe => "acks_and_probe",
        }
        .to_owned(),
    }
}

fn lanes(versions: &[Version]) -> Vec<VersionLane> {
    let until = |version: &Version| match version.state {
        VersionState::Retired | VersionState::Failed | VersionState::Destroyed => {
            version.retired_at.or(Some(version.created_at))
        }
        VersionState::Candidate | VersionState::Current | VersionState::Previous => None,
    };
    versions
        .iter()
        .map(|version| VersionLane {
            number: number(version.number),
            state: version_state(version.state),
            from: moment(version.created_at),
            until: until(version).map(moment),
        })
        .collect()
}

fn groups(bound: &[Name], consumers: &[Consumer], instances: &[InstanceView]) -> Vec<ConsumerGroup> {
    let services: BTreeMap<&Name, &str> = consumers
        .iter()
        .map(|consumer| (&consumer.name, consumer.service.as_str()))
        .collect();
    bound
        .iter()
        .map(|name| ConsumerGroup {
            name: name.to_string(),
            service: services
                .get(name)
                .map_or_else(|| name.to_string(), |service| (*service).to_owned()),
            instances: instances
                .iter()
                .filter(|view| view.stored.consumer == *name)
                .map(instance_line)
                .collect(),
        })
        .collect()
}

/// An instance as a line of a table.
pub(super) fn instance_line(view: &InstanceView) -> InstanceLine {
    InstanceLine {
        name: view.stored.instance.clone(),
        version: view.acknowledged.or(view.stored.handed).map(number),
        last_seen: Some(moment(view.last_seen_at)),
        health: health(view, false),
    }
}

fn plan(detail: &CredentialDetail, consumers: &[Consumer]) -> RotationPlan {
    let facts = &detail.facts;
    let credential = &facts.credential;
    if let Some(rotation) = &facts.rotation {
        let reason = format!("A rotation is under way: {}.", stage(rotation).words());
        return RotationPlan::Blocked {
            reason,
            rotation: Some(rotation.id.to_string()),
        };
    }
    let live: Vec<&InstanceView> = detail.instances.iter().filter(|view| view.live).collect();
    let services: BTreeSet<&str> = live
        .iter()
        .filter_map(|view| {
            consumers
                .iter()
                .find(|consumer| consumer.name == view.stored.consumer)
        })
        .map(|consumer| consumer.service.as_str())
        .collect();
    let percent = credential.policy.waves.first().copied().unwrap_or(100);
    let first_wave = if live.is_empty() {
        0
    } else {
        cohort_size(live.len(), percent)
    };
    RotationPlan::Ready {
        next_version: number(credential.last_number.next()),
        services: count(services.len()),
        instances: count(live.len()),
        first_wave: count(first_wave),
        approvals: u32::from(credential.policy.approvals),
    }
}

fn findings(facts: &CredentialFacts) -> Vec<FindingLine> {
    let credential = &facts.credential;
    let mut findings = Vec::new();
    if credential.owner_team.is_none() {
        findings.push(FindingLine {
            severity: Severity::Critical,
            title: "Nobody owns it".to_owned(),
            remedy: "Name a team on the edit page, so that someone is asked when it fails.".to_owned(),
            since: moment(credential.created_at),
        });
    }
    if let (engine::catalog::age::PolicyStatus::Overdue, Some(at)) = (facts.status, facts.expires_at) {
        findings.push(FindingLine {
            severity: Severity::Warning,
            title: "Older than its policy allows".to_owned(),
            remedy: "Rotate it now, or find out what stands before its schedule.".to_owned(),
            since: moment(at),
        });
    }
    findings
}
