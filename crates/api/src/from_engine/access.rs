//! Accounts, tokens and actors.

use engine::access as from;

use super::same_words;
use crate::account::{Account, ActorKind, Role};
use crate::token::{Token, TokenScope};

same_words! {
    Role = from::Role { Viewer, Operator, Administrator }
    ActorKind = from::ActorKind { Account, Token, Consumer, Bootstrap, System, Anonymous }
    TokenScope = from::TokenScope { Api, Metrics }
}

impl From<from::Account> for Account {
    fn from(account: from::Account) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name.to_string(),
            display_name: account.display_name,
            role: account.role.into(),
            disabled: account.disabled_at.is_some(),
            created_at: account.created_at.into(),
            last_signed_in_at: None,
        }
    }
}

impl From<from::Token> for Token {
    fn from(token: from::Token) -> Self {
        let (name, role) = match token.owner {
            from::TokenOwner::Program { name, role } => (Some(name.to_string()), Some(role.into())),
            from::TokenOwner::Consumer { .. } => (None, None),
        };
        Self {
            id: token.id.to_string(),
            name,
            role,
            scope: token.scope.into(),
            hint: Some(token.hint),
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(Into::into),
            last_used_at: None,
        }
    }
}
