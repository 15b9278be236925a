//! What consumers say happened when they used a version.

use api::signal::{SignalBatch, SignalClass, SignalsAccepted};
use axum::extract::State;
use engine::catalog::VersionNumber;
use engine::detection::{OutcomeClass, Report};
use engine::{Name, Refusal};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::delivery::Instance;
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::Json;
use crate::http::problem::{ApiError, ApiResult};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report))
}

/// Reports outcomes, good ones too: a rate needs a denominator
#[utoipa::path(post, path = "/api/v1/signals", tag = "delivery", request_body = SignalBatch,
    params(("X-Rota-Instance" = String, Header)),
    responses((status = 200, body = SignalsAccepted)), security(("bearer" = ["consumer"])))]
async fn report(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Instance(instance): Instance,
    Json(body): Json<SignalBatch>,
) -> ApiResult<Json<SignalsAccepted>> {
    actor.consumer()?;
    let reports: Result<Vec<Report>, ApiError> = body
        .signals
        .into_iter()
        .enumerate()
        .map(|(index, signal)| parse(index, &signal))
        .collect();
    let reports = reports?;
    state.services.report(&actor, &instance, &reports).await?;
    let accepted = reports.iter().map(|report| u64::from(report.count)).sum();
    Ok(Json(SignalsAccepted {
        accepted,
        ignored: Vec::new(),
    }))
}

fn parse(index: usize, signal: &api::Signal) -> Result<Report, ApiError> {
    let rule = |field: &str, detail: &str| {
        ApiError::from(Refusal::rule(format!("/signals/{index}/{field}"), detail))
    };
    if signal.class.is_none() && !(100..=599).contains(&signal.status) {
        return Err(rule("status", "must be an HTTP status, 100 to 599"));
    }
    Ok(Report {
        credential: Name::parse(&signal.credential)
            .map_err(|error| rule("credential", &error.to_string()))?,
        version: VersionNumber(signal.version),
        status: signal.status,
        class: signal.class.map(|class| match class {
            SignalClass::Auth => OutcomeClass::Auth,
            SignalClass::Error => OutcomeClass::Error,
            SignalClass::Ok => OutcomeClass::Ok,
        }),
        count: signal.count,
    })
}
