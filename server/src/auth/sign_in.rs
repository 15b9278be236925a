//! Signing in and out, for the pages and for the command line.

use std::sync::Arc;

use engine::access::{Account, Actor, SignInError};
use engine::{Name, Refusal, Services};
use keyring::SecretText;
use tower_sessions::Session;
use url::Url;

use super::Identity;
use super::session;
use crate::http::AppState;
use crate::http::problem::{ApiError, ApiResult};

/// Why a person was not signed in.
#[derive(Debug)]
pub enum NotSignedIn {
    /// The name, the password or the link is not right, or it is too early: in a page's words.
    Refused(SignInError),
    /// Something of ours is away.
    Failed(ApiError),
}

/// A URL that signs one person in once. It is a secret until it is used.
///
/// # Errors
/// No such account, or the database is away.
pub async fn make_link(
    services: &Services,
    account: Option<&str>,
    public_url: &Url,
) -> Result<SecretText, Refusal> {
    let account = account.map(Name::parse).transpose();
    let account = account.map_err(|invalid| Refusal::rule("/account", invalid.to_string()))?;
    // Whoever may run this may read the database and its root key, so there is nothing left to protect from them.
    let actor = Actor::system("command-line");
    let token = services.create_sign_in_link(&actor, account.as_ref()).await?;
    Ok(link_url(public_url, &token))
}

/// The address of a link's button.
pub fn link_url(public_url: &Url, token: &SecretText) -> SecretText {
    let base = public_url.as_str().trim_end_matches('/');
    SecretText::new(format!("{base}/sign-in/link?token={}", token.expose_text()))
}

/// Checks a name and a password and begins a session.
///
/// # Errors
/// [`NotSignedIn`].
pub async fn by_password(
    state: &AppState,
    session: &Session,
    identity: &Identity,
    name: String,
    password: SecretText,
) -> Result<Account, NotSignedIn> {
    let permit = state.password_checks.acquire().await;
    let permit = permit.map_err(|error| NotSignedIn::Failed(ApiError::internal(&error)))?;
    let services = Arc::new(state.services.clone());
    let source = identity.address.to_string();
    let correlation = identity.actor.correlation.clone();
    // Argon2 takes a core for some time: on a thread of its own, so that deliveries are not held up.
    let runtime = tokio::runtime::Handle::current();
    let checked = tokio::task::spawn_blocking(move || {
        runtime.block_on(services.sign_in(&name, &password, &source, correlation.as_deref()))
    });
    let account = match checked.await {
        Ok(checked) => checked.map_err(NotSignedIn::Refused)?,
        Err(panicked) => return Err(NotSignedIn::Failed(ApiError::internal(&panicked))),
    };
    drop(permit);
    begin(state, session, &account)
        .await
        .map_err(NotSignedIn::Failed)?;
    Ok(account)
}

/// Uses a link up and begins a session.
///
/// # Errors
/// When the link is unknown, used or run out, or the database is away.
pub async fn by_link(
    state: &AppState,
    session: &Session,
    identity: &Identity,
    token: &SecretText,
) -> Result<Account, NotSignedIn> {
    let source = identity.address.to_string();
    let correlation = identity.actor.correlation.as_deref();
    let used = state
        .services
        .use_sign_in_link(token.expose_text(), &source, correlation)
        .await;
    let account = used.map_err(|refusal| NotSignedIn::Refused(SignInError::Refused(refusal)))?;
    begin(state, session, &account)
        .await
        .map_err(NotSignedIn::Failed)?;
    Ok(account)
}

async fn begin(state: &AppState, session: &Session, account: &Account) -> ApiResult<()> {
    session::begin(
        session,
        account.id.clone(),
        account.session_epoch,
        state.services.clock.as_ref(),
    )
    .await
}

/// Where to go after signing in: a page of ours, never another site.
pub fn local_target(next: Option<&str>) -> &str {
    next.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.contains('\\')
            && !path.chars().any(char::is_control)
            && !path.starts_with("/sign-in")
    })
    .unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::local_target;

    #[test]
    fn signing_in_never_leads_to_another_site() {
        assert_eq!(local_target(Some("/credentials?q=a")), "/credentials?q=a");
        for refused in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "evil",
            "/sign-in",
            "/a\nb",
            "",
        ] {
            assert_eq!(local_target(Some(refused)), "/", "{refused}");
        }
        assert_eq!(local_target(None), "/");
    }
}
