//! The life of a wrapping key: the states of NIST SP 800-57 and the one table of legal moves.

use std::fmt;
use std::str::FromStr;

/// Where a wrapping key stands in its life.
///
/// | state | seals | opens | in SP 800-57 |
/// |---|---|---|---|
/// | `pre_active` | no | no | pre-activation: made and handed round, not yet in use |
/// | `active` | yes | yes | active |
/// | `deprecated` | no | yes | deactivated |
/// | `suspended` | no | no | suspended: for a while, until somebody has looked |
/// | `revoked` | no | only to move its data away | compromised |
/// | `destroyed` | no | no | destroyed: the key itself is gone |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyState {
    /// Made and handed round, not yet in use.
    PreActive,
    /// Seals new values and opens old ones.
    Active,
    /// Opens old values only.
    Deprecated,
    /// Out of use until somebody has looked.
    Suspended,
    /// Not trusted any more: opened only to move its data to another version.
    Revoked,
    /// The key itself is gone, for good.
    Destroyed,
}

impl KeyState {
    /// Every state, in the order of a key's life.
    pub const ALL: [Self; 6] = [
        Self::PreActive,
        Self::Active,
        Self::Deprecated,
        Self::Suspended,
        Self::Revoked,
        Self::Destroyed,
    ];

    /// The name used in storage, in the API and on the pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreActive => "pre_active",
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Destroyed => "destroyed",
        }
    }

    /// Whether a key in this state may seal new values.
    pub fn may_seal(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether a key in this state may open values for anybody who is allowed to read them.
    pub fn may_open(self) -> bool {
        matches!(self, Self::Active | Self::Deprecated)
    }

    /// Whether a key in this state may open values for the worker that moves them to another version.
    pub fn may_open_for_reencryption(self) -> bool {
        self.may_open() || matches!(self, Self::Revoked)
    }
}

/// The table of legal moves: which states may follow `state`.
///
/// Staying is not a move: whoever repeats a move finds the key already there and calls that success.
pub fn legal_moves(state: KeyState) -> &'static [KeyState] {
    use KeyState::{Active, Deprecated, Destroyed, PreActive, Revoked, Suspended};
    match state {
        PreActive => &[Active, Revoked, Destroyed],
        // A key in use is never destroyed in one move: its data must have somewhere to go first.
        Active => &[Deprecated, Suspended, Revoked],
        // Not back to active: data written meanwhile belongs to the successor. Going back is a new version.
        Deprecated => &[Suspended, Revoked, Destroyed],
        Suspended => &[Active, Deprecated, Revoked, Destroyed],
        // The way back from a mistaken revocation (SP 800-57 has none). It reads, and never seals again.
        Revoked => &[Deprecated, Destroyed],
        Destroyed => &[],
    }
}

/// Checks one move against the table.
pub fn check_move(from: KeyState, to: KeyState) -> Result<(), IllegalMove> {
    if legal_moves(from).contains(&to) {
        Ok(())
    } else {
        Err(IllegalMove { from, to })
    }
}

/// The table has no such move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key version that is {from} cannot become {to}; from here it can become {}", names_after(.from))]
pub struct IllegalMove {
    /// The state the key version is in.
    pub from: KeyState,
    /// The state that was asked for.
    pub to: KeyState,
}

fn names_after(state: &KeyState) -> String {
    let next_states = legal_moves(*state);
    if next_states.is_empty() {
        return "nothing else".to_owned();
    }
    next_states
        .iter()
        .map(|state| state.name())
        .collect::<Vec<_>>()
        .join(", ")
}

impl fmt::Display for KeyState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for KeyState {
    type Err = UnknownKeyState;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or(UnknownKeyState)
    }
}

/// The text names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key state: use pre_active, active, deprecated, suspended, revoked or destroyed")]
pub struct UnknownKeyState;

#[cfg(test)]
mod tests {
    use super::*;

    /// The table once more, as a matrix: each of the 36 pairs is judged, and a change must be made twice.
    #[test]
    fn each_pair_of_states_is_judged() {
        let matrix = [
            // to:  P  A  D  S  R  X
            "       .  y  .  .  y  y", // pre_active
            "       .  .  y  y  y  .", // active
            "       .  .  .  y  y  y", // deprecated
            "       .  y  y  .  y  y", // suspended
            "       .  .  y  .  .  y", // revoked
            "       .  .  .  .  .  .", // destroyed
        ];
        for (from, row) in KeyState::ALL.into_iter().zip(matrix) {
            let cells = row.split_whitespace().collect::<Vec<_>>();
            for (to, cell) in KeyState::ALL.into_iter().zip(cells) {
                assert_eq!(check_move(from, to).is_ok(), cell == "y", "{from} -> {to}");
            }
        }
    }

    #[test]
    fn nothing_leaves_destroyed_and_everything_can_reach_it() {
        for state in KeyState::ALL {
            assert!(!legal_moves(state).contains(&state));
            assert!(!legal_moves(state).contains(&KeyState::PreActive));
            let within_two = legal_moves(state).iter().flat_map(|next| legal_moves(*next));
            let mut reachable = legal_moves(state).iter().chain(within_two);
            assert_eq!(
                reachable.any(|next| *next == KeyState::Destroyed),
                state != KeyState::Destroyed
            );
        }
    }

    #[test]
    fn names_read_back() {
        for state in KeyState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
        assert_eq!("Active".parse::<KeyState>(), Err(UnknownKeyState));
    }

    #[test]
    fn an_illegal_move_says_what_is_possible() {
        let illegal = check_move(KeyState::Revoked, KeyState::Active).unwrap_err();
        let expected = "a key version that is revoked cannot become active; from here it can become deprecated, destroyed";
        assert_eq!(illegal.to_string(), expected);
    }
}
