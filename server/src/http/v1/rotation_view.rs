//! A rotation as it is shown: the stored facts, the log, and what is known in memory, put together.

use std::collections::{BTreeMap, VecDeque};

use api::from_engine::RotationParts;
use api::rotation::{Outcomes, Rates, RotationQuery, SignalEvent};
use api::{Page, Rotation as WireRotation, RotationEvent};
use engine::access::{Actor, Role};
use engine::change::Topic;
use engine::detection::Counts;
use engine::id::RotationId;
use engine::ports::RotationFilter;
use engine::rotation::Rotation;
use engine::{Name, Refusal};
use futures::Stream;

use crate::announcements::Subscription;
use crate::http::AppState;
use crate::http::problem::{ApiError, ApiResult};

/// Outcomes are shown at most this often; they arrive far more often than anybody reads.
const SIGNALS_EVERY: std::time::Duration = std::time::Duration::from_millis(500);

/// The rotation of that id, for whoever may see it.
pub(super) async fn find(state: &AppState, actor: &Actor, id: &str) -> ApiResult<Rotation> {
    actor.require(Role::Viewer)?;
    let not_found = || Refusal::not_found("rotation", id);
    let parsed = RotationId::parse(id).map_err(|_| not_found())?;
    Ok(state
        .services
        .store
        .rotation(&parsed)
        .await?
        .ok_or_else(not_found)?)
}

/// One rotation in whole.
pub async fn show(state: &AppState, actor: &Actor, rotation: &Rotation) -> ApiResult<WireRotation> {
    let services = &state.services;
    let records = services.store.records(&rotation.id, 0).await?;
    let fleet = services.fleet(rotation).await?;
    let outcomes: Vec<Counts> = fleet
        .iter()
        .map(|view| services.detector.counts_of(&rotation.id, &view.key()))
        .collect();
    let consumers = services.store.consumers().await?;
    let of_consumer: BTreeMap<Name, String> = consumers
        .into_iter()
        .map(|consumer| (consumer.name, consumer.service))
        .collect();
    Ok(RotationParts {
        rotation,
        records: &records,
        fleet: &fleet,
        outcomes: &outcomes,
        rates: Some(services.detector.rates(&rotation.id)),
        services: &of_consumer,
        asking: actor,
    }
    .into())
}

/// A page of rotations, newest first, each without its log and fleet.
pub(super) async fn list(
    state: &AppState,
    actor: &Actor,
    query: &RotationQuery,
    size: usize,
) -> ApiResult<Page<WireRotation>> {
    actor.require(Role::Viewer)?;
    let Some(mut filter) = filter(state, query).await? else {
        return Ok(Page {
            items: Vec::new(),
            next_cursor: None,
        });
    };
    let services = BTreeMap::new();
    let mut items: Vec<WireRotation> = Vec::new();
    // A filter that only we know (under way, paused) may leave little of a page, so pages are read until one is full.
    loop {
        let page = state.services.store.rotations(&filter).await?;
        let is_last = page.len() < filter.limit as usize;
        for rotation in &page {
            let parts = RotationParts {
                rotation,
                records: &[],
                fleet: &[],
                outcomes: &[],
                rates: None,
                services: &services,
                asking: actor,
            };
            let wire = WireRotation {
                steps: Vec::new(),
                ..parts.into()
            };
            if items.len() < size + 1 && matches(query, &wire) {
                items.push(wire);
            }
        }
        if is_last || items.len() > size {
            break;
        }
        filter.before = page.last().map(|rotation| rotation.id.clone());
    }
    let more = items.len() > size;
    items.truncate(size);
    let next_cursor = items.last().filter(|_| more).map(|rotation| rotation.id.clone());
    Ok(Page { items, next_cursor })
}

async fn filter(state: &AppState, query: &RotationQuery) -> ApiResult<Option<RotationFilter>> {
    let mut filter = RotationFilter {
        limit: 100,
        ..RotationFilter::default()
    };
    if let Some(name) = &query.credential {
        let Ok(name) = Name::parse(name) else {
            return Ok(None);
        };
        match state.services.store.credential(&name).await? {
            Some(credential) => filter.credential = Some(credential.id),
            None => return Ok(None),
        }
    }
    if let Some(cursor) = &query.cursor {
        let id = RotationId::parse(cursor);
        filter.before = Some(id.map_err(|_| ApiError::malformed("the cursor is not one of ours"))?);
    }
    Ok(Some(filter))
}

