//! A rotation's page and the list of rotations.

use std::collections::BTreeMap;

use app::reader::ReadError;
use app::views::Listing;
use app::views::credential::InstanceHealth;
use app::views::rotation::{
    Action, Holds, RotationLine, RotationView, RotationsQuery, RotationsView, ServiceSquares, Square, Stage,
    StageKind, Verb, WayBack, WayBackState,
};
use engine::catalog::Consumer;
use engine::delivery::InstanceView;
use engine::id::RotationId;
use engine::ports::RotationFilter;
use engine::rotation::{Command, Rotation, RotationState};

use super::log::log;
use super::steps::steps;
use super::verdict::{minute_of, verdict};
use super::words::{count, counted, moment, number};
use super::{PageReader, unavailable};

/// Rotations on one page of the list.
const PAGE: u32 = 50;
/// More than anyone reads; the list says so and the filters narrow it.
const MOST: u32 = 2_000;

impl PageReader {
    /// One rotation, live.
    pub(super) async fn read_rotation(&self, id: &str) -> Result<RotationView, ReadError> {
        let id = RotationId::parse(id).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let rotation = services
            .store
            .rotation(&id)
            .await
            .map_err(unavailable)?
            .ok_or(ReadError::NotFound)?;
        let records = services.store.records(&id, 0).await.map_err(unavailable)?;
        let fleet = services.fleet(&rotation).await.map_err(unavailable)?;
        let consumers = services.store.consumers().await.map_err(unavailable)?;
        let buckets = services
            .store
            .outcomes(&rotation.credential, minute_of(rotation.created_at))
            .await
            .map_err(unavailable)?;
        let rates = services.detector.rates(&id);
        let actions = if self.may_operate() {
            actions(&rotation, &fleet, &self.actor.label())
        } else {
            Vec::new()
        };
        Ok(RotationView {
            line: line(&rotation),
            reason: rotation.reason.clone(),
            steps: steps(&rotation, &records),
            fleet: self.squares(&rotation, &fleet, &consumers),
            way_back: way_back(&rotation),
            verdict: verdict(&rotation, rates, &buckets),
            log: log(&rotation, &records),
            actions,
            operator_note: operator_note(&rotation),
            sandbox: self.is_sandboxed(&rotation).await?,
        })
    }

    async fn is_sandboxed(&self, rotation: &Rotation) -> Result<bool, ReadError> {
        let credentials = self
            .state
            .services
            .store
            .credentials()
            .await
            .map_err(unavailable)?;
        Ok(credentials
            .iter()
            .any(|credential| credential.id == rotation.credential && credential.sandbox))
    }

    /// The list, newest first.
    pub(super) async fn read_rotations(&self, query: RotationsQuery) -> Result<RotationsView, ReadError> {
        let store = &self.state.services.store;
        let filter = RotationFilter {
            limit: MOST,
            ..RotationFilter::default()
        };
        let mut all = store.rotations(&filter).await.map_err(unavailable)?;
        all.retain(|rotation| self.is_within(&rotation.environment));
        let kind_of = |rotation: &Rotation| stage(rotation).kind();
        let in_flight = all
            .iter()
            .filter(|rotation| !rotation.state.is_terminal())
            .count();
        let needs_operator = all
            .iter()
            .filter(|rotation| kind_of(rotation) == StageKind::Stuck)
            .count();
        let month_ago = self.now().before(std::time::Duration::from_secs(30 * 86_400));
        let ended = |label: &str| {
            all.iter()
                .filter(|rotation| rotation.state.label() == label)
                .filter(|rotation| rotation.finished_at.is_some_and(|at| at >= month_ago))
                .count()
        };
        let text = query.text.as_deref().map(str::to_lowercase);
        let chosen: Vec<&Rotation> = all
            .iter()
            .filter(|rotation| query.stage.is_none_or(|stage| kind_of(rotation) == stage))
            .filter(|rotation| {
                self.environment.is_some()
                    || query
                        .environment
                        .as_deref()
                        .is_none_or(|name| rotation.environment.as_str() == name)
            })
            .filter(|rotation| {
                text.as_deref()
                    .is_none_or(|text| rotation.credential_name.as_str().contains(text))
            })
            .collect();
        let start = query
            .cursor
            .as_deref()
            .and_then(|cursor| chosen.iter().position(|rotation| rotation.id.as_str() == cursor))
            .map_or(0, |position| position + 1);
        let page: Vec<&&Rotation> = chosen.iter().skip(start).take(PAGE as usize).collect();
        let more = chosen.len() > start + page.len();
        Ok(RotationsView {
            in_flight: count(in_flight),
            needs_operator: count(needs_operator),
            completed: count(ended("completed")),
            rolled_back: count(ended("rolled_back")),
            listing: Listing {
                next_cursor: page
                    .last()
                    .filter(|_| more)
                    .map(|rotation| rotation.id.to_string()),
                items: page.into_iter().map(|rotation| line(rotation)).collect(),
                total: count(chosen.len()),
                unfiltered_total: count(all.len()),
            },
        })
    }

