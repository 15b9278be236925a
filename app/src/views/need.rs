//! What needs a person: a list in which every line has one next action.

use time::OffsetDateTime;

use super::Listing;
use super::credential::Severity;

#[derive(Clone, Debug, PartialEq)]
pub struct NeedsPersonView {
    /// The gravest first.
    pub listing: Listing<NeedLine>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NeedLine {
    pub severity: Severity,
    /// What is the matter: "Rollback failed: the old version was refused".
    pub what: String,
    /// The credential, rotation or issuer it is about, and where it is shown.
    pub subject: String,
    pub address: String,
    pub since: OffsetDateTime,
    /// Who should act: a team, a role or a name.
    pub who: String,
    /// The one next action, as a link's words.
    pub next_action: String,
}
