//! Keys: the list, and one of them with its versions and what needs each.

use std::collections::BTreeMap;
use std::time::Duration;

use app::reader::ReadError;
use app::views::credential::{FindingLine, NextRotation, Severity};
use app::views::key::{
    CensusPoint, CensusTarget, CensusView, DestructionLine, KeyLine, KeyPolicyView, KeyState as ShownState,
    KeyVersionLine, KeyView as ShownKey, KeysQuery, KeysView, RotateKey,
};
use app::views::{Age, Listing};
use engine::catalog::age::AgeThresholds;
use engine::id::KeyId;
use engine::key::finding::standing;
use engine::key::{KeyNotes, KeyVersionView, KeyView, moves};
use engine::reencryption::Census;
use engine::reencryption::service::view::TargetView;
use engine::{Name, Refusal, Timestamp};
use keyring::{KeyState, Purpose};

use super::key_moves::{by_dependents, moves_of};
use super::reencryption::kind_in_words;
use super::words::{band, count, moment, sensitivity};
use super::{PageReader, unavailable};

const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// Keys on one page of the list.
const PAGE: usize = 50;
/// What the ring takes for a lifetime that has no end.
const ENDLESS: Duration = Duration::from_secs(100 * 365 * 86_400);

impl PageReader {
    pub(super) async fn read_keys(&self, query: KeysQuery) -> Result<KeysView, ReadError> {
        let services = &self.state.services;
        let mut views = services.keys_view(&self.actor).await.map_err(unavailable)?;
        // What belongs to no environment belongs to all.
        views.retain(|view| {
            view.key
                .environment
                .as_ref()
                .is_none_or(|own| self.is_within(own))
        });
        let now = self.now();
        let suspended = count(views.iter().filter(|view| view.active().is_none()).count());
        let mut notes: BTreeMap<KeyId, Vec<String>> = BTreeMap::new();
        for told in services.key_notes(&self.actor).await.map_err(unavailable)? {
            notes.insert(told.key.id.clone(), in_few_words(&told));
        }
        let lines: Vec<KeyLine> = views
            .iter()
            .map(|view| {
                let own = notes.remove(&view.key.id).unwrap_or_default();
                line(view, own, now)
            })
            .collect();
        let unfiltered_total = count(lines.len());
        let text = query.text.as_deref().map(str::to_lowercase);
        let chosen: Vec<KeyLine> = views
            .iter()
            .zip(lines)
            .filter(|(view, line)| {
                let owner = line.team.as_deref().unwrap_or_default().to_lowercase();
                text.as_deref()
                    .is_none_or(|text| line.name.contains(text) || owner.contains(text))
                    && query
                        .purpose
                        .as_deref()
                        .is_none_or(|wanted| wanted == purpose_slug(view.key.algorithm.purpose()))
            })
            .map(|(_, line)| line)
            .collect();
        let total = chosen.len();
        let start = query
            .cursor
            .as_deref()
            .and_then(|cursor| chosen.iter().position(|line| line.name == cursor))
            .map_or(0, |position| position + 1);
        let items: Vec<KeyLine> = chosen.into_iter().skip(start).take(PAGE).collect();
        let more = total > start + items.len();
        Ok(KeysView {
            listing: Listing {
                next_cursor: items.last().filter(|_| more).map(|line| line.name.clone()),
                items,
                total: count(total),
                unfiltered_total,
            },
            suspended,
            may_operate: self.may_operate(),
        })
    }

    pub(super) async fn read_key(&self, name: &str) -> Result<ShownKey, ReadError> {
        let name = Name::parse(name).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let view = services.key_view(&self.actor, &name).await.map_err(unavailable)?;
        let now = self.now();
        let policy = &view.key.policy;
        Ok(ShownKey {
            line: line(&view, Vec::new(), now),
            description: view.key.purpose.clone(),
            tags: view.key.tags.clone().into_iter().collect(),
            policy: KeyPolicyView {
                rotate_every: policy.rotate_every,
                grace: policy.grace,
                max_uses: policy.max_uses,
                exportable: policy.exportable,
                minimum_version: u64::from(policy.minimum_decryption_version),
                callers: policy.callers.iter().map(ToString::to_string).collect(),
            },
            versions: view
                .versions
                .iter()
                .map(|version| self.version(&view, version))
                .collect(),
            planned: view.due_at.filter(|_| view.active().is_some()).map(moment),
            promoting: view.key.promoting.map(u64::from),
            rotate: self.rotate(&view).await?,
            census: self.census(&view).await?,
            operations: self.state.key_rates.of(view.key.id.as_str()),
            findings: self.key_findings(&view).await?,
            has_alarm: view.alarm.is_some(),
            server_url: self.server_url(),
            may_operate: self.may_operate(),
            may_administer: self.may_administer(),
        })
    }

