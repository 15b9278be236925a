//! Keys that sign and keys that authenticate: sign, verify, message authentication codes, public keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring::{KeyState, OpenError, PublicKey, Purpose, Tag};
use zeroize::Zeroizing;

use crate::access::{Actor, Role};
use crate::key::operation::{
    Results, check_count, does_not_open, is_perhaps_stale, open_refusal, seal_refusal,
};
use crate::key::ring::KeyRing;
use crate::key::told::tally;
use crate::name::Name;
use crate::rule::{Refusal, RuleError};
use crate::services::Services;

/// A message and what is said to be its signature or code.
#[derive(Clone, Copy, Debug)]
pub struct Verify<'a> {
    /// Standard base64.
    pub message: &'a str,
    /// Standard base64.
    pub tag: &'a str,
}

/// A signature or a message authentication code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// Standard base64, with the header that names key and version.
    pub tag: String,
    /// The same without the header, as other programs take it.
    pub raw: String,
    pub version: u32,
}

/// Whether a tag fits its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// This version made it.
    By(u32),
    /// This key did not make it for this message.
    No,
}

/// The public half of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPublicKey {
    pub number: u32,
    pub state: KeyState,
    pub key: PublicKey,
}

impl Services {
    /// Signs messages (standard base64) by the active version.
    ///
    /// # Errors
    /// No such key, not a caller of it, it does not sign, no version is active, the audit cannot be written.
    pub async fn sign(
        &self,
        actor: &Actor,
        name: &Name,
        messages: &[&str],
    ) -> Result<Results<Tagged>, Refusal> {
        let began = self.clock.uptime();
        check_count(messages.len())?;
        let ring = self.ring_for(actor, name, Purpose::Sign).await?;
        let ring = self.ring_that_seals(ring, messages.len()).await?;
        let results: Results<Tagged> = messages
            .iter()
            .map(|message| tagged(ring.sign(&decode_message(message)?)))
            .collect();
        let told = tally("key.sign", "sign", &results, |done| Some(done.version));
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// Makes message authentication codes by the active version.
    ///
    /// # Errors
    /// As [`Services::sign`].
    pub async fn mac(
        &self,
        actor: &Actor,
        name: &Name,
        messages: &[&str],
    ) -> Result<Results<Tagged>, Refusal> {
        let began = self.clock.uptime();
        check_count(messages.len())?;
        let ring = self.ring_for(actor, name, Purpose::Mac).await?;
        let ring = self.ring_that_seals(ring, messages.len()).await?;
        let results: Results<Tagged> = messages
            .iter()
            .map(|message| tagged(ring.mac(&decode_message(message)?)))
            .collect();
        let told = tally("key.hmac", "hmac", &results, |done| Some(done.version));
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// Whether signatures or codes fit their messages. One whose version is suspended, revoked or destroyed is refused.
    ///
    /// # Errors
    /// No such key, not a caller of it, it encrypts, the audit cannot be written.
    pub async fn verify(
        &self,
        actor: &Actor,
        name: &Name,
        items: &[Verify<'_>],
    ) -> Result<Results<Verified>, Refusal> {
        let began = self.clock.uptime();
        check_count(items.len())?;
        let mut ring = self.ring_that_verifies(actor, name).await?;
        let mut results: Results<Verified> = items.iter().map(|item| verified(&ring, *item)).collect();
        if results.iter().any(is_perhaps_stale)
            && let Some(fresh) = self.reread_key_ring(&ring).await?
        {
            ring = fresh;
            for (item, result) in items.iter().zip(&mut results) {
                if is_perhaps_stale(result) {
                    *result = verified(&ring, *item);
                }
            }
        }
        // A version that nobody knows made nothing.
        for result in &mut results {
            if is_perhaps_stale(result) {
                *result = Ok(Verified::No);
            }
        }
        let now = self.clock.now();
        for done in results.iter().flatten() {
            if let Verified::By(number) = done
                && let Some(uses) = ring.uses(*number)
            {
                uses.opened(now);
            }
        }
        let told = tally("key.verify", "verify", &results, |done| match done {
            Verified::By(number) => Some(*number),
            Verified::No => None,
        });
        self.tell(actor, &ring, &told, began).await?;
        Ok(results)
    }

    /// The public keys of every version of a key that signs, newest first, but those that were destroyed.
    ///
    /// # Errors
    /// Not a viewer, no such key, it does not sign.
    pub async fn public_keys(&self, actor: &Actor, name: &Name) -> Result<Vec<VersionPublicKey>, Refusal> {
        actor.require(Role::Viewer)?;
        let ring = self.key_ring_named(name).await?;
        let ring = ring.ok_or_else(|| Refusal::not_found("key", name.as_str()))?;
        if ring.key().algorithm.purpose() != Purpose::Sign {
            let detail = format!("key `{name}` does not sign, so it has no public half");
            return Err(Refusal::conflict("wrong_purpose", detail));
        }
        let public = ring.versions().values().rev().filter_map(|version| {
            Some(VersionPublicKey {
                number: version.number,
                state: version.state,
                key: ring.public_key(version.number)?,
            })
        });
        Ok(public.collect())
    }

    async fn ring_that_verifies(
        &self,
        actor: &Actor,
        name: &Name,
    ) -> Result<std::sync::Arc<KeyRing>, Refusal> {
        match self.ring_for(actor, name, Purpose::Sign).await {
            Err(Refusal::Conflict {
                code: "wrong_purpose",
                ..
            }) => self.ring_for(actor, name, Purpose::Mac).await,
            other => other,
        }
    }
}

fn decode_message(text: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    STANDARD.decode(text).map(Zeroizing::new).map_err(|_| {
        Refusal::Rules(vec![RuleError::new(
            "/message",
            "must be standard base64 with padding (RFC 4648, section 4)",
        )])
    })
}

fn tagged(tag: Result<Tag, keyring::SealError>) -> Result<Tagged, Refusal> {
    let tag = tag.map_err(|error| seal_refusal(&error))?;
    Ok(Tagged {
        tag: STANDARD.encode(tag.as_bytes()),
        raw: STANDARD.encode(tag.raw()),
        version: tag.version().number(),
    })
}

fn verified(ring: &KeyRing, item: Verify<'_>) -> Result<Verified, Refusal> {
    let message = decode_message(item.message)?;
    let Ok(tag) = STANDARD.decode(item.tag) else {
        return Ok(Verified::No);
    };
    match ring.verify(&message, &tag) {
        Ok(number) if number < ring.key().policy.minimum_decryption_version => Ok(Verified::No),
        Ok(number) => Ok(Verified::By(number)),
        Err(error @ OpenError::VersionRefused { .. }) => Err(open_refusal(&error)),
        Err(error) if error.may_be_stale() => Err(open_refusal(&error)),
        Err(OpenError::Malformed(_) | OpenError::OtherKey { .. } | OpenError::NotAuthentic) => {
            Ok(Verified::No)
        }
        Err(OpenError::UnknownVersion { .. }) => Err(does_not_open()),
    }
}
