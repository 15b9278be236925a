//! What Rota says about itself: log lines and metrics. Neither ever holds a secret.

mod logs;
mod metrics;

pub use logs::start_logs;
pub use metrics::Metrics;
