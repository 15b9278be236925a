//! Opening what the store holds, for the other services.

use crate::catalog::Issuer;
use crate::ports::{SecretRef, Values};
use crate::rule::Refusal;
use crate::services::Services;

impl Services {
    /// The opened values at a place. A wrapping key version that is not known here makes us read the wrapping keys
    /// once more: another replica may have made it.
    ///
    /// # Errors
    /// Nothing stands there, it does not open, store away.
    pub async fn opened_values(&self, at: &SecretRef) -> Result<Values, Refusal> {
        let sealed = self.store.sealed(at).await?.ok_or_else(|| {
            Refusal::Unavailable(format!(
                "the sealed value {}/{}/{} is missing",
                at.table, at.row, at.field
            ))
        })?;
        let opened = self.sealer.open_values(at, &sealed);
        let is_stale = opened.as_ref().is_err_and(crate::seal::SealError::may_be_stale);
        if is_stale && self.sealer.may_refresh(self.clock.now()) {
            self.sealer.refresh(self.store.as_ref()).await?;
            return Ok(self.sealer.open_values(at, &sealed)?);
        }
        Ok(opened?)
    }

    /// What an issuer's administrator signs in with.
    ///
    /// # Errors
    /// As [`Services::opened_values`].
    pub async fn opened_admin(&self, issuer: &Issuer) -> Result<Values, Refusal> {
        self.opened_values(&SecretRef::issuer_admin(&issuer.id)).await
    }
}
