//! The life of a key, played at random: promotions, suspensions, revocations and destructions in every legal
//! order, with values of every version to open at every step.

use std::collections::BTreeMap;

use crate::keys::{key_id, key_material, version};
use crate::randomness::SeededRandomness;
use keyring::{
    Context, KeyState, Keyring, MacRing, OpenError, SealError, VersionedKey, check_move, legal_moves,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// A new version is made and handed round.
    Stage,
    /// The newest staged version becomes active; the active one is deprecated in the same moment.
    Promote,
    /// Some version makes some move of the table.
    Move {
        which: prop::sample::Index,
        to: prop::sample::Index,
    },
    /// A value is sealed, and a message authenticated.
    Seal,
    /// Some value is wrapped anew.
    Rewrap { which: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Stage),
        Just(Step::Promote),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(which, to)| Step::Move { which, to }),
        Just(Step::Seal),
        any::<prop::sample::Index>().prop_map(|which| Step::Rewrap { which }),
    ]
}

/// What was made, and by which version it is held now.
struct Made {
    envelope: Vec<u8>,
    tag: Vec<u8>,
    held_by: u32,
    tagged_by: u32,
}

#[derive(Default)]
struct Life {
    states: BTreeMap<u32, KeyState>,
    made: Vec<Made>,
}

impl Life {
    fn keys(&self) -> Vec<VersionedKey> {
        let key = |(number, state): (&u32, &KeyState)| {
            VersionedKey::new(version(*number), *state, key_material(*number as u8))
        };
        self.states.iter().map(key).collect()
    }

    fn active(&self) -> Option<u32> {
        let mut active = self
            .states
            .iter()
            .filter(|(_, state)| **state == KeyState::Active);
        let number = active.next().map(|(number, _)| *number);
        assert!(active.next().is_none(), "two are active");
        number
    }

    fn apply(&mut self, step: &Step, randomness: &SeededRandomness, context: &Context) {
        let keyring = Keyring::new(key_id(), self.keys()).unwrap();
        match step {
            Step::Stage => {
                self.states
                    .insert(self.states.len() as u32 + 1, KeyState::PreActive);
            }
            Step::Promote => {
                let staged = self
                    .states
                    .iter()
                    .rev()
                    .find(|(_, state)| **state == KeyState::PreActive);
                let Some(number) = staged.map(|(number, _)| *number) else {
                    return;
                };
                if let Some(active) = self.active() {
                    self.states.insert(active, KeyState::Deprecated);
                }
                self.states.insert(number, KeyState::Active);
            }
            Step::Move { which, to } => {
                if self.states.is_empty() {
                    return;
                }
                let number = which.index(self.states.len()) as u32 + 1;
                let moves = legal_moves(self.states[&number]);
                if moves.is_empty() {
                    return;
                }
                let to = moves[to.index(moves.len())];
                assert!(check_move(self.states[&number], to).is_ok());
                // The engine's part: nothing becomes active while another is.
                if to != KeyState::Active || self.active().is_none() {
                    self.states.insert(number, to);
                }
            }
            Step::Seal => {
                let sealed = keyring.seal(randomness, context, b"value");
                let tag = MacRing::new(key_id(), self.keys()).unwrap().mac(b"value");
                let Some(number) = self.active() else {
                    let refusal = SealError::NoActiveVersion { key_id: key_id() };
                    assert_eq!((sealed, tag), (Err(refusal.clone()), Err(refusal)));
                    return;
                };
                let (sealed, tag) = (sealed.unwrap(), tag.unwrap());
                assert_eq!(
                    (sealed.version(), tag.version()),
                    (version(number), version(number))
                );
                self.made.push(Made {
                    envelope: sealed.into_bytes(),
                    tag: tag.into_bytes(),
                    held_by: number,
                    tagged_by: number,
                });
            }
            Step::Rewrap { which } => {
                if self.made.is_empty() {
                    return;
                }
                let chosen = which.index(self.made.len());
                let made = &mut self.made[chosen];
                let rewrapped = keyring.rewrap(randomness, &made.envelope);
                let active = self.states.iter().find(|(_, state)| **state == KeyState::Active);
                let is_allowed = self.states[&made.held_by].may_open();
                match (active, is_allowed) {
                    (Some((number, _)), true) => {
                        made.envelope = rewrapped.unwrap().into_bytes();
                        made.held_by = *number;
                    }
                    _ => assert!(rewrapped.is_err()),
                }
            }
        }
    }

    /// Every value of every version, against the table of the states.
    fn check(&self, context: &Context) {
        let keyring = Keyring::new(key_id(), self.keys()).unwrap();
        let mac_ring = MacRing::new(key_id(), self.keys()).unwrap();
        assert_eq!(
            keyring.active_version().map(keyring::KeyVersion::number),
            self.active()
        );
        for made in &self.made {
            let judge = |number: u32, is_allowed: fn(KeyState) -> bool| {
                let (version, state) = (version(number), self.states[&number]);
                if is_allowed(state) {
                    Ok(())
                } else {
                    Err(OpenError::VersionRefused { version, state })
                }
            };
            let opened = keyring.open(context, &made.envelope).map(|opened| {
                assert_eq!(opened.expose_bytes(), b"value");
            });
            assert_eq!(opened, judge(made.held_by, KeyState::may_open));
            let moved = keyring.open_for_reencryption(context, &made.envelope).map(|_| ());
            assert_eq!(moved, judge(made.held_by, KeyState::may_open_for_reencryption));
            let verified = mac_ring.verify(b"value", &made.tag).map(|_| ());
            assert_eq!(verified, judge(made.tagged_by, KeyState::may_open));
        }
    }
}

proptest! {
    #[test]
    fn at_every_step_of_a_life_each_version_does_what_its_state_says(
        seed: u64, steps in prop::collection::vec(step(), 1..60),
    ) {
        let (randomness, context) = (SeededRandomness::new(seed), Context::of_caller("life"));
        let mut life = Life::default();
        for step in &steps {
            life.apply(step, &randomness, &context);
            life.check(&context);
        }
    }
}
