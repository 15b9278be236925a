//! Ways to break a rotation, done by the programs and not by Rota.

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sabotage {
    /// Nothing.
    #[default]
    None,
    /// The services mangle a new key when they load it: the API answers 401.
    WrongKey,
    /// The API forgets to give a new key its permissions: it answers 403, though the key is known.
    LostPermission,
    /// The API refuses a new key now and then, and only once more than the canary uses it.
    SlowFailure,
}

/// The body of `POST /control/sabotage` of each program.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SabotageRequest {
    pub kind: Sabotage,
}
