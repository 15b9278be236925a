//! HTTP: the router, what every request passes through, and what every handler shares.

pub mod correlation;
pub mod extract;
pub mod headers;
pub mod health;
pub mod idempotency;
pub mod listen;
pub mod pages;
pub mod problem;
pub mod router;
pub mod state;
pub mod static_files;
pub mod strict_path;
pub mod tls;
pub mod v1;

pub use state::AppState;
