//! Real programs to rotate against, so that a newcomer can break something on purpose and lose nothing.
//!
//! `orders_api` accepts two keys per account and answers 401 and 403 like any API; `service` runs instances that use
//! its key through the same client library as everybody else, and `database_service` does so with a PostgreSQL
//! login. They run as child processes with an empty environment (`child`) and know Rota only by HTTP and their own
//! consumer token. Sabotage is a call to these programs (`sabotage`): the engine has no flag for it.

pub mod child;
pub mod database_service;
pub mod key_store;
pub mod orders_api;
pub mod program;
pub mod sabotage;
pub mod service;

pub use child::{Child, SpawnError};
pub use program::{Program, run};
pub use sabotage::Sabotage;
