//! Breaking the sandbox on purpose. The order goes to the sandbox's programs; Rota's engine is told nothing.

use app::forms::{SabotageForm, Values};
use axum::Router;
use axum::response::Response;
use axum::routing::post;
use engine::Refusal;
use engine::access::Role;
use sandbox::Sabotage;

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::auth::sign_in;
use crate::http::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(SabotageForm::ADDRESS, post(sabotage))
}

/// What is refused comes back on the page that it was ordered on.
async fn sabotage(visitor: Visitor, sent: Sent) -> Response {
    let back = sign_in::local_target(sent.0.get("back")).to_owned();
    let outcome = try_sabotage(&visitor, sent, &back).await;
    visitor.before(&back).reply(outcome).await
}

async fn try_sabotage(visitor: &Visitor, sent: Sent, back: &str) -> Outcome {
    let (form, values) = sent.read::<SabotageForm>()?;
    order(visitor, &form.kind)
        .await
        .map_err(|refusal| refused(refusal, values))?;
    Done::see(back)
}

async fn order(visitor: &Visitor, kind: &str) -> Result<(), Refusal> {
    visitor.actor.require(Role::Operator)?;
    let kind = match kind {
        "none" => Sabotage::None,
        "wrong_key" => Sabotage::WrongKey,
        "lost_permission" => Sabotage::LostPermission,
        "slow_failure" => Sabotage::SlowFailure,
        _ => {
            let detail = "the sandbox knows no such failure; load the page again";
            return Err(Refusal::rule("/kind", detail));
        }
    };
    let Some(programs) = visitor.state.sandbox_programs.get() else {
        let detail = "the sandbox's programs are not running; start Rota with ROTA_SANDBOX=1 and wait until they stand";
        return Err(Refusal::Unavailable(detail.to_owned()));
    };
    if let Err(error) = programs.sabotage(kind).await {
        tracing::warn!(error.cause = %error, "a program of the sandbox does not take orders");
        let detail = "a program of the sandbox does not answer; the server's log says which";
        return Err(Refusal::Unavailable(detail.to_owned()));
    }
    Ok(())
}

fn refused(refusal: Refusal, values: Values) -> Refused {
    Refused::by::<SabotageForm>(refusal, values)
}
