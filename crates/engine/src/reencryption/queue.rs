//! Records that a reader met under an old version, to be moved soon (REENC-1). Kept in memory: what is lost with it, a
//! job finds.
//!
//! A reader names no record; its context does, where a registered target's template says how a context is made of a
//! record's fields.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::id::KeyId;
use crate::name::Name;
use crate::ports::{Locator, StoredRecord, TargetSession};
use crate::reencryption::model::Target;
use crate::reencryption::mover::KeySource;
use crate::reencryption::moving::{Moving, Tally};
use crate::reencryption::template::ContextTemplate;
use crate::rotation::ErrorClass;
use crate::rule::Refusal;
use crate::services::Services;

/// So many records wait at most; a job moves the rest.
const MOST: usize = 10_000;

/// The fields of a record that its context names, in the order of the target's template.
pub type Fields = Vec<String>;

type Readers = BTreeMap<KeyId, Vec<(Name, ContextTemplate)>>;

/// Records by target, each once.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<BTreeMap<Name, BTreeSet<Fields>>>,
    /// How contexts are read, by key; as of the last look at the targets.
    readers: RwLock<Arc<Readers>>,
}

impl Queue {
    /// Learns which targets there are.
    pub fn learn(&self, targets: &[Target]) {
        let mut readers = Readers::new();
        for target in targets.iter().filter(|target| !target.context.names().is_empty()) {
            let known = (target.name.clone(), target.context.clone());
            readers.entry(target.key.clone()).or_default().push(known);
        }
        *self.readers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(readers);
    }

    /// A value with this context was read under an old version of the key. Never waits.
    pub fn met(&self, key: &KeyId, context: &[u8]) {
        let Ok(readers) = self.readers.try_read().map(|readers| Arc::clone(&readers)) else {
            return;
        };
        for (target, template) in readers.get(key).into_iter().flatten() {
            if let Some(fields) = template.read(context) {
                self.push(target, fields);
            }
        }
    }

    /// Puts a record on the list, unless that would mean waiting or the list is full. True when it stands there.
    pub fn push(&self, target: &Name, fields: Fields) -> bool {
        let Ok(mut waiting) = self.waiting.try_lock() else {
            return false;
        };
        if waiting.values().map(BTreeSet::len).sum::<usize>() >= MOST {
            return false;
        }
        waiting.entry(target.clone()).or_default().insert(fields);
        true
    }

    /// Takes at most `most` records of one target off the list.
    pub fn take(&self, most: usize) -> Option<(Name, Vec<Fields>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (target, mut records) = waiting.pop_first()?;
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(fields) = records.pop_first()
        {
            taken.push(fields);
        }
        if !records.is_empty() {
            waiting.insert(target.clone(), records);
        }
        Some((target, taken))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.values().map(BTreeSet::len).sum()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Services {
    /// Moves records that readers met under an old version; gives how many were looked at. For the worker, every second
    /// or so: what it finds of targets is what readers are measured against until then.
    ///
    /// # Errors
    /// Store away. What the target or the key refuses is left to a job.
    pub async fn work_queue(&self, keys: &dyn KeySource, most: usize) -> Result<usize, Refusal> {
        let queue = &self.reencryption.queue;
        queue.learn(&self.store.targets().await?);
        let Some((name, records)) = queue.take(most) else {
            return Ok(0);
        };
        let looked_at = records.len();
        let Some(target) = self.store.target(&name).await? else {
            return Ok(looked_at);
        };
        // What bars a job bars this too.
        let awaits_shadow = target.require_shadow && self.passed_shadow(&target).await?.is_none();
        if awaits_shadow || self.key_alarm(&target.key).await?.is_some() {
            return Ok(looked_at);
        }
        let job = self.job_of_queue(&target);
        let Ok(key) = keys.moving_key(&target.key, looked_at as u64).await else {
            return Ok(looked_at);
        };
        let Ok(mut session) = self.open_target(&target).await else {
            return Ok(looked_at);
        };
        let Some(records) = read(session.as_mut(), &records).await else {
            return Ok(looked_at);
        };
        let mut moving = Moving {
            services: self,
            keys,
            key,
            job: &job,
            target: &target,
            uses: looked_at as u64,
            tally: Tally::default(),
        };
        // A refusal is nobody's loss: the record stays as it is, and a job lists it.
        if moving.through(session.as_mut(), records).await.is_ok() {
            self.meter
                .records_moved(&target.name, "lazy", &moving.tally.counts);
        }
        Ok(looked_at)
    }
}

/// The records that these fields name, each once; None when the target is away. Fields that no key can be made of spoil
/// nothing for the others.
async fn read(session: &mut dyn TargetSession, records: &[Fields]) -> Option<Vec<StoredRecord>> {
    let located = |fields: &Fields| session.locate(fields);
    let each: Vec<Vec<Locator>> = records.iter().map(located).collect();
    let all: Vec<Locator> = each.iter().flatten().cloned().collect();
    let mut found = match session.read(&all).await {
        Ok(found) => found,
        Err(_) => {
            let mut found = Vec::new();
            for locators in &each {
                match session.read(locators).await {
                    Ok(some) => found.extend(some),
                    Err(error) if error.class == ErrorClass::Policy => {}
                    Err(_) => return None,
                }
            }
            found
        }
    };
    let mut seen = BTreeSet::new();
    found.retain(|record| seen.insert(record.locator.clone()));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_waits_once_and_the_list_is_bounded() {
        let queue = Queue::default();
        let target = Name::parse("orders").unwrap();
        for number in 0..MOST + 5 {
            queue.push(&target, vec![(number % MOST).to_string()]);
        }
        assert_eq!(queue.len(), MOST);
        assert!(!queue.push(&target, vec!["more".to_owned()]));
        let (of, taken) = queue.take(3).unwrap();
        assert_eq!((of, taken.len()), (target, 3));
        assert_eq!(queue.len(), MOST - 3);
    }
}
