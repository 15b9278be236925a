//! Two hundred rotations of sound versions in bad weather: refusals, server errors and restarts. None may go back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use agent::{Agent, Config, Handle, Outcome};
use anyhow::Result;
use api::RotationState;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::dice::Dice;
use crate::figures::Figures;
use crate::fleet::instance_name;
use crate::scale::Scale;
use crate::tasks;
use crate::world::{BenchCredential, World};

const SECTION: &str = "noise";
const ROTATIONS: usize = 200;
const CREDENTIALS: usize = 20;
const INSTANCES: u64 = 10;
const LEAST_OUTCOMES: u64 = 2_000;
const REFUSED: f64 = 0.02;
const ERRORS_IN_A_BURST: f64 = 0.7;
const SEED: u64 = 20_260_101;
const PAUSE: Duration = Duration::from_millis(25);
const WARM_UP: Duration = Duration::from_secs(6);
/// Between two troubles of one fleet.
const CALM: Duration = Duration::from_millis(1_500);

/// The weather of one consumer.
#[derive(Debug, Default)]
struct Weather {
    outcomes: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
    restarts: AtomicU64,
    bursting: AtomicBool,
}

/// Measures it.
pub async fn measure(figures: &mut Figures) -> Result<()> {
    let scale = Scale::of(ROTATIONS, CREDENTIALS);
    let policy = json!({
        "max_age": "P30D", "grace": "PT4S", "soak": "PT1S", "waves": [10, 50, 100], "approvals": 0,
    });
    let world = Arc::new(World::start(scale.credentials, policy).await?);
    let mut running = JoinSet::new();
    let mut weathers = Vec::new();
    for (number, credential) in world.credentials.iter().enumerate() {
        let weather = Arc::new(Weather::default());
        start_fleet(&mut running, &world, credential, number as u64, &weather)?;
        weathers.push(weather);
    }
    tokio::time::sleep(WARM_UP).await;
    let runs = world
        .credentials
        .iter()
        .zip(&weathers)
        .map(|(credential, weather)| {
            let (world, name, weather) = (Arc::clone(&world), credential.name.clone(), Arc::clone(weather));
            async move { rotate(&world, &name, scale.rounds, &weather).await }
        });
    let ended: Vec<Ended> = tasks::all(runs).await?.into_iter().flatten().collect();
    report(figures, scale.total(), &ended, &weathers);
    Ok(())
}

/// How one rotation ended.
#[derive(Debug)]
struct Ended {
    state: RotationState,
    outcomes: u64,
    why: Option<String>,
}

async fn rotate(world: &World, credential: &str, rounds: usize, weather: &Weather) -> Result<Vec<Ended>> {
    let mut ended = Vec::new();
    for _ in 0..rounds {
        let id = world.rotate(credential).await?;
        // Counted from the first wave to the end of grace: that is what the test watches.
        world
            .until(&id, &[RotationState::Wave, RotationState::RolledBack])
            .await?;
        let before = weather.outcomes.load(Ordering::SeqCst);
        let watched_until = [
            RotationState::Retiring,
            RotationState::Completed,
            RotationState::RollingBack,
            RotationState::RolledBack,
        ];
        world.until(&id, &watched_until).await?;
        let outcomes = weather.outcomes.load(Ordering::SeqCst) - before;
        let rotation = world
            .until(&id, &[RotationState::Completed, RotationState::RolledBack])
            .await?;
        ended.push(Ended {
            state: rotation.state,
            outcomes,
            why: rotation.reason_for_rollback,
        });
    }
    Ok(ended)
}

