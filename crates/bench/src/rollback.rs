//! A hundred rotations whose new key the API refuses: how long until the canary has the previous one again.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use api::RotationState;
use serde_json::json;

use crate::figures::{Figures, Histogram, quantile};
use crate::fleet::{Fleet, Pace, Seen, UseOfKey};
use crate::orders::Fault;
use crate::scale::Scale;
use crate::tasks;
use crate::world::World;

const SECTION: &str = "rollback";
const ROLLBACKS: usize = 100;
const CREDENTIALS: usize = 10;
const INSTANCES: usize = 20;
const MEDIAN_GOAL: Duration = Duration::from_millis(300);
const P99_GOAL: Duration = Duration::from_secs(1);
/// The goal is set for at least so many outcomes a second of a canary.
const LEAST_RATE: f64 = 20.0;
/// In a running system the instances are known, and so is how well the old version does.
const WARM_UP: Duration = Duration::from_secs(6);
const METRIC: &str = "rota_rollback_duration_seconds";

const PACE: Pace = Pace {
    settled: Duration::from_millis(500),
    candidate: Duration::from_millis(45),
    use_of_key: UseOfKey::CallAndReport,
};

/// Measures it.
pub async fn measure(figures: &mut Figures) -> Result<()> {
    let scale = Scale::of(ROLLBACKS, CREDENTIALS);
    let policy = json!({
        "max_age": "P30D", "grace": "PT60S", "soak": "PT60S", "waves": [5, 100], "approvals": 0,
    });
    let world = Arc::new(World::start(scale.credentials, policy).await?);
    let mut fleets = Vec::new();
    for credential in &world.credentials {
        fleets.push(Fleet::start(&world, credential, INSTANCES, PACE)?);
        world.orders.set_fault(&credential.name, Some(Fault::Everybody));
    }
    for fleet in &mut fleets {
        fleet.all_use(1).await?;
    }
    tokio::time::sleep(WARM_UP).await;
    let rounds = world.credentials.iter().map(|credential| {
        let (world, name) = (Arc::clone(&world), credential.name.clone());
        async move {
            for round in 0..scale.rounds {
                let id = world.rotate(&name).await?;
                let ended = world.until(&id, &[RotationState::RolledBack]).await;
                ended.with_context(|| format!("{name}, round {round}"))?;
            }
            Ok(())
        }
    });
    tasks::all(rounds).await?;
    report(figures, scale.total(), &world, &fleets).await
}

async fn report(figures: &mut Figures, wanted: usize, world: &World, fleets: &[Fleet]) -> Result<()> {
    let seen: Vec<&Seen> = fleets.iter().map(Fleet::seen).collect();
    let mut returns = Vec::new();
    for seen in &seen {
        returns.extend_from_slice(&seen.returns.lock().unwrap_or_else(PoisonError::into_inner));
    }
    let rate = Seen::candidate_rate(&seen);
    let (median, p99, worst) = (
        quantile(&returns, 0.5),
        quantile(&returns, 0.99),
        quantile(&returns, 1.0),
    );
    figures.goal(
        SECTION,
        format!(
            "{} of {wanted} rotations rolled back by themselves; a canary used its key {rate:.1} times a second (goal {LEAST_RATE})",
            returns.len()
        ),
        returns.len() >= wanted && rate >= LEAST_RATE,
    );
    figures.goal(
        SECTION,
        format!(
            "canary's first refusal to previous version in its hands: median {:.3} s (goal {}), p99 {:.3} s (goal {}), worst {:.3} s",
            median.as_secs_f64(),
            MEDIAN_GOAL.as_secs_f64(),
            p99.as_secs_f64(),
            P99_GOAL.as_secs_f64(),
            worst.as_secs_f64()
        ),
        !returns.is_empty() && median <= MEDIAN_GOAL && p99 <= P99_GOAL,
    );
    let served = Histogram::of(&world.server.scrape().await?, METRIC);
    let (half, most) = (served.bound_of(0.5), served.bound_of(0.99));
    figures.goal(
        SECTION,
        format!(
            "first bad outcome received to previous served, {METRIC}: {} observed, mean {:.3} s, median at most {half} s, p99 at most {most} s",
            served.count,
            served.mean()
        ),
        served.count >= wanted as f64 && half <= MEDIAN_GOAL.as_secs_f64() && most <= P99_GOAL.as_secs_f64(),
    );
    Ok(())
}
