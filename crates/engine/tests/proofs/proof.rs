//! Drives rotations with a fault in them, and checks after every step what must always hold.

use std::collections::HashMap;
use std::time::Duration;

use engine::Refusal;
use engine::audit::ChainHead;
use engine::audit::service::AuditVerification;
use engine::catalog::{
    Credential, Evidence, NewConsumer, NewCredential, PolicyInput, Sensitivity, Version, VersionNumber,
    VersionState,
};
use engine::delivery::{AckStatus, Delivered, Delivery};
use engine::id::RotationId;
use engine::ports::{SecretRef, Values};
use engine::rotation::{Command, NewRotation, Next, Rotation, RotationState, Trigger};

use crate::fault::Fault;
use crate::house::{House, ada, name, same_values, shop};
use crate::site::{Site, Way};

/// Two copies of the one consumer: the first wave holds one of them.
const INSTANCES: [&str; 2] = ["one", "two"];
/// Looks without any change after which a rotation counts as stuck.
const PATIENCE: usize = 40;

/// What one look of the driver came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    Moved,
    Waited,
    Ended,
    Died,
}

/// One issuer, one server's inside, one consumer of two instances.
pub(crate) struct Proof {
    pub(crate) house: House,
    pub(crate) site: Site,
    credential: String,
    /// The version that each instance uses.
    held: [Option<VersionNumber>; 2],
    checkpoint: Option<ChainHead>,
    /// Nothing is cut yet: instances fetch and acknowledge, and logins are not tried at every step.
    pub(crate) approaching: bool,
    /// What the last boundary was checked at.
    checked: Option<(i64, usize, u32)>,
    /// For messages.
    pub(crate) case: String,
}

impl Proof {
    pub(crate) async fn start(way: Way) -> Self {
        let (house, site) = (House::new().await, Site::start(way).await);
        let services = &house.services;
        services.create_issuer(&ada(), site.issuer()).await.unwrap();
        let consumer = NewConsumer {
            name: "shop".to_owned(),
            service: "Shop".to_owned(),
            environment: "test".to_owned(),
            labels: Default::default(),
            sandbox: false,
        };
        services.create_consumer(&ada(), consumer).await.unwrap();
        Self {
            house,
            site,
            credential: String::new(),
            held: [None, None],
            checkpoint: None,
            approaching: false,
            checked: None,
            case: String::new(),
        }
    }

    /// The same with a credential whose first version is in use.
    pub(crate) async fn furnished(way: Way) -> Self {
        let mut proof = Self::start(way).await;
        proof.add_credential("app").await;
        let id = proof.begin().await;
        let rotation = proof.run(&id).await;
        assert_eq!(rotation.state, RotationState::Completed);
        proof.check_end(&rotation).await;
        proof
    }

    /// A fresh credential, which the instances use from now on.
    pub(crate) async fn add_credential(&mut self, credential: &str) {
        let config = self.site.prepare(credential).await;
        let new = NewCredential {
            name: credential.to_owned(),
            kind: self.site.way.credential_kind().to_owned(),
            issuer: "issuer".to_owned(),
            owner_team: None,
            backup_contact: None,
            purpose: "to be cut".to_owned(),
            sensitivity: Sensitivity::High,
            environment: "test".to_owned(),
            strategy: self.site.way.strategy(),
            config,
            consumers: vec!["shop".to_owned()],
            tags: Vec::new(),
            review_every: None,
            policy: PolicyInput {
                grace: Some(Duration::ZERO),
                soak: Some(Duration::ZERO),
                waves: Some(vec![50, 100]),
                evidence: Some(Evidence::AcksAndProbe),
                rollback_drain: Some(Duration::from_secs(30)),
                ..PolicyInput::default()
            },
            age_thresholds: None,
            initial: None,
            override_reason: None,
            sandbox: false,
        };
        self.house.services.create_credential(&ada(), new).await.unwrap();
        self.credential = credential.to_owned();
        self.held = [None, None];
        self.checked = None;
    }

    pub(crate) async fn begin(&self) -> RotationId {
        let new = NewRotation {
            credential: name(&self.credential),
            reason: "a proof".to_owned(),
            emergency: false,
            trigger: Trigger::Person,
        };
        let rotation = self.house.services.start_rotation(&ada(), new).await.unwrap();
        rotation.id
    }

    pub(crate) async fn rotation(&self, id: &RotationId) -> Rotation {
        self.house.services.store.rotation(id).await.unwrap().unwrap()
    }

    pub(crate) async fn command(&self, id: &RotationId, command: Command) {
        let services = &self.house.services;
        services
            .command_rotation(&ada(), id, command, "a proof")
            .await
            .unwrap();
    }