    fn squares(
        &self,
        rotation: &Rotation,
        fleet: &[InstanceView],
        consumers: &[Consumer],
    ) -> Vec<ServiceSquares> {
        let mut services: BTreeMap<String, Vec<Square>> = BTreeMap::new();
        for view in fleet {
            let service = consumers
                .iter()
                .find(|consumer| consumer.name == view.stored.consumer)
                .map_or_else(
                    || view.stored.consumer.to_string(),
                    |consumer| consumer.service.clone(),
                );
            let reported = self.state.services.detector.counts_of(&rotation.id, &view.key());
            services.entry(service).or_default().push(Square {
                instance: view.stored.instance.clone(),
                holds: holds(rotation, view),
                health: health(
                    view,
                    reported.refused > 0 && view.acknowledged == Some(rotation.to),
                ),
                wave: None,
            });
        }
        services
            .into_iter()
            .map(|(service, instances)| ServiceSquares { service, instances })
            .collect()
    }
}

/// How an instance fares.
pub(super) fn health(view: &InstanceView, refused: bool) -> InstanceHealth {
    if !view.live {
        InstanceHealth::Absent
    } else if refused || view.stored.load_error.is_some() {
        InstanceHealth::Failing
    } else {
        InstanceHealth::Well
    }
}

fn holds(rotation: &Rotation, view: &InstanceView) -> Holds {
    match (view.acknowledged, view.stored.handed) {
        (Some(version), _) if version == rotation.to => Holds::New,
        (_, Some(version)) if version == rotation.to => Holds::Handed,
        (Some(_), _) | (_, Some(_)) => Holds::Old,
        (None, None) => Holds::Nothing,
    }
}

/// A rotation as a line of a list.
pub(super) fn line(rotation: &Rotation) -> RotationLine {
    RotationLine {
        id: rotation.id.to_string(),
        credential: rotation.credential_name.to_string(),
        environment: rotation.environment.to_string(),
        stage: stage(rotation),
        from_version: rotation.from.map(number),
        to_version: number(rotation.to),
        started_at: moment(rotation.created_at),
        finished_at: rotation.finished_at.map(moment),
        started_by: rotation.started_by.clone(),
        emergency: rotation.emergency,
    }
}

/// Where a rotation stands, in words.
pub(super) fn stage(rotation: &Rotation) -> Stage {
    if let (Some(pause), "paused") = (&rotation.pause, rotation.label()) {
        return Stage::Paused {
            reason: format!("{} holds it: {}", pause.by, pause.reason),
        };
    }
    match &rotation.state {
        RotationState::Planned => Stage::Planned,
        RotationState::AwaitingApproval => Stage::AwaitingApproval {
            given: u32::try_from(rotation.approvals.len()).unwrap_or(u32::MAX),
            needed: u32::from(rotation.policy.approvals),
        },
        RotationState::Rehearsed => preparing("way back proven"),
        RotationState::Stored => preparing("stored"),
        RotationState::Issued => preparing("issued"),
        RotationState::Verified => preparing("verified"),
        RotationState::Promoted { .. } => preparing("promoted"),
        RotationState::Wave(wave) => {
            let soak_until = wave.since.after(rotation.policy.soak);
            Stage::Wave {
                number: u32::try_from(wave.index + 1).unwrap_or(u32::MAX),
                of: u32::try_from(rotation.policy.waves.len()).unwrap_or(u32::MAX),
                percent: rotation.policy.waves.get(wave.index).copied().unwrap_or(100),
                soak_until: rotation.hold.is_none().then(|| moment(soak_until)),
            }
        }
        RotationState::Grace { until, .. } => Stage::Grace {
            until: Some(moment(*until)),
        },
        RotationState::Retiring { .. } => Stage::Retiring,
        RotationState::Completed => Stage::Completed,
        RotationState::RollingBack(rollback) => Stage::RollingBack {
            reason: rollback.cause.in_words(),
        },
        RotationState::RolledBack { cause } => Stage::RolledBack {
            reason: cause.in_words(),
        },
        RotationState::Cancelled { reason } => Stage::Cancelled {
            reason: reason.clone(),
        },
        RotationState::NeedsOperator { problem, .. } => Stage::NeedsOperator {
            reason: problem.clone(),
        },
    }
}

