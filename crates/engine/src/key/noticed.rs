//! What decrypting shows beside the values: records that should move, and versions whose data is refused.

use std::collections::BTreeMap;

use keyring::KeyState;

use crate::key::operation::{Decrypt, Decrypted, UNUSABLE, context, decode_ciphertext};
use crate::key::ring::KeyRing;
use crate::rule::Refusal;
use crate::services::Services;

impl Services {
    /// Queues what was read under a version that goes out of use (REENC-1), and counts by version what opened and what
    /// was refused (KEY-14). A refusal counts where the value is one of this key in this context: bytes that anybody
    /// may have made up stop nobody's key.
    pub(crate) fn notice(
        &self,
        ring: &KeyRing,
        items: &[Decrypt<'_>],
        results: &[Result<Decrypted, Refusal>],
    ) {
        let key = &ring.key().id;
        // Opened, refused.
        let mut by_version: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (item, result) in items.iter().zip(results) {
            match result {
                Ok(done) => {
                    by_version.entry(done.version).or_default().0 += 1;
                    if ring.state(done.version) == Some(KeyState::Deprecated) {
                        let context = item.context.unwrap_or_default();
                        self.reencryption.queue.met(key, context.as_bytes());
                    }
                }
                Err(Refusal::Conflict { code: UNUSABLE, .. }) => {
                    if let Some(version) = authentic_version(ring, *item) {
                        by_version.entry(version).or_default().1 += 1;
                    }
                }
                Err(_) => {}
            }
        }
        for (version, (opened, refused)) in by_version {
            self.reencryption
                .health
                .note(key, version, opened, refused, self.clock.now());
        }
    }
}

fn authentic_version(ring: &KeyRing, item: Decrypt<'_>) -> Option<u32> {
    let envelope = decode_ciphertext(item.ciphertext).ok()?;
    let header = keyring::inspect(&envelope).ok()?;
    ring.is_authentic(&context(item.context), &envelope)
        .then(|| header.version.number())
}
