//! Forms of the consumers' pages.

use std::sync::Arc;

use api::Secret;
use app::form::{OnceKind, ShownOnce};
use app::forms::{ConsumerForm, ConsumerTokenForm, SubjectForm};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use engine::Refusal;
use engine::access::TokenOwner;
use engine::id::TokenId;

use super::issuers::unknown;
use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;
use crate::http::v1::consumers::{changes, parsed};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/consumers/new", post(create))
        .route("/consumers/{name}/edit", post(edit))
        .route("/consumers/{name}", post(act))
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
        ConsumerTokenForm::ACTION => try_add_token(&visitor, &name, sent).await,
        _ => try_act(&visitor, &name, sent).await,
    };
    visitor.reply(outcome).await
}

async fn try_create(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<ConsumerForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let made = visitor
        .services()
        .create_consumer(&visitor.actor, parsed(request))
        .await;
    let made = made.map_err(|refusal| Refused::by::<ConsumerForm>(refusal, values))?;
    Ok(Done::Once(ShownOnce {
        name: made.consumer.name.to_string(),
        what: OnceKind::ConsumerToken,
        secret: Arc::new(Secret::new(made.token.secret.expose_text())),
    }))
}

async fn try_edit(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<ConsumerForm>()?;
    let request = form
        .to_update()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    let revision = form.revision.parse().ok();
    let changed = services
        .update_consumer(&visitor.actor, &name, changes(request), revision)
        .await;
    let consumer = changed.map_err(|refusal| Refused::by::<ConsumerForm>(refusal, values))?;
    Done::see(format!("/consumers/{}", consumer.name))
}

async fn try_add_token(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<ConsumerTokenForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let lifetime = request.expires_after.map(Into::into);
    let services = visitor.services();
    let issued = services.add_consumer_token(&visitor.actor, &name, lifetime).await;
    let issued = issued.map_err(|refusal| Refused::by::<ConsumerTokenForm>(refusal, values))?;
    Ok(Done::Once(ShownOnce {
        name: name.to_string(),
        what: OnceKind::ConsumerToken,
        secret: Arc::new(Secret::new(issued.secret.expose_text())),
    }))
}

async fn try_act(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<SubjectForm>()?;
    let services = visitor.services();
    let refused = |refusal: Refusal| Refused::by::<SubjectForm>(refusal, values.clone());
    match form.action.as_str() {
        SubjectForm::REVOKE_TOKEN => {
            // Of this consumer only: another's tokens are taken back on its own page.
            let tokens = services.consumer_tokens(&visitor.actor).await.map_err(refused)?;
            let id = TokenId::parse(&form.id).ok().filter(|id| {
                let own =
                    |owner: &TokenOwner| matches!(owner, TokenOwner::Consumer { name: of } if *of == name);
                tokens.iter().any(|token| token.id == *id && own(&token.owner))
            });
            let id = id.ok_or_else(|| refused(Refusal::not_found("token", form.id.clone())))?;
            services
                .revoke_token(&visitor.actor, &id)
                .await
                .map_err(refused)?;
            Done::see(format!("/consumers/{name}"))
        }
        SubjectForm::DELETE => {
            services
                .delete_consumer(&visitor.actor, &name, None)
                .await
                .map_err(refused)?;
            Done::see("/consumers")
        }
        _ => Err(unknown(values)),
    }
}
