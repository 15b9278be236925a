//! Targets of re-encryption and the jobs over them.

use reqwest::{Method, header};

use super::{Client, ClientError, ReencryptionEvents, transport::segment};
use crate::{
    Page, PageQuery,
    reencryption::{
        CensusHistory, CensusQuery, CreateTarget, Reason, Reencryption, ReencryptionCommand,
        ReencryptionQuery, StartReencryption, Target, TuneReencryption,
    },
};

#[expect(clippy::missing_errors_doc, reason = "every method fails as ClientError says")]
impl Client {
    pub async fn create_target(&self, target: &CreateTarget) -> Result<Target, ClientError> {
        self.post("/api/v1/targets", target).await
    }

    pub async fn targets(&self, page: &PageQuery) -> Result<Page<Target>, ClientError> {
        self.get_with("/api/v1/targets", page).await
    }

    pub async fn target(&self, name: &str) -> Result<Target, ClientError> {
        self.get(&format!("/api/v1/targets/{}", segment(name))).await
    }

    pub async fn census(&self, query: &CensusQuery) -> Result<CensusHistory, ClientError> {
        self.get_with("/api/v1/census", query).await
    }

    pub async fn start_reencryption(&self, start: &StartReencryption) -> Result<Reencryption, ClientError> {
        self.post("/api/v1/reencryptions", start).await
    }

    pub async fn reencryptions(&self, query: &ReencryptionQuery) -> Result<Page<Reencryption>, ClientError> {
        self.get_with("/api/v1/reencryptions", query).await
    }

    pub async fn reencryption(&self, id: &str) -> Result<Reencryption, ClientError> {
        self.get(&format!("/api/v1/reencryptions/{}", segment(id))).await
    }

    pub async fn tune_reencryption(
        &self,
        id: &str,
        tuning: &TuneReencryption,
    ) -> Result<Reencryption, ClientError> {
        let path = format!("/api/v1/reencryptions/{}", segment(id));
        self.json(self.request(Method::PATCH, &path).json(tuning)).await
    }

    /// Pauses, resumes or cancels; 409 `illegal_move` if the state does not allow it.
    pub async fn command_reencryption(
        &self,
        id: &str,
        command: ReencryptionCommand,
        reason: &Reason,
    ) -> Result<Reencryption, ClientError> {
        let word = match command {
            ReencryptionCommand::Pause => "pause",
            ReencryptionCommand::Resume => "resume",
            ReencryptionCommand::Cancel => "cancel",
        };
        self.post(&format!("/api/v1/reencryptions/{}/{word}", segment(id)), reason)
            .await
    }

    /// A job as it goes on.
    pub async fn reencryption_events(&self, id: &str) -> Result<ReencryptionEvents, ClientError> {
        let path = format!("/api/v1/reencryptions/{}/events", segment(id));
        let request = self
            .request(Method::GET, &path)
            .header(header::ACCEPT, "text/event-stream")
            // The stream is open for as long as the job runs; the server sends comments to show it lives.
            .timeout(std::time::Duration::from_secs(24 * 60 * 60));
        let response = self.send(request).await?;
        Ok(ReencryptionEvents::new(self.clone(), response))
    }
}
