//! Forms of the keys' pages.

use app::forms::key::KeyWish;
use app::forms::key_edit::KeyChange;
use app::forms::{ClearAlarmForm, KeyEditForm, KeyForm, KeyMoveForm, RotateKeyForm};
use app::views::key::KeyVerb;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use engine::key::{Destruction, KeyUpdate, NewKey, NewKeyPolicy, VersionMove};
use engine::{Name, Refusal};
use keyring::KeyState;

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/keys/new", post(create))
        .route("/keys/{name}/edit", post(edit))
        .route("/keys/{name}", post(act))
}

async fn create(visitor: Visitor, sent: Sent) -> Response {
    let outcome = try_create(&visitor, sent).await;
    visitor.reply(outcome).await
}

async fn edit(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_edit(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn act(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = match sent.action() {
        RotateKeyForm::ACTION => try_rotate(&visitor, &name, sent).await,
        ClearAlarmForm::ACTION => try_clear_alarm(&visitor, &name, sent).await,
        _ => try_move(&visitor, &name, sent).await,
    };
    visitor.reply(outcome).await
}

async fn try_create(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<KeyForm>()?;
    let wish = form
        .to_wish()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let new = asked_for(wish).map_err(|refusal| Refused::by::<KeyForm>(refusal, values.clone()))?;
    let made = visitor.services().create_key(&visitor.actor, new).await;
    let made = made.map_err(|refusal| Refused::by::<KeyForm>(refusal, values))?;
    Done::see(format!("/keys/{}", made.key.name))
}

/// What the service takes, from what the form brings.
fn asked_for(wish: KeyWish) -> Result<NewKey, Refusal> {
    let algorithm = wish
        .algorithm
        .parse()
        .map_err(|_| Refusal::rule("/algorithm", "choose one of the list"))?;
    let sensitivity = serde_json::from_value(serde_json::Value::String(wish.sensitivity))
        .map_err(|_| Refusal::rule("/sensitivity", "choose one of the list"))?;
    Ok(NewKey {
        name: wish.name,
        algorithm,
        owner_team: wish.owner_team,
        purpose: wish.description,
        environment: wish.environment,
        tags: wish.tags,
        policy: NewKeyPolicy {
            rotate_every: wish.rotate_every.map(|every| Some(every.into())),
            grace: wish.grace.map(Into::into),
            max_uses: wish.max_uses,
            exportable: Some(wish.exportable),
            minimum_decryption_version: None,
            callers: (!wish.callers.is_empty()).then_some(wish.callers),
            sensitivity: Some(sensitivity),
        },
    })
}

async fn try_edit(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<KeyEditForm>()?;
    let change = form
        .to_change()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let revision = form.revision.parse().ok();
    visitor
        .services()
        .update_key(&visitor.actor, &name, changed(change), revision)
        .await
        .map_err(|refusal| Refused::by::<KeyEditForm>(refusal, values))?;
    Done::see(format!("/keys/{name}"))
}

/// What the service takes: everything that the form shows.
fn changed(change: KeyChange) -> KeyUpdate {
    KeyUpdate {
        owner_team: Some(change.owner_team),
        purpose: Some(change.description),
        environment: Some(change.environment),
        tags: Some(change.tags),
        policy: NewKeyPolicy {
            rotate_every: Some(change.rotate_every.map(Into::into)),
            grace: Some(change.grace.into()),
            max_uses: Some(change.max_uses),
            exportable: Some(change.exportable),
            minimum_decryption_version: Some(change.minimum_decryption_version),
            callers: Some(change.callers),
            sensitivity: None,
        },
    }
}

async fn try_rotate(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<RotateKeyForm>()?;
    let (reason, confirm) = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    services
        .rotate_key(&visitor.actor, &name, &reason, confirm)
        .await
        .map_err(|refusal| Refused::by::<RotateKeyForm>(refusal, values))?;
    Done::see(format!("/keys/{name}"))
}

async fn try_clear_alarm(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<ClearAlarmForm>()?;
    let reason = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    visitor
        .services()
        .clear_key_alarm(&visitor.actor, &name, &reason)
        .await
        .map_err(|refusal| Refused::by::<ClearAlarmForm>(refusal, values))?;
    Done::see(format!("/keys/{name}"))
}

async fn try_move(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<KeyMoveForm>()?;
    let Some(verb) = KeyVerb::parse(&form.action) else {
        return Err(super::issuers::unknown(values));
    };
    let (number, reason) = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    carry_out(visitor, &name, number, verb, reason)
        .await
        .map_err(|refusal| Refused::by::<KeyMoveForm>(refusal, values))?;
    Done::see(format!("/keys/{name}#version-{number}"))
}

async fn carry_out(
    visitor: &Visitor,
    name: &Name,
    number: u32,
    verb: KeyVerb,
    reason: String,
) -> Result<(), Refusal> {
    let (services, actor) = (visitor.services(), &visitor.actor);
    let state = match verb {
        KeyVerb::Suspend => KeyState::Suspended,
        KeyVerb::Revoke => KeyState::Revoked,
        KeyVerb::UndoRevocation => KeyState::Deprecated,
        KeyVerb::Resume => {
            // Where another took over meanwhile, it comes back to open and seals no more.
            let view = services.key_view(actor, name).await?;
            if view.active().is_some() {
                KeyState::Deprecated
            } else {
                KeyState::Active
            }
        }
        KeyVerb::ScheduleDestruction => {
            let destruction = Destruction { at: None, reason };
            services
                .plan_destruction(actor, name, number, &destruction)
                .await?;
            return Ok(());
        }
        KeyVerb::ApproveDestruction => {
            services.approve_destruction(actor, name, number, &reason).await?;
            return Ok(());
        }
        KeyVerb::KeepMaterial => {
            services.cancel_destruction(actor, name, number).await?;
            return Ok(());
        }
    };
    let asked = VersionMove { state, reason };
    services.move_key_version(actor, name, number, &asked).await?;
    Ok(())
}
