//! From a request to an actor.

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use engine::Refusal;
use engine::access::{Actor, ActorKind, TokenScope};
use engine::id::AccountId;
use tower_sessions::Session;

use super::client_address::{PeerAddress, client_address};
use super::session;
use crate::http::AppState;
use crate::http::correlation::Correlation;
use crate::http::problem::{ApiError, ApiResult};

/// Who is asking, as far as this request tells. Left in the request's extensions by [`identify`].
#[derive(Clone, Debug)]
pub struct Identity {
    pub actor: Actor,
    /// The account of a person who is signed in.
    pub account: Option<AccountId>,
    /// What the token is limited to.
    pub scope: Option<TokenScope>,
    pub expires_at: Option<engine::Timestamp>,
    /// The client's address, for throttling.
    pub address: std::net::IpAddr,
}

/// An actor that is known and may use the API. Taking it is the first line of every handler.
#[derive(Clone, Debug)]
pub struct Caller(pub Actor);

/// Finds out who is asking, and says so in the request. A token that is given and wrong is refused at once, cookie or not.
///
/// # Errors
/// 401, or the store is away.
pub async fn identify(state: &AppState, request: Request) -> ApiResult<Request> {
    let (mut parts, body) = request.into_parts();
    let identity = identity(state, &parts).await?;
    parts.extensions.insert(identity);
    Ok(Request::from_parts(parts, body))
}

async fn identity(state: &AppState, parts: &Parts) -> ApiResult<Identity> {
    let mut identity = anonymous(state, parts);
    if let Some(token) = bearer_token(&parts.headers)? {
        by_token(state, token, &mut identity).await?;
        return Ok(identity);
    }
    let is_api = parts.uri.path().starts_with("/api/");
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    let has_cookie = parts.headers.contains_key(header::COOKIE);
    if has_cookie
        && (reads || !is_api)
        && let Some(session) = parts.extensions.get::<Session>()
    {
        Box::pin(by_session(state, session, &mut identity)).await?;
    }
    Ok(identity)
}

fn anonymous(state: &AppState, parts: &Parts) -> Identity {
    let unknown = std::net::IpAddr::from([0, 0, 0, 0]);
    let peer = parts
        .extensions
        .get::<PeerAddress>()
        .map_or(unknown, |peer| peer.0.ip());
    let address = client_address(peer, &parts.headers, &state.trusted_proxies);
    let correlation = parts
        .extensions
        .get::<Correlation>()
        .map(|correlation| correlation.0.clone());
    let actor = Actor {
        kind: ActorKind::Anonymous,
        name: "anonymous".to_owned(),
        role: None,
        source: Some(address.to_string()),
        correlation,
    };
    Identity {
        actor,
        account: None,
        scope: None,
        expires_at: None,
        address,
    }
}

fn bearer_token(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(ApiError::malformed("send one Authorization header, not several"));
    }
    let text = value
        .to_str()
        .map_err(|_| ApiError::from(Refusal::Unauthenticated))?;
    let (scheme, token) = text.split_once(' ').ok_or(Refusal::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::Unauthenticated.into());
    }
    Ok(Some(token))
}

async fn by_token(state: &AppState, token: &str, identity: &mut Identity) -> ApiResult<()> {
    // Valid is decided at each request, never by a clean-up that may not have run (R15).
    let source = identity.actor.source.clone();
    let known = state
        .services
        .authenticate_token(token, source.as_deref())
        .await?;
    let correlation = identity.actor.correlation.take();
    identity.actor = Actor {
        correlation,
        ..known.actor
    };
    identity.scope = Some(known.scope);
    identity.expires_at = known.expires_at;
    Ok(())
}

async fn by_session(state: &AppState, session: &Session, identity: &mut Identity) -> ApiResult<()> {
    let clock = state.services.clock.as_ref();
    let Some(signed_in) = session::signed_in(session, clock).await? else {
        return Ok(());
    };
    let source = identity.actor.source.clone();
    let (account, epoch) = (&signed_in.account, signed_in.epoch);
    match state
        .services
        .authenticate_session(account, epoch, source.as_deref())
        .await
    {
        Ok(actor) => {
            let correlation = identity.actor.correlation.take();
            identity.actor = Actor { correlation, ..actor };
            identity.account = Some(signed_in.account);
            identity.expires_at = Some(signed_in.at.after(session::ABSOLUTE));
            Ok(())
        }
        // Disabled, or its sessions were ended: this one counts for nobody.
        Err(Refusal::Unauthenticated) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let identity = parts.extensions.get::<Self>().cloned();
        identity.ok_or_else(|| ApiError::internal(&"a route stands outside of `identify`"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let identity = Identity::from_request_parts(parts, state).await?;
        if identity.actor.kind == ActorKind::Anonymous {
            return Err(Refusal::Unauthenticated.into());
        }
        if identity.scope == Some(TokenScope::Metrics) {
            return Err(Refusal::Forbidden("this token is for /metrics only".to_owned()).into());
        }
        Ok(Self(identity.actor))
    }
}
