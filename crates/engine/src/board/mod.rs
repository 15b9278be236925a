//! The overview's figures, each with its formula. Pure, but for one service that reads the lists once.
//!
//! - *counted*: every credential, or, as soon as one is not of the sandbox, only those.
//! - *automated* (UI-1): the share of services whose every credential rotates without a person, that is: nobody holds
//!   its schedule and its policy asks for no approval.
//! - *mean age*: of the current versions; credentials without one do not count.
//! - *day*: in UTC.

pub mod needs;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::access::{Actor, Role};
use crate::catalog::{AgeBand, CredentialFacts, Environment, Issuer};
use crate::clock::Timestamp;
use crate::key::KeyNotes;
use crate::ports::RotationFilter;
use crate::rotation::{Rotation, RotationState};
use crate::rule::Refusal;
use crate::services::Services;

pub use needs::{Need, Severity, Subject, needs, notices};

const DAY_MICROS: i64 = 86_400_000_000;
/// Rotations that one look at the overview reads at most.
const MOST_ROTATIONS: u32 = 10_000;

/// Everything the overview shows, but for the trends.
#[derive(Clone, Debug)]
pub struct Board {
    pub totals: Totals,
    /// The largest team first; None: nobody owns them.
    pub teams: Vec<TeamAges>,
    /// Days with something to rotate from today on, each with how many; and how many are late.
    pub due: Vec<DayCount>,
    pub late: u64,
    pub rotations: RotationTally,
    pub in_flight: Vec<Rotation>,
    /// The latest first.
    pub rolled_back: Vec<Rotation>,
    pub needs: Vec<Need>,
    /// The oldest first.
    pub longest_lived: Vec<CredentialFacts>,
}

/// Counts over all counted credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub credentials: u64,
    pub credentials_automated: u64,
    pub services: u64,
    pub services_automated: u64,
    pub mean_age: Option<Duration>,
    pub green: u64,
    pub yellow: u64,
    pub red: u64,
    /// Only sandbox entries exist, so they are counted.
    pub sandbox_only: bool,
}

impl Totals {
    /// Percent of services on fully automated rotation; None while there is no service.
    pub fn percent_automated(&self) -> Option<f64> {
        (self.services > 0).then(|| 100.0 * self.services_automated as f64 / self.services as f64)
    }
}

/// Credentials of one team by age band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamAges {
    pub team: Option<String>,
    pub green: u64,
    pub yellow: u64,
    pub red: u64,
}

impl TeamAges {
    fn total(&self) -> u64 {
        self.green + self.yellow + self.red
    }
}

/// How many on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// Midnight, UTC, at which it begins.
    pub day: Timestamp,
    pub count: u64,
}

/// Rotations that ended within a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationTally {
    pub completed: u64,
    pub rolled_back: u64,
    /// Cancelled ones.
    pub other: u64,
    /// Those of the span before.
    pub previous_total: u64,
    pub per_day: Vec<DayCount>,
}

/// The credentials that figures are made of.
pub fn counted(credentials: &[CredentialFacts]) -> Vec<&CredentialFacts> {
    let any_real = credentials.iter().any(|facts| !facts.credential.sandbox);
    credentials
        .iter()
        .filter(|facts| !(any_real && facts.credential.sandbox))
        .collect()
}

/// Counts over counted credentials.
pub fn totals(counted: &[&CredentialFacts]) -> Totals {
    let with_band = |band| counted.iter().filter(|facts| facts.band == band).count() as u64;
    let mut services: BTreeMap<&str, bool> = BTreeMap::new();
    for facts in counted {
        for service in &facts.services {
            *services.entry(service).or_insert(true) &= facts.is_automated();
        }
    }
    let ages: Vec<Duration> = counted.iter().filter_map(|facts| facts.age).collect();
    let seconds: u64 = ages.iter().map(Duration::as_secs).sum();
    Totals {
        credentials: counted.len() as u64,
        credentials_automated: counted.iter().filter(|facts| facts.is_automated()).count() as u64,
        services: services.len() as u64,
        services_automated: services.values().filter(|is_automated| **is_automated).count() as u64,
        mean_age: (!ages.is_empty()).then(|| Duration::from_secs(seconds / ages.len() as u64)),
        green: with_band(AgeBand::Green),
        yellow: with_band(AgeBand::Yellow),
        red: with_band(AgeBand::Red),
        sandbox_only: !counted.is_empty() && counted.iter().all(|facts| facts.credential.sandbox),
    }
}

