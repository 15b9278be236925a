//! The form of recovery: rehearse now.

use app::forms::RehearseForm;
use axum::Router;
use axum::response::Response;
use axum::routing::post;

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;
use crate::workers::rehearsal;

const PAGE: &str = "/recovery";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PAGE, post(act))
}

async fn act(visitor: Visitor, sent: Sent) -> Response {
    let outcome = try_rehearse(&visitor, sent).await;
    visitor.reply(outcome).await
}

async fn try_rehearse(visitor: &Visitor, sent: Sent) -> Outcome {
    if sent.action() != RehearseForm::ACTION {
        return Err(super::issuers::unknown(app::forms::Values::new()));
    }
    let (form, values) = sent.read::<RehearseForm>()?;
    let reason = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let begun = visitor
        .services()
        .start_rehearsal(&visitor.actor, &reason)
        .await
        .map_err(|refusal| Refused::by::<RehearseForm>(refusal, values))?;
    visitor
        .state
        .tasks
        .spawn(rehearsal::carry_out(visitor.state.clone(), begun));
    Done::see(PAGE)
}
