//! What people may ask of a running rotation, each with a reason.

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::rotation::decide::laggards;
use crate::rotation::model::{Approval, Pause, Rotation};
use crate::rotation::record::RecordEvent;
use crate::rotation::rollback::TRIES;
use crate::rotation::state::{RollbackCause, RotationState, Wave};
use crate::rule::Refusal;
use crate::services::Services;

/// A command, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    Approve,
    Reject,
    Pause,
    Resume,
    Rollback,
    /// Go on to the next wave, or to everyone, without waiting for the soak or the evidence.
    Promote,
    /// Only while the issuer has not heard of the candidate.
    Cancel,
    Retry,
    /// A person has mended it by hand and says how it ended.
    Resolve(Resolution),
    /// End grace early; who is cut off is recorded.
    RetireNow,
}

/// How a person says that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    Completed,
    RolledBack,
    Cancelled,
}

impl Command {
    /// The word in the path.
    pub fn label(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Rollback => "rollback",
            Self::Promote => "promote",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Resolve(_) => "resolve",
            Self::RetireNow => "retire_now",
        }
    }

    /// Whether the rotation's state takes it. The one table, for the service and for the buttons.
    pub fn is_legal(self, rotation: &Rotation) -> bool {
        let state = &rotation.state;
        let moving = !state.is_terminal() && !state.is_rolling_back();
        match self {
            Self::Approve => {
                matches!(state, RotationState::Planned | RotationState::AwaitingApproval)
                    && rotation.approvals.len() < usize::from(rotation.policy.approvals)
            }
            Self::Reject => *state == RotationState::AwaitingApproval,
            Self::Pause => {
                moving && rotation.pause.is_none() && !matches!(state, RotationState::NeedsOperator { .. })
            }
            Self::Resume => moving && rotation.pause.is_some(),
            Self::Rollback => state.may_roll_back() && state.issuer_may_know_candidate(),
            Self::Promote => matches!(state, RotationState::Wave(_)),
            Self::Cancel => match state {
                RotationState::NeedsOperator { before, .. } => !before.issuer_may_know_candidate(),
                _ => moving && !state.issuer_may_know_candidate(),
            },
            Self::Retry | Self::Resolve(_) => matches!(state, RotationState::NeedsOperator { .. }),
            Self::RetireNow => matches!(state, RotationState::Grace { .. }),
        }
    }

    /// The labels of every command the rotation takes now.
    pub fn legal(rotation: &Rotation) -> Vec<&'static str> {
        [
            Self::Approve,
            Self::Reject,
            Self::Pause,
            Self::Resume,
            Self::Rollback,
            Self::Promote,
            Self::Cancel,
            Self::Retry,
            Self::Resolve(Resolution::Completed),
            Self::RetireNow,
        ]
        .into_iter()
        .filter(|command| command.is_legal(rotation))
        .map(Self::label)
        .collect()
    }
}

