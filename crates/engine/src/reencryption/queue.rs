//! Records that a reader met under an old version, to be moved soon (REENC-1). Kept in memory: what is lost with it, a
//! job finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::name::Name;
use crate::ports::Locator;

/// So many records wait at most; a job moves the rest.
const MOST: usize = 10_000;

/// Records by target, each once.
#[derive(Debug, Default)]
pub struct Queue(Mutex<BTreeMap<Name, BTreeSet<Locator>>>);

impl Queue {
    /// Puts a record on the list, unless that would mean waiting or the list is full. True when it stands there.
    pub fn push(&self, target: &Name, locator: Locator) -> bool {
        let Ok(mut waiting) = self.0.try_lock() else {
            return false;
        };
        if waiting.values().map(BTreeSet::len).sum::<usize>() >= MOST {
            return false;
        }
        waiting.entry(target.clone()).or_default().insert(locator);
        true
    }

    /// Takes at most `most` records of one target off the list.
    pub fn take(&self, most: usize) -> Option<(Name, Vec<Locator>)> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (target, mut locators) = waiting.pop_first()?;
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(locator) = locators.pop_first()
        {
            taken.push(locator);
        }
        if !locators.is_empty() {
            waiting.insert(target.clone(), locators);
        }
        Some((target, taken))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().map(BTreeSet::len).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_waits_once_and_the_list_is_bounded() {
        let queue = Queue::default();
        let target = Name::parse("orders").unwrap();
        for number in 0..MOST + 5 {
            queue.push(&target, Locator((number % MOST).to_string()));
        }
        assert_eq!(queue.len(), MOST);
        assert!(!queue.push(&target, Locator("more".to_owned())));
        let (of, taken) = queue.take(3).unwrap();
        assert_eq!((of, taken.len()), (target, 3));
        assert_eq!(queue.len(), MOST - 3);
    }
}
