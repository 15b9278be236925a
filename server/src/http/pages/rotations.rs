//! Commands on a rotation's page.

use app::forms::CommandForm;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use engine::id::RotationId;

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;
use crate::http::v1::rotations::command_of;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/rotations/{id}", post(command))
}

async fn command(visitor: Visitor, Path(id): Path<String>, sent: Sent) -> Response {
    let outcome = try_command(&visitor, &id, sent).await;
    visitor.reply(outcome).await
}

async fn try_command(visitor: &Visitor, id: &str, sent: Sent) -> Outcome {
    let id = RotationId::parse(id).map_err(|_| Refused::missing())?;
    let (form, values) = sent.read::<CommandForm>()?;
    let (command, request) = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let refused = |refusal| Refused::by::<CommandForm>(refusal, values.clone());
    let command = command_of(command, request.outcome.as_deref()).map_err(refused)?;
    let services = visitor.services();
    services
        .command_rotation(&visitor.actor, &id, command, &request.reason)
        .await
        .map_err(refused)?;
    Done::see(format!("/rotations/{id}"))
}
