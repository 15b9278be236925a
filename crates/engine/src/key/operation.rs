//! What programs do with a key: encrypt, decrypt, rewrap, data keys; each for one value or for many.
//!
//! An operation answers after its audit entry is written: no entry, no reply. One entry tells of a whole request.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring::{Context, KeyState, OpenError, Purpose, RewrapError, SecretBytes};
use zeroize::Zeroizing;

use crate::access::{Actor, Role};
use crate::key::ring::KeyRing;
use crate::key::rotate::Gate;
use crate::key::told::tally;
use crate::key::uses::{Reserved, exhausted};
use crate::name::Name;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// Values of one request at most.
pub const LONGEST_BATCH: usize = 1_000;

pub(crate) const UNUSABLE: &str = "key_version_unusable";

/// A value to be encrypted.
#[derive(Clone, Copy)]
pub struct Encrypt<'a> {
    /// Standard base64.
    pub plaintext: &'a str,
    pub context: Option<&'a str>,
}

/// A value to be decrypted.
#[derive(Clone, Copy, Debug)]
pub struct Decrypt<'a> {
    /// Standard base64.
    pub ciphertext: &'a str,
    pub context: Option<&'a str>,
}

/// A data key to be made.
#[derive(Clone, Copy, Debug)]
pub struct MakeDataKey<'a> {
    pub context: Option<&'a str>,
    /// Only the wrapped form is given away.
    pub wrapped_only: bool,
}

/// What was encrypted or rewrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// Standard base64.
    pub ciphertext: String,
    pub version: u32,
}

/// What was decrypted.
#[derive(Debug)]
pub struct Decrypted {
    pub plaintext: SecretBytes,
    /// The version that it was sealed under.
    pub version: u32,
    /// The same value under the active version, when its own is going out of use.
    pub rewrapped: Option<Encrypted>,
}

/// A fresh data key.
#[derive(Debug)]
pub struct MadeDataKey {
    /// None when only the wrapped form was asked for.
    pub plaintext: Option<SecretBytes>,
    pub sealed: Encrypted,
}

/// One result for each item, in their order.
pub type Results<T> = Vec<Result<T, Refusal>>;

