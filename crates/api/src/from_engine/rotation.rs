//! Rotations: the stored facts, the log and what is known in memory, as one object.

use std::collections::BTreeMap;

use engine::Name;
use engine::access::Actor;
use engine::delivery::InstanceView;
use engine::detection::{Counts, Rates as EngineRates};
use engine::rotation as from;
use engine::rotation::{RecordEvent, RotationRecord, RotationState as EngineState};

use super::same_words;
use crate::consumer::{Health, Instance};
use crate::problem::Problem;
use crate::rotation::{
    Approvals, Hold, Outcomes, Rates, Retry, Rotation, RotationCommand, RotationState, Step, StepState,
    Trigger, Wave, WayBack,
};

same_words! {
    Trigger = from::Trigger { Person, Schedule, Event }
}

/// Everything that a rotation on the wire is made of.
#[derive(Debug)]
pub struct RotationParts<'a> {
    pub rotation: &'a from::Rotation,
    pub records: &'a [RotationRecord],
    pub fleet: &'a [InstanceView],
    /// Outcomes of each instance of the fleet, in its order.
    pub outcomes: &'a [Counts],
    pub rates: Option<EngineRates>,
    /// The service of each consumer.
    pub services: &'a BTreeMap<Name, String>,
    pub asking: &'a Actor,
}

impl From<&from::Rotation> for RotationState {
    fn from(rotation: &from::Rotation) -> Self {
        if rotation.label() == "paused" {
            return Self::Paused;
        }
        match &rotation.state {
            EngineState::Planned => Self::Planned,
            EngineState::AwaitingApproval => Self::AwaitingApproval,
            EngineState::Rehearsed => Self::Rehearsed,
            EngineState::Stored => Self::Stored,
            EngineState::Issued => Self::Issued,
            EngineState::Verified => Self::Verified,
            EngineState::Wave(_) => Self::Wave,
            EngineState::Promoted { .. } => Self::Promoted,
            EngineState::Grace { .. } => Self::Grace,
            EngineState::Retiring { .. } => Self::Retiring,
            EngineState::Completed => Self::Completed,
            EngineState::RollingBack(_) => Self::RollingBack,
            EngineState::RolledBack { .. } => Self::RolledBack,
            EngineState::Cancelled { .. } => Self::Cancelled,
            EngineState::NeedsOperator { .. } => Self::NeedsOperator,
        }
    }
}

impl From<RotationParts<'_>> for Rotation {
    fn from(parts: RotationParts<'_>) -> Self {
        let rotation = parts.rotation;
        let position = wave_of(&rotation.state);
        let soak_until = position.map(|wave| wave.since.after(rotation.policy.soak).into());
        Self {
            id: rotation.id.to_string(),
            credential: rotation.credential_name.to_string(),
            state: rotation.into(),
            wave: position.map(|wave| wire_wave(rotation, wave)),
            from_version: rotation.from.map(|version| version.0),
            to_version: Some(rotation.to.0),
            steps: steps(rotation, parts.records),
            reason: rotation.reason.clone(),
            reason_for_rollback: reason_for_rollback(&rotation.state),
            started_at: rotation.created_at.into(),
            finished_at: rotation.finished_at.map(Into::into),
            started_by: rotation.started_by.clone(),
            trigger: Some(rotation.trigger.into()),
            emergency: rotation.emergency,
            paused: rotation.pause.is_some(),
            hold: rotation.hold.as_ref().map(|hold| Hold {
                reason: hold.reason.clone(),
                since: hold.since.into(),
            }),
            retry: rotation.retry.as_ref().map(|retry| Retry {
                attempts: retry.attempts,
                detail: retry.detail.clone(),
                next_at: retry.next_at.into(),
            }),
            problem: problem(&rotation.state),
            way_back: way_back(rotation),
            approvals: (rotation.policy.approvals > 0).then(|| Approvals {
                required: u32::from(rotation.policy.approvals),
                given_by: rotation
                    .approvals
                    .iter()
                    .map(|approval| approval.by.clone())
                    .collect(),
            }),
            grace_until: match &rotation.state {
                EngineState::Grace { until, .. } => Some((*until).into()),
                _ => None,
            },
            soak_until,
            fleet: fleet(&parts),
            rates: parts.rates.map(|rates| Rates {
                candidate: outcomes(rates.candidate),
                control: outcomes(rates.control),
            }),
            cut_off: rotation.cut_off.clone(),
            sandbox: rotation.sandbox,
            allowed_commands: allowed(rotation, parts.asking),
        }
    }
}

