//! Breaking the sandbox on purpose. The order goes to the sandbox's programs; Rota's engine is told nothing.

use app::forms::SabotageForm;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use engine::access::Role;
use sandbox::Sabotage;

use super::sent::Sent;
use super::visitor::Visitor;
use crate::auth::sign_in;
use crate::http::AppState;
use crate::http::problem::ApiError;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/sandbox/sabotage", post(sabotage))
}

async fn sabotage(visitor: Visitor, sent: Sent) -> Response {
    match try_sabotage(&visitor, sent).await {
        Ok(back) => Redirect::to(&back).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn try_sabotage(visitor: &Visitor, sent: Sent) -> Result<String, ApiError> {
    visitor.actor.require(Role::Operator)?;
    let Ok(form) = sent.0.read::<SabotageForm>() else {
        return Err(ApiError::malformed("send kind and back as a form"));
    };
    let kind = match form.kind.as_str() {
        "none" => Sabotage::None,
        "wrong_key" => Sabotage::WrongKey,
        "lost_permission" => Sabotage::LostPermission,
        "slow_failure" => Sabotage::SlowFailure,
        _ => {
            let detail = "kind is none, wrong_key, lost_permission or slow_failure";
            return Err(engine::Refusal::rule("/kind", detail).into());
        }
    };
    let Some(programs) = visitor.state.sandbox_programs.get() else {
        let detail = "the sandbox's programs are not running; start Rota with ROTA_SANDBOX=1 and wait until they stand";
        return Err(engine::Refusal::Unavailable(detail.to_owned()).into());
    };
    if let Err(error) = programs.sabotage(kind).await {
        tracing::warn!(error.cause = %error, "a program of the sandbox does not take orders");
        let detail = "a program of the sandbox does not answer; the server's log says which";
        return Err(engine::Refusal::Unavailable(detail.to_owned()).into());
    }
    Ok(sign_in::local_target(Some(&form.back)).to_owned())
}
