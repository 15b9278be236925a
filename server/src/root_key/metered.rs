//! Measures what a root of trust is asked, and bounds how long it may take.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{RootError, RootOfTrust, WrapPlace};
use keyring::KeyMaterial;
use tokio::time::{Instant, timeout};

use crate::telemetry::Metrics;

/// A root that needs longer is away.
const LONGEST: Duration = Duration::from_secs(5);

pub(super) struct Metered {
    root: Arc<dyn RootOfTrust>,
    metrics: Arc<Metrics>,
}

impl Metered {
    pub(super) fn over(root: Arc<dyn RootOfTrust>, metrics: Arc<Metrics>) -> Arc<dyn RootOfTrust> {
        Arc::new(Self { root, metrics })
    }

    async fn measured<T>(
        &self,
        operation: &'static str,
        asked: impl Future<Output = Result<T, RootError>> + Send,
    ) -> Result<T, RootError> {
        let started = Instant::now();
        let answered = timeout(LONGEST, asked).await;
        let answered = answered.unwrap_or_else(|_| {
            Err(RootError::Away(format!(
                "no answer within {} s",
                LONGEST.as_secs()
            )))
        });
        let outcome = match &answered {
            Ok(_) => "ok",
            Err(RootError::Away(_)) => "away",
            Err(_) => "refused",
        };
        self.metrics
            .root_asked(self.root.kind(), operation, outcome, started.elapsed());
        answered
    }
}

#[async_trait]
impl RootOfTrust for Metered {
    fn kind(&self) -> &'static str {
        self.root.kind()
    }

    fn is_remote(&self) -> bool {
        self.root.is_remote()
    }

    async fn wrap(&self, place: WrapPlace<'_>, material: &KeyMaterial) -> Result<Vec<u8>, RootError> {
        self.measured("wrap", self.root.wrap(place, material)).await
    }

    async fn unwrap(&self, place: WrapPlace<'_>, wrapped: &[u8]) -> Result<KeyMaterial, RootError> {
        self.measured("unwrap", self.root.unwrap(place, wrapped)).await
    }

    async fn check(&self) -> Result<(), RootError> {
        self.measured("check", self.root.check()).await
    }
}