fn wave_of(state: &EngineState) -> Option<&from::Wave> {
    match state {
        EngineState::Wave(wave) => Some(wave),
        EngineState::NeedsOperator { before, .. } => wave_of(before),
        _ => None,
    }
}

fn wire_wave(rotation: &from::Rotation, wave: &from::Wave) -> Wave {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Wave {
        number: count(wave.index + 1),
        of: count(rotation.policy.waves.len()),
        percent: rotation
            .policy
            .waves
            .get(wave.index)
            .copied()
            .map_or(100, u32::from),
    }
}

fn reason_for_rollback(state: &EngineState) -> Option<String> {
    match state {
        EngineState::RollingBack(rollback) => Some(rollback.cause.in_words()),
        EngineState::RolledBack { cause } => Some(cause.in_words()),
        EngineState::NeedsOperator { before, .. } => reason_for_rollback(before),
        _ => None,
    }
}

fn problem(state: &EngineState) -> Option<Problem> {
    match state {
        EngineState::NeedsOperator { problem, .. } => {
            Some(Problem::new(409, "needs_operator", "A person has to decide").with_detail(problem))
        }
        _ => None,
    }
}

fn way_back(rotation: &from::Rotation) -> Option<WayBack> {
    let open = rotation.state.may_roll_back() || rotation.state.is_rolling_back();
    rotation.from.filter(|_| open).map(|version| WayBack {
        version: version.0,
        last_proved_at: rotation.way_back_proved_at.map(Into::into),
    })
}

fn allowed(rotation: &from::Rotation, asking: &Actor) -> Vec<RotationCommand> {
    if asking.require(engine::access::Role::Operator).is_err() {
        return Vec::new();
    }
    from::Command::legal(rotation)
        .into_iter()
        .filter_map(|label| label.parse().ok())
        .collect()
}

fn outcomes(counts: Counts) -> Outcomes {
    Outcomes {
        good: counts.good,
        failed: counts.refused,
    }
}

fn fleet(parts: &RotationParts<'_>) -> Vec<Instance> {
    parts
        .fleet
        .iter()
        .enumerate()
        .map(|(position, view)| {
            let counts = parts.outcomes.get(position).copied().unwrap_or_default();
            let cohort = view.stored.cohort_of.as_ref() == Some(&parts.rotation.id);
            instance(view, parts.services, cohort, counts)
        })
        .collect()
}

/// One instance, with the outcomes that count for its health.
pub(super) fn instance(
    view: &InstanceView,
    services: &BTreeMap<Name, String>,
    cohort: bool,
    counts: Counts,
) -> Instance {
    let health = if !view.live {
        Health::Absent
    } else if view.stored.load_error.is_some() || counts.refused > counts.good {
        Health::Failing
    } else if counts.good > 0 {
        Health::Good
    } else {
        Health::Unknown
    };
    Instance {
        consumer: view.stored.consumer.to_string(),
        service: services.get(&view.stored.consumer).cloned().unwrap_or_default(),
        instance: view.stored.instance.clone(),
        version: view.acknowledged.map(|version| version.0),
        cohort,
        health,
        last_seen_at: view.last_seen_at.into(),
        load_error: view.stored.load_error.clone(),
    }
}

