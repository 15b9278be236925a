//! After the last wave one instance of twenty is refused: that is enough to go back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use api::RotationState;
use serde_json::json;
use tokio::time::Instant;

use crate::figures::{Figures, quantile};
use crate::fleet::{Fleet, Pace, UseOfKey, instance_name};
use crate::orders::Fault;
use crate::scale::Scale;
use crate::tasks;
use crate::world::World;

const SECTION: &str = "one-of-twenty";
const ROTATIONS: usize = 20;
const CREDENTIALS: usize = 5;
const INSTANCES: usize = 20;
const WARM_UP: Duration = Duration::from_secs(6);

const PACE: Pace = Pace {
    settled: Duration::from_millis(200),
    candidate: Duration::from_millis(200),
    use_of_key: UseOfKey::CallAndReport,
};

/// Measures it.
pub async fn measure(figures: &mut Figures) -> Result<()> {
    let scale = Scale::of(ROTATIONS, CREDENTIALS);
    let policy = json!({
        "max_age": "P30D", "grace": "PT300S", "soak": "PT1S", "waves": [50, 100], "approvals": 0,
    });
    let world = Arc::new(World::start(scale.credentials, policy).await?);
    let mut fleets = Vec::new();
    for credential in &world.credentials {
        fleets.push(Fleet::start(&world, credential, INSTANCES, PACE)?);
    }
    for fleet in &mut fleets {
        fleet.all_use(1).await?;
    }
    tokio::time::sleep(WARM_UP).await;
    let runs = fleets.into_iter().enumerate().map(|(number, fleet)| {
        let world = Arc::clone(&world);
        async move { of_one(&world, number, scale.rounds, fleet).await }
    });
    let durations: Vec<Duration> = tasks::all(runs).await?.into_iter().flatten().collect();
    let wanted = scale.total();
    figures.goal(
        SECTION,
        format!(
            "one of {INSTANCES} instances refused after the last wave: {} of {wanted} rolled back (goal all), median {:.1} s at 5 uses a second",
            durations.len(),
            quantile(&durations, 0.5).as_secs_f64()
        ),
        durations.len() == wanted,
    );
    Ok(())
}

/// Times from the fault to the state `rolling_back` or beyond.
async fn of_one(world: &World, number: usize, rounds: usize, mut fleet: Fleet) -> Result<Vec<Duration>> {
    let credential = world
        .credentials
        .get(number)
        .context("a credential for each fleet")?;
    let mut durations = Vec::new();
    for round in 0..rounds {
        let id = world.rotate(&credential.name).await?;
        let rotation = world.until(&id, &[RotationState::Grace]).await?;
        fleet
            .all_use(rotation.to_version.context("a new version")?)
            .await?;
        let struck = instance_name(&credential.name, (number + round * 7) % INSTANCES);
        world
            .orders
            .set_fault(&credential.name, Some(Fault::Instance(struck)));
        let since = Instant::now();
        world
            .until(&id, &[RotationState::RollingBack, RotationState::RolledBack])
            .await?;
        durations.push(since.elapsed());
        world.until(&id, &[RotationState::RolledBack]).await?;
        world.orders.set_fault(&credential.name, None);
    }
    Ok(durations)
}
