//! What stands around every page. It answers even when the database does not.

use app::views::frame::{Frame, Freeze as ShownFreeze, Role as ShownRole, Viewer};
use engine::access::Role;
use engine::board::environments;
use engine::catalog::facts::NextRotation;
use engine::freeze::Freeze;

use super::PageReader;
use super::recovery::reason;
use super::words::moment;

impl PageReader {
    pub(super) async fn read_frame(&self) -> Frame {
        let services = &self.state.services;
        let credentials = services.credentials(&self.actor).await.unwrap_or_default();
        let all: Vec<_> = credentials.iter().collect();
        let freezes = services.freezes(&self.actor).await.unwrap_or_default();
        let waiting = |freeze: &Freeze| {
            let waits = |next: &NextRotation| matches!(next, NextRotation::Waits { .. });
            credentials
                .iter()
                .filter(|facts| {
                    freeze.covers(&facts.credential.environment, self.now()) && waits(&facts.next_rotation)
                })
                .filter(|facts| facts.due_at().is_some_and(|due_at| due_at <= self.now()))
                .count() as u64
        };
        Frame {
            now: moment(self.now()),
            viewer: Viewer {
                name: self.actor.name.clone(),
                role: role(self.actor.role.unwrap_or(Role::Viewer)),
            },
            environments: environments(&all).into_iter().collect(),
            environment: self.environment.clone(),
            freezes: freezes
                .iter()
                .filter(|freeze| freeze.is_on(self.now()))
                .map(|freeze| shown_freeze(freeze, waiting(freeze)))
                .collect(),
            sandbox: self.state.sandbox,
            bootstrap_token_active: self.state.bootstrap_token_active(),
            standing_findings: self.standing_findings(),
            sealed: services
                .sealer
                .sealed_because()
                .map(|because| format!("Sealed: {}.", reason(&because))),
            needs_person: self.needs().await.map(|needs| needs.len() as u64).unwrap_or(0),
        }
    }

    /// What is not as it should be with the server itself.
    pub(super) fn standing_findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        if self.state.root_key_beside_database() {
            findings.push(
                "The root key lies in a file beside the database, so whoever copies the folder has both. Keep it elsewhere (ROTA_ROOT_KEY_FILE) or use a passphrase.".to_owned(),
            );
        }
        findings
    }
}

/// A freeze as pages draw it.
pub(super) fn shown_freeze(freeze: &Freeze, waiting: u64) -> ShownFreeze {
    ShownFreeze {
        id: freeze.id.to_string(),
        environment: freeze.environment.as_ref().map(ToString::to_string),
        reason: freeze.reason.clone(),
        who: freeze.started_by.clone(),
        since: moment(freeze.created_at),
        until: freeze.until.map(moment),
        waiting,
    }
}

/// A role as pages draw it.
pub(super) fn role(role: Role) -> ShownRole {
    match role {
        Role::Viewer => ShownRole::Viewer,
        Role::Operator => ShownRole::Operator,
        Role::Administrator => ShownRole::Administrator,
    }
}
