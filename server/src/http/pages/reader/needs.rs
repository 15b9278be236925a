//! What needs a person.

use app::reader::ReadError;
use app::views::Listing;
use app::views::credential::Severity as ShownSeverity;
use app::views::need::{NeedLine, NeedsPersonView};
use engine::board::{Need, Severity, Subject};

use super::words::{count, moment};
use super::{PageReader, unavailable};

/// Lines on one page.
const PAGE: usize = 50;

impl PageReader {
    /// Everything that waits for a person, the gravest first.
    pub(super) async fn needs(&self) -> Result<Vec<Need>, ReadError> {
        let (needs, _) = self
            .state
            .services
            .needs_and_notices(&self.actor, self.environment().as_ref())
            .await
            .map_err(unavailable)?;
        Ok(needs)
    }

    pub(super) async fn read_needs_person(&self, cursor: Option<&str>) -> Result<NeedsPersonView, ReadError> {
        let needs = self.needs().await?;
        let start = cursor
            .and_then(|cursor| cursor.parse::<usize>().ok())
            .unwrap_or(0);
        let items: Vec<NeedLine> = needs.iter().skip(start).take(PAGE).map(need_line).collect();
        let next = start + items.len();
        Ok(NeedsPersonView {
            listing: Listing {
                next_cursor: (next < needs.len()).then(|| next.to_string()),
                items,
                total: count(needs.len()),
                unfiltered_total: count(needs.len()),
            },
        })
    }
}

/// A need as a line of a list.
pub(super) fn need_line(need: &Need) -> NeedLine {
    let (subject, address) = match &need.subject {
        Subject::Credential(name) => (name.to_string(), format!("/credentials/{name}")),
        Subject::Rotation { id, credential } => (credential.to_string(), format!("/rotations/{id}")),
        Subject::Issuer(name) => (name.to_string(), format!("/issuers/{name}")),
        Subject::Key(name) => (name.to_string(), format!("/keys/{name}")),
    };
    NeedLine {
        severity: severity(need.severity),
        what: need.what.clone(),
        subject,
        address,
        since: moment(need.since),
        who: need.who.clone(),
        next_action: need.next_action.to_owned(),
    }
}

/// How grave, as pages draw it.
pub(super) fn severity(severity: Severity) -> ShownSeverity {
    match severity {
        Severity::Notice => ShownSeverity::Notice,
        Severity::Warning => ShownSeverity::Warning,
        Severity::Critical => ShownSeverity::Critical,
    }
}
