//! `rota serve`.

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::CommandError;
use crate::auth::sign_in;
use crate::composition;
use crate::config::{Config, ServeOptions};
use crate::control::ControlSocket;
use crate::http::{AppState, listen, router, tls};
use crate::memory;
use crate::sandbox;
use crate::telemetry::start_logs;
use crate::workers;

pub(super) async fn serve(options: ServeOptions) -> Result<(), CommandError> {
    let mut config = options.check()?;
    start_logs(config.log_format);
    let memory = protect_memory();
    let acceptor = config
        .tls
        .as_ref()
        .map(tls::acceptor)
        .transpose()
        .map_err(CommandError::failed)?;
    let shutdown = CancellationToken::new();
    stop_on_signals(&shutdown)?;

    // The port is taken first: a second server on it must not touch the database.
    let listener = bind(&config).await?;
    let address = listener.local_addr().map_err(CommandError::failed)?;
    let state = composition::compose(&config, memory, shutdown.clone()).await?;
    // Kept as a hash from here on.
    config.bootstrap_token = None;
    // What hashing it left on this thread's stack goes too: this thread only waits from here on.
    memory::wipe_stack();
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let public_url = match config.public_url.clone() {
        Some(url) => url,
        None => Url::parse(&format!("{scheme}://{address}")).map_err(CommandError::failed)?,
    };
    let public_url = state.public_url.get_or_init(|| public_url).to_string();

    let tasks = state.tasks.clone();
    offer_control(&config, &state, &tasks);
    workers::start(&state, &tasks);
    if state.sandbox {
        say_where(&state).await;
        tasks.spawn(start_sandbox(state.clone(), config.sandbox_folder(), address));
    }
    tracing::info!(server.address = %address, server.url = %public_url, "Rota serves at {public_url}");
    listen::serve(listener, acceptor, router::router(&state), &shutdown).await;

    tasks.close();
    if tokio::time::timeout(std::time::Duration::from_secs(1), tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("a worker did not stop in time; what it was doing is repeated at the next start");
    }
    // Every answered change is durable already; what hangs here is a reader that nobody waits for.
    if tokio::time::timeout(std::time::Duration::from_secs(1), state.database.close())
        .await
        .is_err()
    {
        tracing::warn!("the database was left while it was still being read");
    }
    tracing::info!("Rota has stopped");
    Ok(())
}

/// What cannot be had is a finding, and a line in the log.
fn protect_memory() -> api::root::Memory {
    // First, since a process that may not be read may not read itself either.
    if !memory::wipe_environment() {
        tracing::warn!("secrets in variables stay readable in /proc; give them as files (`…_FILE`)");
    }
    let memory = memory::protect();
    for problem in &memory.problems {
        tracing::warn!("{problem}");
    }
    memory
}

async fn bind(config: &Config) -> Result<TcpListener, CommandError> {
    TcpListener::bind(config.listen).await.map_err(|error| {
        CommandError::Failed(format!(
            "{} cannot be listened on: {error}; is another server running there? Choose another address with ROTA_LISTEN",
            config.listen
        ))
    })
}

/// The first signal asks for an orderly end; a second one ends at once.
fn stop_on_signals(shutdown: &CancellationToken) -> Result<(), CommandError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::failed)?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                tracing::warn!("asked twice to stop, so Rota stops at once");
                std::process::exit(1);
            }
            tracing::info!("asked to stop: waiting polls are answered and requests in flight end");
            shutdown.cancel();
        }
    });
    Ok(())
}

/// A newcomer's way in stands on the terminal; nobody else's server prints a secret.
async fn say_where(state: &AppState) {
    let Some(public_url) = state.public_url.get() else {
        return;
    };
    println!("\n  Rota is at {public_url}");
    match sign_in::make_link(&state.services, None, public_url).await {
        Ok(link) => println!("  Sign in:   {}\n", link.expose_text()),
        Err(refusal) => println!("  No sign-in link could be made: {refusal}\n"),
    }
}

/// Beside the server, which answers meanwhile: the programs are its clients. Then the link is printed, the newcomer's
/// way in.
async fn start_sandbox(state: AppState, folder: std::path::PathBuf, address: std::net::SocketAddr) {
    let server_url = format!("http://{address}");
    let started = tokio::select! {
        () = state.shutdown.cancelled() => return,
        started = sandbox::start(&state, folder, &server_url) => started,
    };
    match started {
        Ok(programs) => {
            // Set once: this runs once.
            let _first = state.sandbox_programs.set(programs);
            tracing::info!("the sandbox runs: four services with twenty instances use orders-api-key");
        }
        Err(error) => tracing::error!(error.cause = %error, "the sandbox did not start"),
    }
}

/// Without the socket `rota admin` cannot reach a server on SQLite; everything else works.
fn offer_control(config: &Config, state: &AppState, tasks: &TaskTracker) {
    let Some(file) = config.database.sqlite_file() else {
        return;
    };
    match ControlSocket::bind(&file) {
        Ok(socket) => {
            tasks.spawn(socket.answer(state.clone()));
        }
        Err(error) => {
            tracing::warn!(error.cause = %error, "no control socket: `rota admin` works only while the server is stopped");
        }
    }
}
