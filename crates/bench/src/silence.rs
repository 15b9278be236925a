//! Consumers that fetch, acknowledge and report nothing: no rotation may be promoted on that.

use std::time::Duration;

use anyhow::Result;
use api::RotationState;
use serde_json::json;

use crate::figures::Figures;
use crate::fleet::{Fleet, Pace, UseOfKey};
use crate::world::World;

const SECTION: &str = "silence";
const ROTATIONS: usize = 20;
const INSTANCES: usize = 3;
/// Thirty times the soak.
const WATCHED: Duration = Duration::from_secs(30);

const PACE: Pace = Pace {
    settled: Duration::from_secs(1),
    candidate: Duration::from_secs(1),
    use_of_key: UseOfKey::Silent,
};

/// Measures it.
pub async fn measure(figures: &mut Figures) -> Result<()> {
    let policy = json!({
        "max_age": "P30D", "grace": "PT1S", "soak": "PT1S", "waves": [100], "approvals": 0,
    });
    let world = World::start(ROTATIONS, policy).await?;
    let mut fleets = Vec::new();
    for credential in &world.credentials {
        fleets.push(Fleet::start(&world, credential, INSTANCES, PACE)?);
    }
    for fleet in &mut fleets {
        fleet.all_use(1).await?;
    }
    let mut rotations = Vec::new();
    for credential in &world.credentials {
        rotations.push(world.rotate(&credential.name).await?);
    }
    // All of them hold and acknowledge the new version; nothing else is lacking.
    for fleet in &mut fleets {
        fleet.all_use(2).await?;
    }
    tokio::time::sleep(WATCHED).await;
    let (mut waiting, mut promoted) = (0, 0);
    for id in &rotations {
        let rotation = world.admin.rotation(id).await?;
        waiting += usize::from(rotation.state == RotationState::Wave && rotation.hold.is_some());
        promoted += usize::from(matches!(
            rotation.state,
            RotationState::Promoted
                | RotationState::Grace
                | RotationState::Retiring
                | RotationState::Completed
        ));
    }
    figures.goal(
        SECTION,
        format!(
            "{promoted} of {ROTATIONS} rotations promoted (goal 0), {waiting} hold and say why, after {} s with a soak of 1 s",
            WATCHED.as_secs()
        ),
        promoted == 0 && waiting == ROTATIONS,
    );
    Ok(())
}
