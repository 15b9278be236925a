//! What the agent knows of one credential: the last delivery, and how it stands with the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use api::{Ack, AckStatus, Client, ClientError, Delivery, client::DeliveryReply, problem::code};
use tokio::{
    sync::{Mutex, Notify, watch},
    time::Instant,
};

use crate::{
    AckMode, Freshness, Lease, Status, Unavailable,
    acknowledgement::{Acknowledgement, Progress},
};

/// What all parts of an agent share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) client: Client,
    pub(crate) instance: String,
    pub(crate) ack_mode: AckMode,
    pub(crate) outage_limit: Duration,
    pub(crate) refresh_timeout: Duration,
    pub(crate) jitter: Arc<dyn crate::Jitter>,
}

/// One credential of an agent.
#[derive(Debug)]
pub(crate) struct CredentialState {
    pub(crate) name: String,
    pub(crate) snapshot: watch::Sender<Snapshot>,
    pub(crate) acknowledgement: Acknowledgement,
    /// Asks the refresher for a fetch now; several requests are one.
    pub(crate) refresh_wanted: Notify,
    /// One forced fetch at a time; holds when the last one that brought nothing ended.
    refreshing: Mutex<Option<Instant>>,
    refreshes_started: AtomicU64,
    /// The version the program says it runs with; 0 is none.
    loaded_version: AtomicU32,
}

/// The last delivery and its freshness.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) held: Option<Held>,
    pub(crate) contact: Contact,
}

/// A delivery in memory.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) entity_tag: String,
    pub(crate) current: Arc<Lease>,
    pub(crate) previous: Option<Arc<Lease>>,
    pub(crate) refresh_after: Duration,
}

#[derive(Debug, Clone)]
pub(crate) enum Contact {
    Waiting { reason: String },
    Fresh,
    Outage { since: Instant, reason: String },
    Expired { reason: String },
    Withdrawn { reason: String },
    Stopped,
}

/// A forced fetch that brought nothing new is not repeated sooner: the long poll brings changes anyway.
const USELESS_REFRESH_PAUSE: Duration = Duration::from_secs(1);

impl CredentialState {
    pub(crate) fn new(name: &str) -> Self {
        let reason = "the server has not answered yet".to_owned();
        Self {
            name: name.to_owned(),
            snapshot: watch::Sender::new(Snapshot {
                held: None,
                contact: Contact::Waiting { reason },
            }),
            acknowledgement: Acknowledgement::default(),
            refresh_wanted: Notify::new(),
            refreshing: Mutex::new(None),
            refreshes_started: AtomicU64::new(0),
            loaded_version: AtomicU32::new(0),
        }
    }

    /// Keeps what was delivered. A lease that did not change stays the same object.
    pub(crate) fn install(&self, surroundings: &Surroundings, entity_tag: String, delivery: Delivery) {
        let version = delivery.version;
        let mut is_new = true;
        self.snapshot.send_modify(|snapshot| {
            let old = snapshot.held.take();
            let keep = |version: u32, values: api::Values| {
                let known = old
                    .as_ref()
                    .map(|held| [Some(&held.current), held.previous.as_ref()]);
                let same = known
                    .into_iter()
                    .flatten()
                    .flatten()
                    .find(|lease| lease.holds_the_same(version, &values))
                    .cloned();
                same.unwrap_or_else(|| Arc::new(Lease::new(&self.name, version, values)))
            };
            let current = keep(delivery.version, delivery.values);
            // Delivered once more, it must not override what the program said of it meanwhile.
            is_new = !old
                .as_ref()
                .is_some_and(|held| Arc::ptr_eq(&held.current, &current));
            let previous = delivery
                .previous
                .map(|previous| keep(previous.version, previous.values));
            let refresh_after = Duration::from_secs(delivery.refresh_after_seconds.clamp(1, 24 * 3600));
            snapshot.held = Some(Held {
                entity_tag,
                current,
                previous,
                refresh_after,
            });
            snapshot.contact = Contact::Fresh;
        });
        if is_new && surroundings.ack_mode == AckMode::OnFetch {
            self.acknowledge(Ack {
                version,
                status: AckStatus::Loaded,
                error: None,
            });
        }
    }

    /// Says what became of a version; sent in the background until the server has it.
    pub(crate) fn acknowledge(&self, ack: Ack) {
        let loaded = if ack.status == AckStatus::Loaded {
            ack.version
        } else {
            0
        };
        self.loaded_version.store(loaded, Ordering::SeqCst);
        self.acknowledgement.want(ack);
    }

    /// The entity tag to poll with. Polling with a version's tag acknowledges it, so there is none until it is loaded.
    pub(crate) fn pollable_tag(&self) -> Option<String> {
        let snapshot = self.snapshot.borrow();
        let held = snapshot.held.as_ref()?;
        (self.loaded_version.load(Ordering::SeqCst) == held.current.version())
            .then(|| held.entity_tag.clone())
    }

    pub(crate) fn note_contact(&self) {
        let contact = Contact::Fresh;
        // Nobody waits for this, so nobody is woken.
        self.snapshot.send_if_modified(|snapshot| {
            let was_away = !matches!(snapshot.contact, Contact::Fresh);
            snapshot.contact = contact;
            was_away
        });
    }