fn preparing(words: &str) -> Stage {
    Stage::Preparing {
        words: words.to_owned(),
    }
}

fn way_back(rotation: &Rotation) -> Option<WayBack> {
    let version = number(rotation.from?);
    let state = match &rotation.state {
        RotationState::RollingBack(_) | RotationState::RolledBack { .. } => WayBackState::Taken,
        RotationState::Retiring { .. } | RotationState::Completed => WayBackState::Closed {
            reason: "the old version is being revoked, or is gone".to_owned(),
        },
        RotationState::Cancelled { .. } => return None,
        _ => WayBackState::Open,
    };
    Some(WayBack {
        version,
        proven_at: rotation.way_back_proved_at.map(moment),
        estimate: None,
        state,
    })
}

fn operator_note(rotation: &Rotation) -> Option<String> {
    let RotationState::NeedsOperator { before, problem, .. } = &rotation.state else {
        return None;
    };
    let served = rotation.from.map_or_else(
        || "There is no older version.".to_owned(),
        |from| {
            let newest = if before.is_watched() { rotation.to } else { from };
            format!(
                "Consumers are served version {newest}; nothing was revoked since the last step that worked."
            )
        },
    );
    Some(format!(
        "It stopped while {}: {problem}. {served} Try again once the cause is mended, or say how it ended.",
        before.label().replace('_', " ")
    ))
}

fn actions(rotation: &Rotation, fleet: &[InstanceView], viewer: &str) -> Vec<Action> {
    let live = fleet.iter().filter(|view| view.live).count();
    let on_new = fleet
        .iter()
        .filter(|view| view.live && view.stored.handed == Some(rotation.to))
        .count();
    Command::legal(rotation)
        .into_iter()
        .filter_map(verb)
        .filter(|verb| *verb != Verb::Approve || rotation.started_by != viewer)
        .map(|verb| Action {
            verb,
            effect: effect(verb, rotation, live, on_new),
        })
        .collect()
}

fn verb(label: &str) -> Option<Verb> {
    [
        Verb::Approve,
        Verb::Reject,
        Verb::Pause,
        Verb::Resume,
        Verb::Promote,
        Verb::Rollback,
        Verb::Cancel,
        Verb::Retry,
        Verb::Resolve,
        Verb::RetireNow,
    ]
    .into_iter()
    .find(|verb| verb.slug() == label)
}

/// What a button does to whom, said before it is pressed.
fn effect(verb: Verb, rotation: &Rotation, live: usize, on_new: usize) -> String {
    let from = rotation
        .from
        .map_or_else(|| "no version".to_owned(), |from| format!("version {from}"));
    match verb {
        Verb::Approve => "Your agreement is recorded; it begins when enough people agree.".to_owned(),
        Verb::Reject => "It is cancelled before anything was touched.".to_owned(),
        Verb::Pause => "It stays where it is, both versions valid. It still rolls back by itself.".to_owned(),
        Verb::Resume => "It goes on from where it stands.".to_owned(),
        Verb::Promote => {
            format!(
                "{} move on without waiting for soak or evidence.",
                counted(live - on_new.min(live), "more instance")
            )
        }
        Verb::Rollback => {
            format!(
                "{} return to {from} at once; version {} is then revoked.",
                counted(on_new, "instance"),
                rotation.to
            )
        }
        Verb::Cancel => "It ends here; the issuer has not heard of the new version.".to_owned(),
        Verb::Retry => "The step that failed is tried again.".to_owned(),
        Verb::Resolve => "You say how it ended; Rota believes you and the audit names you.".to_owned(),
        Verb::RetireNow => {
            let late = live - fleet_moved(live, on_new);
            format!(
                "{from} is revoked now; {} that still use it lose access.",
                counted(late, "instance")
            )
        }
    }
}

fn fleet_moved(live: usize, on_new: usize) -> usize {
    on_new.min(live)
}
