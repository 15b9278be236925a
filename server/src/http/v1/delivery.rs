//! What an instance of a consumer is handed.

use std::collections::BTreeMap;
use std::time::Duration;

use api::delivery::{
    Ack, AckStatus, Delivered as WireDelivered, DeliveredValue, Delivery as WireDelivery, Values,
};
use api::{Secret, delivery::INSTANCE_HEADER};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Name;
use engine::access::Actor;
use engine::catalog::VersionNumber;
use engine::change::Topic;
use engine::delivery::{AckStatus as EngineAck, Delivered, Delivery};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, NamePath, Query};
use crate::http::problem::{ApiError, ApiResult};

/// A client that does not wait should ask again after this.
const REFRESH_AFTER_SECONDS: u64 = 30;
/// Nobody waits longer: proxies cut silent connections.
const LONGEST_WAIT_SECONDS: u64 = 60;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(fetch))
        .routes(routes!(acknowledge))
}

/// The `X-Rota-Instance` header; what it may hold is checked by the service.
#[derive(Debug)]
pub struct Instance(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Instance {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let value = parts
            .headers
            .get(INSTANCE_HEADER)
            .and_then(|value| value.to_str().ok());
        value.map(|value| Self(value.to_owned())).ok_or_else(|| {
            ApiError::malformed(
                "send X-Rota-Instance with a name for this running copy, such as its host name",
            )
        })
    }
}

/// How long to wait for a change.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WaitQuery {
    /// With If-None-Match: seconds to wait for something else, at most 60
    #[serde(default)]
    wait: u64,
}

/// Hands the values to this instance; with If-None-Match and wait, as soon as they change
#[utoipa::path(get, path = "/api/v1/delivery/{credential}", tag = "delivery",
    params(("credential" = String, Path), WaitQuery, ("X-Rota-Instance" = String, Header),
           ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = WireDelivery), (status = 304)), security(("bearer" = ["consumer"])))]
async fn fetch(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Instance(instance): Instance,
    NamePath(credential): NamePath,
    Query(query): Query<WaitQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    actor.consumer()?;
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let wait = Duration::from_secs(query.wait.min(LONGEST_WAIT_SECONDS));
    let asked = Asked {
        actor: &actor,
        instance: &instance,
        credential: &credential,
        known,
    };
    Ok(match asked.deliver(&state, wait).await? {
        Delivered::Unchanged { etag } => with_etag(StatusCode::NOT_MODIFIED.into_response(), &etag),
        Delivered::Values(delivery) => {
            let etag = delivery.etag.clone();
            with_etag(Json(on_the_wire(&delivery)).into_response(), &etag)
        }
    })
}

/// Says that this instance loaded a version, or could not
#[utoipa::path(post, path = "/api/v1/delivery/{credential}/acks", tag = "delivery", request_body = Ack,
    params(("credential" = String, Path), ("X-Rota-Instance" = String, Header)),
    responses((status = 204)), security(("bearer" = ["consumer"])))]
async fn acknowledge(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Instance(instance): Instance,
    NamePath(credential): NamePath,
    Json(body): Json<Ack>,
) -> ApiResult<StatusCode> {
    actor.consumer()?;
    let status = match body.status {
        AckStatus::Loaded => EngineAck::Loaded,
        AckStatus::Failed => EngineAck::Failed {
            error: body.error.unwrap_or_default(),
        },
    };
    let version = VersionNumber(body.version);
    state
        .services
        .acknowledge(&actor, &credential, &instance, version, status)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

struct Asked<'a> {
    actor: &'a Actor,
    instance: &'a str,
    credential: &'a Name,
    known: Option<&'a str>,
}

impl Asked<'_> {
    /// Asks, and asks again after each change, until there is something else to hand out or the time is over. A client
    /// that goes away drops this future, and nothing is left behind.
    async fn deliver(&self, state: &AppState, wait: Duration) -> ApiResult<Delivered> {
        let deadline = tokio::time::Instant::now() + wait;
        let live = state
            .services
            .live
            .credential(state.services.store.as_ref(), self.credential)
            .await?;
        // Subscribed before the first look, so that no change falls in between.
        let mut changes = live.map(|live| {
            state
                .announcements
                .subscribe(Topic::Credential(live.credential.id.clone()))
        });
        loop {
            let delivered = state
                .services
                .deliver(self.actor, self.credential, self.instance, self.known)
                .await?;
            let (Delivered::Unchanged { .. }, Some(changes)) = (&delivered, &mut changes) else {
                return Ok(delivered);
            };
            if self.known.is_none() || wait.is_zero() {
                return Ok(delivered);
            }
            tokio::select! {
                () = changes.changed() => {}
                () = tokio::time::sleep_until(deadline) => return Ok(delivered),
                () = state.shutdown.cancelled() => return Ok(delivered),
            }
        }
    }
}

fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

fn on_the_wire(delivery: &Delivery) -> WireDelivery {
    let endpoint = &delivery.endpoint;
    WireDelivery {
        version: delivery.version.0,
        values: values(&delivery.values, endpoint),
        previous: delivery
            .previous
            .as_ref()
            .map(|(version, previous)| WireDelivered {
                version: version.0,
                values: values(previous, endpoint),
            }),
        refresh_after_seconds: REFRESH_AFTER_SECONDS,
    }
}

/// The named edge where secrets leave: copied once, into a type that is wiped when the reply was written.
fn values(secrets: &engine::ports::Values, endpoint: &BTreeMap<String, String>) -> Values {
    let plain = endpoint.iter().map(|(name, value)| {
        let number = (name == "port").then(|| value.parse::<i64>().ok()).flatten();
        let value = number.map_or_else(|| Secret::new(value.as_str()).into(), DeliveredValue::from);
        (name.clone(), value)
    });
    let secret = secrets
        .iter()
        .map(|(name, value)| (name.to_owned(), Secret::new(value.expose_text()).into()));
    plain.chain(secret).collect()
}