impl Services {
    /// Carries a person's command out and gives the rotation after it.
    ///
    /// # Errors
    /// Not an operator; no reason; no such rotation; 409 when its state does not take the command.
    pub async fn command_rotation(
        &self,
        actor: &Actor,
        id: &RotationId,
        command: Command,
        reason: &str,
    ) -> Result<Rotation, Refusal> {
        actor.require(Role::Operator)?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Refusal::rule(
                "/reason",
                "say why, in a few words; it stands in the audit",
            ));
        }
        for _ in 0..TRIES {
            let rotation = self.store.rotation(id).await?;
            let rotation = rotation.ok_or_else(|| Refusal::not_found("rotation", id.as_str()))?;
            if !command.is_legal(&rotation) {
                return Err(Refusal::conflict(
                    "illegal_move",
                    format!(
                        "a rotation that is {} takes no `{}`; it takes: {}",
                        rotation.label(),
                        command.label(),
                        Command::legal(&rotation).join(", ")
                    ),
                ));
            }
            if command == Command::Rollback {
                let cause = RollbackCause::Person {
                    by: actor.label(),
                    reason: reason.to_owned(),
                };
                self.roll_back(actor, id, cause).await?;
            } else {
                let change = self.command_change(actor, &rotation, command, reason).await?;
                match self.store.commit(change).await {
                    Err(CommitError::Stale { .. }) => continue,
                    other => other?,
                }
            }
            let rotation = self.store.rotation(id).await?;
            return rotation.ok_or_else(|| Refusal::not_found("rotation", id.as_str()));
        }
        Err(Refusal::Unavailable(
            "the rotation is changing quickly; say it again".to_owned(),
        ))
    }

    async fn command_change(
        &self,
        actor: &Actor,
        rotation: &Rotation,
        command: Command,
        reason: &str,
    ) -> Result<Change, Refusal> {
        let now = self.clock.now();
        let commanded = RecordEvent::Commanded {
            command: command.label().to_owned(),
            by: actor.label(),
            reason: reason.to_owned(),
        };
        let object = format!("rotation/{}", rotation.id);
        let action = format!("rotation.{}", command.label());
        let change = Change::new()
            .write(Write::AppendRecord {
                rotation: rotation.id.clone(),
                at: now,
                event: commanded,
            })
            .audit(AuditDraft::new(actor, now, &action, object, reason))
            .topic(Topic::Credential(rotation.credential.clone()))
            .topic(Topic::Rotation(rotation.id.clone()));
        match command {
            Command::Promote => {
                let next = self.next_wave(rotation, now);
                let moved = self
                    .move_change(rotation, next, &format!("{} went on: {reason}", actor.label()))
                    .await?;
                Ok(merged(change, moved))
            }
            Command::RetireNow => {
                let mut asked = rotation.clone();
                asked.cut_off = laggards(rotation, &self.fleet(rotation).await?);
                let detail = match asked.cut_off.len() {
                    0 => reason.to_owned(),
                    count => format!(
                        "{reason}; {count} instances lose access: {}",
                        asked.cut_off.join(", ")
                    ),
                };
                let moved = self
                    .move_change(&asked, RotationState::Retiring { revoked: false }, &detail)
                    .await?;
                Ok(merged(change, moved))
            }
            Command::Resolve(_) | Command::Cancel | Command::Reject => {
                let moved = self.ending_change(rotation, command, actor, reason).await?;
                Ok(merged(change, moved))
            }
            _ => Ok(change.write(Write::UpdateRotation(Box::new(edited(
                actor, rotation, command, reason, now,
            )?)))),
        }
    }

    fn next_wave(&self, rotation: &Rotation, now: Timestamp) -> RotationState {
        match &rotation.state {
            RotationState::Wave(wave) if wave.index + 1 < rotation.policy.waves.len() => {
                RotationState::Wave(Wave {
                    index: wave.index + 1,
                    since: now,
                })
            }
            _ => RotationState::Promoted { at: now },
        }
    }

    async fn ending_change(
        &self,
        rotation: &Rotation,
        command: Command,
        actor: &Actor,
        reason: &str,
    ) -> Result<Change, Refusal> {
        let detail = format!("{} said so: {reason}", actor.label());
        let cancelled = RotationState::Cancelled {
            reason: detail.clone(),
        };
        let state = match command {
            Command::Resolve(Resolution::Completed) => RotationState::Completed,
            Command::Resolve(Resolution::RolledBack) => RotationState::RolledBack {
                cause: RollbackCause::Person {
                    by: actor.label(),
                    reason: reason.to_owned(),
                },
            },
            _ => cancelled,
        };
        self.resolve_change(rotation, state, &detail).await
    }

    /// Ends grace now, because an emergency waits behind it.
    pub(crate) async fn end_grace(
        &self,
        actor: &Actor,
        rotation: &Rotation,
        reason: &str,
    ) -> Result<(), Refusal> {
        self.command_rotation(actor, &rotation.id, Command::RetireNow, reason)
            .await
            .map(|_| ())
    }
}

fn merged(mut change: Change, other: Change) -> Change {
    change.writes.extend(other.writes);
    change.audit.extend(other.audit);
    change
}

fn edited(
    actor: &Actor,
    rotation: &Rotation,
    command: Command,
    reason: &str,
    now: Timestamp,
) -> Result<Rotation, Refusal> {
    let mut next = rotation.clone();
    match command {
        Command::Approve => {
            let by = actor.label();
            if by == rotation.started_by {
                return Err(Refusal::Forbidden(
                    "whoever asked for a rotation may not approve it; ask someone else".to_owned(),
                ));
            }
            if rotation.approvals.iter().any(|approval| approval.by == by) {
                return Err(Refusal::conflict(
                    "already_approved",
                    "you have approved this rotation; another person must be next",
                ));
            }
            next.approvals.push(Approval {
                by,
                reason: reason.to_owned(),
                at: now,
            });
        }
        Command::Pause => {
            next.pause = Some(Pause {
                by: actor.label(),
                reason: reason.to_owned(),
                at: now,
            })
        }
        Command::Resume => next.pause = None,
        Command::Retry => {
            if let RotationState::NeedsOperator { before, .. } = &rotation.state {
                next.state = before.as_ref().clone();
                next.retry = None;
            }
        }
        Command::Reject
        | Command::Rollback
        | Command::Promote
        | Command::Cancel
        | Command::Resolve(_)
        | Command::RetireNow => {}
    }
    Ok(next)
}
