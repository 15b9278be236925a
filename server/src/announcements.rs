//! Wakes those who wait: long polls, event streams, the driver.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::change::Topic;
use engine::delivery::{Hearsay, Live};
use engine::ports::Announcer;
use engine::{Clock, Memory};
use tokio::sync::{broadcast, watch};

use crate::host::SystemClock;

/// How many announcements a listener to all topics may lie behind before it is told that it missed some.
const BACKLOG: usize = 4_096;
/// Topics nobody waits for are forgotten whenever this many are held.
const SWEEP_AT: usize = 1_024;

/// One hub per process. Announcing never blocks and never fails.
pub struct Announcements {
    /// What it remembers of a changed thing is forgotten before anyone is woken, so nobody wakes up to read the past.
    live: Arc<Live>,
    memory: Arc<Memory>,
    topics: Mutex<Topics>,
    all: broadcast::Sender<Topic>,
    heard: broadcast::Sender<Vec<Hearsay>>,
}

struct Topics {
    waiting: HashMap<Topic, watch::Sender<u64>>,
    sweep_at: usize,
}

/// Waits for one topic. What is announced between two waits is not lost.
#[derive(Debug)]
pub struct Subscription(watch::Receiver<u64>);

impl Announcements {
    /// A hub that nobody waits at yet.
    pub fn new(live: Arc<Live>, memory: Arc<Memory>) -> Self {
        let topics = Topics {
            waiting: HashMap::new(),
            sweep_at: SWEEP_AT,
        };
        Self {
            live,
            memory,
            topics: Mutex::new(topics),
            all: broadcast::Sender::new(BACKLOG),
            heard: broadcast::Sender::new(BACKLOG),
        }
    }

    /// Hears of `topic` from now on. Subscribe first, then read: so nothing falls in between.
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let mut topics = self.lock();
        if topics.waiting.len() >= topics.sweep_at {
            topics.waiting.retain(|_, sender| sender.receiver_count() > 0);
            topics.sweep_at = (topics.waiting.len() * 2).max(SWEEP_AT);
        }
        let sender = topics
            .waiting
            .entry(topic)
            .or_insert_with(|| watch::Sender::new(0));
        Subscription(sender.subscribe())
    }

    /// Hears of everything.
    pub fn subscribe_to_all(&self) -> broadcast::Receiver<Topic> {
        self.all.subscribe()
    }

    /// Hears what other replicas heard of instances.
    pub fn subscribe_to_hearsay(&self) -> broadcast::Receiver<Vec<Hearsay>> {
        self.heard.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Announcer for Announcements {
    fn heard(&self, told: Vec<Hearsay>) {
        // An error only says that nobody listens.
        let _nobody_listens = self.heard.send(told);
    }

    fn announce(&self, topic: &Topic) {
        self.live.invalidate(topic);
        self.memory.invalidate(topic);
        if let Some(sender) = self.lock().waiting.get(topic) {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
        // An error only says that nobody listens.
        let _nobody_listens = self.all.send(topic.clone());
    }

    fn view_renewed(&self, ago: Duration) {
        self.memory.view.renew(SystemClock.uptime().saturating_sub(ago));
    }
}

impl Subscription {
    /// Waits for the next announcement; returns at once when there was one since the last wait.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The hub lives as long as the process, so this is the end of it: nothing more will come.
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Announcements {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Announcements")
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_those_who_wait_for_the_topic_are_woken() {
        let hub = Announcements::new(
            Arc::new(Live::new(engine::Timestamp::from_micros(0))),
            Arc::default(),
        );
        let mut catalog = hub.subscribe(Topic::Catalog);
        let mut everything = hub.subscribe_to_all();
        assert!(catalog.changed().now_or_never().is_none());
        hub.announce(&Topic::Catalog);
        hub.announce(&Topic::Catalog);
        assert!(catalog.changed().now_or_never().is_some());
        assert!(
            catalog.changed().now_or_never().is_none(),
            "two announcements wake once"
        );
        assert_eq!(everything.recv().now_or_never(), Some(Ok(Topic::Catalog)));
    }

    #[tokio::test]
    async fn a_sweep_keeps_whoever_still_waits() {
        let hub = Announcements::new(
            Arc::new(Live::new(engine::Timestamp::from_micros(0))),
            Arc::default(),
        );
        let clock = crate::host::SystemClock;
        let mut kept = hub.subscribe(Topic::Catalog);
        for _ in 0..SWEEP_AT * 2 {
            drop(
                hub.subscribe(Topic::Credential(engine::id::CredentialId::generate(
                    &clock,
                    &crate::host::OsRandomness,
                ))),
            );
        }
        assert!(hub.lock().waiting.len() <= SWEEP_AT + 1);
        hub.announce(&Topic::Catalog);
        assert!(kept.changed().now_or_never().is_some());
    }
}
