//! What replicas tell each other of instances. Each instance talks to one replica; whom it is served, whether a wave may
//! go on and whether a version fails is decided by any of them, so all must know of the whole fleet.
//!
//! Nothing of it is stored. What is lost is silence, and silence holds a rotation and never passes it (invariant 8).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::catalog::VersionNumber;
use crate::clock::Timestamp;
use crate::detection::outcome::Counts;
use crate::detection::watch::InstanceKey;
use crate::id::CredentialId;
use crate::name::Name;
use crate::rule::Refusal;
use crate::services::Services;

/// An instance that shows nothing new is told of this often: well within the time after which it counts as absent.
const REPEAT_EVERY: Duration = Duration::from_secs(60);

/// What one replica heard of one instance since it last told the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hearsay {
    pub credential: CredentialId,
    pub consumer: Name,
    pub instance: String,
    /// The version it last showed to hold.
    pub acknowledged: Option<VersionNumber>,
    /// Outcomes by version, while a rotation is watched.
    pub outcomes: Vec<(VersionNumber, Counts)>,
}

/// What is waiting to be told. Holds nothing while this is the only replica.
#[derive(Debug, Default)]
pub(crate) struct Untold(Mutex<Option<HashMap<(CredentialId, InstanceKey), Telling>>>);

#[derive(Debug)]
struct Telling {
    hearsay: Hearsay,
    /// When it was last told, and which acknowledgement.
    told: Option<(Timestamp, Option<VersionNumber>)>,
    is_due: bool,
}

impl Untold {
    /// There are others to tell from now on.
    pub(crate) fn begin(&self) {
        self.lock().get_or_insert_default();
    }

    /// An instance was heard of, perhaps with an acknowledgement.
    pub(crate) fn seen(
        &self,
        credential: &CredentialId,
        key: &InstanceKey,
        acknowledged: Option<VersionNumber>,
        now: Timestamp,
    ) {
        self.with(credential, key, |telling| {
            telling.hearsay.acknowledged = acknowledged.or(telling.hearsay.acknowledged);
            let known = telling.hearsay.acknowledged;
            telling.is_due |= telling
                .told
                .is_none_or(|(at, told)| told != known || now.since(at) >= REPEAT_EVERY);
        });
    }

    /// It reported outcomes that are being watched.
    pub(crate) fn outcomes(
        &self,
        credential: &CredentialId,
        key: &InstanceKey,
        version: VersionNumber,
        counts: Counts,
    ) {
        self.with(credential, key, |telling| {
            let outcomes = &mut telling.hearsay.outcomes;
            match outcomes.iter_mut().find(|(known, _)| *known == version) {
                Some((_, known)) => known.add(counts),
                None => outcomes.push((version, counts)),
            }
            telling.is_due = true;
        });
    }

    /// What is due. Instances that nobody has heard of for long are forgotten.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<Hearsay> {
        let mut due = Vec::new();
        if let Some(all) = self.lock().as_mut() {
            all.retain(|_, telling| {
                telling.is_due
                    || telling
                        .told
                        .is_some_and(|(at, _)| now.since(at) < 2 * REPEAT_EVERY)
            });
            for telling in all.values_mut().filter(|telling| telling.is_due) {
                telling.is_due = false;
                telling.told = Some((now, telling.hearsay.acknowledged));
                due.push(telling.hearsay.clone());
                telling.hearsay.outcomes.clear();
            }
        }
        due
    }

    fn with(&self, credential: &CredentialId, key: &InstanceKey, change: impl FnOnce(&mut Telling)) {
        let mut all = self.lock();
        let Some(all) = all.as_mut() else { return };
        let telling = all
            .entry((credential.clone(), key.clone()))
            .or_insert_with(|| Telling {
                hearsay: Hearsay {
                    credential: credential.clone(),
                    consumer: key.0.clone(),
                    instance: key.1.clone(),
                    acknowledged: None,
                    outcomes: Vec::new(),
                },
                told: None,
                is_due: false,
            });
        change(telling);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HashMap<(CredentialId, InstanceKey), Telling>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services {
    /// Takes in what other replicas heard, as if the instances had spoken to this one. What it cannot place (a
    /// credential that is gone) is passed over.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn hear(&self, told: &[Hearsay]) -> Result<(), Refusal> {
        for hearsay in told {
            let now = self.clock.now();
            let key = (hearsay.consumer.clone(), hearsay.instance.clone());
            self.live
                .heard(&hearsay.credential, &key, hearsay.acknowledged, now);
            if hearsay.outcomes.is_empty() {
                continue;
            }
            let Some(credential) = self.store.credential_by_id(&hearsay.credential).await? else {
                continue;
            };
            let live = self
                .live
                .credential(self.store.as_ref(), &credential.name)
                .await?;
            if let Some(live) = live {
                for (version, counts) in &hearsay.outcomes {
                    self.weigh(&live, *version, &key, *counts, now).await?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0).after(SECOND * u32::try_from(seconds).unwrap())
    }

    fn subject() -> (CredentialId, InstanceKey) {
        let credential = CredentialId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        (
            credential,
            (Name::parse("orders").unwrap(), "orders-1".to_owned()),
        )
    }

    #[test]
    fn alone_nothing_is_kept() {
        let (credential, key) = subject();
        let untold = Untold::default();
        untold.seen(&credential, &key, None, at(0));
        assert!(untold.take(at(0)).is_empty());
    }

    #[test]
    fn news_is_told_once_and_presence_now_and_then() {
        let (credential, key) = subject();
        let untold = Untold::default();
        untold.begin();
        untold.seen(&credential, &key, None, at(0));
        assert_eq!(untold.take(at(0)).len(), 1);
        untold.seen(&credential, &key, None, at(1));
        assert!(untold.take(at(1)).is_empty(), "nothing new");
        let version = Some(VersionNumber(2));
        untold.seen(&credential, &key, version, at(2));
        assert_eq!(untold.take(at(2))[0].acknowledged, version);
        untold.seen(&credential, &key, None, at(70));
        assert_eq!(untold.take(at(70))[0].acknowledged, version, "it is still there");
        assert!(untold.take(at(300)).is_empty());
        assert!(untold.lock().as_ref().unwrap().is_empty(), "and then forgotten");
    }

    #[test]
    fn outcomes_are_told_as_they_were_counted() {
        let (credential, key) = subject();
        let untold = Untold::default();
        untold.begin();
        let counts = |good, refused| Counts {
            good,
            refused,
            errors: 0,
        };
        untold.outcomes(&credential, &key, VersionNumber(2), counts(3, 1));
        untold.outcomes(&credential, &key, VersionNumber(2), counts(1, 1));
        untold.outcomes(&credential, &key, VersionNumber(1), counts(5, 0));
        let told = untold.take(at(0));
        assert_eq!(
            told[0].outcomes,
            [(VersionNumber(2), counts(4, 2)), (VersionNumber(1), counts(5, 0))]
        );
        assert!(untold.take(at(0)).is_empty(), "told outcomes are not told again");
    }
}
