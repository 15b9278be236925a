//! The moves of a whole key, against a model of what must hold: written apart, from the words of the requirement.

use std::collections::BTreeMap;
use std::time::Duration;

use keyring::{Algorithm, KeyState};
use proptest::prelude::*;

use super::*;
use crate::catalog::Sensitivity;
use crate::id::KeyId;
use crate::key::model::KeyPolicy;
use crate::name::Name;

fn key() -> Key {
    Key {
        id: KeyId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
        name: Name::parse("orders").unwrap(),
        algorithm: Algorithm::Aes256Gcm,
        owner_team: None,
        purpose: None,
        environment: None,
        tags: BTreeMap::new(),
        policy: KeyPolicy::of_class(Sensitivity::Medium),
        last_number: 1,
        promoting: None,
        postponed_since: None,
        undrained: None,
        created_at: Timestamp::from_micros(0),
        revision: 1,
    }
}

/// What people can ask for.
#[derive(Clone, Debug)]
enum Act {
    Move {
        number: u32,
        to: KeyState,
    },
    /// A new version is handed round, as the first step of a rotation does.
    Stage,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let state = prop::sample::select(KeyState::ALL.to_vec());
    let a_move = (1_u32..6, state).prop_map(|(number, to)| Act::Move { number, to });
    prop::collection::vec(prop_oneof![8 => a_move, 2 => Just(Act::Stage)], 1..60)
}

/// The stored versions, and what the model knows of them.
struct World {
    key: Key,
    versions: Vec<KeyVersion>,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let key = key();
        let first = KeyVersion::new(&key.id, 1, KeyState::Active, key.created_at, "first");
        Self {
            now: key.created_at,
            versions: vec![first],
            key,
        }
    }

    fn states(&self) -> BTreeMap<u32, KeyState> {
        self.versions
            .iter()
            .map(|version| (version.number, version.state))
            .collect()
    }

    fn add(&mut self, state: KeyState) {
        self.key.last_number += 1;
        let number = self.key.last_number;
        self.versions
            .push(KeyVersion::new(&self.key.id, number, state, self.now, "added"));
    }

    /// As the store does it: in order, with its index on active versions.
    fn store(&mut self, plan: Plan) {
        for changed in plan.changed {
            let place = self
                .versions
                .iter()
                .position(|version| version.number == changed.number)
                .unwrap();
            self.versions[place] = changed;
            assert!(
                self.active().len() <= 1,
                "the index of the store refuses this order"
            );
        }
        if plan.needs_successor {
            self.add(KeyState::Active);
        }
    }

    fn active(&self) -> Vec<u32> {
        self.versions
            .iter()
            .filter(|version| version.state == KeyState::Active)
            .map(|version| version.number)
            .collect()
    }
}

/// The table of the requirement, once more by hand: a change must be made twice.
fn may_become(from: KeyState, to: KeyState) -> bool {
    use KeyState::{Active, Deprecated, Destroyed, PreActive, Revoked, Suspended};
    match to {
        PreActive => false,
        Active => matches!(from, PreActive | Suspended),
        Deprecated => matches!(from, Active | Suspended | Revoked),
        Suspended => matches!(from, Active | Deprecated),
        Revoked => matches!(from, PreActive | Active | Deprecated | Suspended),
        Destroyed => matches!(from, PreActive | Deprecated | Suspended | Revoked),
    }
}

fn check(world: &World, before: &BTreeMap<u32, KeyState>, number: u32, to: KeyState) {
    let after = world.states();
    assert_eq!(
        after.get(&number),
        Some(&to),
        "the version is where it was moved to"
    );
    let active = world.active();
    assert!(active.len() <= 1, "two seal: {after:?}");
    if active.is_empty() {
        assert!(
            after.values().any(|state| *state == KeyState::Suspended),
            "nobody seals and nobody is suspended: {before:?} -> {after:?}"
        );
    }
    for (other, state) in before {
        let is_touched = after.get(other) != Some(state);
        if is_touched && *other != number {
            let legal = matches!(
                (*state, after[other]),
                (KeyState::Active, KeyState::Deprecated) | (KeyState::PreActive, KeyState::Active)
            );
            assert!(legal, "version {other} was moved too: {before:?} -> {after:?}");
        }
        if *state == KeyState::Destroyed {
            assert_eq!(after[other], KeyState::Destroyed, "nothing comes back");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_ask_for_a_key_seals_under_one_version_or_none(acts in acts()) {
        let mut world = World::new();
        for act in acts {
            world.now = world.now.after(Duration::from_secs(1));
            let before = world.states();
            match act {
                Act::Stage => world.add(KeyState::PreActive),
                Act::Move { number, to } => {
                    let planned =
                        plan_move(&world.key, &world.versions, number, to, world.now, "because");
                    let Some(from) = before.get(&number).copied() else {
                        let is_unknown = matches!(planned, Err(Refusal::NotFound { .. }));
                        prop_assert!(is_unknown);
                        continue;
                    };
                    // A suspended version comes back only while nobody has taken over.
                    let taken_over = from == KeyState::Suspended
                        && to == KeyState::Active
                        && !world.active().is_empty();
                    match planned {
                        Ok(plan) if from == to => prop_assert!(plan.is_nothing()),
                        Ok(plan) => {
                            prop_assert!(may_become(from, to) && !taken_over, "{from} -> {to}");
                            prop_assert_eq!(plan.shredded.clone(), if to == KeyState::Destroyed { vec![number] } else { vec![] });
                            world.store(plan);
                            check(&world, &before, number, to);
                        }
                        Err(Refusal::Conflict { code, .. }) => {
                            prop_assert_eq!(code, "illegal_move");
                            prop_assert!(!may_become(from, to) || taken_over, "{from} -> {to}");
                        }
                        Err(other) => prop_assert!(false, "{other}"),
                    }
                }
            }
        }
    }
}

#[test]
fn revoking_the_active_version_promotes_the_one_that_waits_or_asks_for_a_new_one() {
    let mut world = World::new();
    let plan = plan_move(
        &world.key,
        &world.versions,
        1,
        KeyState::Revoked,
        world.now,
        "leaked",
    )
    .unwrap();
    assert!(plan.needs_successor);
    world.add(KeyState::PreActive);
    let plan = plan_move(
        &world.key,
        &world.versions,
        1,
        KeyState::Revoked,
        world.now,
        "leaked",
    )
    .unwrap();
    assert!(!plan.needs_successor);
    world.store(plan);
    assert_eq!(world.active(), [2]);
}

#[test]
fn while_the_active_version_is_suspended_nothing_takes_over() {
    let mut world = World::new();
    let plan = plan_move(
        &world.key,
        &world.versions,
        1,
        KeyState::Suspended,
        world.now,
        "odd",
    )
    .unwrap();
    assert!(!plan.needs_successor);
    world.store(plan);
    assert!(world.active().is_empty());
    let plan = plan_move(
        &world.key,
        &world.versions,
        1,
        KeyState::Active,
        world.now,
        "fine",
    )
    .unwrap();
    world.store(plan);
    assert_eq!(world.active(), [1]);
}