fn matches(query: &RotationQuery, rotation: &WireRotation) -> bool {
    query.state.is_none_or(|state| state == rotation.state)
        && query
            .in_flight
            .is_none_or(|in_flight| in_flight != rotation.state.is_terminal())
}

/// Watches one rotation: the whole of it at the start and when its state changes, steps and outcomes as they come.
#[derive(Debug)]
pub(super) struct Watch {
    state: AppState,
    actor: Actor,
    id: RotationId,
    changes: Subscription,
    shown: Option<WireRotation>,
    counted: BTreeMap<(String, String), Counts>,
    waiting: VecDeque<RotationEvent>,
    ended: bool,
}

impl Watch {
    /// Subscribes; what happens from now on is not lost.
    pub(super) fn begin(state: AppState, actor: Actor, id: RotationId) -> Self {
        let changes = state.announcements.subscribe(Topic::Rotation(id.clone()));
        Self {
            state,
            actor,
            id,
            changes,
            shown: None,
            counted: BTreeMap::new(),
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    /// Every event, until the rotation is over, the server stops or the database is away. A browser then asks again.
    pub(super) fn events(self) -> impl Stream<Item = RotationEvent> {
        futures::stream::unfold(self, |mut watch| async move {
            loop {
                if let Some(event) = watch.waiting.pop_front() {
                    return Some((event, watch));
                }
                if watch.ended {
                    return None;
                }
                if watch.shown.is_some() {
                    tokio::select! {
                        () = watch.state.shutdown.cancelled() => return None,
                        () = watch.changes.changed() => {}
                        () = tokio::time::sleep(SIGNALS_EVERY) => {}
                    }
                }
                if let Err(error) = watch.look().await {
                    tracing::debug!(
                        ?error,
                        "an event stream ended, since the rotation could not be read"
                    );
                    return None;
                }
            }
        })
    }

    async fn look(&mut self) -> ApiResult<()> {
        self.count_outcomes().await?;
        let rotation = find(&self.state, &self.actor, self.id.as_str()).await?;
        let now = show(&self.state, &self.actor, &rotation).await?;
        let before = self.shown.as_ref();
        for step in &now.steps {
            if before.is_some_and(|before| !before.steps.contains(step)) {
                self.waiting.push_back(RotationEvent::Step(step.clone()));
            }
        }
        let moved = before.is_none_or(|before| {
            let quiet = |rotation: &WireRotation| WireRotation {
                fleet: Vec::new(),
                steps: Vec::new(),
                rates: None,
                ..rotation.clone()
            };
            quiet(before) != quiet(&now) || before.fleet.iter().map(key).ne(now.fleet.iter().map(key))
        });
        if moved {
            self.waiting
                .push_back(RotationEvent::State(Box::new(now.clone())));
        }
        self.ended = now.state.is_terminal();
        self.shown = Some(now);
        Ok(())
    }

    async fn count_outcomes(&mut self) -> ApiResult<()> {
        let Some(rotation) = self.state.services.store.rotation(&self.id).await? else {
            return Ok(());
        };
        let detector = &self.state.services.detector;
        let rates = detector.rates(&self.id);
        let at = self.state.services.clock.now().into();
        for view in self.state.services.fleet(&rotation).await? {
            let instance = view.key();
            let counts = detector.counts_of(&self.id, &instance);
            let place = (instance.0.to_string(), instance.1);
            let before = self.counted.insert(place.clone(), counts).unwrap_or_default();
            let good = counts.good.saturating_sub(before.good);
            let failed = counts.refused.saturating_sub(before.refused);
            if good + failed == 0 {
                continue;
            }
            self.waiting.push_back(RotationEvent::Signal(SignalEvent {
                consumer: place.0,
                instance: place.1,
                version: view.acknowledged.map_or(0, |version| version.0),
                good,
                failed,
                at,
                rates: Some(Rates {
                    candidate: Outcomes {
                        good: rates.candidate.good,
                        failed: rates.candidate.refused,
                    },
                    control: Outcomes {
                        good: rates.control.good,
                        failed: rates.control.refused,
                    },
                }),
            }));
        }
        Ok(())
    }
}

/// What of an instance makes the squares on the page move.
fn key(instance: &api::Instance) -> (&str, &str, Option<u32>, bool, api::consumer::Health) {
    (
        &instance.consumer,
        &instance.instance,
        instance.version,
        instance.cohort,
        instance.health,
    )
}
