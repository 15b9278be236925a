//! Reading the audit and checking that nobody changed it.

use crate::access::{Actor, Role};
use crate::audit::{AuditEntry, ChainBreak, ChainHead, verify_chain};
use crate::ports::{AuditFilter, Store, StoreError};
use crate::rule::Refusal;
use crate::services::Services;

/// Entries of one list at most.
pub const LONGEST_LIST: u32 = 500;
const PAGE: u32 = 1_000;

/// What a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerification {
    /// Every entry up to `head` is there and as it was written.
    Whole { head: ChainHead },
    /// The first entry that is not.
    Broken(ChainBreak),
}

impl Services {
    /// Entries that match, newest first unless `ascending`.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn audit(&self, actor: &Actor, mut filter: AuditFilter) -> Result<Vec<AuditEntry>, Refusal> {
        actor.require(Role::Viewer)?;
        filter.limit = if filter.limit == 0 {
            100
        } else {
            filter.limit.min(LONGEST_LIST)
        };
        Ok(self.store.audit_entries(&filter).await?)
    }

    /// Where the chain ends now: kept elsewhere, it proves later that nothing before it was changed.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn audit_checkpoint(&self, actor: &Actor) -> Result<ChainHead, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(self.store.audit_head().await?)
    }

    /// Checks the chain from `from` (a checkpoint; none: the beginning) to its end.
    ///
    /// # Errors
    /// Not a viewer, store away. A broken chain is an answer, not an error.
    pub async fn verify_audit(
        &self,
        actor: &Actor,
        from: Option<ChainHead>,
    ) -> Result<AuditVerification, Refusal> {
        actor.require(Role::Viewer)?;
        Ok(verify_stored(self.store.as_ref(), from).await?)
    }
}

/// Checks a stored chain page by page: hashes are computed anew and compared with the stored head, which was read
/// first, so that entries written meanwhile do not matter and missing ones at the end do.
///
/// # Errors
/// When the store is away.
pub async fn verify_stored(
    store: &dyn Store,
    from: Option<ChainHead>,
) -> Result<AuditVerification, StoreError> {
    let stored_head = store.audit_head().await?;
    let mut head = from.unwrap_or_else(ChainHead::genesis);
    if head.sequence > stored_head.sequence {
        let broken = ChainBreak::Truncated {
            expected: head.sequence,
            found: stored_head.sequence,
        };
        return Ok(AuditVerification::Broken(broken));
    }
    if head.sequence == stored_head.sequence && head.hash != stored_head.hash {
        return Ok(AuditVerification::Broken(ChainBreak::Altered {
            sequence: head.sequence,
        }));
    }
    loop {
        let filter = AuditFilter {
            after: Some(head.sequence),
            ascending: true,
            limit: PAGE,
            ..AuditFilter::default()
        };
        let page = store.audit_entries(&filter).await?;
        if page.is_empty() {
            break;
        }
        for entry in &page {
            head = match verify_chain(head, [entry]) {
                Ok(head) => head,
                Err(broken) => return Ok(AuditVerification::Broken(broken)),
            };
            // Whoever rewrites the whole end of the chain must also have changed the head; then a checkpoint tells.
            if head.sequence == stored_head.sequence && head.hash != stored_head.hash {
                return Ok(AuditVerification::Broken(ChainBreak::Altered {
                    sequence: head.sequence,
                }));
            }
        }
    }
    if head.sequence < stored_head.sequence {
        let broken = ChainBreak::Truncated {
            expected: stored_head.sequence,
            found: head.sequence,
        };
        return Ok(AuditVerification::Broken(broken));
    }
    Ok(AuditVerification::Whole { head })
}