    /// One look of the driver, which the plan may end by death; then the next life has begun.
    async fn look(&mut self, id: &RotationId) -> Looked {
        let house = &self.house;
        let next = tokio::select! {
            biased;
            next = house.services.drive(&house.driver, id) => Some(next.unwrap()),
            () = house.faults.death.notified() => None,
        };
        match next {
            Some(Next::Again) if house.faults.look_ended() => {}
            Some(Next::Again) => return Looked::Moved,
            Some(Next::At(at)) => {
                house.clock.advance_to(at);
                return Looked::Waited;
            }
            Some(Next::Ended) => return Looked::Ended,
            Some(Next::NotMine) => panic!("{}: nobody else drives", self.case),
            None => {}
        }
        self.house.die_and_come_back().await;
        Looked::Died
    }

    /// Drives until it ends, asks for a person, or nothing moves any more.
    pub(crate) async fn run(&mut self, id: &RotationId) -> Rotation {
        self.run_until(id, |state| matches!(state, RotationState::NeedsOperator { .. }))
            .await
    }

    /// The same, or until its state is the wanted one.
    pub(crate) async fn run_until(
        &mut self,
        id: &RotationId,
        wanted: impl Fn(&RotationState) -> bool,
    ) -> Rotation {
        let (mut waited, mut revision) = (0, 0);
        for _ in 0..2_000 {
            let rotation = self.rotation(id).await;
            self.check_boundary(Some(&rotation)).await;
            waited = if rotation.revision == revision { waited } else { 0 };
            revision = rotation.revision;
            if wanted(&rotation.state) || waited > PATIENCE {
                return rotation;
            }
            match self.look(id).await {
                Looked::Ended => return self.rotation(id).await,
                Looked::Waited => waited += 1,
                Looked::Moved | Looked::Died => {}
            }
        }
        panic!("{}: it goes round in circles", self.case);
    }

    /// Drives to a true end; whatever asks for a person is mended and tried again. Gives it as it stood first, too.
    pub(crate) async fn run_out(&mut self, id: &RotationId) -> (Rotation, Rotation) {
        let stopped = self.run(id).await;
        self.house.faults.heal();
        if stopped.state.is_terminal() {
            return (stopped.clone(), stopped);
        }
        if matches!(stopped.state, RotationState::NeedsOperator { .. }) {
            self.command(id, Command::Retry).await;
        }
        let ended = self.run(id).await;
        assert!(
            ended.state.is_terminal(),
            "{}: mended and tried again, and still {:?}",
            self.case,
            ended.state
        );
        (stopped, ended)
    }

    async fn credential(&self) -> Credential {
        let store = &self.house.services.store;
        store.credential(&name(&self.credential)).await.unwrap().unwrap()
    }

    async fn versions(&self, credential: &Credential) -> Vec<Version> {
        self.house.services.store.versions(&credential.id).await.unwrap()
    }

    async fn stored(&self, credential: &Credential, number: VersionNumber) -> Values {
        let at = SecretRef::version(&credential.id, number);
        let opened = self.house.services.opened_values(&at).await;
        opened.unwrap_or_else(|error| panic!("{}: version {number} is lost: {error}", self.case))
    }

    /// What holds at every step boundary. Instances fetch and acknowledge there, as live ones do.
    pub(crate) async fn check_boundary(&mut self, rotation: Option<&Rotation>) {
        let revision = rotation.map_or(-1, |rotation| rotation.revision);
        let here = (revision, self.house.faults.acts().len(), self.house.lives);
        if rotation.is_some() && self.checked == Some(here) {
            return;
        }
        self.checked = Some(here);
        let at = format!("{} [{:?}]", self.case, rotation.map(|rotation| &rotation.state));
        let credential = self.credential().await;
        let mut accepted = Accepted::default();
        if self.site.way != Way::InPlace {
            for held in self.held.into_iter().flatten() {
                let works = accepted.look(self, &credential, held).await;
                assert!(
                    works,
                    "{at}: version {held}, which an instance still uses, is refused"
                );
            }
        }
        for index in 0..INSTANCES.len() {
            self.refresh(index, &credential, &mut accepted, &at).await;
        }
        let versions = self.versions(&credential).await;
        let current: Vec<VersionNumber> = versions
            .iter()
            .filter(|version| version.state == VersionState::Current)
            .map(|version| version.number)
            .collect();
        assert_eq!(
            current,
            Vec::from_iter(credential.current),
            "{at}: versions {versions:?}"
        );
        if !self.approaching {
            self.check_nothing_lost(&credential, &versions, &at).await;
        }
    }