    /// Records why there was no answer, and erases what may not be served any longer.
    pub(crate) fn note_failure(&self, surroundings: &Surroundings, error: &ClientError) {
        let reason = error.to_string();
        let withdrawn = matches!(error.code(), Some(code::NOT_BOUND | code::NOT_FOUND));
        let no_version = error.code() == Some(code::NO_VERSION_YET);
        self.snapshot.send_modify(|snapshot| {
            if withdrawn {
                snapshot.held = None;
                snapshot.contact = Contact::Withdrawn { reason };
                return;
            }
            if snapshot.held.is_none() || no_version {
                snapshot.held = None;
                // Without an answer nothing is known that would change these two.
                let stands = matches!(
                    snapshot.contact,
                    Contact::Expired { .. } | Contact::Withdrawn { .. }
                );
                if no_version || !stands {
                    snapshot.contact = Contact::Waiting { reason };
                }
                return;
            }
            // Counted from when it is noticed: until then the last answer may have been as fresh as an idle poll.
            let since = match &snapshot.contact {
                Contact::Outage { since, .. } => *since,
                _ => Instant::now(),
            };
            if since.elapsed() >= surroundings.outage_limit {
                snapshot.held = None;
                snapshot.contact = Contact::Expired { reason };
            } else {
                snapshot.contact = Contact::Outage { since, reason };
            }
        });
        if withdrawn {
            tracing::error!(credential = self.name, error = %error, "the credential was withdrawn from this consumer");
        } else {
            tracing::warn!(credential = self.name, error = %error, "the server could not be asked for the credential");
        }
    }

    /// Fetches now, unless a fetch that began after this call has brought the news already.
    pub(crate) async fn refresh(&self, surroundings: &Surroundings) {
        let started_before = self.refreshes_started.load(Ordering::SeqCst);
        let mut useless_since = self.refreshing.lock().await;
        if self.refreshes_started.load(Ordering::SeqCst) > started_before {
            return;
        }
        if useless_since.is_some_and(|since| since.elapsed() < USELESS_REFRESH_PAUSE) {
            return;
        }
        self.refreshes_started.fetch_add(1, Ordering::SeqCst);
        let tag_before = self.held().map(|held| held.entity_tag);
        let fetch = surroundings
            .client
            .fetch_delivery(&self.name, &surroundings.instance);
        match tokio::time::timeout(surroundings.refresh_timeout, fetch).await {
            Ok(Ok(DeliveryReply::Fresh { entity_tag, delivery })) => {
                self.install(surroundings, entity_tag, delivery);
            }
            Ok(Ok(DeliveryReply::NotModified)) => self.note_contact(),
            Ok(Err(error)) => self.note_failure(surroundings, &error),
            Err(_) => tracing::warn!(
                credential = self.name,
                "a refresh took too long; the last good value stays"
            ),
        }
        let is_useless = self.held().map(|held| held.entity_tag) == tag_before;
        *useless_since = is_useless.then(Instant::now);
    }

    /// Erases the value and wakes who waits: the agent is gone.
    pub(crate) fn stop(&self) {
        self.snapshot.send_replace(Snapshot {
            held: None,
            contact: Contact::Stopped,
        });
    }

    pub(crate) fn held(&self) -> Option<Held> {
        self.snapshot.borrow().held.clone()
    }

    /// What a program may use now.
    pub(crate) fn usable(&self, outage_limit: Duration) -> Result<Held, Unavailable> {
        let snapshot = self.snapshot.borrow();
        let credential = self.name.clone();
        match (&snapshot.contact, &snapshot.held) {
            (Contact::Outage { since, reason }, Some(_)) if since.elapsed() >= outage_limit => {
                Err(Unavailable::Expired {
                    credential,
                    reason: reason.clone(),
                })
            }
            (Contact::Stopped, _) => Err(Unavailable::Stopped),
            (_, Some(held)) => Ok(held.clone()),
            (Contact::Expired { reason }, None) => Err(Unavailable::Expired {
                credential,
                reason: reason.clone(),
            }),
            (Contact::Withdrawn { reason }, None) => Err(Unavailable::Withdrawn {
                credential,
                reason: reason.clone(),
            }),
            (Contact::Waiting { reason } | Contact::Outage { reason, .. }, None) => {
                Err(Unavailable::Waiting {
                    credential,
                    reason: reason.clone(),
                })
            }
            (Contact::Fresh, None) => Err(Unavailable::Waiting {
                credential,
                reason: "nothing was delivered".to_owned(),
            }),
        }
    }

    /// How long until an outage has lasted too long.
    pub(crate) fn outage_left(&self, outage_limit: Duration) -> Option<Duration> {
        match &self.snapshot.borrow().contact {
            Contact::Outage { since, .. } => Some(outage_limit.saturating_sub(since.elapsed())),
            _ => None,
        }
    }

    pub(crate) fn status(&self, outage_limit: Duration) -> Status {
        let snapshot = self.snapshot.borrow();
        let freshness = match &snapshot.contact {
            Contact::Waiting { reason } => Freshness::Waiting {
                reason: reason.clone(),
            },
            Contact::Fresh => Freshness::Fresh,
            Contact::Outage { since, reason } if since.elapsed() >= outage_limit => Freshness::Expired {
                reason: reason.clone(),
            },
            Contact::Outage { since, reason } => Freshness::Outage {
                lasting: since.elapsed(),
                reason: reason.clone(),
            },
            Contact::Expired { reason } => Freshness::Expired {
                reason: reason.clone(),
            },
            Contact::Withdrawn { reason } => Freshness::Withdrawn {
                reason: reason.clone(),
            },
            Contact::Stopped => Freshness::Stopped,
        };
        let is_expired = matches!(freshness, Freshness::Expired { .. });
        let held = snapshot.held.as_ref().filter(|_| !is_expired);
        Status {
            credential: self.name.clone(),
            version: held.map(|held| held.current.version()),
            previous_version: held
                .and_then(|held| held.previous.as_ref())
                .map(|lease| lease.version()),
            freshness,
        }
    }

    pub(crate) fn acknowledgement_progress(&self) -> watch::Receiver<Progress> {
        self.acknowledgement.subscribe()
    }
}
