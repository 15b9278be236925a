//! Rotations and the commands people give them.

use reqwest::{Method, header};

use super::{Client, ClientError, RotationEvents, transport::segment};
use crate::{
    Page, Rotation, RotationCommand, StartRotation,
    rotation::{CommandRequest, RotationQuery},
};

#[expect(clippy::missing_errors_doc, reason = "every method fails as ClientError says")]
impl Client {
    /// Starts a rotation; 409 `rotation_in_progress` names the one that is under way.
    pub async fn start_rotation(
        &self,
        credential: &str,
        start: &StartRotation,
    ) -> Result<Rotation, ClientError> {
        self.post(
            &format!("/api/v1/credentials/{}/rotations", segment(credential)),
            start,
        )
        .await
    }

    pub async fn rotations(&self, query: &RotationQuery) -> Result<Page<Rotation>, ClientError> {
        self.get_with("/api/v1/rotations", query).await
    }

    pub async fn rotation(&self, id: &str) -> Result<Rotation, ClientError> {
        self.get(&format!("/api/v1/rotations/{}", segment(id))).await
    }

    /// Approves, pauses, rolls back and so on; 409 if the state does not allow it.
    pub async fn command_rotation(
        &self,
        id: &str,
        command: RotationCommand,
        request: &CommandRequest,
    ) -> Result<Rotation, ClientError> {
        self.post(&format!("/api/v1/rotations/{}/{command}", segment(id)), request)
            .await
    }

    /// The events of a rotation as they happen.
    pub async fn rotation_events(&self, id: &str) -> Result<RotationEvents, ClientError> {
        let path = format!("/api/v1/rotations/{}/events", segment(id));
        let request = self
            .request(Method::GET, &path)
            .header(header::ACCEPT, "text/event-stream")
            // The stream is open for as long as the rotation runs; the server sends comments to show it lives.
            .timeout(std::time::Duration::from_secs(24 * 60 * 60));
        let response = self.send(request).await?;
        Ok(RotationEvents::new(self.clone(), response))
    }
}
