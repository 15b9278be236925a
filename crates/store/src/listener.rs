//! What other replicas change: PostgreSQL's notifications, and a poll behind them in case one is lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use engine::change::Topic;
use engine::ports::{RotationFilter, StoreError};
use sqlx::AnyPool;
use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::announce::{Announcing, CHANNEL, Notice};
use crate::{audit, credential, hearsay, key, replica, rotation};

const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// A notice is waited for so often and so long before the view counts as incomplete.
const NOTICE_LOOKS: u32 = 5;
const NOTICE_WAIT: Duration = Duration::from_millis(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Pages of rotations that ended longer ago than these are not watched by anyone.
const RECENT_ROTATIONS: u32 = 200;

/// What both tasks know.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pool: AnyPool,
    announcing: Announcing,
    /// The highest commit of which a notice arrived, or that the poll made up for.
    seen: Arc<AtomicI64>,
    /// The poll looks at once: somebody waits for this replica to say what it has heard.
    look: Arc<Notify>,
}

impl Watch {
    /// Begins with what is stored now.
    pub(crate) async fn begin(pool: AnyPool, announcing: Announcing) -> Result<Self, StoreError> {
        let seen = audit::head(&pool).await?.commits;
        Ok(Self {
            pool,
            announcing,
            seen: Arc::new(AtomicI64::new(seen)),
            look: Arc::default(),
        })
    }

    /// Passes notices on for as long as the database lives, and tells everyone after a gap.
    pub(crate) async fn listen(self, url: String, mut listener: PgListener) {
        loop {
            match listener.try_recv().await {
                Ok(Some(notification)) => self.pass_on(&notification),
                Ok(None) | Err(_) => {
                    tracing::warn!(
                        "the connection that hears of other replicas' changes was lost; reconnecting"
                    );
                    listener = reconnect(&url).await;
                    // Anything may have been missed.
                    while !self.announce_everything().await {
                        tokio::time::sleep(POLL_INTERVAL).await;
                    }
                }
            }
        }
    }

    fn pass_on(&self, notification: &PgNotification) {
        if notification.channel() == hearsay::CHANNEL {
            if let Some(told) = hearsay::parse(notification.payload(), &self.announcing.replica) {
                self.announcing.announcer.heard(told);
            }
            return;
        }
        let Some(notice) = Notice::parse(notification.payload()) else {
            tracing::warn!("a notification of the database was not understood; another version may run");
            return;
        };
        let (from_here, commits) = (notice.from == self.announcing.replica, notice.commits);
        let is_awaited = !from_here && notice.is_about_a_key();
        // Our own changes were announced when they were committed.
        if !from_here {
            self.announcing.announce(&notice.into_topics());
        }
        self.seen.fetch_max(commits, Ordering::AcqRel);
        if is_awaited {
            self.look.notify_one();
        }
    }

    /// Looks every 200 ms whether a commit came without a notice.
    pub(crate) async fn poll(self) {
        let mut interval = tokio::time::interval(POLL_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut overdue = None;
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = self.look.notified() => {}
            }
            if overdue.is_some_and(|commits| commits > self.seen.load(Ordering::Acquire)) {
                self.announce_everything().await;
            }
            overdue = self.renew().await;
        }
    }

    /// Looks what the last commit is. When all of it was heard of, this replica's view is as fresh as this look began;
    /// a cut connection renews nothing (KEY-8). Then it tells the others. An outage is the listener's to tell.
    async fn renew(&self) -> Option<i64> {
        let began = Instant::now();
        let commits = audit::head(&self.pool).await.ok()?.commits;
        // Notices come a moment after the commit that they tell of.
        for _ in 0..NOTICE_LOOKS {
            if self.seen.load(Ordering::Acquire) >= commits {
                break;
            }
            tokio::time::sleep(NOTICE_WAIT).await;
        }
        let seen = self.seen.load(Ordering::Acquire);
        if seen >= commits {
            self.announcing.announcer.view_renewed(began.elapsed());
        }
        if !self.announcing.replica.is_empty()
            && let Err(error) = replica::report(&self.pool, &self.announcing.replica, seen.min(commits)).await
        {
            tracing::debug!(%error, "this replica could not tell the others that it lives");
        }
        Some(commits)
    }

    /// False when the database did not say what there is.
    async fn announce_everything(&self) -> bool {
        match self.list_everything().await {
            Ok((commits, topics)) => {
                self.announcing.announce(&topics);
                self.seen.fetch_max(commits, Ordering::AcqRel);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "what changed on other replicas is not known yet");
                false
            }
        }
    }

    async fn list_everything(&self) -> Result<(i64, HashSet<Topic>), StoreError> {
        let commits = audit::head(&self.pool).await?.commits;
        let recent = RotationFilter {
            limit: RECENT_ROTATIONS,
            ..RotationFilter::default()
        };
        let credentials = credential::list(&self.pool)
            .await?
            .into_iter()
            .map(|found| found.id);
        let keys = key::list(&self.pool).await?.into_iter().map(|found| found.id);
        let in_flight = rotation::list_in_flight(&self.pool).await?;
        let recent = rotation::list(&self.pool, &recent).await?;
        let topics = credentials
            .map(Topic::Credential)
            .chain(
                in_flight
                    .into_iter()
                    .chain(recent)
                    .map(|found| Topic::Rotation(found.id)),
            )
            .chain(keys.map(Topic::Key))
            .chain([Topic::Catalog])
            .collect();
        Ok((commits, topics))
    }
}

/// A connection of its own that hears every notice from now on.
pub(crate) async fn connect(url: &str) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect(url)
        .await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    // A gap is told to us, and we tell everyone.
    listener.eager_reconnect(false);
    listener.listen_all([CHANNEL, hearsay::CHANNEL]).await?;
    Ok(listener)
}

async fn reconnect(url: &str) -> PgListener {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        if let Ok(listener) = connect(url).await {
            return listener;
        }
    }
}
