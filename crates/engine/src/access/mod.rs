//! Who may do what: people with accounts, programs with tokens, consumers with theirs.
//!
//! `password` hashes, `throttle` slows guessing, `secret_token` is the form of tokens; `account`, `sign_in`, `link`
//! and `token` are what may be asked for, `authenticate` says who is asking.

pub mod account;
pub mod actor;
pub mod authenticate;
mod known;
pub mod link;
pub mod model;
pub mod password;
pub mod secret_token;
pub mod sign_in;
pub mod throttle;
pub mod token;

pub use account::{AccountUpdate, NewAccount};
pub use actor::{Actor, ActorKind, Role};
pub use authenticate::{Authenticated, BootstrapToken, InvalidBootstrapToken};
pub(crate) use known::KnownTokens;
pub use model::{Account, SignInLink, Token, TokenHash, TokenOwner, TokenScope};
pub use sign_in::SignInError;
pub use throttle::Throttle;
pub use token::{IssuedToken, NewToken};
