//! Audit entries.

use engine::audit as from;

use super::unsigned;
use crate::audit::AuditEntry;

impl From<from::AuditEntry> for AuditEntry {
    fn from(entry: from::AuditEntry) -> Self {
        Self {
            sequence: unsigned(entry.sequence),
            at: entry.draft.at.into(),
            actor: entry.draft.actor,
            source: entry.draft.source,
            correlation: entry.draft.correlation,
            action: entry.draft.action,
            object: entry.draft.object,
            outcome: entry.draft.outcome,
            detail: entry.draft.detail,
            hash: entry.hash.0,
            previous_hash: entry.previous_hash.0,
        }
    }
}

impl From<AuditEntry> for from::AuditEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            sequence: i64::try_from(entry.sequence).unwrap_or(i64::MAX),
            previous_hash: from::EntryHash(entry.previous_hash),
            hash: from::EntryHash(entry.hash),
            draft: from::AuditDraft {
                at: entry.at.into(),
                actor: entry.actor,
                source: entry.source,
                correlation: entry.correlation,
                action: entry.action,
                object: entry.object,
                outcome: entry.outcome,
                detail: entry.detail,
            },
        }
    }
}
