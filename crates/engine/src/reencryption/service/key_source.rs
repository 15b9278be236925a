//! Callers' keys, as moving needs them.

use std::sync::Arc;

use async_trait::async_trait;
use keyring::{Context, KeyState, OpenError, RewrapError, SealError, Sealed, SecretBytes};

use crate::clock::Randomness;
use crate::id::KeyId;
use crate::key::KeyRing;
use crate::reencryption::mover::{KeySource, MovingKey};
use crate::rule::Refusal;
use crate::services::Services;

impl MovingKey for KeyRing {
    fn id(&self) -> &str {
        self.key().id.as_str()
    }

    fn active(&self) -> Option<u32> {
        Self::active(self)
    }

    fn state(&self, version: u32) -> Option<KeyState> {
        Self::state(self, version)
    }

    fn rewrap(&self, randomness: &dyn Randomness, envelope: &[u8]) -> Result<Sealed, RewrapError> {
        Self::rewrap(self, randomness, envelope)
    }

    fn open_for_reencryption(&self, context: &Context, envelope: &[u8]) -> Result<SecretBytes, OpenError> {
        Self::open_for_reencryption(self, context, envelope)
    }

    fn seal(
        &self,
        randomness: &dyn Randomness,
        context: &Context,
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        Self::seal(self, randomness, context, plaintext)
    }
}

#[async_trait]
impl KeySource for Services {
    async fn moving_key(&self, key: &KeyId, uses: u64) -> Result<Arc<dyn MovingKey>, Refusal> {
        let ring = self.key_ring(key).await?;
        if uses > 0
            && let Some(active) = ring.active()
        {
            self.reserve_uses(&ring, active, uses).await?;
        }
        Ok(ring)
    }

    async fn refreshed_key(&self, key: &KeyId, uses: u64) -> Result<Arc<dyn MovingKey>, Refusal> {
        let ring = self.key_ring(key).await?;
        match self.reread_key_ring(&ring).await? {
            Some(fresh) => {
                if uses > 0
                    && let Some(active) = fresh.active()
                {
                    self.reserve_uses(&fresh, active, uses).await?;
                }
                Ok(fresh)
            }
            None => Ok(ring),
        }
    }
}
