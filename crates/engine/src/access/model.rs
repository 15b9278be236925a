//! Accounts, tokens and sign-in links. Passwords and tokens are kept only as hashes.

use serde::{Deserialize, Serialize};

use crate::access::actor::Role;
use crate::clock::Timestamp;
use crate::id::{AccountId, SignInLinkId, TokenId};
use crate::name::Name;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: Name,
    pub display_name: String,
    pub role: Role,
    /// PHC string (Argon2id); None while only sign-in links open it.
    pub password_hash: Option<String>,
    /// Raised to end every session of this account.
    pub session_epoch: i64,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub revision: i64,
}

/// SHA-256 of a token of at least 256 random bits, in hex: enough, since nobody can guess the token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(pub String);

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenOwner {
    /// A program with a role.
    Program { name: Name, role: Role },
    /// A consumer: fetch, acknowledge, report.
    Consumer { name: Name },
}

/// What a program's token is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Whatever the role allows.
    Api,
    /// Only `/metrics`.
    Metrics,
}

/// A bearer token, shown once when made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub owner: TokenOwner,
    pub scope: TokenScope,
    pub hash: TokenHash,
    /// The last four characters, so that people can tell tokens apart.
    pub hint: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub revision: i64,
}

impl Token {
    /// Neither revoked nor run out.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| expires_at > now)
    }
}

/// A link that signs one person in once, within 15 minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLink {
    pub id: SignInLinkId,
    pub account: AccountId,
    pub hash: TokenHash,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub revision: i64,
}
