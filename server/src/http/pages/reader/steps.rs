//! The rail of steps: the whole plan of a rotation with what its log says of each.

use app::views::rotation::{StepLine, StepState};
use engine::Timestamp;
use engine::catalog::Strategy;
use engine::rotation::{RecordEvent, Rotation, RotationRecord, RotationState, Step};

use super::words::moment;

/// One step of the plan: its words, and which of the log's lines begin and end it.
struct Planned {
    words: String,
    mark: Mark,
}

enum Mark {
    Act(Step),
    /// A state entered under this label; a wave also by its place.
    State(&'static str, Option<usize>),
}

/// The steps of a rotation, those to come included.
pub(super) fn steps(rotation: &Rotation, records: &[RotationRecord]) -> Vec<StepLine> {
    let went_back = records
        .iter()
        .any(|record| matches!(&record.event, RecordEvent::Moved { to, .. } if to == "rolling_back"));
    let mut lines: Vec<StepLine> = forward(rotation)
        .into_iter()
        .map(|planned| told(&planned, rotation, records))
        .collect();
    if went_back || rotation.state.is_terminal() && rotation.state != RotationState::Completed {
        for line in &mut lines {
            line.state = match line.state {
                StepState::Ahead => StepState::Skipped,
                StepState::Running => StepState::Undone,
                done => done,
            };
        }
    }
    if went_back {
        lines.extend(
            backward(rotation)
                .into_iter()
                .map(|planned| told(&planned, rotation, records)),
        );
    }
    lines
}

/// The step as people read it, in the list and in the log.
pub(super) fn in_words(step: Step) -> &'static str {
    match step {
        Step::Rehearse => "Prove the way back",
        Step::Store => "Make, seal and store the new version",
        Step::Issue => "Create it at the issuer",
        Step::Verify => "Log in with it",
        Step::Promote => "Hand it to everyone",
        Step::Retire => "Revoke the old version",
        Step::ConfirmRefused => "See the old version refused",
        Step::RestorePrevious => "Set the previous value again",
        Step::ProvePrevious => "See the previous version log in",
        Step::RevokeCandidate => "Revoke the new version",
        Step::ConfirmCandidateRefused => "See the new version refused",
    }
}

fn act(step: Step) -> Planned {
    Planned {
        words: in_words(step).to_owned(),
        mark: Mark::Act(step),
    }
}

fn forward(rotation: &Rotation) -> Vec<Planned> {
    let first = rotation.from.is_none();
    let mut plan = Vec::new();
    if rotation.policy.approvals > 0 {
        let words = format!("Wait for {} to agree", rotation.policy.approvals);
        plan.push(Planned {
            words,
            mark: Mark::State("awaiting_approval", None),
        });
    }
    if !first {
        plan.push(act(Step::Rehearse));
    }
    plan.push(act(Step::Store));
    plan.push(act(Step::Issue));
    plan.push(act(Step::Verify));
    if !first && rotation.strategy != Strategy::InPlace {
        for (index, percent) in rotation.policy.waves.iter().enumerate() {
            let name = if index == 0 { "Canary" } else { "Wave" };
            let words = format!(
                "{name} {} of {}: {percent}%",
                index + 1,
                rotation.policy.waves.len()
            );
            plan.push(Planned {
                words,
                mark: Mark::State("wave", Some(index)),
            });
        }
    }
    plan.push(Planned {
        words: "Hand it to everyone".to_owned(),
        mark: Mark::State("promoted", None),
    });
    if !first && rotation.strategy != Strategy::InPlace {
        plan.push(Planned {
            words: "Grace: both valid".to_owned(),
            mark: Mark::State("grace", None),
        });
        plan.push(act(Step::Retire));
    }
    if !first {
        plan.push(act(Step::ConfirmRefused));
    }
    plan
}

fn backward(rotation: &Rotation) -> Vec<Planned> {
    let mut plan = vec![Planned {
        words: "Serve the previous version to all".to_owned(),
        mark: Mark::State("rolling_back", None),
    }];
    if rotation.strategy == Strategy::InPlace {
        plan.push(act(Step::RestorePrevious));
    }
    if rotation.from.is_some() {
        plan.push(act(Step::ProvePrevious));
    }
    plan.push(act(Step::RevokeCandidate));
    if rotation.from.is_some() {
        plan.push(act(Step::ConfirmCandidateRefused));
    }
    plan
}

fn told(planned: &Planned, rotation: &Rotation, records: &[RotationRecord]) -> StepLine {
    match planned.mark {
        Mark::Act(step) => told_act(&planned.words, step, records),
        Mark::State(label, place) => told_state(&planned.words, label, place, rotation, records),
    }
}

fn told_act(words: &str, step: Step, records: &[RotationRecord]) -> StepLine {
    let mut line = ahead(words);
    for record in records {
        match &record.event {
            RecordEvent::Intended { step: intended, .. } if *intended == step => {
                line.started_at.get_or_insert(moment(record.at));
                line.state = StepState::Running;
            }
            RecordEvent::Succeeded { step: done, detail } if *done == step => {
                line.finished_at = Some(moment(record.at));
                line.state = StepState::Done;
                line.detail = Some(detail.clone());
            }
            RecordEvent::Failed {
                step: failed, detail, ..
            } if *failed == step => {
                line.state = StepState::Failed;
                line.detail = Some(detail.clone());
            }
            _ => {}
        }
    }
    line
}

/// When a state was entered and left, from the moves in the log. The nth entry of `wave` is the nth wave.
fn told_state(
    words: &str,
    label: &str,
    place: Option<usize>,
    rotation: &Rotation,
    records: &[RotationRecord],
) -> StepLine {
    let mut line = ahead(words);
    let mut entries = records
        .iter()
        .enumerate()
        .filter(|(_, record)| moves_to(record, label));
    let Some((index, entered)) = entries.nth(place.unwrap_or(0)) else {
        return line;
    };
    line.started_at = Some(moment(entered.at));
    if let RecordEvent::Moved { detail, .. } = &entered.event {
        line.detail = Some(detail.clone());
    }
    let left: Option<Timestamp> = records[index + 1..]
        .iter()
        .find(|record| matches!(&record.event, RecordEvent::Moved { from, .. } if from == label))
        .map(|record| record.at);
    line.finished_at = left.map(moment);
    line.state = if left.is_some() || rotation.state.is_terminal() {
        StepState::Done
    } else {
        StepState::Running
    };
    if let (StepState::Running, Some(hold)) = (line.state, &rotation.hold) {
        line.detail = Some(format!("holds: {}", hold.reason));
    }
    line
}

fn moves_to(record: &RotationRecord, label: &str) -> bool {
    matches!(&record.event, RecordEvent::Moved { to, .. } if to == label)
}

fn ahead(words: &str) -> StepLine {
    StepLine {
        name: words.to_owned(),
        state: StepState::Ahead,
        started_at: None,
        finished_at: None,
        detail: None,
    }
}