    /// One instance asks what to use, sees that it works, and says so.
    async fn refresh(&mut self, index: usize, credential: &Credential, accepted: &mut Accepted, at: &str) {
        let services = self.house.services.clone();
        let instance = INSTANCES[index];
        let delivered = services.deliver(&shop(), &credential.name, instance, None).await;
        let delivery: Box<Delivery> = match delivered {
            Ok(Delivered::Values(delivery)) => delivery,
            Ok(Delivered::Unchanged { .. }) => panic!("{at}: nothing was known before"),
            Err(Refusal::NoVersionYet(_)) if credential.current.is_none() => return,
            Err(error) => panic!("{at}: {error}"),
        };
        let mut offered = vec![(delivery.version, &delivery.values)];
        offered.extend(
            delivery
                .previous
                .as_ref()
                .map(|(number, values)| (*number, values)),
        );
        let mut works = Vec::new();
        for (number, values) in &offered {
            let stored = self.stored(credential, *number).await;
            assert!(
                same_values(values, &stored),
                "{at}: version {number} is not what is stored"
            );
            works.push(accepted.look(self, credential, *number).await);
        }
        let numbers: Vec<VersionNumber> = offered.iter().map(|(number, _)| *number).collect();
        let holds = if self.site.way == Way::InPlace {
            works.contains(&true)
        } else {
            !works.contains(&false)
        };
        assert!(
            holds,
            "{at}: {instance} is served {numbers:?}, accepted {works:?}"
        );
        if works[0] {
            let acknowledged = services
                .acknowledge(
                    &shop(),
                    &credential.name,
                    instance,
                    delivery.version,
                    AckStatus::Loaded,
                )
                .await;
            acknowledged.unwrap();
        }
        self.held[index] = numbers
            .into_iter()
            .zip(works)
            .find_map(|(number, works)| works.then_some(number));
    }

    /// Whatever the issuer accepts, its secret is in the store.
    async fn check_nothing_lost(&self, credential: &Credential, versions: &[Version], at: &str) {
        if credential.current.is_none() && self.site.way == Way::InPlace {
            // Until the first version is issued, the role has a password of its own.
            return;
        }
        let mut stored = Vec::new();
        for version in recent(versions) {
            stored.push(self.stored(credential, version.number).await);
        }
        assert!(
            self.site.all_alive_are_stored(&self.credential, &stored).await,
            "{at}: {:?} are alive, and not all of them are stored",
            self.site.alive(&self.credential).await
        );
    }

    /// What holds when a rotation has ended.
    pub(crate) async fn check_end(&mut self, rotation: &Rotation) {
        self.check_boundary(None).await;
        let case = self.case.clone();
        let credential = self.credential().await;
        let served = match rotation.state {
            RotationState::Completed => Some(rotation.to),
            RotationState::RolledBack { .. } => rotation.from,
            ref other => panic!("{case}: it has not ended: {other:?}"),
        };
        assert_eq!(credential.current, served, "{case}");
        let versions = self.versions(&credential).await;
        for version in &versions {
            let number = version.number;
            let expected: &[VersionState] = match number {
                number if Some(number) == served => &[VersionState::Current],
                number if number == rotation.to => &[VersionState::Failed],
                number if Some(number) == rotation.from => &[VersionState::Retired],
                _ => &[VersionState::Failed, VersionState::Retired],
            };
            assert!(
                expected.contains(&version.state),
                "{case}: version {number} is {:?}, not {expected:?}",
                version.state
            );
        }
        for version in recent(&versions) {
            let values = self.stored(&credential, version.number).await;
            assert_eq!(
                self.site.accepts(&values).await,
                Some(version.number) == served,
                "{case}: whether the issuer accepts version {}, which is {:?}",
                version.number,
                version.state
            );
        }
        // Without a version of Rota's, the one login is as it was before Rota.
        if self.site.way != Way::InPlace || served.is_some() {
            let alive = self.site.alive(&self.credential).await;
            assert_eq!(
                alive.len(),
                usize::from(served.is_some()),
                "{case}: alive are {alive:?}"
            );
        }
        self.check_audit().await;
    }

    async fn check_audit(&mut self) {
        let services = &self.house.services;
        let verified = services.verify_audit(&ada(), self.checkpoint.clone()).await;
        match verified.unwrap() {
            AuditVerification::Whole { head } => self.checkpoint = Some(head),
            AuditVerification::Broken(broken) => panic!("{}: {broken}", self.case),
        }
    }
}

/// The newest versions and those in use, which may be older after many failed ones.
fn recent(versions: &[Version]) -> impl Iterator<Item = &Version> {
    let newest = versions.len().saturating_sub(3);
    versions
        .iter()
        .enumerate()
        .filter(move |(index, version)| {
            *index >= newest || !matches!(version.state, VersionState::Retired | VersionState::Failed)
        })
        .map(|(_, version)| version)
}

/// What the issuer was seen to accept at this boundary: each version is tried once.
#[derive(Default)]
struct Accepted(HashMap<VersionNumber, bool>);

impl Accepted {
    async fn look(&mut self, proof: &Proof, credential: &Credential, number: VersionNumber) -> bool {
        if proof.approaching {
            return true;
        }
        if let Some(known) = self.0.get(&number) {
            return *known;
        }
        let accepted = proof.site.accepts(&proof.stored(credential, number).await).await;
        self.0.insert(number, accepted);
        accepted
    }
}

/// Every fault that a rotation survives by itself.
pub(crate) fn is_survived(fault: Fault) -> bool {
    fault != Fault::FailForGood
}
