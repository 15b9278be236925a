//! Shares being given, one by one, by different people.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use keyring::{RootKey, SecretText};

use crate::access::{Actor, ActorKind};
use crate::clock::Timestamp;
use crate::rule::Refusal;
use crate::seal::shares::{InvalidShare, Share, ShareSet};

/// Shares that were given wait so long for the others; then they are wiped and given again.
pub const GATHER_WITHIN: Duration = Duration::from_secs(3_600);
/// Wrong shares of one person within [`WRONG_WITHIN`]. Counted apart, so that nobody keeps the others from giving theirs.
const WRONG_AT_MOST: usize = 5;
const WRONG_WITHIN: Duration = Duration::from_secs(600);

/// Shares given so far. In memory only: a restart forgets them.
#[derive(Debug, Default)]
pub struct Gathering {
    /// By set and number: while a migration is under way, shares of two sets may come in.
    given: BTreeMap<(String, u8), Given>,
    since: Option<Timestamp>,
    wrong: HashMap<String, Vec<Timestamp>>,
}

#[derive(Debug)]
struct Given {
    share: Share,
    by: String,
}

/// How far it is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The set that the shares must be of.
    pub set: String,
    pub threshold: u8,
    pub shares: u8,
    /// The numbers of the shares that were given, and by whom.
    pub given: Vec<(u8, String)>,
}

impl Gathering {
    /// Takes one share. The key, once there are as many as needed; the shares are wiped then.
    ///
    /// # Errors
    /// The share is wrong (named, without its value), was given already, comes from somebody who gave one, or too many
    /// wrong ones came from them. What was given before stays given.
    pub fn give(
        &mut self,
        set: &ShareSet,
        line: &SecretText,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Option<RootKey>, Refusal> {
        self.forget_old(now);
        let by = actor.label();
        self.check_attempts(&by, now)?;
        let checked = Share::parse(line).and_then(|share| set.check(&share).map(|()| share));
        let share = checked.map_err(|wrong| self.note_wrong(&by, &wrong, now))?;
        let index = share.index();
        let at = (set.id.clone(), index);
        if let Some(given) = self.given.get(&at) {
            // The same person again: a repetition, and nothing changes.
            if given.by == by {
                return Ok(None);
            }
            let detail = format!("share {index} was given already, by {}", given.by);
            return Err(Refusal::conflict("share_given", detail));
        }
        // On the server's own machine each call stands for whoever typed the share.
        let may_give_several = actor.kind == ActorKind::System;
        if !may_give_several && self.of_set(set).any(|(_, given)| given.by == by) {
            let detail = "you gave a share already; the others must come from other people";
            return Err(Refusal::conflict("same_person", detail));
        }
        self.since.get_or_insert(now);
        self.given.insert(at, Given { share, by });
        let shares: Vec<&Share> = self.of_set(set).map(|(_, given)| &given.share).collect();
        if shares.len() < usize::from(set.threshold) {
            return Ok(None);
        }
        let root_key = set.combine(&shares);
        self.clear();
        let damaged = || {
            Refusal::Unavailable(
                "the shares are right and give another key: the stored record is damaged; restore a backup"
                    .to_owned(),
            )
        };
        root_key.map(Some).ok_or_else(damaged)
    }

    /// Wipes what was given.
    pub fn clear(&mut self) {
        self.given.clear();
        self.since = None;
    }

    /// Whether this actor gave one of the shares that are here.
    pub fn has_given(&self, actor: &Actor) -> bool {
        self.given.values().any(|given| given.by == actor.label())
    }

    /// Nobody gave one yet, or not in time.
    pub fn is_empty_at(&self, now: Timestamp) -> bool {
        self.given.is_empty() || self.is_over(now)
    }

    /// Who gave one.
    pub fn givers(&self) -> Vec<String> {
        let mut givers: Vec<String> = self.given.values().map(|given| given.by.clone()).collect();
        givers.sort();
        givers.dedup();
        givers
    }

    /// How far it is.
    pub fn progress(&self, set: &ShareSet, now: Timestamp) -> Progress {
        let given = self.of_set(set).map(|(index, given)| (index, given.by.clone()));
        Progress {
            set: set.id.clone(),
            threshold: set.threshold,
            shares: set.shares,
            given: if self.is_over(now) {
                Vec::new()
            } else {
                given.collect()
            },
        }
    }

    fn of_set<'a>(&'a self, set: &'a ShareSet) -> impl Iterator<Item = (u8, &'a Given)> {
        let of_set = self.given.iter().filter(|((id, _), _)| *id == set.id);
        of_set.map(|((_, index), given)| (*index, given))
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.since(since) > GATHER_WITHIN)
    }

    fn forget_old(&mut self, now: Timestamp) {
        if self.is_over(now) {
            self.clear();
        }
        self.wrong.retain(|_, times| {
            times.retain(|time| now.since(*time) <= WRONG_WITHIN);
            !times.is_empty()
        });
    }

    fn check_attempts(&self, by: &str, now: Timestamp) -> Result<(), Refusal> {
        let wrong = self.wrong.get(by).map_or(&[][..], Vec::as_slice);
        if wrong.len() < WRONG_AT_MOST {
            return Ok(());
        }
        let first = wrong.first().copied().unwrap_or(now);
        let wait = WRONG_WITHIN.saturating_sub(now.since(first)).as_secs() + 1;
        let detail = format!(
            "{WRONG_AT_MOST} wrong shares came from you; try again in {wait} s. The others may go on"
        );
        Err(Refusal::conflict("too_many_requests", detail))
    }

    fn note_wrong(&mut self, by: &str, wrong: &InvalidShare, now: Timestamp) -> Refusal {
        self.wrong.entry(by.to_owned()).or_default().push(now);
        Refusal::rule("/share", wrong.to_string())
    }
}