/// Services with the colour of their worst credential (UI-2).
pub fn services_by_band(counted: &[&CredentialFacts]) -> BTreeMap<String, AgeBand> {
    let mut services: BTreeMap<String, AgeBand> = BTreeMap::new();
    for facts in counted {
        for service in &facts.services {
            let worst = services.entry(service.clone()).or_insert(facts.band);
            *worst = (*worst).max(facts.band);
        }
    }
    services
}

/// Bands by owning team, the largest team first.
pub fn teams(counted: &[&CredentialFacts]) -> Vec<TeamAges> {
    let mut teams: BTreeMap<Option<&str>, TeamAges> = BTreeMap::new();
    for facts in counted {
        let team = facts.credential.owner_team.as_deref();
        let ages = teams.entry(team).or_insert_with(|| TeamAges {
            team: team.map(str::to_owned),
            green: 0,
            yellow: 0,
            red: 0,
        });
        match facts.band {
            AgeBand::Green => ages.green += 1,
            AgeBand::Yellow => ages.yellow += 1,
            AgeBand::Red => ages.red += 1,
        }
    }
    let mut teams: Vec<TeamAges> = teams.into_values().collect();
    teams.sort_by_key(|team| std::cmp::Reverse(team.total()));
    teams
}

/// How many fall due on each day from today for `days` days, and how many were due before today.
pub fn due_by_day(counted: &[&CredentialFacts], now: Timestamp, days: u32) -> (Vec<DayCount>, u64) {
    let today = day_of(now);
    let end = Timestamp::from_micros(today.as_micros() + i64::from(days) * DAY_MICROS);
    let due: Vec<Timestamp> = counted.iter().filter_map(|facts| facts.due_at()).collect();
    let late = due.iter().filter(|due_at| **due_at < today).count() as u64;
    (
        by_day(due.into_iter().filter(|due_at| *due_at >= today && *due_at < end)),
        late,
    )
}

/// Rotations that ended within `span` before `now`, by outcome, and how many did in the span before that.
pub fn rotation_tally(rotations: &[Rotation], now: Timestamp, span: Duration) -> RotationTally {
    let (start, earlier) = (now.before(span), now.before(span * 2));
    let mut tally = RotationTally::default();
    let mut ended = Vec::new();
    for rotation in rotations {
        let Some(finished_at) = rotation.finished_at.filter(|_| rotation.state.is_terminal()) else {
            continue;
        };
        if finished_at <= start {
            tally.previous_total += u64::from(finished_at > earlier);
            continue;
        }
        ended.push(finished_at);
        match rotation.state {
            RotationState::Completed => tally.completed += 1,
            RotationState::RolledBack { .. } => tally.rolled_back += 1,
            _ => tally.other += 1,
        }
    }
    tally.per_day = by_day(ended.into_iter());
    tally
}

