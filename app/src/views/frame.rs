//! What stands around every page: who is looking, and what everyone must know.

use time::OffsetDateTime;

/// The frame around every page.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The server's clock when the page was made; ages and "ago" are counted from it.
    pub now: OffsetDateTime,
    pub viewer: Viewer,
    pub environments: Vec<String>,
    /// The environment that the viewer has narrowed the pages to.
    pub environment: Option<String>,
    pub freezes: Vec<Freeze>,
    /// The sandbox runs: its entries are marked and a ribbon says so.
    pub sandbox: bool,
    /// `ROTA_BOOTSTRAP_TOKEN` is set: an administrator for automation exists.
    pub bootstrap_token_active: bool,
    /// Standing findings, for instance a root key that lies unsealed beside the database.
    pub standing_findings: Vec<String>,
    /// What stands on every page while the server is sealed.
    pub sealed: Option<String>,
    /// Credentials and rotations that wait for a person.
    pub needs_person: u64,
}

/// The signed-in person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub name: String,
    pub role: Role,
}

/// What a person may do; checked in the services, only shown here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Operator,
    Administrator,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
}

/// A freeze that is on: scheduled rotations wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Freeze {
    pub id: String,
    /// `None` is every environment.
    pub environment: Option<String>,
    pub reason: String,
    pub who: String,
    pub since: OffsetDateTime,
    pub until: Option<OffsetDateTime>,
    /// Rotations that would have run by now.
    pub waiting: u64,
}
