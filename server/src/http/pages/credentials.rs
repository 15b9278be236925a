//! Forms of the credentials' pages.

use app::forms::{CredentialForm, DeleteForm, HoldForm, RotationForm, Values};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use engine::rotation::{NewRotation, Trigger};

use super::issuers::unknown;
use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;
use crate::http::v1::credentials::{changes, create_and_begin, parsed};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/credentials/new", post(create))
        .route("/credentials/{name}/edit", post(edit))
        .route("/credentials/{name}/rotate", post(rotate))
        .route("/credentials/{name}/delete", post(delete))
        .route("/credentials/{name}", post(act))
}

async fn create(visitor: Visitor, sent: Sent) -> Response {
    let outcome = try_create(&visitor, sent).await;
    visitor.reply(outcome).await
}

async fn edit(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_edit(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn rotate(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_rotate(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn delete(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_delete(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn act(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = match sent.action() {
        RotationForm::ACTION => try_rotate(&visitor, &name, sent).await,
        HoldForm::ACTION | HoldForm::RESUME => try_hold(&visitor, &name, sent).await,
        _ => Err(unknown(Values::new())),
    };
    visitor.reply(outcome).await
}

async fn try_create(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<CredentialForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let made = create_and_begin(&visitor.state, &visitor.actor, parsed(request)).await;
    let credential = made.map_err(|refusal| Refused::by::<CredentialForm>(refusal, values))?;
    Done::see(format!("/credentials/{}", credential.name))
}

async fn try_edit(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<CredentialForm>()?;
    let request = form
        .to_update()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    let revision = form.revision.parse().ok();
    let changed = services
        .update_credential(&visitor.actor, &name, changes(request), revision)
        .await;
    changed.map_err(|refusal| Refused::by::<CredentialForm>(refusal, values))?;
    Done::see(format!("/credentials/{name}"))
}

async fn try_rotate(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<RotationForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let new = NewRotation {
        credential: name,
        reason: request.reason,
        emergency: request.emergency,
        trigger: Trigger::Person,
    };
    let started = visitor.services().start_rotation(&visitor.actor, new).await;
    let rotation = started.map_err(|refusal| Refused::by::<RotationForm>(refusal, values))?;
    Done::see(format!("/rotations/{}", rotation.id))
}

async fn try_hold(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<HoldForm>()?;
    let reason = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    let done = if form.action == HoldForm::RESUME {
        services
            .resume_schedule(&visitor.actor, &name, Some(&reason))
            .await
    } else {
        services.hold_schedule(&visitor.actor, &name, &reason).await
    };
    done.map_err(|refusal| Refused::by::<HoldForm>(refusal, values))?;
    Done::see(format!("/credentials/{name}"))
}

async fn try_delete(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<DeleteForm>()?;
    let reason = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    services
        .delete_credential(&visitor.actor, &name, None, Some(&reason))
        .await
        .map_err(|refusal| Refused::by::<DeleteForm>(refusal, values))?;
    Done::see("/credentials")
}
