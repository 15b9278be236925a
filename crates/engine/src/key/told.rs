//! How a data operation is told: one audit entry for the whole request, and counts for the metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::Actor;
use crate::audit::AuditDraft;
use crate::key::ring::KeyRing;
use crate::rule::Refusal;
use crate::services::Services;

/// What stands in the audit and in the metrics of one request.
pub(crate) struct Tally {
    action: &'static str,
    operation: &'static str,
    counts: BTreeMap<(Option<u32>, &'static str), u64>,
}

/// What became of the items of one request. `version` tells which version did one, if any did.
pub(crate) fn tally<T>(
    action: &'static str,
    operation: &'static str,
    results: &[Result<T, Refusal>],
    version: impl Fn(&T) -> Option<u32>,
) -> Tally {
    let mut counts = BTreeMap::new();
    for result in results {
        let key = match result {
            Ok(done) => match version(done) {
                Some(version) => (Some(version), "ok"),
                None => (None, "not_authentic"),
            },
            Err(refusal) => (None, outcome_of(refusal)),
        };
        *counts.entry(key).or_default() += 1;
    }
    Tally {
        action,
        operation,
        counts,
    }
}

impl Tally {
    fn outcome(&self) -> &'static str {
        let refused = self.counts.keys().filter(|(_, outcome)| *outcome != "ok").count();
        match (refused, self.counts.len()) {
            (0, _) => "ok",
            (refused, all) if refused < all => "partial",
            _ => "refused",
        }
    }

    /// `version 3`, or `version 1: 98; ciphertext_invalid: 2`.
    fn detail(&self) -> String {
        let mut detail = String::new();
        for ((version, outcome), count) in &self.counts {
            if !detail.is_empty() {
                detail.push_str("; ");
            }
            match version {
                Some(version) => {
                    detail.push_str("version ");
                    detail.push_str(&version.to_string());
                }
                None => detail.push_str(outcome),
            }
            if *count > 1 || self.counts.len() > 1 {
                detail.push_str(": ");
                detail.push_str(&count.to_string());
            }
        }
        detail
    }
}

fn outcome_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Conflict { code, .. } => code,
        Refusal::DoesNotOpen { .. } => "ciphertext_invalid",
        Refusal::Rules(_) => "invalid",
        Refusal::Forbidden(_) | Refusal::NotBound { .. } | Refusal::Unauthenticated => "forbidden",
        Refusal::NotFound { .. } | Refusal::NoVersionYet(_) => "not_found",
        Refusal::RotationInProgress { .. } => "rotation_in_progress",
        Refusal::Stale | Refusal::Unavailable(_) | Refusal::Sealed(_) | Refusal::Store(_) => "unavailable",
    }
}

impl Services {
    /// Writes the audit entry, and only then counts. Without the entry there is no reply. How long a request took since
    /// `began` (uptime) is what jobs of re-encryption give way to.
    pub(crate) async fn tell(
        &self,
        actor: &Actor,
        ring: &KeyRing,
        told: &Tally,
        began: Duration,
    ) -> Result<(), Refusal> {
        let key = ring.key();
        let mut draft = AuditDraft::new(actor, self.clock.now(), told.action, key.object(), told.detail());
        told.outcome().clone_into(&mut draft.outcome);
        self.store.record(draft).await?;
        let took = self.clock.uptime().saturating_sub(began);
        self.reencryption.foreground.note(self.clock.now(), took);
        for ((version, outcome), count) in &told.counts {
            self.meter
                .key_operations(&key.name, *version, told.operation, outcome, *count);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_in_one_entry() {
        let refused = || Refusal::DoesNotOpen {
            names_unknown_version: false,
        };
        let results: Vec<Result<u32, Refusal>> = vec![Ok(1), Ok(1), Err(refused()), Ok(2)];
        let told = tally("key.decrypt", "decrypt", &results, |version| Some(*version));
        assert_eq!(told.outcome(), "partial");
        assert_eq!(told.detail(), "ciphertext_invalid: 1; version 1: 2; version 2: 1");
        let one = tally("key.encrypt", "encrypt", &[Ok::<_, Refusal>(7)], |version| {
            Some(*version)
        });
        assert_eq!((one.outcome(), one.detail().as_str()), ("ok", "version 7"));
        let none = tally("key.verify", "verify", &[Ok::<_, Refusal>(7)], |_| None);
        assert_eq!(
            (none.outcome(), none.detail().as_str()),
            ("refused", "not_authentic")
        );
    }
}