fn report(figures: &mut Figures, wanted: usize, ended: &[Ended], weathers: &[Arc<Weather>]) {
    let sum = |field: fn(&Weather) -> &AtomicU64| -> u64 {
        weathers
            .iter()
            .map(|weather| field(weather).load(Ordering::SeqCst))
            .sum()
    };
    let (outcomes, refused) = (sum(|weather| &weather.outcomes), sum(|weather| &weather.refused));
    let (errors, restarts) = (sum(|weather| &weather.errors), sum(|weather| &weather.restarts));
    let fewest = ended.iter().map(|rotation| rotation.outcomes).min().unwrap_or(0);
    let back = ended
        .iter()
        .filter(|rotation| rotation.state == RotationState::RolledBack)
        .count();
    for why in ended.iter().filter_map(|rotation| rotation.why.as_deref()) {
        figures.shown(SECTION, why);
    }
    figures.goal(
        SECTION,
        format!(
            "{back} of {} sound rotations rolled back (goal 0), {} completed; at least {fewest} outcomes in each (goal {LEAST_OUTCOMES})",
            ended.len(),
            ended.len() - back
        ),
        back == 0 && ended.len() == wanted && fewest >= LEAST_OUTCOMES,
    );
    let judged = (outcomes - errors).max(1) as f64;
    figures.shown(
        SECTION,
        format!(
            "{outcomes} outcomes in all: {:.2}% of the judged ones refused, {errors} server errors in bursts, {restarts} instances restarted, seed {SEED}",
            refused as f64 * 100.0 / judged
        ),
    );
}

fn start_fleet(
    running: &mut JoinSet<()>,
    world: &World,
    credential: &BenchCredential,
    number: u64,
    weather: &Arc<Weather>,
) -> Result<()> {
    for instance in 0..INSTANCES {
        let dice = Dice::new(SEED + number * 1_000 + instance);
        let name = instance_name(&credential.name, usize::try_from(instance)?);
        let part = Instance {
            url: world.server.url.clone(),
            token: credential.token().expose_secret().to_owned(),
            credential: credential.name.clone(),
            name,
            dice,
            weather: Arc::clone(weather),
        };
        running.spawn(part.live());
    }
    let weather = Arc::clone(weather);
    let mut dice = Dice::new(SEED + number * 1_000 + 999);
    running.spawn(async move {
        loop {
            tokio::time::sleep(CALM.mul_f64(0.5 + dice.below(1_000) as f64 / 1_000.0)).await;
            weather.bursting.store(true, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(200 + dice.below(400))).await;
            weather.bursting.store(false, Ordering::SeqCst);
        }
    });
    Ok(())
}

struct Instance {
    url: String,
    token: String,
    credential: String,
    name: String,
    dice: Dice,
    weather: Arc<Weather>,
}

impl Instance {
    /// Lives, dies and is started again under its own name, for ever.
    async fn live(mut self) {
        loop {
            let token = api::Secret::new(self.token.clone());
            let Ok(agent) = Agent::start(Config::new(&self.url, token, &self.name, [&self.credential]))
            else {
                return;
            };
            let Ok(mut handle) = agent.credential(&self.credential) else {
                return;
            };
            if handle.ready().await.is_err() {
                return;
            }
            let lifetime = Duration::from_millis(4_000 + self.dice.below(30_000));
            let _end_of_life = tokio::time::timeout(lifetime, self.report(&handle)).await;
            drop(agent);
            self.weather.restarts.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50 + self.dice.below(200))).await;
        }
    }

    async fn report(&mut self, handle: &Handle) {
        let mut ticks = tokio::time::interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            ticks.tick().await;
            let Ok(lease) = handle.current() else { continue };
            handle.report(lease.version(), self.outcome());
        }
    }

    fn outcome(&mut self) -> Outcome {
        let weather = &self.weather;
        weather.outcomes.fetch_add(1, Ordering::SeqCst);
        if weather.bursting.load(Ordering::SeqCst) && self.dice.hits(ERRORS_IN_A_BURST) {
            weather.errors.fetch_add(1, Ordering::SeqCst);
            return Outcome::http(if self.dice.hits(0.5) { 503 } else { 500 });
        }
        if self.dice.hits(REFUSED) {
            weather.refused.fetch_add(1, Ordering::SeqCst);
            return Outcome::http(if self.dice.hits(0.5) { 401 } else { 403 });
        }
        Outcome::http(200)
    }
}
