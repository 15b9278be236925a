//! Log lines on standard error.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging. `ROTA_LOG` chooses what is said, e.g. `debug` or `warn,server=debug`.
pub fn start_logs(format: LogFormat) {
    // sqlx logs statements, and hyper and rustls are chatty: warnings are enough of them.
    let chosen = std::env::var("ROTA_LOG").unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::new(format!(
        "{chosen},sqlx=warn,hyper=warn,hyper_util=warn,rustls=warn,h2=warn,tower_sessions=warn,tower_sessions_core=warn"
    ));
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal);
    // A second start, in a test, changes nothing.
    let _already_started = match format {
        LogFormat::Pretty => builder.with_target(false).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .try_init(),
    };
}
