//! Who is asking.

use api::Whoami;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Identity};
use crate::http::AppState;
use crate::http::extract::Json;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(whoami))
}

/// Who the token or the session says you are
#[utoipa::path(get, path = "/api/v1/whoami", tag = "access", responses((status = 200, body = Whoami)),
    security(("bearer" = ["consumer"]), ("session" = [])))]
async fn whoami(Caller(actor): Caller, identity: Identity) -> Json<Whoami> {
    Json(Whoami {
        kind: actor.kind.into(),
        name: actor.name,
        role: actor.role.map(Into::into),
        scope: identity.scope.map(Into::into),
        expires_at: identity.expires_at.map(Into::into),
    })
}
