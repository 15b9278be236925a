//! The scenes and the clock, and the reader that answers from them.

use app::reader::{ReadError, Reader};
use app::views::audit::{AuditQuery, AuditView};
use app::views::catalog::CatalogQuery;
use app::views::consumer::{ConsumerFormView, ConsumerView, ConsumersView};
use app::views::credential::{CredentialFormView, CredentialView, CredentialsQuery, CredentialsView};
use app::views::expiry::{ExpiriesQuery, ExpiriesView};
use app::views::frame::{Frame, Freeze, Role, Viewer};
use app::views::issuer::{IssuerFormView, IssuerView, IssuersView};
use app::views::key::{KeyFormView, KeyView, KeysQuery, KeysView};
use app::views::need::NeedsPersonView;
use app::views::overview::{OverviewView, Span};
use app::views::recovery::RecoveryView;
use app::views::reencryption::{JobView, ReencryptionsView, TargetFormView, TargetView};
use app::views::root::RootView;
use app::views::rotation::{RotationView, RotationsQuery, RotationsView};
use app::views::settings::SettingsView;
use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use crate::{credentials, forms, keys, others, overview, reencryption, rotations};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scene {
    #[default]
    Normal,
    Empty,
    Error,
    /// Very long names, right-to-left names, markup in names, a freeze.
    Hostile,
    /// Thousands of everything.
    Many,
}

impl Scene {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "empty" => Self::Empty,
            "error" => Self::Error,
            "hostile" => Self::Hostile,
            "many" => Self::Many,
            _ => Self::Normal,
        }
    }

    /// The sizes of this scene: what is hundreds elsewhere is thousands in `Many`.
    pub(crate) fn of(self, normal: u64, many: u64) -> u64 {
        match self {
            Self::Empty | Self::Error => 0,
            Self::Normal | Self::Hostile => normal,
            Self::Many => many,
        }
    }

    pub(crate) fn name(self, plain: &str) -> String {
        match self {
            Self::Hostile => {
                format!("{plain}.payments-settlement-reconciliation-worker-eu-central-1.blue-green-canary-a")
            }
            _ => plain.to_owned(),
        }
    }

    pub(crate) fn person(self, plain: &str) -> String {
        match self {
            Self::Hostile => format!("فريق المدفوعات <b>{plain}</b>"),
            _ => plain.to_owned(),
        }
    }
}

/// Noon of a Saturday; fixed, so that two pictures of one page can be compared.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_262_400).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

pub(crate) fn ago(length: Duration) -> OffsetDateTime {
    now() - length
}

pub(crate) struct Gallery {
    pub(crate) scene: Scene,
}

impl Gallery {
    fn answer<T>(&self, view: impl FnOnce(Scene) -> T) -> Result<T, ReadError> {
        match self.scene {
            Scene::Error => Err(ReadError::Unavailable("The database does not answer.".into())),
            scene => Ok(view(scene)),
        }
    }

    /// A single subject is missing in the empty scene.
    fn one<T>(&self, view: impl FnOnce(Scene) -> T) -> Result<T, ReadError> {
        if self.scene == Scene::Empty {
            Err(ReadError::NotFound)
        } else {
            self.answer(view)
        }
    }
}

#[async_trait]
impl Reader for Gallery {
    async fn frame(&self) -> Frame {
        let hostile = self.scene == Scene::Hostile;
        Frame {
            now: now(),
            viewer: Viewer {
                name: self.scene.person("ada"),
                role: Role::Administrator,
            },
            environments: vec!["production".into(), "staging".into(), "sandbox".into()],
            environment: hostile.then(|| "production".into()),
            freezes: if hostile { vec![freeze()] } else { Vec::new() },
            sandbox: self.scene != Scene::Empty,
            bootstrap_token_active: hostile,
            standing_findings: if hostile {
                vec!["The root key lies unsealed beside the database: give a passphrase, or keep the file elsewhere.".into()]
            } else {
                Vec::new()
            },
            sealed: hostile.then(|| "Sealed: 2 of 3 shares are entered.".into()),
            needs_person: self.scene.of(3, 1_204),
        }
    }

