//! `POST /sandbox/sabotage`.

use serde::Deserialize;

use super::{Form, Values, fields};

/// An order to the sandbox's programs. Rota itself is told nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SabotageForm {
    /// `none`, `wrong_key`, `lost_permission` or `slow_failure`.
    pub kind: String,
    /// The page it was ordered on, a local path.
    pub back: String,
}

impl SabotageForm {
    pub const ADDRESS: &'static str = "/sandbox/sabotage";
}

impl Form for SabotageForm {
    fields! { text: [kind, back], lists: [], secret: [] }

    fn field_of(_: &str, _: &Values) -> Option<&'static str> {
        None
    }
}
