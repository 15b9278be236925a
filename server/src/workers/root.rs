//! Watches the root of trust: opens the keys when it comes back, and wipes them when it stays away for too long.

use std::time::Duration;

use engine::seal::SealedBecause;
use tokio::time::MissedTickBehavior;

use crate::http::AppState;

/// How often a root that stands elsewhere is asked, and one that is away is tried again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Watches until the server stops.
pub async fn watch(state: AppState) {
    // A short grace is watched closely.
    let every = LOOK_EVERY
        .min(state.root_grace / 4)
        .max(Duration::from_millis(50));
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told: Option<String> = None;
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = looks.tick() => {}
        }
        let before = state.services.sealer.sealed_because();
        let looked = state.services.tend_root(state.root_grace).await;
        let after = state.services.sealer.sealed_because();
        match (&before, &after) {
            (Some(_), None) => tracing::info!("the root of trust answers again: Rota is unsealed"),
            (None, Some(because)) => say_sealed(because),
            _ => {}
        }
        // The same trouble is told once, not every two seconds.
        let trouble = looked.err().map(|refusal| refusal.to_string());
        if let Some(trouble) = trouble.as_ref().filter(|trouble| told.as_ref() != Some(trouble)) {
            tracing::warn!(error.cause = %trouble, "the root of trust does not answer as it should");
        }
        told = trouble;
    }
}

/// The one line that tells operators what to do.
pub fn say_sealed(because: &SealedBecause) {
    tracing::warn!("{because}. What needs no key is served; everything else answers 503 `sealed`");
}
