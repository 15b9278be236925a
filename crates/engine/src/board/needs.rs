//! What needs a person: each line with one next action.

use crate::catalog::age::PolicyStatus;
use crate::catalog::service::overrides;
use crate::catalog::{CredentialFacts, Evidence, Issuer, NextRotation, Strategy};
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::key::KeyNotes;
use crate::name::Name;
use crate::rotation::{Rotation, RotationState};

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Notice,
    Warning,
    Critical,
}

/// What it is about, and so where it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Credential(Name),
    Rotation { id: RotationId, credential: Name },
    Issuer(Name),
    Key(Name),
}

/// One thing that a person should know or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub severity: Severity,
    /// A stable word for programs: `needs_operator`, `awaiting_approval`, `held`, `overdue`, `no_version`, `no_owner`,
    /// `no_evidence`, `breaker_open`, `override`, `issuer`, `key_alarm`,
    /// `key_postponed`, `key_undrained`.
    pub code: &'static str,
    /// What is the matter.
    pub what: String,
    pub subject: Subject,
    pub since: Timestamp,
    /// Who should act: a team or a role.
    pub who: String,
    /// The one next action.
    pub next_action: &'static str,
}

/// Everything that needs a person now, the gravest and then the oldest first.
pub fn needs(
    credentials: &[&CredentialFacts],
    issuers: &[Issuer],
    keys: &[KeyNotes],
    now: Timestamp,
) -> Vec<Need> {
    let mut needs: Vec<Need> = credentials
        .iter()
        .flat_map(|facts| of_rotation(facts, now).into_iter().chain(of_credential(facts)))
        .chain(issuers.iter().filter_map(of_breaker))
        .chain(keys.iter().flat_map(of_key))
        .collect();
    needs.sort_by(|one, other| (other.severity, one.since).cmp(&(one.severity, other.since)));
    needs
}

/// What is allowed but worth knowing: overridden rules, and what connection tests noticed.
pub fn notices(credentials: &[&CredentialFacts], issuers: &[Issuer]) -> Vec<Need> {
    let notice = |code, what, subject, since| Need {
        severity: Severity::Notice,
        code,
        what,
        subject,
        since,
        who: "an administrator".to_owned(),
        next_action: "Look at it",
    };
    let overridden = credentials.iter().flat_map(|facts| {
        let credential = &facts.credential;
        overrides(&credential.config).into_iter().map(move |flag| {
            let subject = Subject::Credential(credential.name.clone());
            notice(
                "override",
                format!("A rule is overridden: {flag}"),
                subject,
                credential.created_at,
            )
        })
    });
    let noticed = issuers.iter().flat_map(|issuer| {
        issuer.findings.iter().map(move |finding| {
            notice(
                "issuer",
                finding.clone(),
                Subject::Issuer(issuer.name.clone()),
                issuer.created_at,
            )
        })
    });
    overridden.chain(noticed).collect()
}

fn of_rotation(facts: &CredentialFacts, now: Timestamp) -> Option<Need> {
    let rotation = facts.rotation.as_ref()?;
    let need = |severity, code, what, since, who: String, next_action| {
        let subject = Subject::Rotation {
            id: rotation.id.clone(),
            credential: rotation.credential_name.clone(),
        };
        Some(Need {
            severity,
            code,
            what,
            subject,
            since,
            who,
            next_action,
        })
    };
    if let RotationState::NeedsOperator { problem, since, .. } = &rotation.state {
        let next_action = "Try again or resolve it";
        return need(
            Severity::Critical,
            "needs_operator",
            problem.clone(),
            *since,
            owner(facts),
            next_action,
        );
    }
    if rotation.state == RotationState::AwaitingApproval {
        let what = format!("{} asks for approval: {}", rotation.started_by, rotation.reason);
        let who = "an operator who did not ask".to_owned();
        let next_action = "Approve or reject it";
        return need(
            Severity::Warning,
            "awaiting_approval",
            what,
            rotation.created_at,
            who,
            next_action,
        );
    }
    let hold = rotation
        .hold
        .as_ref()
        .filter(|hold| hold.alerted || is_too_long(rotation, hold.since, now))?;
    let next_action = "Look at the rotation";
    need(
        Severity::Warning,
        "held",
        hold.reason.clone(),
        hold.since,
        owner(facts),
        next_action,
    )
}

fn is_too_long(rotation: &Rotation, since: Timestamp, now: Timestamp) -> bool {
    now.since(since) > rotation.policy.max_hold
}

