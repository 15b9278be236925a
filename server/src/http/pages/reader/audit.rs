//! The audit explorer.

use app::reader::ReadError;
use app::views::Listing;
use app::views::audit::{AuditLine, AuditQuery, AuditView, ChainState};
use engine::audit::AuditEntry;
use engine::audit::service::AuditVerification;
use engine::ports::AuditFilter;

use super::words::moment;
use super::{PageReader, unavailable};

/// Entries on one page.
const PAGE: u32 = 50;
/// Entries looked through for a filter that the store does not know.
const LOOKED_THROUGH: u32 = 2_000;

impl PageReader {
    pub(super) async fn read_audit(&self, query: AuditQuery) -> Result<AuditView, ReadError> {
        let services = &self.state.services;
        let head = services
            .audit_checkpoint(&self.actor)
            .await
            .map_err(unavailable)?;
        let filter = AuditFilter {
            actor: query.actor.clone(),
            action: query.action.clone(),
            object: query.subject.clone().filter(|subject| subject.contains('/')),
            before: query.cursor.as_deref().and_then(|cursor| cursor.parse().ok()),
            limit: LOOKED_THROUGH,
            ..AuditFilter::default()
        };
        let entries = services.audit(&self.actor, filter).await.map_err(unavailable)?;
        let chosen: Vec<&AuditEntry> = entries.iter().filter(|entry| is_chosen(entry, &query)).collect();
        let items: Vec<AuditLine> = chosen
            .iter()
            .take(PAGE as usize)
            .map(|entry| line(entry))
            .collect();
        let more = chosen.len() > items.len();
        let mut actions: Vec<String> = entries.iter().map(|entry| entry.draft.action.clone()).collect();
        actions.sort();
        actions.dedup();
        Ok(AuditView {
            listing: Listing {
                next_cursor: items
                    .last()
                    .filter(|_| more)
                    .map(|line| line.sequence.to_string()),
                total: chosen.len() as u64,
                unfiltered_total: u64::try_from(head.sequence).unwrap_or(0),
                items,
            },
            chain: self.chain().await,
            actions,
        })
    }

    /// Computed anew at each look: hashes are never believed.
    async fn chain(&self) -> ChainState {
        match self.state.services.verify_audit(&self.actor, None).await {
            Ok(AuditVerification::Whole { head }) => ChainState::Whole {
                entries: u64::try_from(head.sequence).unwrap_or(0),
                verified_at: moment(self.now()),
                head: head.hash.0,
            },
            Ok(AuditVerification::Broken(broken)) => ChainState::Broken {
                sequence: u64::try_from(broken.sequence()).unwrap_or(0),
                what: broken.to_string(),
            },
            Err(_) => ChainState::NotVerified,
        }
    }
}

fn is_chosen(entry: &AuditEntry, query: &AuditQuery) -> bool {
    let draft = &entry.draft;
    let text = query.text.as_deref().map(str::to_lowercase);
    let day = moment(draft.at).date();
    text.is_none_or(|text| {
        let correlation = draft.correlation.as_deref().unwrap_or_default();
        [&draft.actor, &draft.action, &draft.object, &draft.detail]
            .iter()
            .any(|field| field.to_lowercase().contains(&text))
            || correlation == text
    }) && query
        .subject
        .as_deref()
        .is_none_or(|subject| draft.object.contains(subject))
        && query.from.is_none_or(|from| day >= from)
        && query.until.is_none_or(|until| day <= until)
}

fn line(entry: &AuditEntry) -> AuditLine {
    let draft = &entry.draft;
    AuditLine {
        sequence: u64::try_from(entry.sequence).unwrap_or(0),
        at: moment(draft.at),
        actor: draft.actor.clone(),
        action: draft.action.clone(),
        address: address(&draft.object),
        subject: draft.object.clone(),
        result: draft.outcome.clone(),
        detail: Some(draft.detail.clone()).filter(|detail| !detail.is_empty()),
        correlation_id: draft.correlation.clone().unwrap_or_default(),
        hash: entry.hash.0.clone(),
    }
}

/// Where a subject is shown.
fn address(object: &str) -> Option<String> {
    let (kind, name) = object.split_once('/')?;
    ["credential", "rotation", "issuer", "consumer"]
        .contains(&kind)
        .then(|| format!("/{kind}s/{name}"))
}
