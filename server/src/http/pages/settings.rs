//! Forms of the settings: people, programs' tokens, freezes, the wrapping key, one's own password.

use std::sync::Arc;

use api::Secret;
use app::form::{OnceKind, ShownOnce};
use app::forms::{AccountForm, AccountUpdateForm, Form, FreezeForm, PasswordForm, SubjectForm, TokenForm};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use engine::id::{FreezeId, TokenId};
use engine::seal::Hierarchy;
use engine::{Name, Refusal};
use keyring::SecretText;
use tower_sessions::Session;
use url::Url;

use super::canvas::ENVIRONMENT_COOKIE;
use super::issuers::unknown;
use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::auth::{session, sign_in};
use crate::http::AppState;
use crate::http::v1::{accounts, freezes, tokens};

const PAGE: &str = "/settings";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route(PAGE, post(act))
        .route("/settings/environment", post(choose_environment))
}

async fn act(visitor: Visitor, session: Session, sent: Sent) -> Response {
    let outcome = match sent.action() {
        AccountForm::ACTION => try_add_account(&visitor, sent).await,
        AccountUpdateForm::ACTION => try_change_account(&visitor, sent).await,
        PasswordForm::ACTION => try_change_password(&visitor, &session, sent).await,
        TokenForm::ACTION => try_add_token(&visitor, sent).await,
        FreezeForm::ACTION => try_freeze(&visitor, sent).await,
        SubjectForm::ROTATE_WRAPPING_KEY => try_rotate_wrapping_key(&visitor, sent).await,
        _ => try_act(&visitor, sent).await,
    };
    visitor.reply(outcome).await
}

async fn try_add_account(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<AccountForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let _permit = visitor.state.password_checks.acquire().await;
    let made = visitor
        .services()
        .create_account(&visitor.actor, accounts::parsed(request))
        .await;
    made.map_err(|refusal| Refused::by::<AccountForm>(refusal, values))?;
    Done::see(PAGE)
}

async fn try_change_account(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<AccountUpdateForm>()?;
    let refused = |refusal: Refusal| Refused::by::<AccountUpdateForm>(refusal, values.clone());
    let name = account_name(&form.id).map_err(refused)?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let _permit = visitor.state.password_checks.acquire().await;
    let services = visitor.services();
    services
        .update_account(&visitor.actor, &name, accounts::changes(request), None)
        .await
        .map_err(refused)?;
    Done::see(PAGE)
}

/// Every other session of the person ends; this one goes on under a fresh id.
async fn try_change_password(visitor: &Visitor, session: &Session, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<PasswordForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let text = |secret: &Secret| SecretText::new(secret.expose_secret().to_owned());
    let (present, new) = (request.present.as_ref().map(text), text(&request.new));
    let permit = visitor.state.password_checks.acquire().await;
    let services = visitor.services();
    let changed = services
        .change_password(&visitor.actor, present.as_ref(), &new)
        .await;
    drop(permit);
    let account = changed.map_err(|refusal| Refused::by::<PasswordForm>(refusal, values))?;
    let clock = services.clock.as_ref();
    if let Err(error) = session::begin(session, account.id, account.session_epoch, clock).await {
        // The password is changed all the same; the person signs in again.
        tracing::warn!(error.cause = ?error, "the session did not outlive the change of its password");
        return Done::see("/sign-in");
    }
    Done::see(PAGE)
}

async fn try_add_token(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<TokenForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let name = request.name.clone();
    let issued = visitor
        .services()
        .create_token(&visitor.actor, tokens::parsed(request))
        .await;
    let issued = issued.map_err(|refusal| Refused::by::<TokenForm>(refusal, values))?;
    Ok(Done::Once(ShownOnce {
        name,
        what: OnceKind::ProgramToken,
        secret: Arc::new(Secret::new(issued.secret.expose_text())),
    }))
}

async fn try_freeze(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<FreezeForm>()?;
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let made = visitor
        .services()
        .create_freeze(&visitor.actor, freezes::parsed(request))
        .await;
    made.map_err(|refusal| Refused::by::<FreezeForm>(refusal, values))?;
    Done::see(PAGE)
}

