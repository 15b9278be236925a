//! Delivery, acknowledgements and signals: what an instance of a consumer does.

use std::time::Duration;

use reqwest::{Method, StatusCode, header};

use super::{Client, ClientError, transport::segment};
use crate::{
    Ack, Delivery, SignalBatch,
    delivery::{INSTANCE_HEADER, LONGEST_WAIT_SECONDS},
    signal::SignalsAccepted,
};

/// What delivery answered.
#[derive(Debug)]
pub enum DeliveryReply {
    /// What this instance is served now.
    Fresh { entity_tag: String, delivery: Delivery },
    /// Still what the entity tag stands for.
    NotModified,
}

impl Client {
    /// Fetches what `instance` is served.
    ///
    /// # Errors
    /// As [`ClientError`] says; 404 `no_version_yet` and 403 `not_bound` among them.
    pub async fn fetch_delivery(
        &self,
        credential: &str,
        instance: &str,
    ) -> Result<DeliveryReply, ClientError> {
        self.delivery(credential, instance, None).await
    }

    /// Waits at most `wait` (30 seconds are the longest) until what `instance` is served differs from `entity_tag`.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn await_delivery(
        &self,
        credential: &str,
        instance: &str,
        entity_tag: &str,
        wait: Duration,
    ) -> Result<DeliveryReply, ClientError> {
        self.delivery(credential, instance, Some((entity_tag, wait)))
            .await
    }

    async fn delivery(
        &self,
        credential: &str,
        instance: &str,
        known: Option<(&str, Duration)>,
    ) -> Result<DeliveryReply, ClientError> {
        let path = format!("/api/v1/delivery/{}", segment(credential));
        let mut request = self.request(Method::GET, &path).header(INSTANCE_HEADER, instance);
        if let Some((entity_tag, wait)) = known {
            let wait_seconds = wait.as_secs().min(LONGEST_WAIT_SECONDS);
            request = request
                .header(header::IF_NONE_MATCH, entity_tag)
                .query(&[("wait", wait_seconds)])
                .timeout(self.request_timeout + Duration::from_secs(wait_seconds));
        }
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(DeliveryReply::NotModified);
        }
        let entity_tag = response
            .headers()
            .get(header::ETAG)
            .and_then(|tag| tag.to_str().ok())
            .ok_or_else(|| self.unexpected(response.status(), "a delivery without an ETag"))?
            .to_owned();
        Ok(DeliveryReply::Fresh {
            entity_tag,
            delivery: self.read(response).await?,
        })
    }

    /// Says what became of a delivered version. Repeating it changes nothing.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn acknowledge(&self, credential: &str, instance: &str, ack: &Ack) -> Result<(), ClientError> {
        let path = format!("/api/v1/delivery/{}/acks", segment(credential));
        self.nothing(
            self.request(Method::POST, &path)
                .header(INSTANCE_HEADER, instance)
                .json(ack),
        )
        .await
    }

    /// Reports outcomes. Not idempotent: a repeat counts again.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn send_signals(
        &self,
        instance: &str,
        batch: &SignalBatch,
    ) -> Result<SignalsAccepted, ClientError> {
        let request = self
            .request(Method::POST, "/api/v1/signals")
            .header(INSTANCE_HEADER, instance)
            .json(batch);
        let response = self.send(request).await?;
        // A server may answer 202 or 204 without a body.
        match response.content_length() {
            Some(0) => Ok(SignalsAccepted::default()),
            _ if response.status() == StatusCode::NO_CONTENT => Ok(SignalsAccepted::default()),
            _ => self.read(response).await,
        }
    }
}
