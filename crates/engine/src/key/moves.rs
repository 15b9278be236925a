//! What a move of one version means for the whole key. Pure: what is to be stored, or why not.
//!
//! What must hold after every move: at most one version is active, and there is none only while the one that was
//! active is suspended. The single moves are legal by the table of the keyring crate.

use keyring::{KeyState, check_move};

use crate::clock::Timestamp;
use crate::key::model::{Key, KeyVersion};
use crate::rule::Refusal;

/// A legal move, not yet stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Versions as they will be, in the order in which they must be stored: one gives up being active before another
    /// takes over.
    pub changed: Vec<KeyVersion>,
    /// A new version must be made, active at once: no other can take over.
    pub needs_successor: bool,
    /// Versions whose material is shredded.
    pub shredded: Vec<u32>,
}

impl Plan {
    /// The version is there already.
    pub fn is_nothing(&self) -> bool {
        self.changed.is_empty() && !self.needs_successor
    }
}

/// What moving version `number` to `to` takes.
///
/// # Errors
/// No such version, or a move that is not legal.
pub fn plan_move(
    key: &Key,
    versions: &[KeyVersion],
    number: u32,
    to: KeyState,
    now: Timestamp,
    reason: &str,
) -> Result<Plan, Refusal> {
    let version = find(key, versions, number)?;
    let from = version.state;
    // A repetition finds the version there already and calls that success.
    if from == to {
        return Ok(Plan::default());
    }
    check_move(from, to)
        .map_err(|illegal| Refusal::conflict("illegal_move", format!("version {number}: {illegal}")))?;
    let mut plan = Plan::default();
    let active = versions
        .iter()
        .find(|other| other.state == KeyState::Active && other.number != number);
    if to == KeyState::Active
        && let Some(active) = active
    {
        if from == KeyState::Suspended {
            let detail = format!(
                "version {} has taken over while version {number} was suspended; make this one deprecated, so that \
                 it opens its values again",
                active.number
            );
            return Err(Refusal::conflict("illegal_move", detail));
        }
        plan.changed
            .push(entered(active, KeyState::Deprecated, now, reason));
    }
    plan.changed.push(entered(version, to, now, reason));
    if to == KeyState::Destroyed {
        plan.shredded.push(number);
    }
    let was_in_use = matches!(from, KeyState::Active | KeyState::Suspended);
    let leaves_none = active.is_none() && to != KeyState::Active && to != KeyState::Suspended;
    if was_in_use && leaves_none && !another_is_only_suspended(versions, number) {
        match waiting(versions, number) {
            Some(next) => plan.changed.push(entered(next, KeyState::Active, now, reason)),
            None => plan.needs_successor = true,
        }
    }
    Ok(plan)
}

/// What replacing the active version by one that waits takes.
///
/// # Errors
/// As [`plan_move`].
pub fn plan_promotion(
    key: &Key,
    versions: &[KeyVersion],
    number: u32,
    now: Timestamp,
    reason: &str,
) -> Result<Plan, Refusal> {
    plan_move(key, versions, number, KeyState::Active, now, reason)
}

/// The version of that number.
///
/// # Errors
/// [`Refusal::NotFound`].
pub fn find<'a>(key: &Key, versions: &'a [KeyVersion], number: u32) -> Result<&'a KeyVersion, Refusal> {
    versions
        .iter()
        .find(|version| version.number == number)
        .ok_or_else(|| Refusal::not_found("version of the key", format!("{}/{number}", key.name)))
}

/// The version that seals.
pub fn active(versions: &[KeyVersion]) -> Option<&KeyVersion> {
    versions.iter().find(|version| version.state == KeyState::Active)
}

/// The version before the active one that still opens: the one that a further rotation asks after.
pub fn previous(versions: &[KeyVersion]) -> Option<&KeyVersion> {
    let newest = active(versions).map_or(u32::MAX, |active| active.number);
    versions
        .iter()
        .filter(|version| version.state == KeyState::Deprecated && version.number < newest)
        .max_by_key(|version| version.number)
}

fn entered(version: &KeyVersion, state: KeyState, now: Timestamp, reason: &str) -> KeyVersion {
    let mut changed = version.clone();
    changed.enter(state, now, reason);
    changed
}

/// The newest one that was made and handed round.
fn waiting(versions: &[KeyVersion], except: u32) -> Option<&KeyVersion> {
    versions
        .iter()
        .filter(|version| version.state == KeyState::PreActive && version.number != except)
        .max_by_key(|version| version.number)
}

/// A version that was active when it was suspended, and newer than any that took over: it may come back.
fn another_is_only_suspended(versions: &[KeyVersion], except: u32) -> bool {
    let newest_used = versions
        .iter()
        .filter(|version| version.activated_at.is_some())
        .max_by_key(|version| version.number);
    newest_used.is_some_and(|newest| newest.number != except && newest.state == KeyState::Suspended)
}

#[cfg(test)]
#[path = "moves_tests.rs"]
mod tests;