async fn try_rotate_wrapping_key(visitor: &Visitor, sent: Sent) -> Outcome {
    let typed = sent
        .0
        .get("reason")
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let reason = typed.unwrap_or("asked for on the settings page").to_owned();
    let (_, values) = sent.read::<SubjectForm>()?;
    let services = visitor.services();
    for hierarchy in Hierarchy::ALL {
        let rotated = services
            .rotate_wrapping_key(&visitor.actor, hierarchy, &reason)
            .await;
        rotated.map_err(|refusal| Refused::by::<SubjectForm>(refusal, values.clone()))?;
    }
    Done::see(PAGE)
}

async fn try_act(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<SubjectForm>()?;
    let (services, actor) = (visitor.services(), &visitor.actor);
    let refused = |refusal: Refusal| Refused::by::<SubjectForm>(refusal, values.clone());
    match form.action.as_str() {
        SubjectForm::REVOKE_TOKEN => {
            let id = TokenId::parse(&form.id)
                .map_err(|_| refused(Refusal::not_found("token", form.id.clone())))?;
            services.revoke_token(actor, &id).await.map_err(refused)?;
            Done::see(PAGE)
        }
        SubjectForm::LIFT_FREEZE => {
            let id = FreezeId::parse(&form.id)
                .map_err(|_| refused(Refusal::not_found("freeze", form.id.clone())))?;
            services.end_freeze(actor, &id).await.map_err(refused)?;
            Done::see(PAGE)
        }
        SubjectForm::END_SESSIONS => {
            let name = account_name(&form.id).map_err(refused)?;
            services.end_sessions(actor, &name).await.map_err(refused)?;
            Done::see(PAGE)
        }
        SubjectForm::SIGN_IN_LINK => {
            let name = account_name(&form.id).map_err(refused)?;
            let link = sign_in_link(visitor, &name).await.map_err(refused)?;
            Ok(Done::Once(ShownOnce {
                name: name.to_string(),
                what: OnceKind::SignInLink,
                secret: Arc::new(Secret::new(link.expose_text())),
            }))
        }
        _ => Err(unknown(form.values())),
    }
}

/// Made in the name of whoever asks, so that the audit names them.
async fn sign_in_link(visitor: &Visitor, name: &Name) -> Result<SecretText, Refusal> {
    let Some(public_url) = visitor.state.public_url.get() else {
        return Err(Refusal::Unavailable("the server is still starting".to_owned()));
    };
    let token = visitor
        .services()
        .create_sign_in_link(&visitor.actor, Some(name))
        .await?;
    Ok(sign_in::link_url(public_url, &token))
}

fn account_name(text: &str) -> Result<Name, Refusal> {
    Name::parse(text).map_err(|_| Refusal::not_found("account", text))
}

/// Remembers the environment in a cookie and leads back to where the choice was made.
async fn choose_environment(visitor: Visitor, headers: HeaderMap, sent: Sent) -> Response {
    let typed = sent.0.get("environment").unwrap_or_default();
    // The cookie holds a name or nothing, so that it cannot hold anything else.
    let chosen = engine::catalog::Environment::parse(typed).map_or(String::new(), |name| name.to_string());
    let age = if chosen.is_empty() { 0 } else { 365 * 24 * 3_600 };
    let secure = if visitor.state.is_https() { "; Secure" } else { "" };
    let cookie =
        format!("{ENVIRONMENT_COOKIE}={chosen}; Path=/; Max-Age={age}; SameSite=Lax; HttpOnly{secure}");
    let mut response = Redirect::to(&came_from(&headers)).into_response();
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// The page of ours that the form stood on; the origin was checked before, and only path and query are taken.
fn came_from(headers: &HeaderMap) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let page = referer.and_then(|text| Url::parse(text).ok()).map(|url| {
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        format!("{}{query}", url.path())
    });
    sign_in::local_target(page.as_deref()).to_owned()
}