    /// What is not as it should be with one key.
    async fn key_findings(&self, view: &KeyView) -> Result<Vec<FindingLine>, ReadError> {
        let services = &self.state.services;
        let versions: Vec<_> = view
            .versions
            .iter()
            .map(|placed| placed.version.clone())
            .collect();
        let notes = services
            .notes_of(view.key.clone(), &versions)
            .await
            .map_err(unavailable)?;
        let revoked: Vec<_> = view
            .versions
            .iter()
            .filter(|placed| placed.version.state == KeyState::Revoked)
            .filter_map(|placed| Some((placed.version.clone(), placed.dependents.clone()?)))
            .collect();
        let mut found = standing(&view.key, &revoked);
        found.extend(notes.findings());
        Ok(found
            .into_iter()
            .map(|finding| FindingLine {
                severity: if finding.critical {
                    Severity::Critical
                } else {
                    Severity::Warning
                },
                title: finding.title,
                remedy: format!("{}.", app::words::sentence_case(&finding.detail)),
                since: moment(finding.since),
            })
            .collect())
    }

    /// What stood under which version, in the last year.
    async fn census(&self, view: &KeyView) -> Result<CensusView, ReadError> {
        let services = &self.state.services;
        let since = self.now().before(YEAR);
        let key = &view.key.id;
        let census = services
            .census_view(&self.actor, None, Some(&view.key.name), since)
            .await
            .map_err(unavailable)?;
        let targets = services.targets_view(&self.actor).await.map_err(unavailable)?;
        // Scans of a target that was taken off the list would be added up for ever.
        let mut censuses = census.censuses;
        censuses.retain(|census| targets.iter().any(|target| target.target.id == census.target));
        Ok(CensusView {
            scans: scans(&censuses),
            targets: targets
                .iter()
                .filter(|target| target.target.key == *key)
                .map(|target| census_target(target, key))
                .collect(),
        })
    }

    fn version(&self, view: &KeyView, placed: &KeyVersionView) -> KeyVersionLine {
        let version = &placed.version;
        KeyVersionLine {
            number: u64::from(version.number),
            state: state(version.state),
            imported: version.origin == engine::key::Origin::Imported,
            created_at: moment(version.created_at),
            activated_at: version.activated_at.map(moment),
            state_since: moment(version.state_since),
            reason: version.reason.clone(),
            destroy_at: version.destroy_at.map(moment),
            destruction: version.destruction.as_ref().map(|request| DestructionLine {
                asked_by: person(&request.asked_by),
                reason: request.reason.clone(),
                approved_by: request.approval.as_ref().map(|approval| person(&approval.by)),
                lapsed: request.approval.is_none() && version.destroy_at.is_none_or(|at| at <= self.now()),
                is_own: request.asked_by == self.actor.label(),
            }),
            destroyed_at: version.destroyed_at.map(moment),
            uses: version.uses,
            opened_at: version.opened_at.map(moment),
            dependents: by_dependents(placed),
            moves: if self.may_operate() {
                moves_of(view, placed, &self.actor, self.now())
            } else {
                Vec::new()
            },
        }
    }

    async fn rotate(&self, view: &KeyView) -> Result<RotateKey, ReadError> {
        let next_version = u64::from(view.key.last_number) + 1;
        if let Some(number) = view.key.promoting {
            return Ok(RotateKey::Blocked {
                reason: format!("Version {number} is being handed to every replica."),
            });
        }
        if view.alarm.is_some() {
            return Ok(RotateKey::Blocked {
                reason: "Not rotated until the alarm below is cleared.".to_owned(),
            });
        }
        match self.state.services.check_gates(&view.key).await {
            Ok(()) => {}
            Err(Refusal::Conflict { detail, .. }) => {
                return Ok(RotateKey::Blocked {
                    reason: format!("{}.", app::words::sentence_case(&detail)),
                });
            }
            Err(refusal) => return Err(unavailable(refusal)),
        }
        let versions: Vec<_> = view
            .versions
            .iter()
            .map(|placed| placed.version.clone())
            .collect();
        let Some(previous) = moves::previous(&versions) else {
            return Ok(RotateKey::Ready { next_version });
        };
        let services = &self.state.services;
        if services
            .is_drained(&view.key, previous)
            .await
            .map_err(unavailable)?
        {
            return Ok(RotateKey::Ready { next_version });
        }
        let dependents = services
            .dependents(&view.key, previous)
            .await
            .map_err(unavailable)?;
        let why = if dependents.are_none() {
            "it has not rested for the key's grace yet".to_owned()
        } else {
            dependents.describe()
        };
        Ok(RotateKey::NotDrained {
            next_version,
            why: format!("Version {} is not drained: {why}.", previous.number),
        })
    }
}