impl Services {
    /// The overview as it stands now, of one environment or of all; `span` is what rotations are tallied over.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn board(
        &self,
        actor: &Actor,
        span: Duration,
        environment: Option<&Environment>,
    ) -> Result<Board, Refusal> {
        actor.require(Role::Viewer)?;
        let mut credentials = self.credentials(actor).await?;
        credentials.retain(|facts| within(environment, &facts.credential.environment));
        let now = self.clock.now();
        let filter = RotationFilter {
            since: Some(now.before(span * 2)),
            limit: MOST_ROTATIONS,
            ..RotationFilter::default()
        };
        let mut rotations = self.store.rotations(&filter).await?;
        rotations.retain(|rotation| within(environment, &rotation.environment));
        let mut issuers = self.store.issuers().await?;
        issuers.retain(|issuer| within(environment, &issuer.environment));
        let keys = self.key_notes_within(actor, environment).await?;
        Ok(board(&credentials, &issuers, &keys, &rotations, now, span))
    }

    /// What needs a person, and what is merely worth knowing, the gravest first; of one environment or of all.
    ///
    /// # Errors
    /// Not a viewer, store away.
    pub async fn needs_and_notices(
        &self,
        actor: &Actor,
        environment: Option<&Environment>,
    ) -> Result<(Vec<Need>, Vec<Need>), Refusal> {
        let mut credentials = self.credentials(actor).await?;
        credentials.retain(|facts| within(environment, &facts.credential.environment));
        let mut issuers = self.store.issuers().await?;
        issuers.retain(|issuer| within(environment, &issuer.environment));
        let keys = self.key_notes_within(actor, environment).await?;
        let counted = counted(&credentials);
        Ok((
            needs(&counted, &issuers, &keys, self.clock.now()),
            notices(&counted, &issuers),
        ))
    }

    /// A key of no environment belongs to all.
    async fn key_notes_within(
        &self,
        actor: &Actor,
        environment: Option<&Environment>,
    ) -> Result<Vec<KeyNotes>, Refusal> {
        let mut notes = self.key_notes(actor).await?;
        notes.retain(|notes| {
            let own = notes.key.environment.as_ref();
            own.is_none_or(|own| within(environment, own))
        });
        Ok(notes)
    }
}

/// Whether something of environment `of` is among what was asked for.
fn within(asked: Option<&Environment>, of: &Environment) -> bool {
    asked.is_none_or(|asked| asked == of)
}

/// The overview from its parts.
pub fn board(
    credentials: &[CredentialFacts],
    issuers: &[Issuer],
    keys: &[KeyNotes],
    rotations: &[Rotation],
    now: Timestamp,
    span: Duration,
) -> Board {
    let counted = counted(credentials);
    let any_real = credentials.iter().any(|facts| !facts.credential.sandbox);
    let rotations: Vec<Rotation> = rotations
        .iter()
        .filter(|rotation| !(any_real && rotation.sandbox))
        .cloned()
        .collect();
    let (due, late) = due_by_day(&counted, now, 30);
    let mut rolled_back: Vec<Rotation> = rotations
        .iter()
        .filter(|rotation| matches!(rotation.state, RotationState::RolledBack { .. }))
        .filter(|rotation| {
            rotation
                .finished_at
                .is_some_and(|finished_at| finished_at > now.before(span))
        })
        .cloned()
        .collect();
    rolled_back.sort_by_key(|rotation| std::cmp::Reverse(rotation.finished_at));
    let mut longest_lived: Vec<CredentialFacts> = counted
        .iter()
        .filter(|facts| facts.age.is_some())
        .map(|facts| (*facts).clone())
        .collect();
    longest_lived.sort_by_key(|facts| std::cmp::Reverse(facts.age));
    longest_lived.truncate(10);
    Board {
        totals: totals(&counted),
        teams: teams(&counted),
        due,
        late,
        rotations: rotation_tally(&rotations, now, span),
        // Those under way are shown whoever they belong to: the sandbox's too.
        in_flight: credentials
            .iter()
            .filter_map(|facts| facts.rotation.clone())
            .collect(),
        rolled_back,
        needs: needs(&counted, issuers, keys, now),
        longest_lived,
    }
}

/// Midnight, UTC, of the day in which it was.
pub(crate) fn day_of(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_micros().div_euclid(DAY_MICROS) * DAY_MICROS)
}

fn by_day(times: impl Iterator<Item = Timestamp>) -> Vec<DayCount> {
    let mut days: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for at in times {
        *days.entry(day_of(at)).or_default() += 1;
    }
    days.into_iter()
        .map(|(day, count)| DayCount { day, count })
        .collect()
}

/// The environments that counted credentials stand in, for filters.
pub fn environments(counted: &[&CredentialFacts]) -> BTreeSet<String> {
    counted
        .iter()
        .map(|facts| facts.credential.environment.to_string())
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