/// What was done, in order, and what is still to come.
fn steps(rotation: &from::Rotation, records: &[RotationRecord]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut waves = 0;
    for record in records {
        match &record.event {
            RecordEvent::Intended { step, .. } => {
                let state = if is_undo(*step) {
                    StepState::Undoing
                } else {
                    StepState::Running
                };
                let step = entry(&mut steps, step.label());
                step.state = state;
                step.started_at.get_or_insert(record.at.into());
                step.finished_at = None;
            }
            RecordEvent::Succeeded { step, detail } => {
                let state = if is_undo(*step) {
                    StepState::Undone
                } else {
                    StepState::Succeeded
                };
                finish(entry(&mut steps, step.label()), state, record, detail);
            }
            RecordEvent::Failed { step, detail, .. } => {
                let state = if is_undo(*step) {
                    StepState::UndoFailed
                } else {
                    StepState::Failed
                };
                finish(entry(&mut steps, step.label()), state, record, detail);
            }
            RecordEvent::Moved { to, detail, .. } => {
                end_stretch(&mut steps, to, record);
                let name = match to.as_str() {
                    "wave" => {
                        waves += 1;
                        format!("wave_{waves}")
                    }
                    "grace" | "awaiting_approval" => to.clone(),
                    _ => continue,
                };
                let step = entry(&mut steps, &name);
                step.state = StepState::Running;
                step.started_at.get_or_insert(record.at.into());
                step.detail = Some(detail.clone());
            }
            RecordEvent::Commanded { .. } | RecordEvent::Held { .. } | RecordEvent::Released => {}
        }
    }
    if !rotation.state.is_terminal() && !rotation.state.is_rolling_back() {
        for name in forward(rotation) {
            entry(&mut steps, &name);
        }
    }
    steps
}

/// Waves, grace and waiting for approval last until the state moves on.
fn end_stretch(steps: &mut [Step], to: &str, record: &RotationRecord) {
    if to == "needs_operator" {
        return;
    }
    let running = steps.iter_mut().rev().find(|step| {
        let lasts =
            step.name.starts_with("wave_") || matches!(step.name.as_str(), "grace" | "awaiting_approval");
        lasts && step.state == StepState::Running
    });
    if let Some(step) = running {
        let went_back = matches!(to, "rolling_back" | "cancelled");
        step.state = if went_back {
            StepState::Failed
        } else {
            StepState::Succeeded
        };
        step.finished_at = Some(record.at.into());
    }
}

fn finish(step: &mut Step, state: StepState, record: &RotationRecord, detail: &str) {
    step.state = state;
    step.finished_at = Some(record.at.into());
    step.detail = Some(detail.to_owned());
}

fn entry<'steps>(steps: &'steps mut Vec<Step>, name: &str) -> &'steps mut Step {
    let position = steps
        .iter()
        .position(|step| step.name == name)
        .unwrap_or_else(|| {
            steps.push(Step {
                name: name.to_owned(),
                state: StepState::Pending,
                started_at: None,
                finished_at: None,
                detail: None,
            });
            steps.len() - 1
        });
    &mut steps[position]
}

fn is_undo(step: from::Step) -> bool {
    use from::Step::{ConfirmCandidateRefused, ProvePrevious, RestorePrevious, RevokeCandidate};
    matches!(
        step,
        RestorePrevious | ProvePrevious | RevokeCandidate | ConfirmCandidateRefused
    )
}

/// Every step of the way forward, by the chain of the strategy.
fn forward(rotation: &from::Rotation) -> Vec<String> {
    use from::Step::{ConfirmRefused, Issue, Promote, Rehearse, Retire, Store, Verify};
    let first = rotation.from.is_none();
    let in_place = rotation.strategy == engine::catalog::Strategy::InPlace;
    let mut names: Vec<String> = Vec::new();
    if rotation.policy.approvals > 0 {
        names.push("awaiting_approval".to_owned());
    }
    if !first {
        names.push(Rehearse.label().to_owned());
    }
    names.extend([Store, Issue, Verify].map(|step| step.label().to_owned()));
    if !first && !in_place {
        names.extend((1..=rotation.policy.waves.len()).map(|number| format!("wave_{number}")));
    }
    names.push(Promote.label().to_owned());
    if !first && !in_place {
        names.push("grace".to_owned());
        names.extend([Retire, ConfirmRefused].map(|step| step.label().to_owned()));
    }
    names
}