fn of_credential(facts: &CredentialFacts) -> Vec<Need> {
    let credential = &facts.credential;
    let need = |severity, code, what: String, since, who: String, next_action| Need {
        severity,
        code,
        what,
        subject: Subject::Credential(credential.name.clone()),
        since,
        who,
        next_action,
    };
    let mut needs = Vec::new();
    if credential.owner_team.is_none() {
        let what = "Nobody owns it".to_owned();
        let who = "an operator".to_owned();
        needs.push(need(
            Severity::Critical,
            "no_owner",
            what,
            credential.created_at,
            who,
            "Name an owner",
        ));
    }
    let silent = credential.consumers.is_empty() && credential.policy.evidence == Evidence::Signals;
    if silent && facts.current.is_some() && credential.strategy != Strategy::InPlace {
        let what = "No consumer is bound, so nothing could show that a new version works".to_owned();
        let since = credential.created_at;
        needs.push(need(
            Severity::Warning,
            "no_evidence",
            what,
            since,
            owner(facts),
            "Bind a consumer",
        ));
    }
    if facts.rotation.is_some() {
        return needs;
    }
    if facts.current.is_none() {
        let what = "It has no version yet".to_owned();
        let since = credential.created_at;
        needs.push(need(
            Severity::Warning,
            "no_version",
            what,
            since,
            owner(facts),
            "Rotate now",
        ));
    } else if facts.status == PolicyStatus::Overdue {
        let why = match &facts.next_rotation {
            NextRotation::Held { reason } => format!(": its schedule is held ({reason})"),
            NextRotation::Waits { reason } => format!(": {reason}"),
            NextRotation::WithApproval(_) => ": a rotation needs approval".to_owned(),
            NextRotation::At(_) => String::new(),
        };
        let what = format!("It is older than its policy allows{why}");
        let since = facts.expires_at.unwrap_or(credential.created_at);
        needs.push(need(
            Severity::Warning,
            "overdue",
            what,
            since,
            owner(facts),
            "Rotate now",
        ));
    }
    needs
}

fn of_breaker(issuer: &Issuer) -> Option<Need> {
    Some(Need {
        severity: Severity::Warning,
        code: "breaker_open",
        what: format!(
            "{} errors in a row; scheduled rotations wait",
            issuer.breaker.consecutive_errors
        ),
        subject: Subject::Issuer(issuer.name.clone()),
        since: issuer.breaker.opened_at?,
        who: "an operator".to_owned(),
        next_action: "Test its connection",
    })
}

fn of_key(notes: &KeyNotes) -> Vec<Need> {
    let key = &notes.key;
    let owner = || key.owner_team.clone().unwrap_or_else(|| "an operator".to_owned());
    let need = |code, what: String, since, who: String, next_action| Need {
        severity: Severity::Warning,
        code,
        what,
        subject: Subject::Key(key.name.clone()),
        since,
        who,
        next_action,
    };
    let mut needs = Vec::new();
    if let Some(alarm) = &notes.alarm {
        needs.push(Need {
            severity: Severity::Critical,
            ..need(
                "key_alarm",
                alarm.in_words(),
                alarm.since,
                "an administrator".to_owned(),
                "Find out why, then clear the alarm",
            )
        });
    }
    if let Some(postponed) = &notes.postponed {
        let what = format!(
            "Its rotation waits for {}: {}",
            postponed.waits_for, postponed.why
        );
        needs.push(need(
            "key_postponed",
            what,
            postponed.since,
            owner(),
            "Look at what it waits for",
        ));
    }
    if let Some(undrained) = &notes.undrained {
        let what = format!(
            "It was rotated although version {} was not drained: {}",
            undrained.version, undrained.why
        );
        let next_action = "Re-encrypt what stands under it";
        needs.push(need("key_undrained", what, undrained.since, owner(), next_action));
    }
    for asked in &notes.asked {
        let request = &asked.request;
        let (what, next_action) = if asked.lapsed {
            let what = format!(
                "{} asked to destroy version {}, and nobody approved it in time",
                request.asked_by, asked.version
            );
            (what, "Plan it anew or keep it")
        } else {
            let what = format!(
                "{} asks to destroy version {}: {}",
                request.asked_by, asked.version, request.reason
            );
            (what, "Approve it or keep it")
        };
        let who = "an operator who did not ask".to_owned();
        needs.push(need(
            "awaiting_approval",
            what,
            request.asked_at,
            who,
            next_action,
        ));
    }
    needs
}

fn owner(facts: &CredentialFacts) -> String {
    facts
        .credential
        .owner_team
        .clone()
        .unwrap_or_else(|| "an operator".to_owned())
}
