//! What may be done with a version of a key, and what that does to whom, said before it is pressed.

use app::views::key::{KeyMove, KeyVerb};
use app::words;
use engine::Timestamp;
use engine::access::{Actor, Role};
use engine::key::model::USUAL_DESTRUCTION_DELAY;
use engine::key::{KeyVersionView, KeyView};
use keyring::KeyState;

use super::words::moment;

/// What needs a version, a line each.
pub(super) fn by_dependents(placed: &KeyVersionView) -> Vec<String> {
    let Some(needed) = &placed.dependents else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if needed.opened_at.is_some() {
        lines.push("callers, who opened values with it within the key's grace".to_owned());
    }
    for (target, records) in &needed.records {
        lines.push(format!(
            "{} in target {target}",
            words::counted(*records, "record")
        ));
    }
    for target in &needed.unscanned {
        lines.push(format!("perhaps target {target}: it was not scanned since"));
    }
    for backup in &needed.backups {
        lines.push(format!("the registered copy {backup}"));
    }
    lines
}

/// The buttons beside a version: the legal moves that people speak of.
pub(super) fn moves_of(
    view: &KeyView,
    placed: &KeyVersionView,
    viewer: &Actor,
    now: Timestamp,
) -> Vec<KeyMove> {
    let version = &placed.version;
    let may = |state| placed.moves.contains(&state);
    let is_suspended = version.state == KeyState::Suspended;
    let is_planned = version.destroy_at.is_some();
    let may_administer = viewer.require(Role::Administrator).is_ok();
    let request = version.destruction.as_ref();
    let has_lapsed = version.destroy_at.is_some_and(|at| at <= now);
    let waits = request.is_some_and(|request| request.approval.is_none()) && !has_lapsed;
    let is_own = request.is_some_and(|request| request.asked_by == viewer.label());
    // What nobody approved in time, and what was planned before that took two, can be asked for anew.
    let is_dead = is_planned && request.is_none_or(|request| request.approval.is_none()) && !waits;
    let verbs = [
        (KeyVerb::Resume, is_suspended),
        (KeyVerb::Suspend, may(KeyState::Suspended)),
        (KeyVerb::Revoke, may(KeyState::Revoked)),
        (KeyVerb::UndoRevocation, version.state == KeyState::Revoked),
        (
            KeyVerb::ScheduleDestruction,
            may(KeyState::Destroyed) && (!is_planned || is_dead) && may_administer,
        ),
        (KeyVerb::ApproveDestruction, waits && !is_own),
        (KeyVerb::KeepMaterial, is_planned),
    ];
    verbs
        .into_iter()
        .filter(|(_, is_legal)| *is_legal)
        .map(|(verb, _)| KeyMove {
            verb,
            effect: effect(verb, view, placed, now),
        })
        .collect()
}

fn effect(verb: KeyVerb, view: &KeyView, placed: &KeyVersionView, now: Timestamp) -> String {
    let number = placed.version.number;
    let is_active = placed.version.state == KeyState::Active;
    let known = match by_dependents(placed).as_slice() {
        [] => " Nothing is known to need it.".to_owned(),
        lines => format!(" It is needed by {}.", words::list(lines)),
    };
    match verb {
        KeyVerb::Suspend if is_active => format!(
            "Nothing is sealed or opened with version {number} on any replica, within a second, until it is resumed; whoever asks to seal gets 409.{known}"
        ),
        KeyVerb::Suspend => format!(
            "Nobody opens what version {number} sealed, on any replica, within a second, until it is resumed.{known}"
        ),
        KeyVerb::Resume => match view.active() {
            Some(active) => format!(
                "Version {number} opens again what it sealed. Version {} goes on sealing.",
                active.number
            ),
            None => format!("Version {number} seals and opens again, on every replica within a second."),
        },
        KeyVerb::Revoke if is_active => format!(
            "A new version takes over in the same moment, so that callers go on sealing. What version {number} sealed opens for nobody, within a second, but a re-encryption job.{known} It can be undone until it is destroyed."
        ),
        KeyVerb::Revoke => format!(
            "What version {number} sealed opens for nobody, on any replica, within a second, but a re-encryption job.{known} It can be undone until it is destroyed."
        ),
        KeyVerb::UndoRevocation => format!(
            "Callers open again what version {number} sealed. It seals nothing new. A planned destruction is called off."
        ),
        KeyVerb::ScheduleDestruction => {
            let at = now.after(USUAL_DESTRUCTION_DELAY);
            format!(
                "If another operator approves, its material is shredded on {}, unless somebody presses “Keep it” before. What then still stands under version {number} is lost for good.{known}",
                words::instant(moment(at))
            )
        }
        KeyVerb::ApproveDestruction => {
            let at = placed
                .version
                .destroy_at
                .map_or(String::new(), |at| format!(" on {}", words::instant(moment(at))));
            format!(
                "Its material is shredded{at}, unless somebody presses “Keep it” before, or something still needs it then. What stands under version {number} is lost for good.{known}"
            )
        }
        KeyVerb::KeepMaterial => {
            format!(
                "Version {number} is not destroyed; it stays {}.",
                placed.version.state.name().replace('_', "-")
            )
        }
    }
}