fn line(view: &KeyView, notes: Vec<String>, now: Timestamp) -> KeyLine {
    let key = &view.key;
    let active = view.active();
    let age = active.and_then(|active| active.activated_at).map(|since| {
        let age = now.since(since);
        Age {
            age,
            lifetime: key.policy.rotate_every.unwrap_or(ENDLESS),
            band: band(AgeThresholds::default().band(age)),
        }
    });
    let opening = view
        .versions
        .iter()
        .filter(|placed| placed.version.state == KeyState::Deprecated)
        .count();
    KeyLine {
        name: key.name.to_string(),
        algorithm: key.algorithm.name().to_owned(),
        purpose: purpose(key.algorithm.purpose()).to_owned(),
        sensitivity: sensitivity(key.policy.sensitivity),
        environment: key.environment.as_ref().map(ToString::to_string),
        team: key.owner_team.clone(),
        active: active.map(|active| u64::from(active.number)),
        age,
        next_rotation: next_rotation(view, now),
        opening: count(opening),
        notes,
    }
}

/// What the list says of a key.
fn in_few_words(told: &KeyNotes) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(alarm) = &told.alarm {
        words.push(format!("data under version {} does not open", alarm.version));
    }
    if let Some(postponed) = &told.postponed {
        words.push(format!("rotation waits for {}", postponed.waits_for));
    }
    if let Some(undrained) = &told.undrained {
        words.push(format!("version {} is not drained", undrained.version));
    }
    for asked in &told.asked {
        words.push(format!(
            "destruction of version {} waits for approval",
            asked.version
        ));
    }
    words
}

/// "ada" of "account:ada": pages say who, not by which door.
fn person(label: &str) -> String {
    label
        .split_once(':')
        .map_or_else(|| label.to_owned(), |(_, name)| name.to_owned())
}

/// After each scan, what is known of all targets together: the latest of each up to then.
fn scans(censuses: &[Census]) -> Vec<CensusPoint> {
    let mut latest: BTreeMap<&str, &Census> = BTreeMap::new();
    let mut points = Vec::new();
    for census in censuses {
        latest.insert(census.target.as_str(), census);
        let mut versions: BTreeMap<u64, u64> = BTreeMap::new();
        for counted in latest.values().flat_map(|census| &census.versions) {
            *versions.entry(u64::from(counted.version)).or_default() += counted.records;
        }
        points.push(CensusPoint {
            at: moment(census.finished_at),
            versions: versions.into_iter().collect(),
        });
    }
    points
}

fn census_target(view: &TargetView, key: &KeyId) -> CensusTarget {
    let latest = view.latest.as_ref();
    CensusTarget {
        name: view.target.name.to_string(),
        kind: kind_in_words(&view.target.kind),
        scanned_at: latest.map(|census| moment(census.finished_at)),
        versions: latest
            .iter()
            .flat_map(|census| &census.versions)
            .filter(|counted| counted.key == key.as_str())
            .map(|counted| (u64::from(counted.version), counted.records))
            .collect(),
        malformed: latest.map_or(0, |census| census.malformed),
    }
}

fn next_rotation(view: &KeyView, now: Timestamp) -> NextRotation {
    if view.active().is_none() {
        return NextRotation::Waits {
            reason: "its newest version is suspended".to_owned(),
        };
    }
    let is_used_up = view
        .active()
        .is_some_and(|active| active.reserved >= view.key.policy.max_uses);
    if view.key.postponed_since.is_some() && (is_used_up || view.due_at.is_some_and(|at| at <= now)) {
        return NextRotation::Waits {
            reason: "see the findings".to_owned(),
        };
    }
    view.due_at
        .map_or(NextRotation::ByHand, |at| NextRotation::At(moment(at)))
}

pub(super) fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Encrypt => "encrypt",
        Purpose::Mac => "authenticate",
        Purpose::Sign => "sign",
    }
}

fn purpose_slug(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Encrypt => "encrypt",
        Purpose::Mac => "mac",
        Purpose::Sign => "sign",
    }
}

fn state(state: KeyState) -> ShownState {
    match state {
        KeyState::PreActive => ShownState::PreActive,
        KeyState::Active => ShownState::Active,
        KeyState::Deprecated => ShownState::Deprecated,
        KeyState::Suspended => ShownState::Suspended,
        KeyState::Revoked => ShownState::Revoked,
        KeyState::Destroyed => ShownState::Destroyed,
    }
}
