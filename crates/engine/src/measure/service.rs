//! Measuring the day, and reading what was measured.

use std::time::Duration;

use crate::access::{Actor, Role};
use crate::board::day_of;
use crate::catalog::Environment;
use crate::measure::{Measure, measures, trend};
use crate::ports::RotationFilter;
use crate::rule::Refusal;
use crate::services::Services;

const DAY: Duration = Duration::from_secs(86_400);
/// Rotations that ended today were begun at most so long ago, or are not in the day's count.
const LOOK_BACK: Duration = Duration::from_secs(60 * 86_400);
/// Rotations that one measure reads at most.
const MOST_ROTATIONS: u32 = 10_000;

impl Services {
    /// Measures the present day, and counts yesterday's rotations once more, since its last were not yet over when it
    /// was last measured. Replaces what was measured before on these days, so it may run at any time and on every
    /// replica.
    ///
    /// # Errors
    /// Store away.
    pub async fn measure_today(&self) -> Result<(), Refusal> {
        let now = self.clock.now();
        let today = day_of(now);
        let credentials = self.credentials(&Actor::system("measure")).await?;
        let filter = RotationFilter {
            since: Some(today.before(LOOK_BACK)),
            limit: MOST_ROTATIONS,
            ..RotationFilter::default()
        };
        let rotations = self.store.rotations(&filter).await?;
        let mut fresh = measures(&credentials, &rotations, now);
        let yesterday = today.before(DAY);
        let stored = self.store.measures(yesterday).await?;
        let of_yesterday = stored.into_iter().filter(|measure| measure.day == yesterday);
        fresh.extend(of_yesterday.map(|measure| measure.recounted(&rotations)));
        Ok(self.store.put_measures(&fresh).await?)
    }

    /// The measures of the last `span`, oldest first, of one environment or of all together.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn measures(
        &self,
        actor: &Actor,
        environment: Option<&Environment>,
        span: Duration,
    ) -> Result<Vec<Measure>, Refusal> {
        actor.require(Role::Viewer)?;
        let since = day_of(self.clock.now().before(span));
        let mut measures = self.store.measures(since).await?;
        measures.retain(|measure| measure.environment.as_ref() == environment);
        Ok(trend(measures))
    }
}
