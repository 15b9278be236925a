//! What a program puts between itself and Rota: fetch, keep in memory, learn of changes, acknowledge, report.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use agent::{Agent, Config, Outcome};
//!
//! let config = Config::new("https://rota.example.com", api::Secret::new("rota_c_..."), "orders-1", ["orders-app"]);
//! let agent = Agent::start(config)?;
//! let mut handle = agent.credential("orders-app")?;
//! handle.ready().await?;
//! let rows = handle
//!     .run(|lease| async move {
//!         // Log in with lease.expose("username") and lease.expose("password"), then say how it went.
//!         (Outcome::accepted(), 3)
//!     })
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! Invariants: values live in memory only and are erased on drop; the server is never on the critical path of
//! a program that has a value; a value outlives the server by a bounded time, visibly.

pub mod run;

mod acknowledgement;
mod agent;
mod backoff;
mod config;
mod credential;
mod fetching;
mod handle;
mod lease;
mod outcome;
mod signals;

pub use agent::{Agent, StartError, UnknownCredential};
pub use backoff::{Jitter, SystemJitter};
pub use config::{AckMode, Config};
pub use handle::Handle;
pub use lease::{Freshness, Lease, Status, Unavailable};
pub use outcome::Outcome;
