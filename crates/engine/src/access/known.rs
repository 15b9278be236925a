//! Tokens that were recognised, so that a request costs no look into the store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::access::{Token, TokenHash};
use crate::rule::Refusal;
use crate::services::Services;
use crate::view::View;

/// More are not kept; whoever has more callers than this looks some of them up.
const MOST: usize = 20_000;

/// Tokens by their hashes. Whether one is valid is decided at each request.
#[derive(Debug, Default)]
pub(crate) struct KnownTokens(RwLock<HashMap<TokenHash, Arc<Token>>>);

impl KnownTokens {
    fn get(&self, hash: &TokenHash) -> Option<Arc<Token>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).map(Arc::clone)
    }

    /// Unless something changed since `generation` was read.
    fn keep(&self, token: &Arc<Token>, view: &View, generation: u64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        if view.generation() == generation {
            known.insert(token.hash.clone(), Arc::clone(token));
        }
    }

    pub(crate) fn forget_all(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Services {
    /// The token of this hash, valid or not. A replica that may have missed a revocation asks the store.
    pub(crate) async fn known_token(&self, hash: &TokenHash) -> Result<Option<Arc<Token>>, Refusal> {
        let view = &self.memory.view;
        let is_fresh = view.is_fresh(self.clock.uptime());
        if is_fresh && let Some(known) = self.memory.tokens.get(hash) {
            return Ok(Some(known));
        }
        Box::pin(self.read_token(hash, is_fresh)).await
    }

    async fn read_token(&self, hash: &TokenHash, is_fresh: bool) -> Result<Option<Arc<Token>>, Refusal> {
        let view = &self.memory.view;
        let generation = view.generation();
        let Some(token) = self.store.token_by_hash(hash).await?.map(Arc::new) else {
            return Ok(None);
        };
        if is_fresh {
            self.memory.tokens.keep(&token, view, generation);
        }
        Ok(Some(token))
    }
}
