//! The port for people, programs and links.

use async_trait::async_trait;
use engine::Name;
use engine::access::{Account, SignInLink, Token, TokenHash};
use engine::id::{AccountId, TokenId};
use engine::ports::{AccessStore, StoreError};

use crate::database::Database;
use crate::{account, sign_in_link, token};

#[async_trait]
impl AccessStore for Database {
    async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        account::find(self.readers(), id).await
    }

    async fn account_by_name(&self, name: &Name) -> Result<Option<Account>, StoreError> {
        account::find_by_name(self.readers(), name).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        account::list(self.readers()).await
    }

    async fn token(&self, id: &TokenId) -> Result<Option<Token>, StoreError> {
        token::find(self.readers(), id).await
    }

    async fn token_by_hash(&self, hash: &TokenHash) -> Result<Option<Token>, StoreError> {
        token::find_by_hash(self.readers(), hash).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        token::list(self.readers()).await
    }

    async fn sign_in_link_by_hash(&self, hash: &TokenHash) -> Result<Option<SignInLink>, StoreError> {
        sign_in_link::find_by_hash(self.readers(), hash).await
    }
}
