//! Who may do what: people with accounts, programs with tokens, consumers with theirs.

pub mod actor;
pub mod model;

pub use actor::{Actor, ActorKind, Role};
pub use model::{Account, SignInLink, Token, TokenHash, TokenOwner, TokenScope};
