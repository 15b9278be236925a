//! The hash chain (AUD-2): each entry's hash covers its content and the hash before it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::access::Actor;
use crate::clock::Timestamp;

/// SHA-256 as lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryHash(pub String);

impl EntryHash {
    /// What the first entry names as the hash before it.
    pub fn genesis() -> Self {
        Self("0".repeat(64))
    }
}

/// What is to be said, before it has a place in the chain. Holds no secret material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditDraft {
    pub at: Timestamp,
    /// As [`Actor::label`].
    pub actor: String,
    pub source: Option<String>,
    pub correlation: Option<String>,
    /// A verb with its noun, e.g. `rotation.start`.
    pub action: String,
    /// What it was done to, e.g. `credential/orders-app`.
    pub object: String,
    /// `ok`, or why not.
    pub outcome: String,
    /// In words: versions, reasons, counts.
    pub detail: String,
}

impl AuditDraft {
    /// A successful act of `actor`.
    pub fn new(
        actor: &Actor,
        at: Timestamp,
        action: &str,
        object: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            at,
            actor: actor.label(),
            source: actor.source.clone(),
            correlation: actor.correlation.clone(),
            action: action.to_owned(),
            object: object.into(),
            outcome: "ok".to_owned(),
            detail: detail.into(),
        }
    }
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Dense from 1.
    pub sequence: i64,
    pub previous_hash: EntryHash,
    pub hash: EntryHash,
    #[serde(flatten)]
    pub draft: AuditDraft,
}

/// The end of the chain: what the next entry builds upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    pub sequence: i64,
    pub hash: EntryHash,
}

impl ChainHead {
    /// An empty chain.
    pub fn genesis() -> Self {
        Self {
            sequence: 0,
            hash: EntryHash::genesis(),
        }
    }

    /// Puts a draft at the end of the chain.
    #[must_use]
    pub fn append(&self, draft: AuditDraft) -> (AuditEntry, Self) {
        let sequence = self.sequence + 1;
        let hash = entry_hash(sequence, &self.hash, &draft);
        let entry = AuditEntry {
            sequence,
            previous_hash: self.hash.clone(),
            hash: hash.clone(),
            draft,
        };
        (entry, Self { sequence, hash })
    }
}

/// Every field is written with its length before it, so that no two entries encode alike.
fn entry_hash(sequence: i64, previous: &EntryHash, draft: &AuditDraft) -> EntryHash {
    let mut hasher = Sha256::new();
    hasher.update(b"rota-audit-v1");
    hasher.update(sequence.to_be_bytes());
    hasher.update(draft.at.as_micros().to_be_bytes());
    let mut field = |text: Option<&str>| match text {
        None => hasher.update([0]),
        Some(text) => {
            hasher.update([1]);
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
    };
    field(Some(&previous.0));
    field(Some(&draft.actor));
    field(draft.source.as_deref());
    field(draft.correlation.as_deref());
    field(Some(&draft.action));
    field(Some(&draft.object));
    field(Some(&draft.outcome));
    field(Some(&draft.detail));
    EntryHash(hex::encode(hasher.finalize()))
}

/// The first entry that does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// An entry is missing, or stands twice.
    #[error("entry {expected} is missing: entry {found} stands in its place")]
    Gap {
        /// The sequence that should have come.
        expected: i64,
        /// The one that came.
        found: i64,
    },
    /// Its content was changed after it was written.
    #[error("entry {sequence} was altered: its content does not give its hash")]
    Altered {
        /// The entry.
        sequence: i64,
    },
    /// It does not build upon the one before it.
    #[error("entry {sequence} does not follow the entry before it: another one stood there")]
    Unlinked {
        /// The entry.
        sequence: i64,
    },
    /// The newest entries are gone.
    #[error("the chain ends at entry {found}, but entry {expected} had been written")]
    Truncated {
        /// The sequence of the stored head.
        expected: i64,
        /// The last entry that is there.
        found: i64,
    },
}

impl ChainBreak {
    /// The first entry that is bad or missing.
    pub fn sequence(&self) -> i64 {
        match self {
            Self::Gap { expected, .. } => *expected,
            Self::Altered { sequence } | Self::Unlinked { sequence } => *sequence,
            Self::Truncated { found, .. } => found + 1,
        }
    }
}

/// Checks entries in order from `head` on; gives the head after them. Hashes are computed anew, never believed.
///
/// # Errors
/// With the first entry that is bad.
pub fn verify_chain<'entries>(
    head: ChainHead,
    entries: impl IntoIterator<Item = &'entries AuditEntry>,
) -> Result<ChainHead, ChainBreak> {
    entries.into_iter().try_fold(head, |head, entry| {
        if entry.sequence != head.sequence + 1 {
            return Err(ChainBreak::Gap {
                expected: head.sequence + 1,
                found: entry.sequence,
            });
        }
        if entry_hash(entry.sequence, &entry.previous_hash, &entry.draft) != entry.hash {
            return Err(ChainBreak::Altered {
                sequence: entry.sequence,
            });
        }
        if entry.previous_hash != head.hash {
            return Err(ChainBreak::Unlinked {
                sequence: entry.sequence,
            });
        }
        Ok(ChainHead {
            sequence: entry.sequence,
            hash: entry.hash.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<AuditEntry> {
        let actor = Actor::system("test");
        let mut head = ChainHead::genesis();
        let mut entries = Vec::new();
        for number in 0..length {
            let draft = AuditDraft::new(
                &actor,
                Timestamp::from_micros(number),
                "test.act",
                "thing/1",
                format!("number {number}"),
            );
            let (entry, next) = head.append(draft);
            entries.push(entry);
            head = next;
        }
        entries
    }

    #[test]
    fn an_untouched_chain_verifies_and_every_tampering_is_named() {
        let entries = chain(6);
        assert_eq!(
            verify_chain(ChainHead::genesis(), &entries).map(|head| head.sequence),
            Ok(6)
        );

        let mut edited = entries.clone();
        edited[2].draft.detail.push('!');
        assert_eq!(
            verify_chain(ChainHead::genesis(), &edited),
            Err(ChainBreak::Altered { sequence: 3 })
        );

        let mut deleted = entries.clone();
        deleted.remove(3);
        assert_eq!(
            verify_chain(ChainHead::genesis(), &deleted),
            Err(ChainBreak::Gap {
                expected: 4,
                found: 5
            })
        );

        // Edited, and its own hash recomputed: the next entry no longer follows.
        let mut rehashed = entries.clone();
        rehashed[2].draft.detail.push('!');
        rehashed[2].hash = entry_hash(3, &rehashed[2].previous_hash, &rehashed[2].draft);
        assert_eq!(
            verify_chain(ChainHead::genesis(), &rehashed),
            Err(ChainBreak::Unlinked { sequence: 4 })
        );
    }
}
