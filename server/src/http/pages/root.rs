//! Forms of the root of trust: unsealing and sealing.

use app::forms::{SealForm, UnsealForm};
use axum::Router;
use axum::response::Response;
use axum::routing::post;
use engine::Refusal;
use engine::seal::Key;
use keyring::SecretText;

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;

const PAGE: &str = "/root";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PAGE, post(act))
}

async fn act(visitor: Visitor, sent: Sent) -> Response {
    let outcome = match sent.action() {
        UnsealForm::ACTION => try_unseal(&visitor, sent).await,
        _ => try_seal(&visitor, sent).await,
    };
    visitor.reply(outcome).await
}

async fn try_unseal(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<UnsealForm>()?;
    let refused = |refusal: Refusal| Refused::by::<UnsealForm>(refusal, values.clone());
    let services = visitor.services();
    let key = match form.into_secret() {
        None => Key::Configured,
        Some(secret) => {
            let secret = SecretText::new(secret.expose_secret().to_owned());
            let status = services.root_status(&visitor.actor).await.map_err(refused)?;
            if status.gathering.is_some() {
                Key::Share(secret)
            } else {
                Key::Passphrase(secret)
            }
        }
    };
    services.unseal(&visitor.actor, key).await.map_err(refused)?;
    Done::see(PAGE)
}

async fn try_seal(visitor: &Visitor, sent: Sent) -> Outcome {
    if sent.action() != SealForm::ACTION {
        return Err(super::issuers::unknown(app::forms::Values::new()));
    }
    let (form, values) = sent.read::<SealForm>()?;
    let reason = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    services
        .seal(&visitor.actor, &reason)
        .await
        .map_err(|refusal| Refused::by::<SealForm>(refusal, values))?;
    Done::see(PAGE)
}