    async fn overview(&self, span: Span) -> Result<OverviewView, ReadError> {
        self.answer(|scene| overview::overview(scene, span))
    }

    async fn credentials(&self, query: CredentialsQuery) -> Result<CredentialsView, ReadError> {
        self.answer(|scene| credentials::list(scene, &query))
    }

    async fn credential(&self, name: &str) -> Result<CredentialView, ReadError> {
        self.one(|scene| credentials::one(scene, name))
    }

    async fn rotations(&self, _: RotationsQuery) -> Result<RotationsView, ReadError> {
        self.answer(rotations::list)
    }

    async fn rotation(&self, id: &str) -> Result<RotationView, ReadError> {
        self.one(|scene| rotations::one(scene, id))
    }

    async fn credential_form(&self, name: Option<&str>) -> Result<CredentialFormView, ReadError> {
        self.answer(|scene| forms::credential(scene, name))
    }

    async fn issuers(&self, _: CatalogQuery) -> Result<IssuersView, ReadError> {
        self.answer(others::issuers)
    }

    async fn issuer(&self, name: &str) -> Result<IssuerView, ReadError> {
        self.one(|scene| others::issuer(scene, name))
    }

    async fn issuer_form(&self, name: Option<&str>) -> Result<IssuerFormView, ReadError> {
        self.answer(|scene| forms::issuer(scene, name))
    }

    async fn consumers(&self, _: CatalogQuery) -> Result<ConsumersView, ReadError> {
        self.answer(others::consumers)
    }

    async fn consumer(&self, name: &str) -> Result<ConsumerView, ReadError> {
        self.one(|scene| others::consumer(scene, name))
    }

    async fn consumer_form(&self, name: Option<&str>) -> Result<ConsumerFormView, ReadError> {
        self.answer(|scene| forms::consumer(scene, name))
    }

    async fn expiries(&self, query: ExpiriesQuery) -> Result<ExpiriesView, ReadError> {
        self.answer(|scene| others::expiries(scene, query))
    }

    async fn needs_person(&self, _: Option<&str>) -> Result<NeedsPersonView, ReadError> {
        self.answer(|scene| NeedsPersonView {
            listing: others::listing(others::needs(scene, scene.of(3, 100)), scene.of(3, 1_204)),
        })
    }

    async fn keys(&self, _: KeysQuery) -> Result<KeysView, ReadError> {
        self.answer(keys::list)
    }

    async fn key(&self, name: &str) -> Result<KeyView, ReadError> {
        self.one(|scene| keys::one(scene, name))
    }

    async fn key_form(&self, name: Option<&str>) -> Result<KeyFormView, ReadError> {
        self.answer(|scene| keys::form(scene, name))
    }

    async fn reencryptions(&self, _: Option<&str>) -> Result<ReencryptionsView, ReadError> {
        self.answer(reencryption::list)
    }

    async fn reencryption(&self, id: &str) -> Result<JobView, ReadError> {
        self.one(|scene| reencryption::one(scene, id))
    }

    async fn target(&self, name: &str) -> Result<TargetView, ReadError> {
        self.one(|scene| reencryption::to_remove(scene, name))
    }

    async fn target_form(&self, name: Option<&str>) -> Result<TargetFormView, ReadError> {
        self.answer(|scene| reencryption::form(scene, name))
    }

    async fn recovery(&self) -> Result<RecoveryView, ReadError> {
        self.answer(reencryption::recovery)
    }

    async fn root(&self) -> Result<RootView, ReadError> {
        self.answer(reencryption::root)
    }

    async fn audit(&self, _: AuditQuery) -> Result<AuditView, ReadError> {
        self.answer(others::audit)
    }

    async fn settings(&self) -> Result<SettingsView, ReadError> {
        self.answer(others::settings)
    }
}

pub(crate) fn freeze() -> Freeze {
    Freeze {
        id: "01".into(),
        environment: Some("production".into()),
        reason: "Checkout is degraded, incident 4711".into(),
        who: "grace".into(),
        since: ago(Duration::hours(2)),
        until: Some(now() + Duration::hours(6)),
        waiting: 4,
    }
}
