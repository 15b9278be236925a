//! Shares that people give to a command on their own machine, where no server runs that could gather them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::{RootError, RootOfTrust, RootWithRecord, Roots};
use engine::seal::LocalRoot;
use engine::seal::local::SHARES;
use engine::seal::record::RootRecord;
use engine::seal::shares::{Share, ShareSet};

use super::{ConfiguredRoots, randomness};

/// Asks for one more share: which set, how many of how many are there.
pub trait AskForShare: Send + Sync {
    /// A share that somebody typed; None when nobody can be asked.
    fn ask(&self, set: &ShareSet, so_far: usize) -> Option<Result<Share, RootError>>;
}

/// The configured roots, and those whose shares were given.
pub struct GivenRoots {
    configured: ConfiguredRoots,
    /// Of any sets: a backup and the tombstones for it may have been sealed under two.
    shares: Vec<Share>,
    people: Arc<dyn AskForShare>,
}

impl GivenRoots {
    /// These roots, these shares, and whom to ask for more of them.
    pub fn new(configured: ConfiguredRoots, shares: Vec<Share>, people: Arc<dyn AskForShare>) -> Self {
        Self {
            configured,
            shares,
            people,
        }
    }

    fn of_shares(&self, set: &ShareSet) -> Result<Arc<dyn RootOfTrust>, RootError> {
        let mut asked: Vec<Share> = Vec::new();
        loop {
            let of_set = self
                .shares
                .iter()
                .chain(&asked)
                .filter(|share| share.set() == set.id);
            let mut given: BTreeMap<u8, &Share> = BTreeMap::new();
            for share in of_set {
                set.check(share)
                    .map_err(|wrong| RootError::Refused(wrong.to_string()))?;
                given.insert(share.index(), share);
            }
            let (so_far, needed) = (given.len(), usize::from(set.threshold));
            if so_far >= needed {
                let shares: Vec<&Share> = given.into_values().take(needed).collect();
                let root_key = set.combine(&shares).ok_or_else(|| {
                    RootError::Refused(
                        "the shares are right and give another key: what is kept of them is damaged"
                            .to_owned(),
                    )
                })?;
                return Ok(LocalRoot::new(root_key, SHARES, randomness()));
            }
            match self.people.ask(set, so_far) {
                Some(share) => asked.push(share?),
                None if self.shares.is_empty() => {
                    let (threshold, shares) = (set.threshold, set.shares);
                    return Err(RootError::NeedsShares { threshold, shares });
                }
                None => {
                    return Err(RootError::Refused(format!(
                        "{so_far} of the {needed} shares of set {} that are needed were given; give each with --share FILE",
                        set.id
                    )));
                }
            }
        }
    }
}

impl fmt::Debug for GivenRoots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GivenRoots")
            .field("shares", &self.shares.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Roots for GivenRoots {
    async fn open(&self, record: &RootRecord) -> Result<Arc<dyn RootOfTrust>, RootError> {
        match record {
            RootRecord::Shares(set) => self.of_shares(set),
            other => self.configured.open(other).await,
        }
    }

    async fn first(&self) -> Result<RootWithRecord, RootError> {
        self.configured.first().await
    }

    async fn next(&self) -> Result<Option<RootWithRecord>, RootError> {
        self.configured.next().await
    }
}