impl Services {
    /// Encrypts values under the active version.
    ///
    /// # Errors
    /// No such key, not a caller of it, no version is active, the audit cannot be written. A value that is not base64
    /// is refused by itself.
    pub async fn encrypt(
        &self,
        actor: &Actor,
        name: &Name,
        items: &[Encrypt<'_>],
    ) -> Result<Results<Encrypted>, Refusal> {
        let began = self.clock.uptime();
        check_count(items.len())?;
        let ring = self.ring_for(actor, name, Purpose::Encrypt).await?;
        let ring = self.ring_that_seals(ring, items.len()).await?;
        let randomness = self.randomness.as_ref();
        let results: Results<Encrypted> = items
            .iter()
            .map(|item| {
                let plaintext = decode_plaintext(item.plaintext)?;
                let sealed = ring
                    .seal(randomness, &context(item.context), &plaintext)
                    .map_err(|error| seal_refusal(&error))?;
                Ok(encoded(&sealed))
            })
            .collect();
        let told = tally("key.encrypt", "encrypt", &results, |done| Some(done.version));
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// Decrypts values. One whose version is deprecated comes with its rewrapped form.
    ///
    /// # Errors
    /// No such key, not a caller of it, the audit cannot be written. A value that does not open is refused by itself.
    pub async fn decrypt(
        &self,
        actor: &Actor,
        name: &Name,
        items: &[Decrypt<'_>],
    ) -> Result<Results<Decrypted>, Refusal> {
        let began = self.clock.uptime();
        check_count(items.len())?;
        let mut ring = self.ring_for(actor, name, Purpose::Encrypt).await?;
        let mut results: Results<Decrypted> = items.iter().map(|item| opened(&ring, *item)).collect();
        if results.iter().any(is_perhaps_stale)
            && let Some(fresh) = Box::pin(self.reread_key_ring(&ring)).await?
        {
            ring = fresh;
            for (item, result) in items.iter().zip(&mut results) {
                if is_perhaps_stale(result) {
                    *result = opened(&ring, *item);
                }
            }
        }
        self.rewrap_old(&ring, items, &mut results).await;
        self.notice(&ring, items, &results);
        let now = self.clock.now();
        for done in results.iter().flatten() {
            if let Some(uses) = ring.uses(done.version) {
                uses.opened(now);
            }
        }
        let told = tally("key.decrypt", "decrypt", &results, |done| Some(done.version));
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// Moves values to the active version without opening them.
    ///
    /// # Errors
    /// As [`Services::encrypt`] and [`Services::decrypt`].
    pub async fn rewrap(
        &self,
        actor: &Actor,
        name: &Name,
        items: &[&str],
    ) -> Result<Results<Encrypted>, Refusal> {
        let began = self.clock.uptime();
        check_count(items.len())?;
        let ring = self.ring_for(actor, name, Purpose::Encrypt).await?;
        let mut ring = self.ring_that_seals(ring, items.len()).await?;
        let mut results: Results<Encrypted> = items.iter().map(|item| self.rewrapped(&ring, item)).collect();
        if results.iter().any(is_perhaps_stale)
            && let Some(fresh) = Box::pin(self.reread_key_ring(&ring)).await?
        {
            ring = self.ring_that_seals(fresh, items.len()).await?;
            for (item, result) in items.iter().zip(&mut results) {
                if is_perhaps_stale(result) {
                    *result = self.rewrapped(&ring, item);
                }
            }
        }
        let told = tally("key.rewrap", "rewrap", &results, |done| Some(done.version));
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// Makes fresh data keys, plain and sealed.
    ///
    /// # Errors
    /// As [`Services::encrypt`].
    pub async fn make_data_key(
        &self,
        actor: &Actor,
        name: &Name,
        items: &[MakeDataKey<'_>],
    ) -> Result<Results<MadeDataKey>, Refusal> {
        let began = self.clock.uptime();
        check_count(items.len())?;
        let ring = self.ring_for(actor, name, Purpose::Encrypt).await?;
        let ring = self.ring_that_seals(ring, items.len()).await?;
        let results: Results<MadeDataKey> = items
            .iter()
            .map(|item| {
                let (plaintext, sealed) = ring
                    .data_key(self.randomness.as_ref(), &context(item.context))
                    .map_err(|error| seal_refusal(&error))?;
                Ok(MadeDataKey {
                    plaintext: (!item.wrapped_only).then_some(plaintext),
                    sealed: encoded(&sealed),
                })
            })
            .collect();
        let told = tally("key.data_key", "data_key", &results, |made| {
            Some(made.sealed.version)
        });
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// The open key, for someone who may use it for this purpose.
    pub(crate) async fn ring_for(
        &self,
        actor: &Actor,
        name: &Name,
        purpose: Purpose,
    ) -> Result<Arc<KeyRing>, Refusal> {
        let Some(ring) = self.key_ring_named(name).await? else {
            // Whoever may use no key at all learns nothing of which there are.
            actor.require(Role::Operator)?;
            return Err(Refusal::not_found("key", name.as_str()));
        };
        ring.key().admit(actor)?;
        let own = ring.key().algorithm.purpose();
        if own != purpose {
            let detail = format!(
                "key `{name}` is {} and has one purpose, {own}; make another key to {purpose}",
                ring.key().algorithm
            );
            return Err(Refusal::conflict("wrong_purpose", detail));
        }
        Ok(ring)
    }

    /// The same with `count` uses of its active version set aside; at the hard limit the key is rotated on the spot,
    /// whatever is frozen.
    pub(crate) async fn ring_that_seals(
        &self,
        mut ring: Arc<KeyRing>,
        count: usize,
    ) -> Result<Arc<KeyRing>, Refusal> {
        let count = count as u64;
        for attempt in 0..2 {
            let active = ring.active().ok_or_else(|| none_active(&ring))?;
            if self.reserve(&ring, active, count).await? == Reserved::Yes {
                return Ok(ring);
            }
            if attempt > 0 {
                return Err(exhausted(&ring, active));
            }
            let system = Actor::system("keys");
            let reason = format!("version {active} has reached its hard limit of uses");
            let name = ring.key().name.clone();
            let gate = Gate::HardLimit { active };
            // What is seldom done lies apart from what every request carries along.
            Box::pin(self.rotate(&system, &name, &reason, gate)).await?;
            ring = self
                .key_ring_named(&name)
                .await?
                .ok_or_else(|| Refusal::not_found("key", name.as_str()))?;
        }
        Err(none_active(&ring))
    }

    fn rewrapped(&self, ring: &KeyRing, ciphertext: &str) -> Result<Encrypted, Refusal> {
        let envelope = decode_ciphertext(ciphertext)?;
        check_minimum(ring, &envelope)?;
        let sealed = ring
            .rewrap(self.randomness.as_ref(), &envelope)
            .map_err(|error| match error {
                RewrapError::Open(error) => open_refusal(&error),
                RewrapError::Seal(error) => seal_refusal(&error),
            })?;
        Ok(encoded(&sealed))
    }

    /// A read is never refused because its rewrapped form could not be made.
    async fn rewrap_old(&self, ring: &KeyRing, items: &[Decrypt<'_>], results: &mut Results<Decrypted>) {
        let is_old = |done: &Decrypted| ring.state(done.version) == Some(KeyState::Deprecated);
        let count = results.iter().flatten().filter(|done| is_old(done)).count();
        let Some(active) = ring.active().filter(|_| count > 0) else {
            return;
        };
        if !matches!(self.reserve(ring, active, count as u64).await, Ok(Reserved::Yes)) {
            return;
        }
        for (item, result) in items.iter().zip(results) {
            if let Ok(done) = result
                && is_old(done)
            {
                done.rewrapped = self.rewrapped(ring, item.ciphertext).ok();
            }
        }
    }
}

pub(crate) fn check_count(count: usize) -> Result<(), Refusal> {
    if count > LONGEST_BATCH {
        let detail = format!("at most {LONGEST_BATCH} items in one request");
        return Err(Refusal::rule("/batch", detail));
    }
    Ok(())
}

pub(crate) fn context(text: Option<&str>) -> Context {
    Context::of_caller(text.unwrap_or_default().as_bytes())
}

fn encoded(sealed: &keyring::Sealed) -> Encrypted {
    Encrypted {
        ciphertext: STANDARD.encode(sealed.as_bytes()),
        version: sealed.version().number(),
    }
}

fn decode_plaintext(text: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| {
        Refusal::Rules(vec![RuleError::new(
            "/plaintext",
            "must be standard base64 with padding (RFC 4648, section 4)",
        )])
    })
}

pub(crate) fn decode_ciphertext(text: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(text).map_err(|_| does_not_open())
}

fn opened(ring: &KeyRing, item: Decrypt<'_>) -> Result<Decrypted, Refusal> {
    let envelope = decode_ciphertext(item.ciphertext)?;
    let version = check_minimum(ring, &envelope)?;
    let plaintext = ring
        .open(&context(item.context), &envelope)
        .map_err(|error| open_refusal(&error))?;
    Ok(Decrypted {
        plaintext,
        version,
        rewrapped: None,
    })
}

/// The version that an envelope names, unless the policy lets it open nothing any more.
fn check_minimum(ring: &KeyRing, envelope: &[u8]) -> Result<u32, Refusal> {
    let header = keyring::inspect(envelope).map_err(|_| does_not_open())?;
    let version = header.version.number();
    let minimum = ring.key().policy.minimum_decryption_version;
    if version < minimum && header.key_id.as_str() == ring.key().id.as_str() {
        let detail = format!("the policy of this key lets versions below {minimum} open nothing");
        return Err(Refusal::conflict(UNUSABLE, detail));
    }
    Ok(version)
}

/// Another replica may have made the version a moment ago.
pub(crate) fn is_perhaps_stale<T>(result: &Result<T, Refusal>) -> bool {
    matches!(
        result,
        Err(Refusal::DoesNotOpen {
            names_unknown_version: true
        })
    )
}

pub(crate) fn does_not_open() -> Refusal {
    Refusal::DoesNotOpen {
        names_unknown_version: false,
    }
}

pub(crate) fn open_refusal(error: &OpenError) -> Refusal {
    match error {
        _ if error.may_be_stale() => Refusal::DoesNotOpen {
            names_unknown_version: true,
        },
        OpenError::VersionRefused { version, state } => Refusal::conflict(
            UNUSABLE,
            format!("version {version} of the key is {state} and opens nothing"),
        ),
        _ => does_not_open(),
    }
}

pub(crate) fn seal_refusal(error: &keyring::SealError) -> Refusal {
    match error {
        keyring::SealError::NoActiveVersion { .. } => Refusal::conflict(
            UNUSABLE,
            "no version of the key is active: the active one is suspended; end its suspension or rotate the key",
        ),
        too_long @ keyring::SealError::TooLong => Refusal::rule("/plaintext", too_long.to_string()),
    }
}

fn none_active(ring: &KeyRing) -> Refusal {
    let detail = format!(
        "no version of key `{}` is active: the active one is suspended; end its suspension or rotate the key",
        ring.key().name
    );
    Refusal::conflict(UNUSABLE, detail)
}

impl std::fmt::Debug for Encrypt<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Encrypt(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_base64_is_taken() {
        for wrong in ["QQ", "QR==", "QQ==\n", "Q===", "-_==", "QQ== "] {
            assert!(decode_ciphertext(wrong).is_err(), "{wrong:?}");
            assert!(decode_plaintext(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(decode_ciphertext("QQ==").unwrap(), b"A");
    }
}
